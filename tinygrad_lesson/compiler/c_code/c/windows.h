/* Convolution and pooling of images: arrays (N, C, H, W) and kernels (O, C, KH, KW), in one piece.
 *
 * A convolution is a product of the kernels, a matrix (O, C KH KW), with the windows of an image as
 * columns. The windows are not copied out: in an image with its padding, whose rows are as long as
 * those of the result and what the kernel reaches beyond, the numbers that one place of the kernel
 * sees lie in one piece; only where the piece begins differs. (Between two rows of the result this
 * computes a few numbers that nobody wants.) With a stride, each remainder of a coordinate has an
 * image of its own, in which the same is true. Groups of channels are images of their own, each
 * with some of the kernels.
 */
/* The image with padding, as above: columns and rows of one part, and how many numbers. */
static i64 N(pitch)(window g) { return g.ow + (g.kw - 1) * g.dw / g.sw; }
static i64 N(high)(window g) { return g.oh + (g.kh - 1) * g.dh / g.sh; }
static i64 N(part)(window g) { return N(pitch)(g) * N(high)(g); }

/* A vector of the next numbers, of which only `room` are there: the others are 0, or left out. */
INLINE N(vector) N(read)(const T *x, i64 room) {
    if (room >= LANES) return *(const N(vector) *)x;
    N(vector) some = {0};
    if (room > 0) memcpy(&some, x, room * sizeof(T));
    return some;
}
INLINE void N(write)(N(vector) x, T *to, i64 room) {
    if (room >= LANES) {
        *(N(vector) *)to = x;
        return;
    }
    const N(vector) some = x; /* with an address, which `x` in its register has not */
    if (room > 0) memcpy(to, &some, room * sizeof(T));
}
INLINE void N(every)(const i64 step, const T *x, T *to, i64 count) {
    for (i64 j = 0; j < count; j++) to[j] = x[j * step];
}

/* Write a row there, whose last vector has `last`; behind it come zeros, or what is still to be
 * written. From `x` on there are `room` numbers. */
INLINE void N(row_in)(const T *x, T *to, i64 count, N(order) last, i64 room) {
    i64 j = 0;
    for (; j + LANES <= count; j += LANES) *(N(vector) *)(to + j) = *(const N(vector) *)(x + j);
    if (j < count)
        *(N(vector) *)(to + j) = (N(vector))((N(order))N(read)(x + j, room - j) & last);
}

/* Put `c` channels there; from `x` on there are `room` numbers. */
static void N(padded)(const T *x, T *into, i64 c, window g, i64 room) {
    const i64 pitch = N(pitch)(g), high = N(high)(g), part = N(part)(g);
    const int simple = g.sh == 1 && g.sw == 1 && g.pw >= 0; /* rows are not taken apart */
    const i64 whole = g.w < pitch - g.pw ? g.w : pitch - g.pw;
    N(order) last = {0};
    for (i64 q = 0; q < whole % LANES; q++) last[q] = -1;
    for (i64 l = 0; l < c; l++, into += g.sh * g.sw * part)
        for (i64 i = 0; i < g.h; i++, x += g.w, room -= g.w) {
            const i64 row = i + g.ph;
            if (row < 0 || row / g.sh >= high) continue;
            if (simple) {
                N(row_in)(x, into + row * pitch + g.pw, whole, last, room);
                continue;
            }
            T *to = into + row % g.sh * g.sw * part + row / g.sh * pitch;
            for (i64 q = 0; q < g.sw; q++, to += part) {
                const i64 first = q < g.pw ? (g.pw - q + g.sw - 1) / g.sw : 0;
                const i64 end = (g.w + g.pw - q + g.sw - 1) / g.sw;
                const i64 count = (end < pitch ? end : pitch) - first;
                const T *from = x + first * g.sw + q - g.pw;
                if (g.sw == 1) N(every)(1, from, to + first, count);
                else if (g.sw == 2) N(every)(2, from, to + first, count);
                else N(every)(g.sw, from, to + first, count);
            }
        }
}

/* Where the numbers that each place of the kernels sees begin. */
static void N(begins)(i64 *at, i64 c, window g) {
    const i64 pitch = N(pitch)(g), part = N(part)(g);
    for (i64 l = 0; l < c; l++)
        for (i64 a = 0; a < g.kh * g.dh; a += g.dh)
            for (i64 e = 0; e < g.kw * g.dw; e += g.dw)
                *at++ = ((l * g.sh + a % g.sh) * g.sw + e % g.sw) * part
                    + a / g.sh * pitch + e / g.sw;
}

