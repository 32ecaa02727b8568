/* Elementary functions that a compiler can turn into vector code: no branches, no calls.
 *
 * Polynomials were fitted for this file (Chebyshev series, or weighted least squares refined
 * towards the least largest relative error); reductions of the argument are the textbook ones
 * (Muller, "Elementary functions", 2016, chapter 11). The tests hold them to these largest errors,
 * in units in the last place:
 *
 *             exp  log  log1p  expm1  tanh  sigmoid  erf
 *     single  1.1  1.0  1.5    1.6    2.5   2.5      2.6
 *     double  1.1  1.0  1.5    2.5    2.6   2.2      2.1
 *
 * NaN goes through; exp(-inf) is 0, log(0) is -inf; denormals are as exact as the rest.
 */
#pragma once
#include <math.h>
#include <string.h>
#include "numbers.h"

/* a * b + c: with one rounding where the processor does so in one instruction. The compiler must
 * not do this by itself (-ffp-contract=off): x * x - y * y is 0 in NumPy where x is y, and its root
 * 0; with one rounding too few it is below 0, and its root NaN. In polynomials nobody minds. */
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__FP_FAST_FMA)
static inline f32 ma_f32(f32 a, f32 b, f32 c) { return __builtin_fmaf(a, b, c); }
static inline f64 ma_f64(f64 a, f64 b, f64 c) { return __builtin_fma(a, b, c); }
#else
static inline f32 ma_f32(f32 a, f32 b, f32 c) { return a * b + c; }
static inline f64 ma_f64(f64 a, f64 b, f64 c) { return a * b + c; }
#endif

/* NumPy's maximum and minimum: NaN if either is NaN. */
#define EXTREMES(T)                                                         \
    static inline T max_##T(T a, T b) { return a >= b || a != a ? a : b; } \
    static inline T min_##T(T a, T b) { return a <= b || a != a ? a : b; }
EXTREMES(f32)
EXTREMES(f64)

/* What loops keep for the end. (C's own reductions begin with the largest finite number in clang.) */
#pragma omp declare reduction(least : f32, f64 : omp_out = omp_in < omp_out ? omp_in : omp_out) \
    initializer(omp_priv = INFINITY)
#pragma omp declare reduction(largest : f32, f64 : omp_out = omp_in > omp_out ? omp_in : omp_out) \
    initializer(omp_priv = -INFINITY)

/* ---- single precision ---- */

static inline f32 bits_f32(uint32_t bits) { f32 x; memcpy(&x, &bits, 4); return x; }
static inline uint32_t f32_bits(f32 x) { uint32_t bits; memcpy(&bits, &x, 4); return bits; }

/* 2 to the power n, for -126 <= n <= 127. */
static inline f32 power_f32(i32 n) { return bits_f32((uint32_t)(n + 127) << 23); }

/* exp(r) - 1 for r in +- log(2) / 2. */
static inline f32 near_f32(f32 r) {
    const f32 z = r * r; /* by pairs: the chain of what waits for what is shorter */
    f32 p = ma_f32(ma_f32(1.98577976e-4f, r, 1.39336044e-3f), z,
                   ma_f32(8.33336073e-3f, r, 4.16664655e-2f));
    p = ma_f32(p, z, ma_f32(0.166666665f, r, 0.500000001f));
    return ma_f32(p, z, r);
}

/* x = n log(2) + r, with a whole n. */
static inline f32 reduced_f32(f32 x, i32 *n) {
    const f32 shifted = ma_f32(x, 1.44269504f, 12582912.0f); /* the integer nearest: low bits */
    const f32 whole = shifted - 12582912.0f;
    *n = (i32)(f32_bits(shifted) - 0x4B400000u);
    return ma_f32(whole, 2.12194440e-4f, ma_f32(whole, -0.693359375f, x));
}

