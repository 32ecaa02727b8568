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
#define TALL 128  /* rows of the left matrix at a time */
#define ALONE 30000 /* multiply-adds that are done before a second thread has begun */

enum { N(PANEL) = WIDTH * LANES };

/* `r` rows of the result, of `v` vectors, the last of which has only `some` numbers.
 * Where the left rows begin, `at` tells; they come in runs, with a gap between two. Where the
 * right rows begin, `steps` tells, or `br` is how far they are apart. */
INLINE void N(tile)(const int r, const int v, i64 runs, i64 k, const T *a, const i64 *at,
                     i64 ac, i64 gap, const T *b, i64 br, const i64 *steps, T *c, i64 cr,
                     i64 some, int more) {
    N(vector) sums[ROWS][WIDTH];
    i64 rows[ROWS];
    for (int i = 0; i < r; i++) rows[i] = at[i];
    for (int i = 0; i < r; i++)
        for (int j = 0; j < v; j++) sums[i][j] = (N(vector)){0};
    for (; runs; runs--, a += gap)
        for (i64 l = 0; l < k; l++, a += ac, b += br) {
            const T *from = steps ? b + steps[l] : b;
            N(vector) right[WIDTH];
            for (int j = 0; j < v; j++) right[j] = *(const N(vector) *)(from + j * LANES);
            for (int i = 0; i < r; i++) {
                const T left = a[rows[i]];
                for (int j = 0; j < v; j++) sums[i][j] += right[j] * left;
            }
        }
    for (int i = 0; i < r; i++, c += cr)
        for (int j = 0; j < v; j++) {
            T *to = c + j * LANES;
            if (j < v - 1 || some == LANES) {
                if (more) sums[i][j] += *(N(vector) *)to;
                *(N(vector) *)to = sums[i][j];
            } else
                for (i64 q = 0; q < some; q++)
                    to[q] = more ? to[q] + sums[i][j][q] : sums[i][j][q];
        }
}

INLINE void N(rows)(const int v, i64 m, i64 runs, i64 k, const T *a, const i64 *at, i64 ac,
                      i64 gap, const T *b, i64 br, const i64 *steps, T *c, i64 cr, i64 some,
                      int more) {
    i64 i = 0;
    for (; i + ROWS <= m; i += ROWS)
        N(tile)(ROWS, v, runs, k, a, at + i, ac, gap, b, br, steps, c + i * cr, cr, some,
                 more);
    if (ROWS > 4 && m - i >= 4) {
        N(tile)(4, v, runs, k, a, at + i, ac, gap, b, br, steps, c + i * cr, cr, some, more);
        i += 4;
    }
    if (m - i >= 2) {
        N(tile)(2, v, runs, k, a, at + i, ac, gap, b, br, steps, c + i * cr, cr, some, more);
        i += 2;
    }
    if (m > i)
        N(tile)(1, v, runs, k, a, at + i, ac, gap, b, br, steps, c + i * cr, cr, some, more);
}

/* A strip of the result, `v` vectors wide: by tiles. */
static void N(strip)(i64 v, i64 m, i64 runs, i64 k, const T *a, const i64 *at, i64 ac,
                      i64 gap, const T *b, T *c, i64 br, i64 cr, i64 some, int more) {
    if (v == 3) N(rows)(3, m, runs, k, a, at, ac, gap, b, br, 0, c, cr, some, more);
    else if (v == 2) N(rows)(2, m, runs, k, a, at, ac, gap, b, br, 0, c, cr, some, more);
    else N(rows)(1, m, runs, k, a, at, ac, gap, b, br, 0, c, cr, some, more);
}
static void N(stepped_strip)(i64 v, i64 m, i64 k, const T *a, const i64 *at, const T *b,
                              const i64 *steps, T *c, i64 cr, int more) {
    if (v == 3) N(rows)(3, m, 1, k, a, at, 1, 0, b, 0, steps, c, cr, LANES, more);
    else if (v == 2) N(rows)(2, m, 1, k, a, at, 1, 0, b, 0, steps, c, cr, LANES, more);
    else N(rows)(1, m, 1, k, a, at, 1, 0, b, 0, steps, c, cr, LANES, more);
}

