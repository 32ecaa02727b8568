/* Products of matrices: the BLAS that NumPy has loaded, and plain loops where calling it costs more.
 *
 * A matrix is given by its first element and by how many elements lie between rows and columns.
 */
typedef void (*gemm_f32_t)(i32, i32, i32, i64, i64, i64, f32, const f32 *, i64, const f32 *, i64,
                           f32, f32 *, i64);
typedef void (*gemm_f64_t)(i32, i32, i32, i64, i64, i64, f64, const f64 *, i64, const f64 *, i64,
                           f64, f64 *, i64);
static gemm_f32_t blas_f32;
static gemm_f64_t blas_f64;

__attribute__((visibility("default"))) void use_blas(void *single, void *twice) {
    blas_f32 = (gemm_f32_t)single;
    blas_f64 = (gemm_f64_t)twice;
}

#define SMALL 8192 /* multiply-adds */
#define PRODUCT(T)                                                                               \
    static void product_##T(i64 m, i64 n, i64 k, const T *a, i64 ar, i64 ac, const T *b, i64 br, \
                            i64 bc, T *restrict c, i64 cr) {                                     \
        if (m * n * k > SMALL) { /* 101: by rows; 111, 112: as it is, transposed */              \
            const int ta = ac != 1 && k > 1, tb = bc != 1 && n > 1;                              \
            const i64 lda = ta ? ac : (m > 1 ? ar : k), ldb = tb ? bc : (k > 1 ? br : n);        \
            blas_##T(101, ta ? 112 : 111, tb ? 112 : 111, m, n, k, 1, a, lda, b, ldb, 0, c, cr); \
            return;                                                                              \
        }                                                                                        \
        for (i64 i = 0; i < m; i++) {                                                            \
            for (i64 j = 0; j < n; j++) c[i * cr + j] = 0;                                       \
            for (i64 l = 0; l < k; l++)                                                          \
                for (i64 j = 0; j < n; j++)                                                      \
                    c[i * cr + j] = ma_##T(a[i * ar + l * ac], b[l * br + j * bc], c[i * cr + j]); \
        }                                                                                        \
    }                                                                                            \
                                                                                                 \
    /* The share of one thread: some rows of the result, or some columns if it is wide. */       \
    static void shared_product_##T(i64 rows, i64 n, i64 k, const T *a, i64 ar, i64 ac,           \
                                   const T *b, i64 br, i64 bc, T *restrict c, i64 me,            \
                                   meeting *m) {                                                 \
        if (rows * n * k <= SMALL) {                                                             \
            if (!me) product_##T(rows, n, k, a, ar, ac, b, br, bc, c, n);                        \
        } else if (rows >= n) {                                                                  \
            SHARE(rows, 16)                                                                      \
            if (to > from)                                                                       \
                product_##T(to - from, n, k, a + from * ar, ar, ac, b, br, bc, c + from * n, n); \
        } else {                                                                                 \
            SHARE(n, 16)                                                                         \
            if (to > from)                                                                       \
                product_##T(rows, to - from, k, a, ar, ac, b + from * bc, br, bc, c + from, n);  \
        }                                                                                        \
    }
PRODUCT(f32)
PRODUCT(f64)