/* Write rows of a result that lie `pitch` apart, each `row` long, without gaps. After the last
 * one there is `room` for what is not to be kept: the next rows are written over it. */
INLINE void N(put_down)(const T *x, i64 pitch, T *out, i64 count, i64 row, i64 room, T plus) {
    for (i64 i = 0; i < count; i++, x += pitch, out += row, room -= row)
        for (i64 j = 0; j < row; j += LANES)
            N(write)(*(const N(vector) *)(x + j) + plus, out + j, room - j);
}

/* Products of a matrix (o, k) with what its columns see of an image. */
static void N(seen)(i64 o, i64 k, i64 wide, const T *w, const i64 *at, const T *image,
                    const i64 *begin, T *sums) {
    if (!k) memset(sums, 0, o * wide * sizeof(T));
    for (i64 l = 0; l < k; l += DEEP)
        for (i64 j = 0; j < wide; j += N(PANEL)) {
            const i64 v = (wide - j) / LANES < WIDTH ? (wide - j) / LANES : WIDTH;
            N(stepped_strip)(v, o, k - l < DEEP ? k - l : DEEP, w + l, at, image + j, begin + l,
                              sums + j, wide, l > 0);
        }
}

/* Slide kernels (groups, o, c kh kw) over images (n, c, h, w), which belong to the groups in turn;
 * `bias`, or 0: a number for each kernel. */
static i32 N(slide)(const T *x, const T *w, const T *bias, T *restrict out, i64 n, i64 c, i64 o,
                     i64 groups, window g, i64 me, meeting *m) {
    const i64 k = c * g.kh * g.kw, pitch = N(pitch)(g), all = (g.oh - 1) * pitch + g.ow;
    const i64 wide = (all + LANES - 1) / LANES * LANES;
    const i64 size = c * g.sh * g.sw * N(part)(g) + LANES;
    T *image = scratch(0, size * sizeof(T)), *sums = scratch(1, (o * wide + LANES) * sizeof(T));
    i64 *begin = scratch(2, (k + o) * sizeof(i64)), *at = begin + k;
    if (!image || !sums || !begin) return 2;
    N(begins)(begin, c, g);
    for (i64 i = 0; i < o; i++) at[i] = i * k;
    memset(image, 0, size * sizeof(T));
    SHARE(n, 1)
    for (i64 s = from; s < to; s++) {
        const T *of = x + s * c * g.h * g.w, *kernels = w + s % groups * o * k;
        const T *plus = bias ? bias + s % groups * o : 0;
        N(padded)(of, image, c, g, (n - s) * c * g.h * g.w);
        N(seen)(o, k, wide, kernels, at, image, begin, sums);
        for (i64 r = s * o; r < (s + 1) * o; r++)
            N(put_down)(sums + (r - s * o) * wide, pitch, out + r * g.oh * g.ow, g.oh, g.ow,
                        (to * o - r) * g.oh * g.ow, plus ? plus[r - s * o] : -(T)0);
    }
    return 0;
}

i32 N(tl_conv)(const T *x, const T *w, const T *bias, T *restrict out, i64 n, i64 c, i64 o,
               i64 groups, window g, i64 me, meeting *m) {
    return N(slide)(x, w, bias, out, n * groups, c / groups, o / groups, groups, g, me, m);
}

/* The smallest whole number that is no less than x / s. */
static i64 N(upward)(i64 x, i64 s) { return x >= 0 ? (x + s - 1) / s : -(-x / s); }

/* The gradient for the images. Each remainder of a coordinate by the stride has slopes of its own:
 * over the slopes of the result slide, turned round, the places of the kernels that meet it. Place
 * a meets row `s q - p + a d` of the image first, where q is the smallest that is inside. */
