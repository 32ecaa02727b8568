/* The threads that help: they are started once, wait for work a while without sleeping, then sleep.
 *
 * One step at a time has them; another that comes meanwhile runs alone. So does, unless it wants
 * that many threads in any case, a step with which they lose more time than they have saved, as when
 * another program has their cores: for some time, then they are tried again.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include "team.h"

typedef int32_t (*step)(void **p, char *arena, const double *n, int64_t me, meeting *m);

enum { MOST = 64, PATIENCE = 20000 };

/* What the threads save a step, in nanoseconds, counts up to ENOUGH: a core that is away for once is
 * no reason to do without it. When they have lost more, the step runs alone for as long as they lost;
 * for twice as long if they fail again when they are tried, and so on, to CAUTION times. In a try
 * they may lose A_TRY, for those that sleep have to be woken. */
enum { ENOUGH = 30000000, A_TRY = 3000000, CAUTION = 16 };

/* What is known of a step that may run alone. */
typedef struct {
    int64_t trials;          /* how many times it has yet to run alone, to see how long that takes */
    int64_t alone, together; /* the shortest time that it took, in nanoseconds; 0 at first */
    int64_t saved;           /* by running together, of late */
    int64_t until, caution;  /* until when it runs alone; for how many times as long as was lost */
} experience;

typedef struct {
    step run;
    void **p;
    char *arena;
    const double *n;
    int64_t size;
    experience *known; /* 0: it always runs together */
    int64_t times;     /* how many steps this is: a loop knows what one of them takes */
} call;

static pthread_mutex_t taken = PTHREAD_MUTEX_INITIALIZER, lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static atomic_int sleeping, failed;
static atomic_llong job; /* 128 times its number, and how many threads run it: both at one look */
static int helpers;
static struct {
    step run;
    void **p;
    char *arena;
    const double *n;
    meeting m;
    int core;
} now;

#ifdef __linux__
static int this_core(void) {
    return sched_getcpu();
}

/* Go to another core, and be free to go to all of them again. */
static void leave_core(int core) {
    cpu_set_t all, others;
    if (sched_getaffinity(0, sizeof all, &all)) return;
    others = all;
    CPU_CLR(core, &others);
    if (!sched_setaffinity(0, sizeof others, &others)) sched_setaffinity(0, sizeof all, &all);
}
#else
static int this_core(void) {
    return -1;
}

static void leave_core(int core) {
    (void)core;
}
#endif

static void *help(void *told) { /* its number, and 256 times the last job before its first */
    const int64_t me = (int64_t)told & 255;
    for (int64_t done = (int64_t)told >> 8;;) {
        for (int n = 0; atomic_load_explicit(&job, memory_order_acquire) == done && n < PATIENCE; n++)
            rest();
        if (atomic_load(&job) == done) {
            pthread_mutex_lock(&lock);
            atomic_fetch_add(&sleeping, 1);
            while (atomic_load(&job) == done) pthread_cond_wait(&work, &lock);
            atomic_fetch_sub(&sleeping, 1);
            pthread_mutex_unlock(&lock);
        }
        done = atomic_load(&job);
        if (me < (done & 127)) { /* then this job is not over without it */
            /* A system may wake it where it finds the thread that it is to help, and leave it there
             * for some tens of milliseconds. */
            if (now.core >= 0 && now.core == this_core()) leave_core(now.core);
            const int bad = now.run(now.p, now.arena, now.n, me, &now.m);
            if (bad) atomic_fetch_or(&failed, bad);
            meet(&now.m);
        }
    }
    return 0;
}

/* In a child that was forked there are no threads but one, whatever the others were about. */
static void begin_anew(void) {
    helpers = 0;
    atomic_store(&sleeping, 0);
    atomic_store(&now.m.arrived, 0);
    pthread_cond_init(&work, 0);
    pthread_mutex_init(&lock, 0);
    pthread_mutex_init(&taken, 0);
}

__attribute__((constructor)) static void look_after_forks(void) {
    pthread_atfork(0, 0, begin_anew);
}

static int hire(int wanted) { /* so many helpers, or as many as there can be */
    if (helpers >= wanted) return wanted;
    sigset_t all, before; /* signals are for the threads of the program itself */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (pthread_t thread; helpers < wanted; helpers++) {
        const int64_t first = atomic_load(&job) << 8 | (helpers + 1);
        if (pthread_create(&thread, 0, help, (void *)first)) break;
        pthread_detach(thread);
    }
    pthread_sigmask(SIG_SETMASK, &before, 0);
    return helpers;
}

static int64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int32_t run_alone(const call *told) {
    meeting alone = {.size = 1};
    return told->run(told->p, told->arena, told->n, 0, &alone);
}

static int32_t run_together(const call *told) {
    now.run = told->run, now.p = told->p, now.arena = told->arena, now.n = told->n;
    now.core = this_core();
    now.m.size = 1 + hire(told->size < MOST ? (int)told->size - 1 : MOST - 1);
    atomic_store(&failed, 0);
    atomic_store(&job, (atomic_load(&job) / 128 + 1) * 128 + now.m.size);
    if (atomic_load(&sleeping)) {
        pthread_mutex_lock(&lock);
        pthread_cond_broadcast(&work);
        pthread_mutex_unlock(&lock);
    }
    const int bad = told->run(told->p, told->arena, told->n, 0, &now.m);
    meet(&now.m);
    return bad | atomic_load(&failed);
}

/* Take down how long a step took, and decide how it runs next. */
static void learn(experience *known, int64_t took, int alone, const call *told) {
    int64_t *shortest = alone ? &known->alone : &known->together;
    if (!*shortest || took < *shortest * told->times) *shortest = took / told->times;
    if (alone) return;
    const int64_t at_most = known->together * told->size; /* all shares, one after the other */
    const int64_t otherwise = known->alone && known->alone < at_most ? known->alone : at_most;
    known->saved += otherwise * told->times - took;
    if (known->saved > ENOUGH) known->saved = ENOUGH, known->caution = 0;
    if (known->saved >= 0) return;
    known->caution = known->caution ? known->caution * 2 : 1;
    if (known->caution > CAUTION) known->caution = CAUTION;
    known->until = nanoseconds() + known->caution * (A_TRY - known->saved);
    known->saved = A_TRY;
}

static int better_alone(const call *told, int64_t now) {
    if (told->known->trials && told->times == 1) {
        told->known->trials--;
        return 1;
    }
    return now < told->known->until;
}

/* What is told comes in one argument: ctypes takes longer for each than a small step. */
__attribute__((visibility("default"))) int32_t run_told(const call *told) {
    if (told->size < 2) return run_alone(told);
    experience *known = told->known;
    const int64_t begin = known ? nanoseconds() : 0;
    const int alone = (known && better_alone(told, begin)) || pthread_mutex_trylock(&taken);
    const int32_t bad = alone ? run_alone(told) : run_together(told);
    if (!alone) pthread_mutex_unlock(&taken);
    if (known) learn(known, nanoseconds() - begin, alone, told);
    return bad;
}
