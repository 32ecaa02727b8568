/* Convolution and pooling of images: arrays (N, C, H, W) and kernels (O, C, KH, KW), in one piece.
 *
 * A convolution is a product of the kernels, a matrix (O, C KH KW), with the windows of an image as
 * columns. The windows are not copied out: in an image with its padding, whose rows are as long as
 * those of the result and what the kernel reaches beyond, the numbers that one place of the kernel
 * sees lie in one piece; only where the piece begins differs. (Between two rows of the result this
 * computes a few numbers that nobody wants.) With a stride, each remainder of a coordinate has an
 * image of its own, in which the same is true.
 */
/* The image with padding, as above: columns and rows of one part, and how many numbers. */
static i64 N(pitch)(window g) { return g.ow + (g.kw - 1) * g.dw / g.sw; }
static i64 N(high)(window g) { return g.oh + (g.kh - 1) * g.dh / g.sh; }
static i64 N(part)(window g) { return N(pitch)(g) * N(high)(g); }

INLINE void N(every)(const i64 step, const T *x, T *to, i64 count) {
    for (i64 j = 0; j < count; j++) to[j] = x[j * step];
}

/* Put `c` channels there. */
static void N(padded)(const T *x, T *into, i64 c, window g) {
    const i64 pitch = N(pitch)(g), high = N(high)(g), part = N(part)(g);
    for (i64 l = 0; l < c; l++, into += g.sh * g.sw * part)
        for (i64 i = 0; i < g.h; i++, x += g.w) {
            const i64 row = i + g.ph;
            if (row < 0 || row / g.sh >= high) continue;
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

/* Put images with zeros between their rows and columns there. */
static void N(spread)(const T *x, T *into, i64 c, i64 uh, i64 uw, window g) {
    const i64 pitch = N(pitch)(g), high = N(high)(g);
    for (i64 l = 0; l < c; l++, into += N(part)(g))
        for (i64 i = 0; i < g.h; i++, x += g.w) {
            const i64 row = i * uh + g.ph;
            if (row < 0 || row >= high) continue;
            for (i64 j = 0, column = g.pw; j < g.w && column < pitch; j++, column += uw)
                if (column >= 0) into[row * pitch + column] = x[j];
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

/* Slide kernels (o, c kh kw) over images (n, c, h, w). */
static i32 N(slide)(const T *x, const T *w, T *restrict out, i64 n, i64 c, i64 o, i64 uh,
                     i64 uw, window g, i64 me, meeting *m) {
    const i64 k = c * g.kh * g.kw, pitch = N(pitch)(g), all = (g.oh - 1) * pitch + g.ow;
    const i64 wide = (all + LANES - 1) / LANES * LANES;
    const i64 size = c * g.sh * g.sw * N(part)(g) + LANES;
    T *image = scratch(0, size * sizeof(T)), *sums = scratch(1, o * wide * sizeof(T));
    i64 *begin = scratch(2, (k + o) * sizeof(i64)), *at = begin + k;
    if (!image || !sums || !begin) return 2;
    N(begins)(begin, c, g);
    for (i64 i = 0; i < o; i++) at[i] = i * k;
    memset(image, 0, size * sizeof(T));
    SHARE(n, 1)
    for (i64 s = from; s < to; s++) {
        const T *of = x + s * c * g.h * g.w;
        if (uh == 1 && uw == 1) N(padded)(of, image, c, g);
        else N(spread)(of, image, c, uh, uw, g);
        for (i64 l = 0; l < k; l += DEEP) {
            const i64 deep = k - l < DEEP ? k - l : DEEP;
            for (i64 j = 0; j < wide; j += N(PANEL)) {
                const i64 v = (wide - j) / LANES < WIDTH ? (wide - j) / LANES : WIDTH;
                N(stepped_strip)(v, o, deep, w + l, at, image + j, begin + l, sums + j, wide,
                                  l > 0);
            }
        }
        for (i64 r = 0; r < o; r++)
            for (i64 i = 0; i < g.oh; i++)
                for (i64 j = 0; j < g.ow; j++)
                    out[((s * o + r) * g.oh + i) * g.ow + j] = sums[r * wide + i * pitch + j];
    }
    return 0;
}

i32 N(tl_conv)(const T *x, const T *w, T *restrict out, i64 n, i64 c, i64 o, window g,
                i64 me, meeting *m) {
    return N(slide)(x, w, out, n, c, o, 1, 1, g, me, m);
}

/* The gradient for the images: kernels that are turned round slide over the slopes. */
i32 N(tl_conv_input_grad)(const T *d, const T *w, T *restrict out, i64 n, i64 c, i64 o,
                           window g, i64 me, meeting *m) {
    const i64 taps = g.kh * g.kw;
    const window back = {g.oh, g.ow, g.kh, g.kw, 1, 1, g.dh * (g.kh - 1) - g.ph,
                         g.dw * (g.kw - 1) - g.pw, g.dh, g.dw, g.h, g.w};
    T *turned = scratch(3, c * o * taps * sizeof(T));
    if (!turned) return 2;
    for (i64 l = 0; l < c; l++)
        for (i64 k = 0; k < o; k++)
            for (i64 t = 0; t < taps; t++)
                turned[(l * o + k) * taps + t] = w[(k * c + l) * taps + taps - 1 - t];
    return N(slide)(d, turned, out, n, o, c, g.sh, g.sw, back, me, m);
}

/* The gradient for the kernels: what each place sees, times the slopes. */
i32 N(tl_conv_weight_grad)(const T *d, const T *x, T *restrict out, i64 n, i64 c, i64 o,
                            window g, i64 me, meeting *m) {
    const i64 taps = g.kh * g.kw, all = c * taps, places = g.oh * g.ow;
    const i64 pitch = N(pitch)(g), wide = (o + LANES - 1) / LANES * LANES;
    const i64 size = c * g.sh * g.sw * N(part)(g);
    SHARE(all, ROWS)
    if (from >= to) return 0;
    const i64 first = from / taps, channels = (to + taps - 1) / taps - first;
    T *image = scratch(0, size * sizeof(T)), *sums = scratch(1, all * wide * sizeof(T));
    T *slopes = scratch(3, places * wide * sizeof(T));
    i64 *begin = scratch(2, all * sizeof(i64));
    if (!image || !sums || !slopes || !begin) return 2;
    N(begins)(begin, c, g);
    memset(image, 0, size * sizeof(T));
    for (i64 s = 0; s < n; s++) {
        N(padded)(x + (s * c + first) * g.h * g.w,
                   image + first * g.sh * g.sw * N(part)(g), channels, g);
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

/* Every `step`th of the numbers from here on. */
INLINE N(vector) N(strided)(const i64 step, const T *x) {
    N(vector) out = *(const N(vector) *)x;
    if (step == 2) out = SHUFFLE(out, *(const N(vector) *)(x + LANES), LIST(EVEN, LANES));
    if (step > 2)
        for (int q = 0; q < LANES; q++) out[q] = x[q * step];
    return out;
}

/* A row of windows: their largest numbers or, if `where`, the places of these: the first of
 * equal ones, and NaN before all. What comes after the row in `room` may be overwritten. */
INLINE void N(pool_row)(const i64 step, const int places, const T *x, i64 width,
                         const I *start, T *most, u8 *where, window g, i64 room) {
    for (i64 j = 0; j < g.ow; j += LANES, room -= LANES) {
        N(vector) best;
        N(order) found = {0};
        for (int q = 0; q < LANES; q++) best[q] = -INFINITY;
        if (places && start) memcpy(&found, start + j, sizeof found);
        I tap = 0;
        for (i64 a = 0; a < g.kh; a++)
            for (i64 e = 0; e < g.kw; e++, tap++) {
                const T *at = x + a * g.dh * width + j * step + e * g.dw;
                const N(vector) number = N(strided)(step, at);
                const N(order) better = ~(number <= best) & (best == best);
                best = PICK(better, number, best);
                if (places) found = (better & tap) | (~better & found);
            }
        const N(bytes) bytes = __builtin_convertvector(found, N(bytes));
        if (places) memcpy(where + j, &bytes, room < LANES ? room : LANES);
        else if (room < LANES) memcpy(most + j, &best, room * sizeof(T));
        else *(N(vector) *)(most + j) = best;
    }
}

INLINE i32 N(pool)(const int places, const T *x, T *most, u8 *where, i64 planes, window g,
                    i64 me, meeting *m) {
    const i64 all = g.oh * g.ow, plane = g.h * g.w, beyond = LANES * (g.sw + 1);
    const i64 wide = (g.ow - 1) * g.sw + (g.kw - 1) * g.dw + 1;
    const i64 high = (g.oh - 1) * g.sh + (g.kh - 1) * g.dh + 1;
    const i64 first = g.ph < 0 ? 0 : g.ph, before = g.pw < 0 ? 0 : g.pw;
    const i64 last = high < g.h + g.ph ? high : g.h + g.ph;
    const i64 after = wide < g.w + g.pw ? wide : g.w + g.pw;
    const int inside = g.ph <= 0 && g.pw <= 0 && last == high && after == wide;
    T *image = scratch(0, (high * wide + beyond) * sizeof(T));
    I *start = scratch(1, (all + LANES) * sizeof(I));
    if (!image || !start) return 2;
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
            if (g.sw == 1)
                N(pool_row)(1, places, row, width, begin, most + at, where + at, g, room);
            else if (g.sw == 2)
                N(pool_row)(2, places, row, width, begin, most + at, where + at, g, room);
            else
                N(pool_row)(g.sw, places, row, width, begin, most + at, where + at, g, room);
        }
    }
    return 0;
}
i32 N(tl_pool_max)(const T *x, T *out, i64 planes, window g, i64 me, meeting *m) {
    return N(pool)(0, x, out, 0, planes, g, me, m);
}
i32 N(tl_pool_argmax)(const T *x, u8 *out, i64 planes, window g, i64 me, meeting *m) {
    return N(pool)(1, x, 0, out, planes, g, me, m);
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

i32 N(tl_pool_put)(const T *d, const u8 *where, T *restrict out, i64 planes, window g,
                    i64 me, meeting *m) {
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
    SHARE(planes, 1)
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