static inline f32 exp_f32(f32 x) {
    f32 y = x > 89.0f ? 89.0f : x;
    y = y < -104.0f ? -104.0f : y; /* comparisons with NaN are false: it stays */
    i32 n;
    const f32 p = near_f32(reduced_f32(y, &n)) + 1.0f;
    const i32 half = n >> 1; /* in two steps, so that denormals come out right */
    return p * power_f32(half) * power_f32(n - half);
}

static inline f32 expm1_f32(f32 x) {
    f32 y = x > 89.0f ? 89.0f : x;
    y = y < -20.0f ? -20.0f : y;
    i32 n;
    const f32 p = near_f32(reduced_f32(y, &n));
    const f32 half = power_f32(n - 1); /* of 2 to the power n, which may be too large */
    const f32 out = 2.0f * ma_f32(half, p, half - 0.5f);
    return fabsf(x) < 1e-10f ? x : out;
}

/* x = (1 + f) 2^n, with 1 + f between the roots of 1/2 and of 2. */
static inline f32 fraction_f32(f32 x, i32 *n) {
    const uint32_t bits = f32_bits(x) - 0x3F3504F3u;
    *n = (i32)bits >> 23;
    return bits_f32((bits & 0x007FFFFFu) + 0x3F3504F3u) - 1.0f;
}

/* log((1 + f) 2^n) */
static inline f32 joined_f32(f32 f, i32 n) {
    const f32 z = f * f, y = z * z, e = (f32)n;
    f32 p = ma_f32(ma_f32(-0.11514563f, f, 0.116770144f), z,
                   ma_f32(-0.124201486f, f, 0.142493219f));
    p = ma_f32(ma_f32(0.0703758343f, y, p), y,
               ma_f32(ma_f32(-0.166680573f, f, 0.200007148f), z,
                      ma_f32(-0.24999994f, f, 0.333333312f)));
    const f32 out = ma_f32(-0.5f, z, ma_f32(f * z, p, e * -2.12194440e-4f));
    return ma_f32(e, 0.693359375f, f + out);
}

static inline f32 log_f32(f32 x) {
    const i32 denormal = x < 1.17549435e-38f;
    i32 n;
    const f32 f = fraction_f32(denormal ? x * 8388608.0f : x, &n);
    f32 out = joined_f32(f, denormal ? n - 23 : n);
    out = x < INFINITY ? out : x; /* inf and NaN as they are */
    out = x == 0.0f ? -INFINITY : out;
    return x < 0.0f ? NAN : out;
}

static inline f32 erf_f32(f32 x) {
    const f32 a = fabsf(x), z = x * x;
    f32 p = 7.85385765e-5f;
    p = ma_f32(p, z, -8.0101925e-4f);
    p = ma_f32(p, z, 5.18832756e-3f);
    p = ma_f32(p, z, -0.0268538119f);
    p = ma_f32(p, z, 0.112835851f);
    p = ma_f32(p, z, -0.376126258f);
    p = ma_f32(p, z, 1.12837917f);
    const f32 small = p * x;
    const f32 b = a > 4.2f ? 4.2f : a;
    const f32 t = 1.0f / ma_f32(0.5f, b, 1.0f);
    f32 q = 0.117676499f;
    q = ma_f32(q, t, -0.465469007f);
    q = ma_f32(q, t, 0.554919996f);
    q = ma_f32(q, t, -0.0969091f);
    q = ma_f32(q, t, 0.344599573f);
    q = ma_f32(q, t, 0.260599105f);
    q = ma_f32(q, t, 0.28476954f);
    q = ma_f32(q, t, -1.44642117e-4f);
    const f32 large = copysignf(1.0f - exp_f32(-b * b) * q, x);
    return a > 1.0f ? large : x != x ? x : small;
}

/* ---- double precision ---- */

static inline f64 bits_f64(uint64_t bits) { f64 x; memcpy(&x, &bits, 8); return x; }
static inline uint64_t f64_bits(f64 x) { uint64_t bits; memcpy(&bits, &x, 8); return bits; }