i32 N(tl_conv_input_grad)(const T *d, const T *w, T *restrict out, i64 n, i64 c, i64 o, i64 groups,
                           window g, i64 me, meeting *m) {
    n *= groups, c /= groups, o /= groups;
    const i64 least = N(upward)(g.ph - (g.kh - 1) * g.dh, g.sh);
    const i64 left = N(upward)(g.pw - (g.kw - 1) * g.dw, g.sw);
    const window back = {g.oh, g.ow, N(upward)(g.ph, g.sh) - least + 1,
                         N(upward)(g.pw, g.sw) - left + 1, 1, 1, -least, -left, 1, 1,
                         (g.h + g.sh - 1) / g.sh, (g.w + g.sw - 1) / g.sw};
    const i64 k = o * g.kh * g.kw, part = N(part)(back), pitch = N(pitch)(back);
    const i64 all = (back.oh - 1) * pitch + back.ow, wide = (all + LANES - 1) / LANES * LANES;
    const i64 size = o * part + LANES, taps = g.kh * g.kw, parts = g.sh * g.sw;
    T *image = scratch(0, size * sizeof(T)), *sums = scratch(1, (c * wide + LANES) * sizeof(T));
    i64 *begin = scratch(2, (2 * k + c + parts) * sizeof(i64));
    T *turned = scratch(3, groups * c * k * sizeof(T));
    if (!image || !sums || !begin || !turned) return 2;
    i64 *source = begin + k, *at = source + k, *terms = at + c, met = 0;
    for (i64 f = 0; f < parts; f++) {
        const i64 before = met;
        for (i64 l = 0; l < o; l++)
            for (i64 a = 0; a < g.kh; a++)
                for (i64 e = 0; e < g.kw; e++) {
                    const i64 row = N(upward)(g.ph - a * g.dh, g.sh);
                    const i64 column = N(upward)(g.pw - e * g.dw, g.sw);
                    if (row * g.sh - g.ph + a * g.dh != f / g.sw) continue;
                    if (column * g.sw - g.pw + e * g.dw != f % g.sw) continue;
                    begin[met] = l * part + (row - least) * pitch + column - left;
                    source[met++] = l * c * taps + a * g.kw + e;
                }
        terms[f] = met - before;
    }
    for (i64 q = 0, put = 0; q < groups; q++, w += o * c * taps)
        for (i64 f = 0, first = 0; f < parts; first += terms[f++])
            for (i64 i = 0; i < c; i++)
                for (i64 t = first; t < first + terms[f]; t++)
                    turned[put++] = w[i * taps + source[t]];
    memset(image, 0, size * sizeof(T));
    SHARE(n, 1)
    for (i64 s = from; s < to; s++) {
        const T *kernels = turned + s % groups * c * k;
        N(padded)(d + s * o * g.oh * g.ow, image, o, back, (n - s) * o * g.oh * g.ow);
        for (i64 f = 0, first = 0; f < parts; kernels += c * terms[f], first += terms[f++]) {
            for (i64 i = 0; i < c; i++) at[i] = i * terms[f];
            N(seen)(c, terms[f], wide, kernels, at, image, begin + first, sums);
            for (i64 i = 0; i < c; i++) {
                const T *sum = sums + i * wide;
                T *to_ = out + (s * c + i) * g.h * g.w;
                if (parts == 1)
                    N(put_down)(sum, pitch, to_, g.h, g.w, (to * c - s * c - i) * g.h * g.w, -(T)0);
                else
                    for (i64 y = f / g.sw; y < g.h; y += g.sh, sum += pitch)
                        for (i64 x = f % g.sw, v = 0; x < g.w; x += g.sw, v++)
                            to_[y * g.w + x] = sum[v];
            }
        }
    }
    return 0;
}

/* The gradient for the kernels of a group: what some places of theirs see, times the slopes. Images
 * of the group are `step` images apart. */
