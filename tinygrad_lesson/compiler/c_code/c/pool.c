/* The threads that help: they are started once, wait for work a while without sleeping, then sleep.
 *
 * One step at a time has them; another that comes meanwhile runs alone. So does, unless it wants
 * that many threads in any case, what comes after a step that waited for them for so long that it
 * would have been faster alone, as when another program has their cores: for some time, then they
 * are tried again.
 */
#include <signal.h>
#include <stdlib.h>
#include "team.h"

typedef int32_t (*step)(void **p, char *arena, const double *n, int64_t me, meeting *m);

enum { MOST = 64, PATIENCE = 20000 };

/* Steps run alone for so many times as long as was lost. With more, it takes longer to notice that
 * the cores are free again; with less, more time is lost in trying. */
enum { CAUTION = 8 };

static pthread_mutex_t taken = PTHREAD_MUTEX_INITIALIZER, lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static atomic_int sleeping, failed;
static atomic_llong job; /* 128 times its number, and how many threads run it: both at one look */
static int helpers;
static int64_t alone_until;
static struct {
    step run;
    void **p;
    char *arena;
    const double *n;
    meeting m;
} now;

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

static int32_t run_together(step f, void **p, char *arena, const double *n, int size) {
    const int64_t begin = nanoseconds();
    now.run = f, now.p = p, now.arena = arena, now.n = n;
    now.m.size = 1 + hire(size - 1), now.m.first = pthread_self(), now.m.lost = 0;
    atomic_store(&failed, 0);
    atomic_store(&job, (atomic_load(&job) / 128 + 1) * 128 + now.m.size);
    const int asleep = atomic_load(&sleeping), others = helpers - (now.m.size - 1);
    if (asleep) {
        pthread_mutex_lock(&lock);
        pthread_cond_broadcast(&work);
        pthread_mutex_unlock(&lock);
    }
    const int bad = f(p, arena, n, 0, &now.m);
    meet(&now.m);
    const int64_t end = nanoseconds(), alone = (end - begin - now.m.lost) * now.m.size;
    const int woken = asleep > others; /* which takes long, and says nothing of the cores */
    if (!woken && end - begin > alone) alone_until = end + CAUTION * now.m.lost;
    return bad | atomic_load(&failed);
}

static int32_t run_alone(step f, void **p, char *arena, const double *n) {
    meeting alone = {.size = 1};
    return f(p, arena, n, 0, &alone);
}

static int32_t run(step f, void **p, char *arena, const double *n, int size, int adapts) {
    if (size < 2 || pthread_mutex_trylock(&taken)) return run_alone(f, p, arena, n);
    const int better_alone = adapts && alone_until && nanoseconds() < alone_until;
    const int32_t bad = better_alone ? run_alone(f, p, arena, n)
                                     : run_together(f, p, arena, n, size < MOST ? size : MOST);
    pthread_mutex_unlock(&taken);
    return bad;
}

typedef struct {
    step run;
    void **p;
    char *arena;
    const double *n;
    int64_t size, adapts;
} call;

/* The same, told in one argument: ctypes takes longer for each than a small step. */
__attribute__((visibility("default"))) int32_t run_told(const call *told) {
    return run(told->run, told->p, told->arena, told->n, (int)told->size, (int)told->adapts);
}
