/* What ops compute, as formulas of elementary functions, for each type.
 *
 * They are the formulas of the array library's kernels, so that infinities, NaN and large numbers
 * end up as they do there.
 */
#pragma once

/* (1 + a) exp(a * a / 2) times the chance that a normal variable is above a >= 0. */
static inline f32 normal_f32(f32 a) {
    const f32 u = (a - 5.0f) / (a + 5.0f);
    f32 p = -3.10484044e-05f;
    p = ma_f32(p, u, 1.53100268e-4f);
    p = ma_f32(p, u, -1.78487401e-05f);
    p = ma_f32(p, u, -1.64348857e-3f);
    p = ma_f32(p, u, 6.53666845e-3f);
    p = ma_f32(p, u, -1.51872134e-2f);
    p = ma_f32(p, u, 2.45328049e-2f);
    p = ma_f32(p, u, -2.63971167e-2f);
    p = ma_f32(p, u, 1.00028625e-2f);
    p = ma_f32(p, u, 3.10300332e-2f);
    p = ma_f32(p, u, -9.15522998e-2f);
    return ma_f32(p, u, 0.461515834f);
}

static inline f64 normal_f64(f64 a) {
    const f64 u = (a - 5.0) / (a + 5.0);
    f64 p = 2.458700103653154e-11;
    p = ma_f64(p, u, -3.807990191869197e-10);
    p = ma_f64(p, u, -4.296994064448403e-10);
    p = ma_f64(p, u, 4.396651284991787e-09);
    p = ma_f64(p, u, 4.014450963422496e-09);
    p = ma_f64(p, u, -3.094072368373558e-08);
    p = ma_f64(p, u, -2.686974680450927e-08);
    p = ma_f64(p, u, 1.9626196902558151e-07);
    p = ma_f64(p, u, 1.284360766674355e-07);
    p = ma_f64(p, u, -1.3074341333225053e-06);
    p = ma_f64(p, u, -7.069866488800462e-08);
    p = ma_f64(p, u, 9.059816217438934e-06);
    p = ma_f64(p, u, -9.89594942418457e-06);
    p = ma_f64(p, u, -5.36075778684158e-05);
    p = ma_f64(p, u, 0.00018233410399828392);
    p = ma_f64(p, u, 7.791596609337356e-06);
    p = ma_f64(p, u, -0.0016760723373300678);
    p = ma_f64(p, u, 0.006522000667904394);
    p = ma_f64(p, u, -0.01517041540326365);
    p = ma_f64(p, u, 0.024536963243668563);
    p = ma_f64(p, u, -0.02640104296626822);
    p = ma_f64(p, u, 0.010002352385229773);
    p = ma_f64(p, u, 0.03103036842596287);
    p = ma_f64(p, u, -0.09155228183400904);
    return ma_f64(p, u, 0.46151582985003775);
}

#define LARGEST_f32 ((f32)3.4028234663852886e38)
#define LARGEST_f64 1.7976931348623157e308

