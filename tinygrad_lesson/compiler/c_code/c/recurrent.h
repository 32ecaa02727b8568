/* Recurrent layers: a loop over time; in each step a product of matrices, and a pass over the rest.
 *
 * Layouts are those of the ops of the same names; `steps`, `count` and `size` are T, N and H. Each
 * thread takes some of the N sequences through all of time.
 */

i32 N(tl_rnn_states)(const T *x, const T *start, const T *w, T *restrict out, i64 steps,
                          i64 count, i64 size, int rectified, i64 me, meeting *m) {
    SHARE(count, 1)
    const i64 all = count * size, first = from * size, last = to * size;
    T *mixed = scratch(0, all * sizeof(T)), *panels = N(packed)(size, size, w, 1, size);
    if (!mixed || !panels) return 2;
    if (from >= to) return 0;
    memcpy(out + first, start + first, (last - first) * sizeof(T));
    for (i64 t = 0; t < steps; t++, out += all, x += all) {
        N(multiply)(to - from, size, size, out + first, size, 1, panels, mixed + first, size,
                     0);
        for (i64 i = first; i < last; i++) {
            const T sum = mixed[i] + x[i];
            out[all + i] = rectified ? N(max)(sum, 0) : N(tanh)(sum);
        }
    }
    return 0;
}

/* `sums`, if there is such: what the gates are functions of, for later. */
i32 N(tl_lstm_states)(const T *x, const T *start, const T *w, T *restrict out, T *sums, i64 steps,
                      i64 count, i64 size, i64 me, meeting *m) {
    SHARE(count, 1)
    const i64 all = count * size, first = from * size, part = (to - from) * size;
    T *mixed = scratch(0, 4 * all * sizeof(T));
    T *panels = N(packed)(4 * size, size, w, 1, size);
    if (!mixed || !panels) return 2;
    if (from >= to) return 0;
    memcpy(out + first, start + first, part * sizeof(T));
    memcpy(out + all + first, start + all + first, part * sizeof(T));
    for (i64 t = 0; t < steps; t++, out += 2 * all, x += 4 * all) {
        T *sum = sums ? sums + 4 * t * all : mixed;
        memcpy(sum + 4 * first, x + 4 * first, 4 * part * sizeof(T));
        N(multiply)(to - from, 4 * size, size, out + first, size, 1, panels, sum + 4 * first,
                    4 * size, 1);
        for (i64 i = from; i < to; i++) {
            T *a = mixed + 4 * i * size;
            const T *s = sum + 4 * i * size, *restrict before = out + all + i * size;
            T *restrict h = out + 2 * all + i * size, *restrict c = out + 3 * all + i * size;
#pragma omp simd
            for (i64 j = 0; j < 2 * size; j++) /* put, keep */
                a[j] = N(sigmoid)(s[j]);
#pragma omp simd
            for (i64 j = 2 * size; j < 3 * size; j++) /* new */
                a[j] = N(tanh)(s[j]);
#pragma omp simd
            for (i64 j = 3 * size; j < 4 * size; j++) /* let out */
                a[j] = N(sigmoid)(s[j]);
#pragma omp simd
            for (i64 j = 0; j < size; j++) {
                c[j] = a[size + j] * before[j] + a[j] * a[2 * size + j];
                h[j] = a[3 * size + j] * N(tanh)(c[j]);
            }
        }
    }
    return 0;
}

