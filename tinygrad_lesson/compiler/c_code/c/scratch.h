/* Working memory that stays with the thread, by purpose. */
#pragma once
#include <stdlib.h>

static void *scratch(int which, size_t bytes) {
    static __thread void *kept[4];
    static __thread size_t sizes[4];
    if (sizes[which] < bytes) {
        free(kept[which]);
        bytes = (bytes + 4095) / 4096 * 4096;
        kept[which] = aligned_alloc(64, bytes);
        sizes[which] = kept[which] ? bytes : 0;
    }
    return kept[which];
}
