/* A team of threads that runs a step together: each takes its share of every loop. */
#pragma once
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

typedef struct {
    atomic_int arrived, round;
    int size;
} meeting;

static inline void rest(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/* Go on when all have come here. (Programs say so often: it would take long to build inline.) */
static __attribute__((noinline)) void meet(meeting *m) {
    const int size = m->size; /* once all have come, others may begin with another one */
    if (size == 1) return;
    const int round = atomic_load_explicit(&m->round, memory_order_acquire);
    if (atomic_fetch_add_explicit(&m->arrived, 1, memory_order_acq_rel) + 1 == size) {
        atomic_store_explicit(&m->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&m->round, round + 1, memory_order_release);
        return;
    }
    for (int n = 0; n < 4000; n++, rest())
        if (atomic_load_explicit(&m->round, memory_order_acquire) != round) return;
    for (int n = 0; atomic_load_explicit(&m->round, memory_order_acquire) == round; n++)
        if (n < 10) sched_yield(); /* somebody else may need the core to get here */
        else nanosleep(&(struct timespec){0, 20000}, 0);
}

/* The part of `n` that is one's own, in whole pieces of `piece`. */
#define SHARE(n, piece)                                                                       \
    const int64_t pieces = ((n) + (piece) - 1) / (piece);                                     \
    const int64_t from = pieces * me / m->size * (piece);                                     \
    const int64_t end_ = pieces * (me + 1) / m->size * (piece), to = end_ < (n) ? end_ : (n);