/* 2 to the power n, an integer with -1022 <= n <= 1023: the sum has n + 1023 in its low bits. */
static inline f64 power_f64(f64 n) { return bits_f64(f64_bits(n + 6755399441056767.0) << 52); }

static inline f64 near_f64(f64 r) {
    f64 p = 2.51004241570050668e-8;
    p = ma_f64(p, r, 2.76201387197339956e-7);
    p = ma_f64(p, r, 2.75572683786841929e-6);
    p = ma_f64(p, r, 2.48015211902177277e-5);
    p = ma_f64(p, r, 1.98412698631059687e-4);
    p = ma_f64(p, r, 1.38888889172817933e-3);
    p = ma_f64(p, r, 8.33333333333005135e-3);
    p = ma_f64(p, r, 0.0416666666666239915);
    p = ma_f64(p, r, 0.166666666666666675);
    p = ma_f64(p, r, 0.500000000000000103);
    return ma_f64(p * r, r, r);
}

static inline f64 reduced_f64(f64 x, f64 *n) {
    *n = ma_f64(x, 1.4426950408889634, 6755399441055744.0) - 6755399441055744.0;
    return ma_f64(*n, -1.90821492927058770e-10, ma_f64(*n, -0.69314718036912382, x));
}

static inline f64 exp_f64(f64 x) {
    f64 y = x > 710.0 ? 710.0 : x;
    y = y < -746.0 ? -746.0 : y;
    f64 n;
    const f64 p = near_f64(reduced_f64(y, &n)) + 1.0;
    const f64 first = n > 1000.0 ? 1000.0 : n < -1000.0 ? -1000.0 : n;
    return p * power_f64(first) * power_f64(n - first);
}

static inline f64 expm1_f64(f64 x) {
    f64 y = x > 710.0 ? 710.0 : x;
    y = y < -40.0 ? -40.0 : y;
    f64 n;
    const f64 p = near_f64(reduced_f64(y, &n));
    const f64 half = power_f64(n - 1.0);
    const f64 out = 2.0 * ma_f64(half, p, half - 0.5);
    return fabs(x) < 1e-20 ? x : out;
}

static inline f64 fraction_f64(f64 x, f64 *n) {
    const uint64_t root = 0x3FE6A09E667F3BCDu, bits = f64_bits(x) + (0x3FF0000000000000u - root);
    *n = bits_f64((bits >> 52) | 0x4330000000000000u) - 4503599627371519.0;
    return bits_f64((bits & 0x000FFFFFFFFFFFFFu) + root) - 1.0;
}

static inline f64 joined_f64(f64 f, f64 n) {
    const f64 s = f / (2.0 + f), z = s * s; /* log((1 + s) / (1 - s)) */
    f64 p = 0.14616585424888622;
    p = ma_f64(p, z, 0.153317106182107716);
    p = ma_f64(p, z, 0.18182889455674946);
    p = ma_f64(p, z, 0.22222211130259877);
    p = ma_f64(p, z, 0.285714286260032687);
    p = ma_f64(p, z, 0.399999999998994432);
    p = ma_f64(p, z, 0.666666666666666969);
    const f64 h = 0.5 * f * f;
    const f64 low = ma_f64(s, ma_f64(p, z, h), n * 1.90821492927058770e-10);
    return ma_f64(n, 0.69314718036912382, f - (h - low));
}

static inline f64 log_f64(f64 x) {
    const int denormal = x < 2.2250738585072014e-308;
    f64 n;
    const f64 f = fraction_f64(denormal ? x * 18014398509481984.0 : x, &n);
    f64 out = joined_f64(f, denormal ? n - 54.0 : n);
    out = x < INFINITY ? out : x;
    out = x == 0.0 ? -INFINITY : out;
    return x < 0.0 ? NAN : out;
}

