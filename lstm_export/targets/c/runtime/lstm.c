//@if lstm
/* Sums of i, f, o, g of every unit -> c and o; what follows is h = o * tanh(c). The rows of i, f and o are stored halved,
   since sigmoid(2 v) = tanh(v) / 2 + 1 / 2: one tanh serves all four. */
NAME_INLINE NAME_vf NAME_lstm_cell(NAME_vf i, NAME_vf f, NAME_vf o, NAME_vf g, NAME_vf *c)
{
    const NAME_vf half = NAME_splat(0.5f);
    i = NAME_tanh(i) * half + half;
    f = NAME_tanh(f) * half + half;
    o = NAME_tanh(o) * half + half;
    g = NAME_tanh(g) * i;
    NAME_ROUNDED(g);
    *c = f * *c + g;
    return o;
}

#if NAME_VL > 1
/* h: out = o * tanh(c), where out holds o. Apart from the rest, since many at once take less time than one after another. */
static void NAME_lstm_out(const float *c, float *out, size_t n)
{
    size_t k = 0;
    for (; k + NAME_VL <= n; k += NAME_VL) {
        NAME_store(out + k, NAME_load(out + k) * NAME_tanh(NAME_load(c + k)));
    }
    if (k < n) {
        NAME_store_part(out + k, NAME_load_part(out + k, n - k) * NAME_tanh(NAME_load_part(c + k, n - k)), n - k);
    }
}

/* `sums`: panel by panel of 16 units, the last one narrower, [gate][unit]. */
static void NAME_lstm_units(float *sums, size_t units, float *c, float *out)
{
    size_t first, j;
    for (first = 0; first < units; first += 16, sums += 64) {
        const size_t width = units - first < 16 ? units - first : 16;
        for (j = 0; j < width; j += NAME_VL) {
            const NAME_vf i = NAME_load(sums + j), f = NAME_load(sums + width + j);
            const NAME_vf o = NAME_load(sums + 2 * width + j), g = NAME_load(sums + 3 * width + j);
            float *cell = c + first + j, *hidden = out + first + j;
            if (j + NAME_VL <= width) {
                NAME_vf state = NAME_load(cell);
                NAME_store(hidden, NAME_lstm_cell(i, f, o, g, &state));
                NAME_store(cell, state);
            } else {
                NAME_vf state = NAME_load_part(cell, width - j);
                NAME_store_part(hidden, NAME_lstm_cell(i, f, o, g, &state), width - j);
                NAME_store_part(cell, state, width - j);
            }
        }
    }
    NAME_lstm_out(c, out, units);
}
#endif

/* One layer, one step, one row: x (nx), h (nh), c (units) -> c and out (units). `from_x` is the part of the sums that
   comes from x, where it was computed before; otherwise null. */
static void NAME_lstm_step(LAYER_WEIGHTS, size_t nx, size_t nh, size_t units, const float *from_x, const float *x,
                           const float *h, float *c, float *out, unsigned turn)
{
    const size_t groups = (units + 63) / 64;
    size_t n;
    for (n = 0; n < groups; n++) {
        const size_t first = 64 * (turn & 1u ? groups - 1 - n : n);
        const size_t size = units - first < 64 ? units - first : 64;
//@if not words
        const float *wx = w + 4 * first * (1 + nx), *wh = w + NAME_ROW(4 * units) * (1 + nx) + 4 * first * nh;
//@end
//@if words
        const NAME_word *wx = w + 4 * first * NAME_WORD_ROWS(nx);
        const NAME_word *wh = w + NAME_ROW(4 * units) * NAME_WORD_ROWS(nx) + 4 * first * NAME_WORD_ROWS(nh);
//@end
#if NAME_VL > 1
        float sums[4 * 64 + NAME_VL];
//@if not words
        NAME_sums(from_x ? from_x + 4 * first : wx, wx + NAME_ROW(4 * size), x, from_x ? 0 : nx, wh, h, nh, 4 * size,
                  sums);
//@end
//@if words
        NAME_sums(from_x ? from_x + 4 * first : 0, wx, x, from_x ? 0 : nx, wh, h, nh, 4 * size, sums);
        NAME_scaled(sums, scale + 4 * first, bias + 4 * first, 4 * size);
//@end
        NAME_lstm_units(sums, size, c + first, out + first);
#else
        size_t u, k;
        (void)from_x;
        for (u = 0; u < size; u++) {
            const size_t width = size - (u & ~(size_t)15) < 16 ? size - (u & ~(size_t)15) : 16, stride = 4 * size;
            const size_t at = 4 * (u & ~(size_t)15) + (u & 15);
//@if not words
            const float *row = wx + at;
            float i = row[0], f = row[width], o = row[2 * width], g = row[3 * width];
            for (k = 0; k < nx; k++) {
                row += stride;
                i = i + row[0] * x[k];
                f = f + row[width] * x[k];
                o = o + row[2 * width] * x[k];
                g = g + row[3 * width] * x[k];
            }
            for (k = 0, row = wh + at; k < nh; k++, row += stride) {
                i = i + row[0] * h[k];
                f = f + row[width] * h[k];
                o = o + row[2 * width] * h[k];
                g = g + row[3 * width] * h[k];
            }
//@end
//@if words
            const size_t place = 4 * first + at;
            const NAME_word *row = wx + at;
            float i = 0.0f, f = 0.0f, o = 0.0f, g = 0.0f;
            for (k = 0; k < nx; k++) {
                i = i + NAME_weight(row[0], k) * x[k];
                f = f + NAME_weight(row[width], k) * x[k];
                o = o + NAME_weight(row[2 * width], k) * x[k];
                g = g + NAME_weight(row[3 * width], k) * x[k];
                row += (k + 1) % NAME_ROWS_A_WORD ? 0 : stride;
            }
            for (k = 0, row = wh + at; k < nh; k++) {
                i = i + NAME_weight(row[0], k) * h[k];
                f = f + NAME_weight(row[width], k) * h[k];
                o = o + NAME_weight(row[2 * width], k) * h[k];
                g = g + NAME_weight(row[3 * width], k) * h[k];
                row += (k + 1) % NAME_ROWS_A_WORD ? 0 : stride;
            }
            i = i * scale[place] + bias[place];
            f = f * scale[place + width] + bias[place + width];
            o = o * scale[place + 2 * width] + bias[place + 2 * width];
            g = g * scale[place + 3 * width] + bias[place + 3 * width];
//@end
            out[first + u] = NAME_lstm_cell(i, f, o, g, c + first + u);
            out[first + u] = out[first + u] * NAME_tanh(c[first + u]);
        }
#endif
    }
}

//@end