static i32 N(weight_grad)(const T *d, const T *x, T *restrict out, i64 n, i64 c, i64 o, i64 step,
                           i64 room, i64 from, i64 to, window g) {
    const i64 taps = g.kh * g.kw, all = c * taps, places = g.oh * g.ow;
    const i64 pitch = N(pitch)(g), wide = (o + LANES - 1) / LANES * LANES;
    const i64 size = c * g.sh * g.sw * N(part)(g) + LANES;
    if (from >= to) return 0;
    const i64 first = from / taps, channels = (to + taps - 1) / taps - first;
    T *image = scratch(0, size * sizeof(T)), *sums = scratch(1, all * wide * sizeof(T));
    T *slopes = scratch(3, places * wide * sizeof(T));
    i64 *begin = scratch(2, all * sizeof(i64));
    if (!image || !sums || !slopes || !begin) return 2;
    N(begins)(begin, c, g);
    memset(image, 0, size * sizeof(T));
    for (i64 s = 0; s < n * step; s += step) {
        const i64 seen = (s * c + first) * g.h * g.w;
        N(padded)(x + seen, image + first * g.sh * g.sw * N(part)(g), channels, g, room - seen);
        for (i64 b = 0; b < wide; b += N(PANEL)) {
            const i64 some = o - b < N(PANEL) ? o - b : N(PANEL);
            const i64 v = (some + LANES - 1) / LANES;
            T *to_ = sums + from * wide + b;
            N(panel)(some, v * LANES, places, d + (s * o + b) * places, 1, places, slopes);
            N(strip)(v, to - from, g.oh, g.ow, image, begin + from, 1, pitch - g.ow, slopes,
                      to_, v * LANES, wide, LANES, s > 0);
        }
    }
    for (i64 k = 0; k < o; k++)
        for (i64 t = from; t < to; t++) out[k * all + t] = sums[t * wide + k];
    return 0;
}

i32 N(tl_conv_weight_grad)(const T *d, const T *x, T *restrict out, i64 n, i64 c, i64 o,
                            i64 groups, window g, i64 me, meeting *m) {
    const i64 plane = g.h * g.w, places = g.oh * g.ow, room = n * c * plane;
    c /= groups, o /= groups;
    const i64 all = c * g.kh * g.kw;
    if (groups == 1) {
        SHARE(all, ROWS)
        return N(weight_grad)(d, x, out, n, c, o, 1, room, from, to, g);
    }
    i32 bad = 0;
    SHARE(groups, 1)
    for (i64 q = from; q < to; q++)
        bad |= N(weight_grad)(d + q * o * places, x + q * c * plane, out + q * o * all, n, c, o,
                               groups, room - q * c * plane, 0, all, g);
    return bad;
}

/* Every `step`th of the numbers from here on. */
INLINE N(vector) N(strided)(const i64 step, const T *x) {
    N(vector) out = *(const N(vector) *)x;
    if (step == 2) out = SHUFFLE(out, *(const N(vector) *)(x + LANES), LIST(EVEN, LANES));
    if (step > 2)
        for (int q = 0; q < LANES; q++) out[q] = x[q * step];
    return out;
}

/* A row of windows: their largest numbers, and the places of these: the first of equal ones, and
 * NaN before all. After the row there is `room` for what will be written over. */
INLINE void N(pool_row)(const i64 step, const i64 kh, const i64 kw, const T *x, i64 width,
                         const I *start, T *most, I *where, window g, i64 room) {
    for (i64 j = 0; j < g.ow; j += LANES, room -= LANES) {
        N(vector) best = (N(vector)){0} - (T)INFINITY;
        N(order) found;
        memcpy(&found, start + j, sizeof found);
        I tap = 0;
        for (i64 a = 0; a < kh; a++)
            for (i64 e = 0; e < kw; e++, tap++) {
                const T *at = x + a * g.dh * width + j * step + e * g.dw;
                const N(vector) number = N(strided)(step, at);
                const N(order) better = ~(number <= best) & (best == best);
                best = PICK(better, number, best);
                found = (better & tap) | (~better & found);
            }
        if (most) N(write)(best, most + j, room);
        memcpy(where + j, &found, sizeof found);
    }
}

