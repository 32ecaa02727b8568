/* Convolution and pooling of images: arrays (N, C, H, W) and kernels (O, C, KH, KW), in one piece.
 *
 * No windows are copied out. A vector holds neighbouring kernels at one place of the image: the
 * kernels are packed so once, and each number of the image is multiplied with whole vectors of them,
 * for a few places at a time, which keeps all sums in registers.
 */
#ifdef __AVX512F__
#define VECTOR 64 /* bytes */
#define PLACES 7  /* side by side: 14 sums in registers */
#define TAPS 6
#else
#define VECTOR 32
#define PLACES 5
#define TAPS 4
#endif

/* A window: sizes and distances along both axes of the image; pads are those in front. */
typedef struct { i64 h, w, kh, kw, sh, sw, ph, pw, dh, dw, oh, ow; } window;

#define WINDOWS(T)                                                                                \
    typedef T vector_##T __attribute__((vector_size(VECTOR), aligned(sizeof(T)), may_alias));     \
    enum { LANES_##T = VECTOR / sizeof(T), BLOCK_##T = 2 * VECTOR / sizeof(T) };                  \
                                                                                                  \
    /* The rows of all channels that row `i` of the result sees, with zeros for the padding. */   \
    static void rows_##T(const T *x, T *rows, i64 c, i64 i, i64 width, window g) {                \
        for (i64 l = 0; l < c; l++)                                                               \
            for (i64 a = 0; a < g.kh; a++) {                                                      \
                T *row = rows + (l * g.kh + a) * width;                                           \
                const i64 at = i * g.sh - g.ph + a * g.dh;                                        \
                const T *from = x + (l * g.h + at) * g.w - g.pw;                                  \
                const i64 end = at < 0 || at >= g.h ? 0 : g.pw + g.w < width ? g.pw + g.w : width; \
                const i64 begin = g.pw < 0 ? 0 : end < g.pw ? end : g.pw;                         \
                for (i64 j = 0; j < begin; j++) row[j] = 0;                                       \
                for (i64 j = begin; j < end; j++) row[j] = from[j];                               \
                for (i64 j = end > 0 ? end : 0; j < width; j++) row[j] = 0;                       \
            }                                                                                     \
    }                                                                                             \
                                                                                                  \
    /* Kernels (o, c, kh, kw), by steps, as (blocks of o, c, kh, kw, o within the block). */      \
    static void packed_##T(const T *w, T *into, i64 o, i64 c, i64 so, i64 sc, int turned,         \
                           window g) {                                                            \
        const i64 taps = g.kh * g.kw;                                                             \
        for (i64 b = 0; b < o; b += BLOCK_##T)                                                    \
            for (i64 l = 0; l < c; l++)                                                           \
                for (i64 t = 0; t < taps; t++)                                                    \
                    for (i64 k = 0; k < BLOCK_##T; k++)                                           \
                        *into++ = b + k < o                                                       \
                            ? w[(b + k) * so + l * sc + (turned ? taps - 1 - t : t)] : 0;         \
    }                                                                                             \
                                                                                                  \
    static i32 slide_##T(const T *x, const T *w, T *restrict out, i64 n, i64 c, i64 o, i64 so,    \
                         i64 sc, int turned, window g, i64 me, meeting *m) {                   \
        const i64 taps = g.kh * g.kw, blocks = (o + BLOCK_##T - 1) / BLOCK_##T;                   \
        const i64 width = (g.ow + PLACES) * g.sw + g.kw * g.dw;                                   \
        T *kernels = scratch(0, blocks * BLOCK_##T * c * taps * sizeof(T));                       \
        T *rows = scratch(1, c * g.kh * width * sizeof(T));                                       \
        if (!kernels || !rows) return 2;                                                          \
        packed_##T(w, kernels, o, c, so, sc, turned, g);                                          \
        SHARE(n, 1)                                                                              \
        for (i64 s = from; s < to; s++)                                                           \
            for (i64 i = 0; i < g.oh; i++) {                                                      \
                rows_##T(x + s * c * g.h * g.w, rows, c, i, width, g);                            \
                for (i64 b = 0; b < blocks; b++)                                                  \
                    for (i64 j = 0; j < g.ow; j += PLACES) {                                      \
                        vector_##T sums[PLACES][2] = {0};                                         \
                        const T *kernel = kernels + b * c * taps * BLOCK_##T;                     \
                        for (i64 l = 0; l < c; l++)                                               \
                            for (i64 a = 0; a < g.kh; a++) {                                      \
                                const T *row = rows + (l * g.kh + a) * width + j * g.sw;          \
                                for (i64 e = 0; e < g.kw; e++, kernel += BLOCK_##T) {             \
                                    const vector_##T first = *(const vector_##T *)kernel;         \
                                    const vector_##T second =                                     \
                                        *(const vector_##T *)(kernel + LANES_##T);                \
                                    for (int q = 0; q < PLACES; q++) {                            \
                                        const T number = row[q * g.sw + e * g.dw];                \
                                        sums[q][0] += first * number;                             \
                                        sums[q][1] += second * number;                            \
                                    }                                                             \
                                }                                                                 \
                            }                                                                     \
                        const i64 count = g.ow - j < PLACES ? g.ow - j : PLACES;                  \
                        const i64 some = o - b * BLOCK_##T < BLOCK_##T ? o - b * BLOCK_##T        \
                                                                       : BLOCK_##T;               \
                        T *at = out + ((s * o + b * BLOCK_##T) * g.oh + i) * g.ow + j;            \
                        for (i64 k = 0; k < some; k++)                                            \
                            for (i64 q = 0; q < count; q++)                                       \
                                at[k * g.oh * g.ow + q] = ((const T *)sums[q])[k];                \
                    }                                                                             \
            }                                                                                     \
        return 0;                                                                                 \
    }                                                                                             \
                                                                                                  \
    /* The convolution of images x. */                                                            \
    static i32 conv_##T(const T *x, const T *w, T *restrict out, i64 n, i64 c, i64 o, window g,   \
                        i64 me, meeting *m) {                                                  \
        return slide_##T(x, w, out, n, c, o, c * g.kh * g.kw, g.kh * g.kw, 0, g, me, m);       \
    }                                                                                             \
                                                                                                  \
    /* Its gradient for the images, for stride 1: a convolution with the kernels turned round. */ \
    static i32 conv_input_grad_##T(const T *d, const T *w, T *restrict out, i64 n, i64 c, i64 o,  \
                                   window g, i64 me, meeting *m) {                             \
        const window back = {g.oh, g.ow, g.kh, g.kw, 1, 1, g.dh * (g.kh - 1) - g.ph,              \
                             g.dw * (g.kw - 1) - g.pw, g.dh, g.dw, g.h, g.w};                     \
        return slide_##T(d, w, out, n, o, c, g.kh * g.kw, c * g.kh * g.kw, 1, back, me, m);    \
    }                                                                                             \
                                                                                                  \
    /* Its gradient for the kernels. */                                                           \
    static i32 conv_weight_grad_##T(const T *d, const T *x, T *restrict out, i64 n, i64 c, i64 o, \
                                    window g, i64 me, meeting *m) {                            \
        const i64 taps = g.kh * g.kw, whole = (o + BLOCK_##T - 1) / BLOCK_##T * BLOCK_##T;        \
        const i64 width = g.ow * g.sw + g.kw * g.dw, all = c * taps, more = all + TAPS;           \
        T *sums = scratch(0, more * whole * sizeof(T));                                           \
        T *rows = scratch(1, (c * g.kh + g.kh) * width * sizeof(T));                              \
        T *turned = scratch(2, g.ow * whole * sizeof(T));                                         \
        i64 *places = scratch(3, more * sizeof(i64));                                             \
        if (!sums || !rows || !turned || !places) return 2;                                       \
        SHARE(all, TAPS)                                                                         \
        if (from >= to) return 0;                                                                 \
        for (i64 k = 0; k < more * whole; k++) sums[k] = 0;                                       \
        for (i64 t = 0; t < more; t++)                                                            \
            places[t] = t < all ? t / g.kw * width + t % g.kw * g.dw : 0;                         \
        for (i64 s = 0; s < n; s++)                                                               \
            for (i64 i = 0; i < g.oh; i++) {                                                      \
                rows_##T(x + s * c * g.h * g.w, rows, c, i, width, g);                            \
                for (i64 k = 0; k < whole; k++)                                                   \
                    for (i64 j = 0; j < g.ow; j++)                                                \
                        turned[j * whole + k] =                                                   \
                            k < o ? d[((s * o + k) * g.oh + i) * g.ow + j] : 0;                   \
                for (i64 b = 0; b < whole; b += BLOCK_##T)                                        \
                    for (i64 t = from; t < to; t += TAPS) {                                       \
                        vector_##T sum[TAPS][2];                                                  \
                        T *held = sums + t * whole + b;                                           \
                        for (int q = 0; q < TAPS; q++) {                                          \
                            sum[q][0] = *(vector_##T *)(held + q * whole);                        \
                            sum[q][1] = *(vector_##T *)(held + q * whole + LANES_##T);            \
                        }                                                                         \
                        for (i64 j = 0; j < g.ow; j++) {                                          \
                            const T *slopes = turned + j * whole + b;                             \
                            const vector_##T first = *(const vector_##T *)slopes;                 \
                            const vector_##T second = *(const vector_##T *)(slopes + LANES_##T);  \
                            for (int q = 0; q < TAPS; q++) {                                      \
                                const T number = rows[places[t + q] + j * g.sw];                  \
                                sum[q][0] += first * number;                                      \
                                sum[q][1] += second * number;                                     \
                            }                                                                     \
                        }                                                                         \
                        for (int q = 0; q < TAPS; q++) {                                          \
                            *(vector_##T *)(held + q * whole) = sum[q][0];                        \
                            *(vector_##T *)(held + q * whole + LANES_##T) = sum[q][1];            \
                        }                                                                         \
                    }                                                                             \
            }                                                                                     \
        for (i64 k = 0; k < o; k++)                                                               \
            for (i64 t = from; t < to; t++) out[k * all + t] = sums[t * whole + k];               \
        return 0;                                                                                 \
    }                                                                                             \
                                                                                                  \
    /* The largest number of each window and, or, its place there; NaN is the largest. */         \
    static inline i32 pool_##T(const T *x, T *restrict most, u8 *restrict where, i64 planes,      \
                               window g, i64 me, meeting *m) {                                 \
        SHARE(planes, 1)                                                                         \
        for (i64 s = from; s < to; s++)                                                          \
            for (i64 i = 0; i < g.oh; i++)                                                        \
                for (i64 j = 0; j < g.ow; j++) {                                                  \
                    T best = -INFINITY;                                                           \
                    i64 found = g.kh * g.kw - 1, none = 1;                                        \
                    for (i64 a = 0; a < g.kh; a++)                                                \
                        for (i64 e = 0; e < g.kw; e++) {                                          \
                            const i64 r = i * g.sh - g.ph + a * g.dh;                             \
                            const i64 q = j * g.sw - g.pw + e * g.dw;                             \
                            if (r < 0 || r >= g.h || q < 0 || q >= g.w) continue;                 \
                            const T number = x[(s * g.h + r) * g.w + q];                          \
                            const int better = none | (number > best)                             \
                                | ((number != number) & (best == best));                          \
                            best = better ? number : best;                                        \
                            found = better ? a * g.kw + e : found;                                \
                            none = 0;                                                             \
                        }                                                                         \
                    if (most) most[(s * g.oh + i) * g.ow + j] = best;                             \
                    if (where) where[(s * g.oh + i) * g.ow + j] = (u8)found;                      \
                }                                                                                 \
        return 0;                                                                                 \
    }                                                                                             \
    static i32 pool_max_##T(const T *x, T *restrict out, i64 planes, window g, i64 me,            \
                            meeting *m) {                                                      \
        return pool_##T(x, out, 0, planes, g, me, m);                                          \
    }                                                                                             \
    static i32 pool_argmax_##T(const T *x, u8 *restrict out, i64 planes, window g, i64 me,        \
                               meeting *m) {                                                   \
        return pool_##T(x, 0, out, planes, g, me, m);                                          \
    }                                                                                             \
                                                                                                  \
    /* The adjoint of taking those numbers. */                                                    \
    static i32 pool_put_##T(const T *d, const u8 *where, T *restrict out, i64 planes, window g,   \
                            i64 me, meeting *m) {                                              \
        SHARE(planes, 1)                                                                         \
        for (i64 k = from * g.h * g.w; k < to * g.h * g.w; k++) out[k] = 0;                       \
        for (i64 s = from; s < to; s++)                                                           \
            for (i64 i = 0; i < g.oh; i++)                                                        \
                for (i64 j = 0; j < g.ow; j++) {                                                  \
                    const i64 at = (s * g.oh + i) * g.ow + j, tap = where[at];                    \
                    const i64 r = i * g.sh - g.ph + tap / g.kw * g.dh;                            \
                    const i64 q = j * g.sw - g.pw + tap % g.kw * g.dw;                            \
                    if (r >= 0 && r < g.h && q >= 0 && q < g.w)                                   \
                        out[(s * g.h + r) * g.w + q] += d[at];                                    \
                }                                                                                 \
        return 0;                                                                                 \
    }
WINDOWS(f32)
WINDOWS(f64)