#define FLOATS(T, S)                                                                              \
    static inline T sign_##T(T x) { return x > 0 ? 1 : x < 0 ? -1 : x == 0 ? 0 : x; }             \
    static inline T abs_##T(T x) { return fabs##S(x); }                                           \
    static inline T clip_##T(T x, T low, T high) { return min_##T(max_##T(x, low), high); }       \
    static inline T fmax_of_##T(T a, T b) { return a >= b || b != b ? a : b; }                    \
    static inline T fmin_of_##T(T a, T b) { return a <= b || b != b ? a : b; }                    \
    /* quotient and remainder with the sign of the divisor, as NumPy finds them */                \
    static inline T remainder_##T(T a, T b) {                                                     \
        const T m = fmod##S(a, b);                                                                \
        return b == 0 ? m : m == 0 ? copysign##S(0, b) : (b < 0) != (m < 0) ? m + b : m;          \
    }                                                                                             \
    static inline T floor_divide_##T(T a, T b) {                                                  \
        if (b == 0) return a / b;                                                                 \
        const T m = fmod##S(a, b), d = (a - m) / b - (m != 0 && (b < 0) != (m < 0) ? 1 : 0);      \
        const T down = floor##S(d);                                                               \
        return d == 0 ? copysign##S(0, a / b) : d - down > (T)0.5 ? down + 1 : down;              \
    }                                                                                             \
    /* a comparison with NaN, where both are the same infinity, is false */                       \
    static inline T logaddexp_##T(T a, T b) {                                                     \
        const T e = exp_##T(-fabs##S(a - b));                                                     \
        return log1p_##T(e > 0 ? e : 0) + max_##T(a, b);                                          \
    }                                                                                             \
    static inline T logaddexp2_##T(T a, T b) {                                                    \
        const T e = exp2##S(-fabs##S(a - b));                                                     \
        return log1p_##T(e > 0 ? e : 0) * (T)1.4426950408889634 + max_##T(a, b);                  \
    }                                                                                             \
    static inline T xlogy_##T(T x, T y) { return x == 0 && y == y ? 0 : log_##T(y) * x; }         \
    static inline T xlog1py_##T(T x, T y) { return x == 0 && y == y ? 0 : log1p_##T(y) * x; }     \
    static inline T logit_##T(T x) { return log_##T(x / (1 - x)); }                               \
    static inline T entr_##T(T x) {                                                               \
        return x == 0 ? 0 : x < 0 ? -INFINITY : -x * log_##T(x);                                  \
    }                                                                                             \
    static inline T sinc_##T(T x) {                                                               \
        const T t = (T)3.141592653589793 * (x == 0 ? (T)1e-20 : x);                               \
        return sin##S(t) / t;                                                                     \
    }                                                                                             \
    static inline T heaviside_##T(T x, T y) {                                                     \
        return x != x ? x : x == 0 ? y : x < 0 ? 0 : 1;                                           \
    }                                                                                             \
    static inline T nan_to_num_##T(T x, T nan, T high, T low) {                                   \
        return x != x ? nan : x == INFINITY ? high : x == -INFINITY ? low : x;                    \
    }                                                                                             \
    static inline T softplus_of_##T(T x) { /* log(1 + exp(x)) */                                  \
        return log1p_##T(exp_##T(-fabs##S(x))) + max_##T(x, 0);                                   \
    }                                                                                             \
    static inline T log_sigmoid_##T(T x) {                                                        \
        return min_##T(x, -(T)0) - log1p_##T(exp_##T(-fabs##S(x)));                               \
    }                                                                                             \
    static inline T silu_##T(T x) { /* below the limit it is 0, and -inf times 0 is not */        \
        const T y = max_##T(x, -LIMIT_##T);                                                       \
        return y / (exp_##T(-y) + 1);                                                             \
    }                                                                                             \
    static inline T mish_##T(T x) {                                                               \
        const T e = exp_##T(min_##T(x, 30)), n = e * (e + 2);                                     \
        return n / (n + 2) * max_##T(x, -1000);                                                   \
    }                                                                                             \
    static inline T exponential_##T(T x, T above, T below, T rate) {                              \
        return expm1_##T(min_##T(x, 0) * rate) * below + max_##T(x, 0) * above;                   \
    }                                                                                             \
    static inline T hardsigmoid_##T(T x) {                                                        \
        return clip_##T(x * (T)(1.0 / 6) + (T)0.5, 0, 1);                                         \
    }                                                                                             \
    static inline T hardswish_##T(T x) { return hardsigmoid_##T(x) * max_##T(x, -3); }            \
    static inline T softsign_##T(T x) {                                                           \
        const T y = clip_##T(x, -(T)1e30, (T)1e30);                                               \
        return y / (fabs##S(y) + 1);                                                              \
    }                                                                                             \
    static inline T gelu_##T(T x) { /* max(x, 0) less a times the chance to be above a */         \
        const T y = clip_##T(x, -40, 40), a = fabs##S(y);                                         \
        const T chance = normal_##T(a) * exp_##T(a * a * (T)-0.5) / (a + 1);                      \
        return max_##T(x, 0) + y * 0 - a * chance;                                                \
    }                                                                                             \
    static inline T gelu_slope_##T(T x) {                                                         \
        const T y = clip_##T(x, -40, 40), a = fabs##S(y), e = exp_##T(a * a * (T)-0.5);           \
        const T q = normal_##T(a) * e / (a + 1) - e * (T)0.3989422804014327 * a;                  \
        return x < 0 ? q : 1 - q;                                                                 \
    }                                                                                             \
    static inline T gelu_by_tanh_##T(T x) {                                                       \
        const T y = clip_##T(x, -10, 10);                                                         \
        const T t = tanh_##T(y * (y * y * (T)0.044715 + 1) * (T)0.7978845608028654);              \
        return (t + 1) * (T)0.5 * max_##T(x, -10);                                                \
    }
FLOATS(f32, f)
FLOATS(f64, )

/* Integers: by 0, NumPy's quotient and remainder are 0; -1 is apart, for the least integer has no
 * quotient by it. Shifts by more than there are bits leave nothing, or the sign. */
#define INTEGERS(T)                                                                               \
    EXTREMES(T)                                                                                   \
    static inline T sign_##T(T x) { return (x > 0) - (x < 0); }                                   \
    static inline T abs_##T(T x) { return x < 0 ? -x : x; }                                       \
    static inline T clip_##T(T x, T low, T high) { return min_##T(max_##T(x, low), high); }       \
    static inline T fmod_##T(T a, T b) { return b == 0 || b == -1 ? 0 : a % b; }                  \
    static inline T remainder_##T(T a, T b) {                                                     \
        const T m = fmod_##T(a, b);                                                               \
        return m != 0 && (m < 0) != (b < 0) ? m + b : m;                                          \
    }                                                                                             \
    static inline T floor_divide_##T(T a, T b) {                                                  \
        if (b == 0 || b == -1) return b == 0 ? 0 : -a;                                            \
        return a / b - (a % b != 0 && (a < 0) != (b < 0));                                        \
    }                                                                                             \
    static inline T left_##T(T a, T b) {                                                          \
        return b >= 0 && b < (T)(8 * sizeof(T)) ? (T)(a << b) : 0;                                \
    }                                                                                             \
    static inline T right_##T(T a, T b) {                                                         \
        return b >= 0 && b < (T)(8 * sizeof(T)) ? a >> b : a < 0 ? -1 : 0;                        \
    }
INTEGERS(i64)
INTEGERS(i32)
INTEGERS(i16)
INTEGERS(i8)
INTEGERS(u8)
