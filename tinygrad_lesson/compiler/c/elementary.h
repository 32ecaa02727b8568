/* Elementary functions that a compiler can turn into vector code: no branches, no calls.
 *
 * Polynomials were fitted for this file (weighted least squares, refined towards the least largest
 * relative error); reductions of the argument are the textbook ones (Muller, "Elementary
 * functions", 2016, chapter 11). Largest errors, in units in the last place, by the tests: exp 1.1,
 * log 1.5, log1p 2.5, expm1 3, tanh 2.5, sigmoid 2.5, erf 3. Double precision is the C library's.
 *
 * NaN goes through; exp(-inf) is 0, log(0) is -inf; denormals are as exact as the rest.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef float f32;
typedef double f64;
typedef int64_t i64;
typedef int32_t i32;
typedef int16_t i16;
typedef int8_t i8;
typedef uint8_t u8;

static inline f32 bits_f32(uint32_t bits) { f32 x; memcpy(&x, &bits, 4); return x; }
static inline uint32_t f32_bits(f32 x) { uint32_t bits; memcpy(&bits, &x, 4); return bits; }

/* 2 to the power n, for -126 <= n <= 127. */
static inline f32 power_of_2(i32 n) { return bits_f32((uint32_t)(n + 127) << 23); }

static inline f32 exp_f32(f32 x) {
    f32 y = x > 89.0f ? 89.0f : x;
    y = y < -104.0f ? -104.0f : y; /* comparisons with NaN are false: it stays */
    const f32 shifted = y * 1.44269504f + 12582912.0f; /* the integer nearest is in the low bits */
    const i32 n = (i32)(f32_bits(shifted) - 0x4B400000u);
    const f32 whole = shifted - 12582912.0f;
    const f32 r = (y - whole * 0.693359375f) - whole * -2.12194440e-4f;
    f32 p = 1.98577976e-4f;
    p = p * r + 1.39336044e-3f;
    p = p * r + 8.33336073e-3f;
    p = p * r + 4.16664655e-2f;
    p = p * r + 0.166666665f;
    p = p * r + 0.500000001f;
    p = p * r * r + r + 1.0f;
    const i32 half = n / 2; /* in two steps, so that denormals come out right */
    return p * power_of_2(half) * power_of_2(n - half);
}

static inline f32 log_f32(f32 x) {
    const f32 scale = x < 1.17549435e-38f ? 8388608.0f : 1.0f; /* a denormal is made normal */
    const f32 y = x * scale;
    const uint32_t bits = f32_bits(y);
    i32 n = (i32)(bits >> 23) - 127;
    f32 m = bits_f32((bits & 0x007FFFFFu) | 0x3F800000u);
    const i32 large = m > 1.41421356f;
    m = large ? m * 0.5f : m;
    n = n + large;
    const f32 e = (f32)n - (scale > 1.0f ? 23.0f : 0.0f);
    const f32 f = m - 1.0f;
    f32 p = 0.0703758343f;
    p = p * f - 0.11514563f;
    p = p * f + 0.116770144f;
    p = p * f - 0.124201486f;
    p = p * f + 0.142493219f;
    p = p * f - 0.166680573f;
    p = p * f + 0.200007148f;
    p = p * f - 0.24999994f;
    p = p * f + 0.333333312f;
    const f32 z = f * f;
    f32 out = f * z * p + e * -2.12194440e-4f;
    out = out - 0.5f * z;
    out = (f + out) + e * 0.693359375f;
    out = x < INFINITY ? out : x; /* inf and NaN as they are */
    out = x == 0.0f ? -INFINITY : out;
    return x < 0.0f ? NAN : out;
}

static inline f32 log1p_f32(f32 x) { /* what rounding took from 1 + x is put back */
    const f32 u = 1.0f + x;
    const f32 lost = (u - 1.0f) - x;
    const f32 out = log_f32(u) - lost / u;
    return u > 0.0f && u < INFINITY ? (x == 0.0f ? x : out) : log_f32(u);
}

static inline f32 expm1_f32(f32 x) {
    const f32 r = x > 0.35f ? 0.35f : x < -0.35f ? -0.35f : x;
    f32 p = 1.98577976e-4f;
    p = p * r + 1.39336044e-3f;
    p = p * r + 8.33336073e-3f;
    p = p * r + 4.16664655e-2f;
    p = p * r + 0.166666665f;
    p = p * r + 0.500000001f;
    const f32 small = p * r * r + r;
    return x == 0.0f ? x : x <= 0.35f && x >= -0.35f ? small : exp_f32(x) - 1.0f;
}

static inline f32 sigmoid_f32(f32 x) { return 1.0f / (1.0f + exp_f32(-x)); }

static inline f32 tanh_f32(f32 x) {
    const f32 a = fabsf(x), z = x * x;
    f32 p = 0.0022928074f;
    p = p * z - 0.00834400481f;
    p = p * z + 0.0217689379f;
    p = p * z - 0.053959262f;
    p = p * z + 0.133333036f;
    p = p * z - 0.333333332f;
    const f32 small = p * z * x + x;
    const f32 large = copysignf(1.0f - 2.0f / (exp_f32(2.0f * a) + 1.0f), x);
    return a > 0.625f ? large : x == 0.0f ? x : small; /* -0 stays -0 */
}

static inline f32 erf_f32(f32 x) {
    const f32 a = fabsf(x), z = x * x;
    f32 p = 7.85385765e-5f;
    p = p * z - 8.0101925e-4f;
    p = p * z + 5.18832756e-3f;
    p = p * z - 0.0268538119f;
    p = p * z + 0.112835851f;
    p = p * z - 0.376126258f;
    p = p * z + 1.12837917f;
    const f32 small = p * x;
    const f32 b = a > 4.2f ? 4.2f : a;
    const f32 t = 1.0f / (1.0f + 0.5f * b);
    f32 q = 0.117676499f;
    q = q * t - 0.465469007f;
    q = q * t + 0.554919996f;
    q = q * t - 0.0969091f;
    q = q * t + 0.344599573f;
    q = q * t + 0.260599105f;
    q = q * t + 0.28476954f;
    q = q * t - 1.44642117e-4f;
    const f32 large = copysignf(1.0f - exp_f32(-b * b) * q, x);
    return a > 1.0f ? large : x != x ? x : small;
}

static inline f64 exp_f64(f64 x) { return exp(x); }
static inline f64 log_f64(f64 x) { return log(x); }
static inline f64 log1p_f64(f64 x) { return log1p(x); }
static inline f64 expm1_f64(f64 x) { return expm1(x); }
static inline f64 sigmoid_f64(f64 x) { return 1.0 / (1.0 + exp(-x)); }
static inline f64 tanh_f64(f64 x) { return tanh(x); }
static inline f64 erf_f64(f64 x) { return erf(x); }

/* NumPy's maximum and minimum: NaN if either is NaN. */
static inline f32 max_f32(f32 a, f32 b) { return a >= b || a != a ? a : b; }
static inline f32 min_f32(f32 a, f32 b) { return a <= b || a != a ? a : b; }
static inline f64 max_f64(f64 a, f64 b) { return a >= b || a != a ? a : b; }
static inline f64 min_f64(f64 a, f64 b) { return a <= b || a != a ? a : b; }
static inline f32 sign_f32(f32 x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x; }
static inline f64 sign_f64(f64 x) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x; }