/* `sums`, if there is such: the products of the states before and the weights, for later. */
i32 N(tl_gru_states)(const T *x, const T *start, const T *w, const T *bias, T *restrict out,
                     T *sums, i64 steps, i64 count, i64 size, i64 me, meeting *m) {
    SHARE(count, 1)
    const i64 all = count * size, first = from * size;
    T *mixed = scratch(0, 3 * all * sizeof(T));
    T *panels = N(packed)(3 * size, size, w, 1, size);
    if (!mixed || !panels) return 2;
    if (from >= to) return 0;
    memcpy(out + first, start + first, (to - from) * size * sizeof(T));
    for (i64 t = 0; t < steps; t++, out += all, x += 3 * all) {
        T *sum = sums ? sums + 3 * t * all : mixed;
        N(multiply)(to - from, 3 * size, size, out + first, size, 1, panels, sum + 3 * first,
                    3 * size, 0);
        for (i64 i = from; i < to; i++) {
            T *a = mixed + 3 * i * size;
            const T *s = sum + 3 * i * size;
            const T *restrict g = x + 3 * i * size, *restrict before = out + i * size;
            T *restrict after = out + all + i * size;
#pragma omp simd
            for (i64 j = 0; j < 2 * size; j++) /* reset, keep */
                a[j] = N(sigmoid)(s[j] + bias[j] + g[j]);
#pragma omp simd
            for (i64 j = 0; j < size; j++) {
                const T inner = s[2 * size + j] + bias[2 * size + j];
                const T new = N(tanh)(g[2 * size + j] + a[j] * inner);
                after[j] = (before[j] - new) * a[size + j] + new;
            }
        }
    }
    return 0;
}

/* Backwards in time: what flows into each state, from later ones; in `shares`, if there is such,
 * what each gate lets through of it. */
i32 N(tl_recurrent_flow)(const T *x, const T *mix, const T *keep, const T *w,
                              T *restrict out, T *shares, i64 steps, i64 count, i64 size,
                              i64 gates, i64 me, meeting *m) {
    SHARE(count, 1)
    const i64 all = count * size, first = from * size, last = to * size;
    T *mixed = scratch(0, (gates + 1) * all * sizeof(T)), *term = mixed + gates * all;
    T *panels = N(packed)(size, gates * size, w, size, 1);
    if (!mixed || !panels) return 2;
    if (from >= to) return 0;
    for (i64 t = 0; t <= steps; t++)
        memcpy(out + t * all + first, x + t * all + first, (last - first) * sizeof(T));
    for (i64 t = steps - 1; t >= 0; t--) {
        T *before = out + t * all;
        const T *after = before + all, *part = mix + t * gates * all;
        T *share = shares ? shares + t * gates * all : mixed;
        for (i64 i = from; i < to; i++)
            for (i64 k = 0; k < gates; k++)
                for (i64 j = 0; j < size; j++)
                    share[(i * gates + k) * size + j] =
                        part[(i * gates + k) * size + j] * after[i * size + j];
        N(multiply)(to - from, size, gates * size, share + gates * first, gates * size, 1,
                     panels, term + first, size, 0);
        for (i64 i = first; i < last; i++)
            before[i] += term[i] + keep[t * all + i] * after[i];
    }
    return 0;
}

i32 N(tl_memory_flow)(const T *x, const T *mix, const T *keep, const T *show,
                           const T *w, T *restrict out, T *shares, i64 steps, i64 count,
                           i64 size, i64 gates, i64 me, meeting *m) {
    SHARE(count, 1)
    const i64 all = count * size, first = from * size, last = to * size;
    T *mixed = scratch(0, (gates + 1) * all * sizeof(T)), *term = mixed + gates * all;
    T *panels = N(packed)(size, gates * size, w, size, 1);
    if (!mixed || !panels) return 2;
    if (from >= to) return 0;
    for (i64 t = 0; t < 2 * (steps + 1); t++)
        memcpy(out + t * all + first, x + t * all + first, (last - first) * sizeof(T));
    for (i64 t = steps - 1; t >= 0; t--) {
        T *h = out + 2 * t * all, *c = h + all, *next_h = c + all, *next_c = next_h + all;
        const T *part = mix + t * gates * all;
        T *share = shares ? shares + t * gates * all : mixed;
        for (i64 i = first; i < last; i++) next_c[i] += show[t * all + i] * next_h[i];
        for (i64 i = from; i < to; i++)
            for (i64 k = 0; k < gates; k++) {
                const T *source = (k == gates - 1 ? next_h : next_c) + i * size;
                const i64 at = (i * gates + k) * size;
                for (i64 j = 0; j < size; j++) share[at + j] = part[at + j] * source[j];
            }
        N(multiply)(to - from, size, gates * size, share + gates * first, gates * size, 1,
                     panels, term + first, size, 0);
        for (i64 i = first; i < last; i++) {
            h[i] += term[i];
            c[i] += keep[t * all + i] * next_c[i];
        }
    }
    return 0;
}
