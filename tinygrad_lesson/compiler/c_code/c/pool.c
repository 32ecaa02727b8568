/* The threads that help: they are started once, wait for work a while without sleeping, then sleep.
 *
 * One step at a time has them; another that comes meanwhile runs alone. The threads of the BLAS are
 * left out while they work: each calls it for its own share.
 */
#include <pthread.h>
#include <stdlib.h>
#include "team.h"

typedef int32_t (*step)(void **p, char *arena, const double *n, int64_t me, meeting *m);

enum { MOST = 64, PATIENCE = 20000 };

static pthread_mutex_t taken = PTHREAD_MUTEX_INITIALIZER, lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static atomic_int job, sleeping, failed;
static int helpers;
static struct {
    step run;
    void **p;
    char *arena;
    const double *n;
    meeting m;
} now;
static void (*set_blas)(int);
static int (*get_blas)(void);

static void *help(void *told) { /* its number, and the number of the last job before its first */
    const int64_t me = (int64_t)told & 255;
    for (int done = (int)((int64_t)told >> 8);;) {
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
        if (me < now.m.size) {
            if (now.run(now.p, now.arena, now.n, me, &now.m)) atomic_store(&failed, 1);
            meet(&now.m);
        }
    }
    return 0;
}

static void forget(void) { /* in a child that was forked there are no threads but one */
    helpers = 0;
    atomic_store(&sleeping, 0);
    pthread_mutex_init(&taken, 0);
    pthread_mutex_init(&lock, 0);
    pthread_cond_init(&work, 0);
}

__attribute__((visibility("default"))) void use_blas_threads(void *set, void *get) {
    set_blas = (void (*)(int))set;
    get_blas = (int (*)(void))get;
    pthread_atfork(0, 0, forget);
}

__attribute__((visibility("default")))
int32_t run(step f, void **p, char *arena, const double *n, int size) {
    if (size < 2 || pthread_mutex_trylock(&taken)) {
        meeting alone = {0, 0, 1};
        return f(p, arena, n, 0, &alone);
    }
    if (size > MOST) size = MOST;
    now.run = f, now.p = p, now.arena = arena, now.n = n;
    for (pthread_t thread; helpers < size - 1; helpers++) {
        const int64_t told = (int64_t)atomic_load(&job) << 8 | (helpers + 1);
        if (pthread_create(&thread, 0, help, (void *)told)) break;
        pthread_detach(thread);
    }
    now.m.size = helpers + 1 < size ? helpers + 1 : size;
    atomic_store(&failed, 0);
    const int threads = get_blas ? get_blas() : 0;
    if (set_blas) set_blas(1);
    atomic_fetch_add_explicit(&job, 1, memory_order_acq_rel);
    if (atomic_load(&sleeping)) {
        pthread_mutex_lock(&lock);
        pthread_cond_broadcast(&work);
        pthread_mutex_unlock(&lock);
    }
    const int bad = f(p, arena, n, 0, &now.m);
    meet(&now.m);
    if (set_blas) set_blas(threads);
    const int result = bad | atomic_load(&failed);
    pthread_mutex_unlock(&taken);
    return result;
}
