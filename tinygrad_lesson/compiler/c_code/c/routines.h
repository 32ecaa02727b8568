/* What programs call: products of matrices, windows that slide over images, recurrent layers.
 *
 * They are the same for all programs, and built apart from them. Each thread of the team calls them
 * with its own number `me`. They return 0, or 2 where there is no memory.
 */
#pragma once
#include <stdint.h>
#include "numbers.h"
#include "team.h"

#if defined __AVX512F__
#define VECTOR 64 /* bytes */
#elif defined __AVX__
#define VECTOR 32
#else
#define VECTOR 16
#endif

/* A window: sizes and distances along both axes of the image; pads are those in front. */
typedef struct { i64 h, w, kh, kw, sh, sw, ph, pw, dh, dw, oh, ow; } window;

#pragma GCC visibility push(default)
#define ROUTINES(T)                                                                               \
    /* `count` products c = a b, whose matrices are `an`, `bn` and `cn` numbers apart; between    \
     * neighbouring rows of a matrix lie `.r` numbers, between columns `.c`. */                   \
    i32 tl_products_##T(i64 count, i64 rows, i64 n, i64 k, const T *a, i64 an, i64 ar, i64 ac,    \
                        const T *b, i64 bn, i64 br, i64 bc, T *c, i64 cn, i64 me, meeting *m);    \
    /* Images (n, c, h, w), kernels (o, c / groups, kh, kw), a bias (o) or 0. */                  \
    i32 tl_conv_##T(const T *x, const T *w, const T *bias, T *out, i64 n, i64 c, i64 o,           \
                    i64 groups, window g, i64 me, meeting *m);                                    \
    i32 tl_conv_input_grad_##T(const T *d, const T *w, T *out, i64 n, i64 c, i64 o, i64 groups,   \
                               window g, i64 me, meeting *m);                                     \
    i32 tl_conv_weight_grad_##T(const T *d, const T *x, T *out, i64 n, i64 c, i64 o, i64 groups,  \
                                window g, i64 me, meeting *m);                                    \
    i32 tl_pool_max_##T(const T *x, T *most, u8 *where, i64 planes, window g, i64 me,             \
                        meeting *m);                                                              \
    i32 tl_pool_put_##T(const T *d, const u8 *where, T *out, i64 planes, window g, i64 me,        \
                        meeting *m);                                                              \
    /* As the ops of the same names lay out their arrays; `count` sequences of `steps`. */        \
    i32 tl_rnn_states_##T(const T *x, const T *start, const T *w, T *out, i64 steps, i64 count,   \
                          i64 size, int rectified, i64 me, meeting *m);                           \
    i32 tl_lstm_states_##T(const T *x, const T *start, const T *w, T *out, T *sums, i64 steps,    \
                           i64 count, i64 size, i64 me, meeting *m);                              \
    i32 tl_gru_states_##T(const T *x, const T *start, const T *w, const T *bias, T *out, T *sums, \
                          i64 steps, i64 count, i64 size, i64 me, meeting *m);                    \
    i32 tl_recurrent_flow_##T(const T *x, const T *mix, const T *keep, const T *w, T *out,        \
                              T *shares, i64 steps, i64 count, i64 size, i64 gates, i64 me,       \
                              meeting *m);                                                        \
    i32 tl_memory_flow_##T(const T *x, const T *mix, const T *keep, const T *show, const T *w,    \
                           T *out, T *shares, i64 steps, i64 count, i64 size, i64 gates, i64 me,  \
                           meeting *m);
ROUTINES(f32)
ROUTINES(f64)
#pragma GCC visibility pop