/* All strips of a product. In panels, or (br > 0) as it lies, in whole vectors. */
static void N(strips)(i64 m, i64 n, i64 k, const T *a, const i64 *at, i64 ac, const T *b,
                       i64 br, T *c, i64 cr, int more) {
    for (i64 j = 0; j < n; j += N(PANEL), c += N(PANEL)) {
        const i64 wide = n - j < N(PANEL) ? n - j : N(PANEL);
        const i64 v = (wide + LANES - 1) / LANES, some = wide - (v - 1) * LANES;
        const i64 step = br ? br : v * LANES;
        N(strip)(v, m, 1, k, a, at, ac, 0, b, c, step, cr, some, more);
        b += br ? N(PANEL) : k * v * LANES;
    }
}

/* Some columns of the right matrix. */
INLINE void N(copied)(const i64 wide, const i64 width, i64 k, const T *b, i64 br,
                       const i64 bc, T *into) {
    for (i64 l = 0; l < k; l++, b += br, into += width) {
        for (i64 q = 0; q < wide; q++) into[q] = b[q * bc];
        for (i64 q = wide; q < width; q++) into[q] = 0;
    }
}

/* The same where each column lies in one piece: square blocks are turned in registers. */
INLINE void N(turned)(i64 wide, i64 width, i64 k, const T *b, i64 bc, T *into) {
    i64 l = 0;
    if (wide % LANES == 0)
        for (; l + LANES <= k; l += LANES)
            for (i64 q = 0; q < wide; q += LANES) {
                N(vector) x[LANES], y[LANES];
                for (int i = 0; i < LANES; i++)
                    x[i] = *(const N(vector) *)(b + (q + i) * bc + l);
                for (int n = 1; n < LANES; n *= 2) {
                    for (int i = 0; i < LANES / 2; i++) {
                        y[2 * i] = SHUFFLE(x[i], x[i + LANES / 2], LIST(LOW, LANES));
                        y[2 * i + 1] = SHUFFLE(x[i], x[i + LANES / 2], LIST(HIGH, LANES));
                    }
                    for (int i = 0; i < LANES; i++) x[i] = y[i];
                }
                for (int i = 0; i < LANES; i++)
                    *(N(vector) *)(into + (l + i) * width + q) = x[i];
            }
    for (; l < k; l++)
        for (i64 q = 0; q < width; q++) into[l * width + q] = q < wide ? b[q * bc + l] : 0;
}

static void N(panel)(i64 wide, i64 width, i64 k, const T *b, i64 br, i64 bc, T *into) {
    if (br == 1 && bc != 1) N(turned)(wide, width, k, b, bc, into);
    else if (bc != 1) N(copied)(wide, width, k, b, br, bc, into);
    else if (wide == N(PANEL)) N(copied)(N(PANEL), N(PANEL), k, b, br, 1, into);
    else N(copied)(wide, width, k, b, br, 1, into);
}

/* A matrix as panels, and how many numbers that takes. */
static void N(pack)(i64 n, i64 k, const T *b, i64 br, i64 bc, T *into) {
    for (i64 l = 0; l < k; l += DEEP)
        for (i64 j = 0; j < n; j += N(PANEL)) {
            const i64 wide = n - j < N(PANEL) ? n - j : N(PANEL);
            const i64 width = (wide + LANES - 1) / LANES * LANES;
            const i64 deep = k - l < DEEP ? k - l : DEEP;
            N(panel)(wide, width, deep, b + l * br + j * bc, br, bc, into);
            into += deep * width;
        }
}
static i64 N(numbers)(i64 n, i64 k) { return (n + LANES - 1) / LANES * LANES * k; }

static T *N(packed)(i64 n, i64 k, const T *b, i64 br, i64 bc) {
    T *panels = scratch(3, N(numbers)(n, k) * sizeof(T));
    if (panels) N(pack)(n, k, b, br, bc, panels);
    return panels;
}