static inline f64 erf_f64(f64 x) {
    const f64 a = fabs(x), z = x * x;
    f64 p = -7.79589882700214224e-10;
    p = ma_f64(p, z, 1.37200645467776856e-8);
    p = ma_f64(p, z, -1.62084838018717059e-7);
    p = ma_f64(p, z, 1.64474247033173624e-6);
    p = ma_f64(p, z, -1.49247369074196603e-5);
    p = ma_f64(p, z, 1.20552949048397079e-4);
    p = ma_f64(p, z, -8.54832597538969208e-4);
    p = ma_f64(p, z, 5.22397760711642273e-3);
    p = ma_f64(p, z, -0.0268661706432377704);
    p = ma_f64(p, z, 0.112837916709450063);
    p = ma_f64(p, z, -0.376126389031835404);
    p = ma_f64(p, z, 1.12837916709551257);
    const f64 small = p * x;
    const f64 b = a > 6.0 ? 6.0 : a;
    const f64 t = 1.0 / ma_f64(0.5, b, 1.0); /* erfc(b) * exp(b * b) is a polynomial of it */
    f64 q = 0.00730113499585691705;
    q = ma_f64(q, t, 0.013174502501744025);
    q = ma_f64(q, t, -0.299108740311273908);
    q = ma_f64(q, t, 1.171209502392138);
    q = ma_f64(q, t, -2.36034631086710566);
    q = ma_f64(q, t, 2.86891148761687675);
    q = ma_f64(q, t, -2.21611129583081131);
    q = ma_f64(q, t, 1.2007988921739575);
    q = ma_f64(q, t, -0.588380498452977529);
    q = ma_f64(q, t, 0.166402356422969138);
    q = ma_f64(q, t, 0.0421658108417165331);
    q = ma_f64(q, t, 0.183875166187312208);
    q = ma_f64(q, t, 0.24583414322512833);
    q = ma_f64(q, t, 0.282185255460822064);
    q = ma_f64(q, t, 0.282089759929175398);
    q = ma_f64(q, t, 1.29658413029865563e-7);
    const f64 large = copysign(1.0 - exp_f64(-b * b) * q, x);
    return a > 1.0 ? large : x != x ? x : small;
}

/* ---- both ---- */

#define LIMIT_f32 88.0f /* exp of it is still finite */
#define LIMIT_f64 709.0

#define FROM_THESE(T, N, S, LOW, EVEN)                                               \
    static inline T log1p_##T(T x) { /* what rounding takes from 1 + x is put back */ \
        const T u = 1 + x, lost = x - (u - 1);                                       \
        N n;                                                                         \
        const T f = fraction_##T(u, &n);                                             \
        T out = joined_##T(ma_##T(lost, power_##T(n > EVEN ? -EVEN : -n), f), n);    \
        out = u < INFINITY ? out : u;                                                \
        out = x == 0 ? x : out;                                                      \
        return u > 0 ? out : u == 0 ? -INFINITY : NAN;                               \
    }                                                                                \
    static inline T sigmoid_##T(T x) { /* never 0, for its logarithm is taken */     \
        T y = x < -LIMIT_##T ? LIMIT_##T : -x;                                       \
        y = y < LOW ? LOW : y;                                                       \
        N n;                                                                         \
        const T p = near_##T(reduced_##T(y, &n)), power = power_##T(n);              \
        return 1 / (1 + ma_##T(p, power, power));                                    \
    }                                                                                \
    static inline T tanh_##T(T x) {                                                  \
        const T a = fabs##S(x);                                                      \
        N n;                                                                         \
        const T p = near_##T(reduced_##T(a > 20 ? 40 : a + a, &n));                  \
        const T half = power_##T(n - 1), e = ma_##T(half, p, half - (T)0.5);         \
        return copysign##S(e / (e + 1), x); /* e is half of exp(2 a) - 1 */          \
    }
FROM_THESE(f32, i32, f, -87.0f, 126)
FROM_THESE(f64, f64, , -708.0, 1022)

#include "formulas.h"
