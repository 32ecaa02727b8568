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
                            i64 bc, T *restrict c) {                                             \
        if (m * n * k > SMALL) { /* 101: by rows; 111, 112: as it is, transposed */              \
            const int ta = ac != 1 && k > 1, tb = bc != 1 && n > 1;                              \
            const i64 lda = ta ? ac : (m > 1 ? ar : k), ldb = tb ? bc : (k > 1 ? br : n);        \
            blas_##T(101, ta ? 112 : 111, tb ? 112 : 111, m, n, k, 1, a, lda, b, ldb, 0, c, n);  \
            return;                                                                              \
        }                                                                                        \
        for (i64 i = 0; i < m; i++) {                                                            \
            for (i64 j = 0; j < n; j++) c[i * n + j] = 0;                                        \
            for (i64 l = 0; l < k; l++)                                                          \
                for (i64 j = 0; j < n; j++)                                                      \
                    c[i * n + j] += a[i * ar + l * ac] * b[l * br + j * bc];                     \
        }                                                                                        \
    }
PRODUCT(f32)
PRODUCT(f64)