/* The product with a matrix in panels; `more`: added to what is there. */
static void N(multiply)(i64 m, i64 n, i64 k, const T *a, i64 ar, i64 ac, const T *panels,
                         T *c, i64 cr, int more) {
    i64 at[TALL];
    for (i64 i = 0; i < TALL; i++) at[i] = i * ar;
    for (i64 l = 0; l < k; l += DEEP) {
        const i64 deep = k - l < DEEP ? k - l : DEEP;
        for (i64 i = 0; i < m; i += TALL)
            N(strips)(m - i < TALL ? m - i : TALL, n, deep, a + i * ar + l * ac, at, ac,
                       panels, 0, c + i * cr, cr, more | (l > 0));
        panels += N(numbers)(n, deep);
    }
}

static i32 N(product)(i64 m, i64 n, i64 k, const T *a, i64 ar, i64 ac, const T *b, i64 br, i64 bc,
                      T *c, i64 cr) {
    if (m <= 0 || n <= 0 || k <= 0) return 0;
    if (br && bc == 1 && m <= ROWS) { /* panels would not be used often enough */
        const i64 whole = n / LANES * LANES;
        i64 at[ROWS];
        for (int i = 0; i < ROWS; i++) at[i] = i * ar;
        for (i64 l = 0; l < k; l += DEEP)
            N(strips)(m, whole, k - l < DEEP ? k - l : DEEP, a + l * ac, at, ac, b + l * br, br, c,
                      cr, l > 0);
        n -= whole, b += whole, c += whole;
        if (!n) return 0;
    }
    const i64 most = BROAD * N(PANEL);
    T *panels = scratch(3, N(numbers)(n < most ? n : most, k < DEEP ? k : DEEP) * sizeof(T));
    if (!panels) return 2;
    for (i64 j = 0; j < n; j += most)
        for (i64 l = 0; l < k; l += DEEP) {
            const i64 wide = n - j < most ? n - j : most, deep = k - l < DEEP ? k - l : DEEP;
            N(pack)(wide, deep, b + l * br + j * bc, br, bc, panels);
            N(multiply)(m, wide, deep, a + l * ac, ar, ac, panels, c + j, cr, l > 0);
        }
    return 0;
}

/* The share of one thread: some rows of the result, or some columns if there are few. */
static i32 N(shared_product)(i64 rows, i64 n, i64 k, const T *a, i64 ar, i64 ac, const T *b,
                             i64 br, i64 bc, T *c, i64 me, meeting *m) {
    if (rows * n * k <= ALONE)
        return me ? 0 : N(product)(rows, n, k, a, ar, ac, b, br, bc, c, n);
    /* Of columns: nobody packs what another needs. Of rows: nobody reads the left matrix twice. */
    const int broad = n >= rows && n >= 2 * N(PANEL) * m->size;
    if (!broad && (rows >= n || rows >= 2 * ROWS * m->size)) {
        SHARE(rows, ROWS)
        return N(product)(to - from, n, k, a + from * ar, ar, ac, b, br, bc, c + from * n, n);
    }
    SHARE(n, LANES)
    return N(product)(rows, to - from, k, a, ar, ac, b + from * bc, br, bc, c + from, n);
}

/* `count` products, whose matrices are `an`, `bn` and `cn` apart. */
i32 N(tl_products)(i64 count, i64 rows, i64 n, i64 k, const T *a, i64 an, i64 ar, i64 ac,
                    const T *b, i64 bn, i64 br, i64 bc, T *c, i64 cn, i64 me, meeting *m) {
    i32 bad = 0;
    if (bn == 0 && an == rows * ar && cn == rows * n)
        return N(shared_product)(count * rows, n, k, a, ar, ac, b, br, bc, c, me, m);
    if (count < m->size) {
        for (i64 s = 0; s < count; s++)
            bad |= N(shared_product)(rows, n, k, a + s * an, ar, ac, b + s * bn, br, bc,
                                     c + s * cn, me, m);
        return bad;
    }
    SHARE(count, 1)
    T *panels = bn == 0 && from < to ? N(packed)(n, k, b, br, bc) : 0;
    for (i64 s = from; s < to; s++)
        if (panels)
            N(multiply)(rows, n, k, a + s * an, ar, ac, panels, c + s * cn, n, 0);
        else
            bad |= N(product)(rows, n, k, a + s * an, ar, ac, b + s * bn, br, bc, c + s * cn, n);
    return bad;
}