/* The largest numbers of the windows, and where they are; 0 for what is not asked for. */
i32 N(tl_pool_max)(const T *x, T *most, u8 *where, i64 planes, window g, i64 me, meeting *m) {
    const i64 all = g.oh * g.ow, plane = g.h * g.w, beyond = LANES * (g.sw + 1);
    const i64 wide = (g.ow - 1) * g.sw + (g.kw - 1) * g.dw + 1;
    const i64 high = (g.oh - 1) * g.sh + (g.kh - 1) * g.dh + 1;
    const i64 first = g.ph < 0 ? 0 : g.ph, before = g.pw < 0 ? 0 : g.pw;
    const i64 last = high < g.h + g.ph ? high : g.h + g.ph;
    const i64 after = wide < g.w + g.pw ? wide : g.w + g.pw;
    const int inside = g.ph <= 0 && g.pw <= 0 && last == high && after == wide;
    T *image = scratch(0, (high * wide + beyond) * sizeof(T));
    I *start = scratch(1, (all + LANES) * sizeof(I));
    I *found = scratch(2, (all + LANES) * sizeof(I));
    if (!image || !start || !found) return 2;
    for (i64 k = 0; k < high * wide + beyond; k++) image[k] = -INFINITY;
    for (i64 p = 0; p < all; p++) /* what is there at all, should all be -inf */
        for (start[p] = 0; start[p] < g.kh * g.kw - 1; start[p]++) {
            const i64 row = p / g.ow * g.sh + start[p] / g.kw * g.dh;
            const i64 column = p % g.ow * g.sw + start[p] % g.kw * g.dw;
            if (row >= first && row < last && column >= before && column < after) break;
        }
    SHARE(planes, 1)
    for (i64 s = from; s < to; s++) {
        const T *rows = x + s * plane - g.ph * g.w - g.pw;
        i64 width = g.w;
        if (!inside || (planes - s - 1) * plane < beyond) {
            for (i64 i = first; i < last; i++)
                for (i64 j = before; j < after; j++)
                    image[i * wide + j] = rows[i * width + j];
            rows = image, width = wide;
        }
        for (i64 i = 0; i < g.oh; i++) {
            const T *row = rows + i * g.sh * width;
            const i64 at = s * all + i * g.ow, room = to * all - at;
            const I *begin = start + i * g.ow;
            T *to_ = most ? most + at : 0;
            I *places = found + i * g.ow;
            if (g.sw == 2 && g.kh == 2 && g.kw == 2)
                N(pool_row)(2, 2, 2, row, width, begin, to_, places, g, room);
            else if (g.sw == 1)
                N(pool_row)(1, g.kh, g.kw, row, width, begin, to_, places, g, room);
            else if (g.sw == 2)
                N(pool_row)(2, g.kh, g.kw, row, width, begin, to_, places, g, room);
            else N(pool_row)(g.sw, g.kh, g.kw, row, width, begin, to_, places, g, room);
        }
        u8 *restrict taps = where + s * all;
        if (where)
            for (i64 k = 0; k < all; k++) taps[k] = found[k];
    }
    return 0;
}

/* The adjoint of taking those numbers. Each number of the image is a sum over the windows
 * that reach it: in a row, for each remainder of the column by the stride, over neighbours
 * of one and the same window `t`. */
INLINE void N(put_row)(const i64 step, const T *d, const I *where, const i64 *begin, T *out,
                        window g, i64 room) {
    for (i64 t = 0; t * step < g.w; t += LANES, out += LANES * step, room -= LANES * step) {
        N(vector) sums[2] = {{0}, {0}};
        for (i64 a = 0; a < g.kh; a++) {
            if (begin[a] < 0) continue;
            for (i64 e = 0; e < g.kw; e++) {
                const i64 q = ((e * g.dw - g.pw) % step + step) % step;
                const i64 at = begin[a] + t - (e * g.dw - g.pw - q) / step;
                N(order) found;
                memcpy(&found, where + at, sizeof found);
                const N(order) here = found == (I)(a * g.kw + e);
                sums[q] += (N(vector))((N(order))*(const N(vector) *)(d + at) & here);
            }
        }
        const N(vector) low = SHUFFLE(sums[0], sums[1], LIST(LOW, LANES));
        const N(vector) both[2] = {step == 1 ? sums[0] : low,
                                    SHUFFLE(sums[0], sums[1], LIST(HIGH, LANES))};
        if (room >= LANES * step)
            for (int k = 0; k < step; k++) *(N(vector) *)(out + k * LANES) = both[k];
        else memcpy(out, both, room * sizeof(T));
    }
}

