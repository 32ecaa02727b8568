/* Products of matrices, computed by tiles of the result that stay in registers.
 *
 * The right matrix is packed into panels first: one row of a panel is as many vectors as a tile is
 * wide. For a tile, each number of the left matrix is multiplied with such a row. A panel covers a
 * part of the depth only, so that it stays in the cache while the rows of the left one go by
 * (K. Goto, R. van de Geijn, Anatomy of high-performance matrix multiplication, ACM Trans. Math.
 * Softw. 34(3), 2008). Each number of the result is a sum in the order of the depth: it does not
 * depend on where a tile begins, nor on who computes it.
 */
#if defined __AVX512F__ || defined __aarch64__
#define ROWS 8 /* of a tile: there are 32 registers */
#else
#define ROWS 4
#endif
#define WIDTH 3   /* vectors in a row of a tile */
#define DEEP 384  /* rows of a panel */
#define BROAD 85  /* panels at a time */
#define HIGH 128  /* rows of the left matrix at a time */
#define ALONE 30000 /* multiply-adds that are done before a second thread has begun */

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define SHUFFLE(T, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(T, a, b, ...) __builtin_shuffle(a, b, (order_##T){__VA_ARGS__})
#endif
#define LOW_2 0, 2
#define HIGH_2 1, 3
#define LOW_4 0, 4, 1, 5
#define HIGH_4 2, 6, 3, 7
#define LOW_8 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_8 4, 12, 5, 13, 6, 14, 7, 15
#define LOW_16 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31

#define PRODUCTS(T, I, LANES, LOW, HIGH_HALF)                                                     \
    typedef T vector_##T __attribute__((vector_size(VECTOR), aligned(sizeof(T)), may_alias));     \
    typedef I order_##T __attribute__((vector_size(VECTOR)));                                     \
    enum { PANEL_##T = WIDTH * LANES };                                                           \
                                                                                                  \
    /* `r` rows of the result, of `v` vectors, the last of which has only `some` numbers.         \
     * Where the left rows begin, `at` tells; they come in runs, with a gap between two. Where the\
     * right rows begin, `steps` tells, or `br` is how far they are apart. */                     \
    INLINE void tile_##T(const int r, const int v, i64 runs, i64 k, const T *a, const i64 *at,    \
                         i64 ac, i64 gap, const T *b, i64 br, const i64 *steps, T *c, i64 cr,     \
                         i64 some, int more) {                                                    \
        vector_##T sums[ROWS][WIDTH];                                                             \
        i64 rows[ROWS];                                                                           \
        for (int i = 0; i < r; i++) rows[i] = at[i];                                              \
        for (int i = 0; i < r; i++)                                                               \
            for (int j = 0; j < v; j++) sums[i][j] = (vector_##T){0};                             \
        for (; runs; runs--, a += gap)                                                            \
            for (i64 l = 0; l < k; l++, a += ac, b += br) {                                       \
                const T *from = steps ? b + steps[l] : b;                                         \
                vector_##T right[WIDTH];                                                          \
                for (int j = 0; j < v; j++) right[j] = *(const vector_##T *)(from + j * LANES);   \
                for (int i = 0; i < r; i++) {                                                     \
                    const T left = a[rows[i]];                                                    \
                    for (int j = 0; j < v; j++) sums[i][j] += right[j] * left;                    \
                }                                                                                 \
            }                                                                                     \
        for (int i = 0; i < r; i++, c += cr)                                                      \
            for (int j = 0; j < v; j++) {                                                         \
                T *to = c + j * LANES;                                                            \
                if (j < v - 1 || some == LANES) {                                                 \
                    if (more) sums[i][j] += *(vector_##T *)to;                                    \
                    *(vector_##T *)to = sums[i][j];                                               \
                } else                                                                            \
                    for (i64 q = 0; q < some; q++)                                                \
                        to[q] = more ? to[q] + sums[i][j][q] : sums[i][j][q];                     \
            }                                                                                     \
    }                                                                                             \
                                                                                                  \
    INLINE void rows_##T(const int v, i64 m, i64 runs, i64 k, const T *a, const i64 *at, i64 ac,  \
                          i64 gap, const T *b, i64 br, const i64 *steps, T *c, i64 cr, i64 some,  \
                          int more) {                                                             \
        i64 i = 0;                                                                                \
        for (; i + ROWS <= m; i += ROWS)                                                          \
            tile_##T(ROWS, v, runs, k, a, at + i, ac, gap, b, br, steps, c + i * cr, cr, some,    \
                     more);                                                                       \
        if (ROWS > 4 && m - i >= 4) {                                                             \
            tile_##T(4, v, runs, k, a, at + i, ac, gap, b, br, steps, c + i * cr, cr, some, more);\
            i += 4;                                                                               \
        }                                                                                         \
        if (m - i >= 2) {                                                                         \
            tile_##T(2, v, runs, k, a, at + i, ac, gap, b, br, steps, c + i * cr, cr, some, more);\
            i += 2;                                                                               \
        }                                                                                         \
        if (m > i)                                                                                \
            tile_##T(1, v, runs, k, a, at + i, ac, gap, b, br, steps, c + i * cr, cr, some, more);\
    }                                                                                             \
                                                                                                  \
    /* A strip of the result, `v` vectors wide: by tiles. */                                      \
    static void strip_##T(i64 v, i64 m, i64 runs, i64 k, const T *a, const i64 *at, i64 ac,       \
                          i64 gap, const T *b, T *c, i64 br, i64 cr, i64 some, int more) {        \
        if (v == 3) rows_##T(3, m, runs, k, a, at, ac, gap, b, br, 0, c, cr, some, more);         \
        else if (v == 2) rows_##T(2, m, runs, k, a, at, ac, gap, b, br, 0, c, cr, some, more);    \
        else rows_##T(1, m, runs, k, a, at, ac, gap, b, br, 0, c, cr, some, more);                \
    } \
    static void stepped_strip_##T(i64 v, i64 m, i64 k, const T *a, const i64 *at, const T *b,     \
                                  const i64 *steps, T *c, i64 cr, int more) {                     \
        if (v == 3) rows_##T(3, m, 1, k, a, at, 1, 0, b, 0, steps, c, cr, LANES, more);           \
        else if (v == 2) rows_##T(2, m, 1, k, a, at, 1, 0, b, 0, steps, c, cr, LANES, more);      \
        else rows_##T(1, m, 1, k, a, at, 1, 0, b, 0, steps, c, cr, LANES, more);                  \
    } \
 \
    /* All strips of a product. In panels, or (br > 0) as it lies, in whole vectors. */           \
    static void strips_##T(i64 m, i64 n, i64 k, const T *a, const i64 *at, i64 ac, const T *b,    \
                           i64 br, T *c, i64 cr, int more) {                                      \
        for (i64 j = 0; j < n; j += PANEL_##T, c += PANEL_##T) {                                  \
            const i64 wide = n - j < PANEL_##T ? n - j : PANEL_##T;                               \
            const i64 v = (wide + LANES - 1) / LANES, some = wide - (v - 1) * LANES;              \
            const i64 step = br ? br : v * LANES;                                                 \
            strip_##T(v, m, 1, k, a, at, ac, 0, b, c, step, cr, some, more);                      \
            b += br ? PANEL_##T : k * v * LANES;                                                  \
        }                                                                                         \
    }                                                                                             \
                                                                                                  \
    /* Some columns of the right matrix. */                                                       \
    INLINE void copied_##T(const i64 wide, const i64 width, i64 k, const T *b, i64 br,            \
                           const i64 bc, T *into) {                                               \
        for (i64 l = 0; l < k; l++, b += br, into += width) {                                     \
            for (i64 q = 0; q < wide; q++) into[q] = b[q * bc];                                   \
            for (i64 q = wide; q < width; q++) into[q] = 0;                                       \
        }                                                                                         \
    }                                                                                             \
                                                                                                  \
    /* The same where each column lies in one piece: square blocks are turned in registers. */    \
    INLINE void turned_##T(i64 wide, i64 width, i64 k, const T *b, i64 bc, T *into) {             \
        i64 l = 0;                                                                                \
        if (wide % LANES == 0)                                                                    \
            for (; l + LANES <= k; l += LANES)                                                    \
                for (i64 q = 0; q < wide; q += LANES) {                                           \
                    vector_##T x[LANES], y[LANES];                                                \
                    for (int i = 0; i < LANES; i++)                                               \
                        x[i] = *(const vector_##T *)(b + (q + i) * bc + l);                       \
                    for (int n = 1; n < LANES; n *= 2) {                                          \
                        for (int i = 0; i < LANES / 2; i++) {                                     \
                            y[2 * i] = SHUFFLE(T, x[i], x[i + LANES / 2], LOW);                   \
                            y[2 * i + 1] = SHUFFLE(T, x[i], x[i + LANES / 2], HIGH_HALF);         \
                        }                                                                         \
                        for (int i = 0; i < LANES; i++) x[i] = y[i];                              \
                    }                                                                             \
                    for (int i = 0; i < LANES; i++)                                               \
                        *(vector_##T *)(into + (l + i) * width + q) = x[i];                       \
                }                                                                                 \
        for (; l < k; l++)                                                                        \
            for (i64 q = 0; q < width; q++) into[l * width + q] = q < wide ? b[q * bc + l] : 0;   \
    }                                                                                             \
                                                                                                  \
    static void panel_##T(i64 wide, i64 width, i64 k, const T *b, i64 br, i64 bc, T *into) {      \
        if (br == 1 && bc != 1) turned_##T(wide, width, k, b, bc, into);                          \
        else if (bc != 1) copied_##T(wide, width, k, b, br, bc, into);                            \
        else if (wide == PANEL_##T) copied_##T(PANEL_##T, PANEL_##T, k, b, br, 1, into);          \
        else copied_##T(wide, width, k, b, br, 1, into);                                          \
    }                                                                                             \
                                                                                                  \
    /* A matrix as panels, and how many numbers that takes. */                                    \
    static void pack_##T(i64 n, i64 k, const T *b, i64 br, i64 bc, T *into) {                     \
        for (i64 l = 0; l < k; l += DEEP)                                                         \
            for (i64 j = 0; j < n; j += PANEL_##T) {                                              \
                const i64 wide = n - j < PANEL_##T ? n - j : PANEL_##T;                           \
                const i64 width = (wide + LANES - 1) / LANES * LANES;                             \
                const i64 deep = k - l < DEEP ? k - l : DEEP;                                     \
                panel_##T(wide, width, deep, b + l * br + j * bc, br, bc, into);                  \
                into += deep * width;                                                             \
            }                                                                                     \
    }                                                                                             \
    static i64 numbers_##T(i64 n, i64 k) { return (n + LANES - 1) / LANES * LANES * k; }          \
                                                                                                  \
    static T *packed_##T(i64 n, i64 k, const T *b, i64 br, i64 bc) {                              \
        T *panels = scratch(3, numbers_##T(n, k) * sizeof(T));                                    \
        if (panels) pack_##T(n, k, b, br, bc, panels);                                            \
        return panels;                                                                            \
    }                                                                                             \
                                                                                                  \
    /* The product with a matrix in panels; `more`: added to what is there. */                    \
    static void multiply_##T(i64 m, i64 n, i64 k, const T *a, i64 ar, i64 ac, const T *panels,    \
                             T *c, i64 cr, int more) {                                            \
        i64 at[HIGH];                                                                             \
        for (i64 i = 0; i < HIGH; i++) at[i] = i * ar;                                            \
        for (i64 l = 0; l < k; l += DEEP) {                                                       \
            const i64 deep = k - l < DEEP ? k - l : DEEP;                                         \
            for (i64 i = 0; i < m; i += HIGH)                                                     \
                strips_##T(m - i < HIGH ? m - i : HIGH, n, deep, a + i * ar + l * ac, at, ac,     \
                           panels, 0, c + i * cr, cr, more | (l > 0));                            \
            panels += numbers_##T(n, deep);                                                       \
        }                                                                                         \
    }                                                                                             \
                                                                                                  \
    i32 tl_product_##T(i64 m, i64 n, i64 k, const T *a, i64 ar, i64 ac, const T *b, i64 br,       \
                       i64 bc, T *c, i64 cr) {                                                    \
        if (bc == 1 && m <= ROWS) { /* panels would not be used often enough */                   \
            const i64 whole = n / LANES * LANES;                                                  \
            i64 at[ROWS];                                                                         \
            for (int i = 0; i < ROWS; i++) at[i] = i * ar;                                        \
            strips_##T(m, whole, k, a, at, ac, b, br, c, cr, 0);                                  \
            n -= whole, b += whole, c += whole;                                                   \
            if (!n) return 0;                                                                     \
        }                                                                                         \
        const i64 most = BROAD * PANEL_##T;                                                       \
        T *panels = scratch(3, numbers_##T(n < most ? n : most, k < DEEP ? k : DEEP) * sizeof(T));\
        if (!panels) return 2;                                                                    \
        for (i64 j = 0; j < n; j += most)                                                         \
            for (i64 l = 0; l < k; l += DEEP) {                                                   \
                const i64 wide = n - j < most ? n - j : most, deep = k - l < DEEP ? k - l : DEEP; \
                pack_##T(wide, deep, b + l * br + j * bc, br, bc, panels);                        \
                multiply_##T(m, wide, deep, a + l * ac, ar, ac, panels, c + j, cr, l > 0);        \
            }                                                                                     \
        return 0;                                                                                 \
    }                                                                                             \
                                                                                                  \
    /* The share of one thread: some rows of the result, or some columns if there are few. */     \
    i32 tl_shared_product_##T(i64 rows, i64 n, i64 k, const T *a, i64 ar, i64 ac, const T *b,     \
                              i64 br, i64 bc, T *c, i64 me, meeting *m) {                         \
        if (rows * n * k <= ALONE)                                                                \
            return me ? 0 : tl_product_##T(rows, n, k, a, ar, ac, b, br, bc, c, n);               \
        if (rows >= n || rows >= 2 * ROWS * m->size) {                                            \
            SHARE(rows, ROWS)                                                                     \
            return tl_product_##T(to - from, n, k, a + from * ar, ar, ac, b, br, bc,              \
                                  c + from * n, n);                                               \
        }                                                                                         \
        SHARE(n, LANES)                                                                           \
        return tl_product_##T(rows, to - from, k, a, ar, ac, b + from * bc, br, bc, c + from, n); \
    }                                                                                             \
                                                                                                  \
    /* `count` products, whose matrices are `an`, `bn` and `cn` apart. */                         \
    i32 tl_products_##T(i64 count, i64 rows, i64 n, i64 k, const T *a, i64 an, i64 ar, i64 ac,    \
                        const T *b, i64 bn, i64 br, i64 bc, T *c, i64 cn, i64 me, meeting *m) {   \
        i32 bad = 0;                                                                              \
        if (bn == 0 && an == rows * ar && cn == rows * n)                                         \
            return tl_shared_product_##T(count * rows, n, k, a, ar, ac, b, br, bc, c, me, m);     \
        if (count < m->size) {                                                                    \
            for (i64 s = 0; s < count; s++)                                                       \
                bad |= tl_shared_product_##T(rows, n, k, a + s * an, ar, ac, b + s * bn, br, bc,  \
                                             c + s * cn, me, m);                                  \
            return bad;                                                                           \
        }                                                                                         \
        SHARE(count, 1)                                                                           \
        T *panels = bn == 0 && from < to ? packed_##T(n, k, b, br, bc) : 0;                       \
        for (i64 s = from; s < to; s++)                                                           \
            if (panels)                                                                           \
                multiply_##T(rows, n, k, a + s * an, ar, ac, panels, c + s * cn, n, 0);           \
            else                                                                                  \
                bad |= tl_product_##T(rows, n, k, a + s * an, ar, ac, b + s * bn, br, bc,         \
                                      c + s * cn, n);                                             \
        return bad;                                                                               \
    }

#if VECTOR == 64
PRODUCTS(f32, i32, 16, LOW_16, HIGH_16)
PRODUCTS(f64, i64, 8, LOW_8, HIGH_8)
#elif VECTOR == 32
PRODUCTS(f32, i32, 8, LOW_8, HIGH_8)
PRODUCTS(f64, i64, 4, LOW_4, HIGH_4)
#else
PRODUCTS(f32, i32, 4, LOW_4, HIGH_4)
PRODUCTS(f64, i64, 2, LOW_2, HIGH_2)
#endif
