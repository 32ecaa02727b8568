/* Working memory that stays with the thread, by purpose, and goes when the thread ends. */
#pragma once
#include <pthread.h>
#include <stdlib.h>

enum { PURPOSES = 4 };
typedef struct {
    void *at;
    size_t size;
} memory;

static pthread_key_t own_memory;
static int has_key;

static void let_go(void *told) {
    for (memory *m = told, *end = m + PURPOSES; m < end; m++) free(m->at);
    free(told);
}
__attribute__((constructor)) static void take_key(void) {
    has_key = !pthread_key_create(&own_memory, let_go);
}

static memory *memories(void) { /* of this thread; 0 if there are none */
    memory *mine = has_key ? pthread_getspecific(own_memory) : 0;
    if (mine || !has_key) return mine;
    mine = calloc(PURPOSES, sizeof *mine);
    if (mine && pthread_setspecific(own_memory, mine)) free(mine), mine = 0;
    return mine;
}

static void *scratch(int which, size_t bytes) {
    memory *mine = memories();
    if (!mine) return 0;
    mine += which;
    if (mine->size < bytes) {
        free(mine->at);
        bytes = (bytes + 4095) / 4096 * 4096;
        mine->at = aligned_alloc(64, bytes);
        mine->size = mine->at ? bytes : 0;
    }
    return mine->at;
}
