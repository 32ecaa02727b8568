/* Vectors, for the files that are written for numbers of a type T and included once for each, with
 * I, an integer of the same width, and LANES, how many numbers a vector has. */
#pragma once

#define LIST_(name, of) name##_##of
#define LIST(name, of) LIST_(name, of)
#define N(name) LIST(name, T) /* what is called so for this type */

#define INLINE static inline __attribute__((always_inline))

#if VECTOR == 64
#define LANES_f32 16
#define LANES_f64 8
#elif VECTOR == 32
#define LANES_f32 8
#define LANES_f64 4
#else
#define LANES_f32 4
#define LANES_f64 2
#endif

typedef f32 vector_f32 __attribute__((vector_size(VECTOR), aligned(4), may_alias));
typedef f64 vector_f64 __attribute__((vector_size(VECTOR), aligned(8), may_alias));
typedef i32 order_f32 __attribute__((vector_size(VECTOR)));
typedef i64 order_f64 __attribute__((vector_size(VECTOR)));

/* Lanes of two vectors: those of the first have the numbers before those of the second. */
#ifdef __clang__
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (N(order)){__VA_ARGS__})
#endif
#define LOW_2 0, 2 /* in turns: of the lower halves, of the upper halves */
#define HIGH_2 1, 3
#define LOW_4 0, 4, 1, 5
#define HIGH_4 2, 6, 3, 7
#define LOW_8 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_8 4, 12, 5, 13, 6, 14, 7, 15
#define LOW_16 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define EVEN_2 0, 2 /* every second one */
#define EVEN_4 0, 2, 4, 6
#define EVEN_8 0, 2, 4, 6, 8, 10, 12, 14
#define EVEN_16 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30

/* One of two numbers in each lane, as a mask tells. */
#define PICK(mask, a, b) ((N(vector))(((N(order))(a) & (mask)) | ((N(order))(b) & ~(mask))))
