/* Columns added up: some rows in the type of the numbers, such sums in double precision, by halves.
 *
 * So the error does not grow with the number of rows. Which rows are added up first depends on
 * nothing but how many there are.
 */
enum { FEW_ROWS = 32, FEW_COLUMNS = 512 }; /* this many sums stay in the fastest cache */

/* The sums of n <= FEW_COLUMNS columns. Rows are `row` elements apart, columns `column`. */
#define COLUMNS(T)                                                                              \
    static inline __attribute__((always_inline)) void few_rows_##T(                             \
        const T *restrict x, i64 rows, i64 row, i64 n, i64 column, f64 *restrict sum) {         \
        T part[FEW_COLUMNS];                                                                    \
        i64 i = 0;                                                                              \
        for (i64 j = 0; j < n; j++) part[j] = 0;                                                \
        for (; i + 4 <= rows; i += 4, x += 4 * row) /* fewer passes over the sums */            \
            for (i64 j = 0; j < n; j++)                                                         \
                part[j] += (x[j * column] + x[j * column + row])                                \
                         + (x[j * column + 2 * row] + x[j * column + 3 * row]);                 \
        for (; i < rows; i++, x += row)                                                         \
            for (i64 j = 0; j < n; j++) part[j] += x[j * column];                               \
        for (i64 j = 0; j < n; j++) sum[j] = part[j];                                           \
    }                                                                                           \
                                                                                                \
    /* Nobody shall put it into itself again and again: that takes long to build. */            \
    static __attribute__((noinline)) void columns_##T(const T *restrict x, i64 rows, i64 row,   \
                                                      i64 n, i64 column, f64 *restrict sum) {   \
        if (rows <= FEW_ROWS) {                                                                 \
            if (column == 1) few_rows_##T(x, rows, row, n, 1, sum); /* in vectors */            \
            else few_rows_##T(x, rows, row, n, column, sum);                                    \
            return;                                                                             \
        }                                                                                       \
        f64 other[FEW_COLUMNS];                                                                 \
        const i64 half = (rows / 2 + 3) / 4 * 4;                                                \
        columns_##T(x, half, row, n, column, sum);                                              \
        columns_##T(x + half * row, rows - half, row, n, column, other);                        \
        for (i64 j = 0; j < n; j++) sum[j] += other[j];                                         \
    }
COLUMNS(f32)
COLUMNS(f64)