/* The same for windows side by side, two numbers broad: each number is one window's. */
static int N(is_paired)(window g) {
    return g.kw == 2 && g.sw == 2 && g.kh == g.sh && g.dh == 1 && g.dw == 1 && g.ph == 0
        && g.pw == 0 && g.w == 2 * g.ow && g.h >= g.kh * g.oh;
}
static i32 N(put_pairs)(const T *d, const u8 *where, T *out, i64 planes, window g) {
    const i64 all = g.oh * g.ow;
    const i64 rest = (g.h - g.kh * g.oh) * g.w; /* of a plane, which no window sees */
    i64 given = planes * all, room = planes * g.h * g.w;
    I *taps = scratch(0, (all + LANES) * sizeof(I));
    if (!taps) return 2;
    for (i64 s = 0; s < planes; s++) {
        for (i64 k = 0; k < all; k++) taps[k] = *where++;
        for (i64 i = 0; i < g.oh; i++, d += g.ow, given -= g.ow)
            for (I a = 0; a < g.kh; a++, out += g.w, room -= g.w)
                for (i64 j = 0; j < g.ow; j += LANES) {
                    const N(order) slope = (N(order))N(read)(d + j, given - j);
                    N(order) tap;
                    memcpy(&tap, taps + i * g.ow + j, sizeof tap);
                    const N(vector) first = (N(vector))(slope & (tap == 2 * a));
                    const N(vector) second = (N(vector))(slope & (tap == 2 * a + 1));
                    const N(vector) low = SHUFFLE(first, second, LIST(LOW, LANES));
                    const N(vector) high = SHUFFLE(first, second, LIST(HIGH, LANES));
                    N(write)(low, out + 2 * j, room - 2 * j);
                    N(write)(high, out + 2 * j + LANES, room - 2 * j - LANES);
                }
        memset(out, 0, rest * sizeof(T));
        out += rest, room -= rest;
    }
    return 0;
}

i32 N(tl_pool_put)(const T *d, const u8 *where, T *restrict out, i64 planes, window g,
                    i64 me, meeting *m) {
    SHARE(planes, 1)
    if (N(is_paired)(g)) {
        const i64 seen = from * g.oh * g.ow;
        return N(put_pairs)(d + seen, where + seen, out + from * g.h * g.w, to - from, g);
    }
    const i64 reach = (g.kw - 1) * g.dw - g.pw, left = reach > 0 ? reach / g.sw : 0;
    const i64 end = (g.w - 1 + (g.pw > 0 ? g.pw : 0)) / g.sw + 1;
    const i64 pitch = left + (end > g.ow ? end : g.ow), size = g.oh * pitch + LANES;
    T *slopes = scratch(0, (size + left) * sizeof(T));
    I *places = scratch(1, (size + left) * sizeof(I));
    i64 *begin = scratch(2, g.h * g.kh * sizeof(i64)); /* of the windows that see a row */
    if (!slopes || !places || !begin) return 2;
    for (i64 k = 0; k < g.h * g.kh; k++) {
        const i64 row = k / g.kh + g.ph - k % g.kh * g.dh;
        const int seen = row >= 0 && row % g.sh == 0 && row / g.sh < g.oh;
        begin[k] = seen ? row / g.sh * pitch : -1;
    }
    for (i64 k = 0; k < size; k++) slopes[k] = 0, places[k] = -1;
    for (i64 s = from; s < to; s++) {
        const T *numbers = d + s * g.oh * g.ow;
        const u8 *taps = where + s * g.oh * g.ow;
        T *image = out + s * g.h * g.w;
        const i64 rows = pitch == g.ow ? 1 : g.oh, length = g.oh * g.ow / rows;
        for (i64 i = 0; i < rows; i++)
            for (i64 j = 0; j < length; j++) {
                slopes[i * pitch + left + j] = numbers[i * g.ow + j];
                places[i * pitch + left + j] = taps[i * g.ow + j];
            }
        for (i64 i = 0; i < g.h; i++) {
            const i64 room = ((to - s) * g.h - i) * g.w;
            const i64 *at = begin + i * g.kh;
            T *row = image + i * g.w;
            if (g.sw == 1)
                N(put_row)(1, slopes + left, places + left, at, row, g, room);
            else if (g.sw == 2)
                N(put_row)(2, slopes + left, places + left, at, row, g, room);
            else memset(row, 0, g.w * sizeof(T));
        }
        for (i64 k = 0; g.sw > 2 && k < g.oh * g.ow; k++) {
            const i64 row = k / g.ow * g.sh - g.ph + taps[k] / g.kw * g.dh;
            const i64 column = k % g.ow * g.sw - g.pw + taps[k] % g.kw * g.dw;
            if (taps[k] < g.kh * g.kw && row >= 0 && row < g.h && column >= 0 && column < g.w)
                image[row * g.w + column] += numbers[k];
        }
    }
    return 0;
}
