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

/* c and o of some units, o in `out`; `sums` lie group by group, [gate][unit]. */
static void NAME_lstm_units(float *sums, size_t units, float *c, float *out)
{
    size_t first, width, j;
    for (first = 0; first < units; first += width, sums += 4 * width) {
        width = NAME_group_size(units, first);
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
}
#endif

/* One layer, one step, one row: x (nx), h (nh), c (units) -> c and out (units). `from_x` is the part of the sums that
   comes from x, where it was computed before; otherwise null. */
static void NAME_lstm_step(LAYER_WEIGHTS, size_t nx, size_t nh, size_t units, const float *from_x, const float *x,
                           const float *h, float *c, float *out, unsigned turn)
{
#if NAME_VL > 1
    const NAME_runs part = NAME_runs_of(units, NAME_AT_ONCE(4));
    size_t n;
    for (n = 0; n < part.runs; n++) {
        const size_t run = turn & 1u ? part.runs - 1 - n : n;
        const size_t first = 16 * (run < part.full ? run * NAME_AT_ONCE(4) : run + part.full * (NAME_AT_ONCE(4) - 1));
        const size_t size = run < part.full ? 16 * NAME_AT_ONCE(4) : NAME_group_size(units, first);
        float sums[NAME_MOST_SUMS(4)];
//@if not words
        const float *wx = w + 4 * first * (1 + nx), *wh = w + NAME_ROW(4 * units) * (1 + nx) + 4 * first * nh;
        const float *rows = wx + NAME_ROW(4 * NAME_group_size(units, first));
        NAME_sums_4(from_x ? from_x + 4 * first : wx, from_x ? 64 : 64 * (1 + nx), rows, 64 * (1 + nx), x,
                    from_x ? 0 : nx, wh, 64 * nh, h, nh, size, sums);
//@end
//@if words
        const size_t rows_x = NAME_WORD_ROWS(nx), rows_h = NAME_WORD_ROWS(nh);
        const NAME_word *wx = w + 4 * first * rows_x, *wh = w + NAME_ROW(4 * units) * rows_x + 4 * first * rows_h;
        NAME_sums_4(from_x ? from_x + 4 * first : 0, 64, wx, 64 * rows_x, x, from_x ? 0 : nx, wh, 64 * rows_h, h, nh,
                    size, sums);
        NAME_scaled(sums, scale + 4 * first, bias + 4 * first, 4 * size);
//@end
        NAME_lstm_units(sums, size, c + first, out + first);
    }
    NAME_lstm_out(c, out, units);
#else
    size_t first, size, u, k;
    (void)from_x;
    (void)turn;
    for (first = 0; first < units; first += size) {
        const size_t stride = 4 * (size = NAME_group_size(units, first));
        for (u = 0; u < size; u++) {
//@if not words
            const float *row = w + 4 * first * (1 + nx) + u;
            float i = row[0], f = row[size], o = row[2 * size], g = row[3 * size];
            for (k = 0; k < nx; k++) {
                row += stride;
                i = i + row[0] * x[k];
                f = f + row[size] * x[k];
                o = o + row[2 * size] * x[k];
                g = g + row[3 * size] * x[k];
            }
            for (k = 0, row = w + 4 * units * (1 + nx) + 4 * first * nh + u; k < nh; k++, row += stride) {
                i = i + row[0] * h[k];
                f = f + row[size] * h[k];
                o = o + row[2 * size] * h[k];
                g = g + row[3 * size] * h[k];
            }
//@end
//@if words
            const size_t place = 4 * first + u;
            const NAME_word *row = w + 4 * first * NAME_WORD_ROWS(nx) + u;
            float i = 0.0f, f = 0.0f, o = 0.0f, g = 0.0f;
            for (k = 0; k < nx; k++) {
                i = i + NAME_weight(row[0], k) * x[k];
                f = f + NAME_weight(row[size], k) * x[k];
                o = o + NAME_weight(row[2 * size], k) * x[k];
                g = g + NAME_weight(row[3 * size], k) * x[k];
                row += (k + 1) % NAME_ROWS_A_WORD ? 0 : stride;
            }
            row = w + 4 * units * NAME_WORD_ROWS(nx) + 4 * first * NAME_WORD_ROWS(nh) + u;
            for (k = 0; k < nh; k++) {
                i = i + NAME_weight(row[0], k) * h[k];
                f = f + NAME_weight(row[size], k) * h[k];
                o = o + NAME_weight(row[2 * size], k) * h[k];
                g = g + NAME_weight(row[3 * size], k) * h[k];
                row += (k + 1) % NAME_ROWS_A_WORD ? 0 : stride;
            }
            i = i * scale[place] + bias[place];
            f = f * scale[place + size] + bias[place + size];
            o = o * scale[place + 2 * size] + bias[place + 2 * size];
            g = g * scale[place + 3 * size] + bias[place + 3 * size];
//@end
            out[first + u] = NAME_lstm_cell(i, f, o, g, c + first + u);
            out[first + u] = out[first + u] * NAME_tanh(c[first + u]);
        }
    }
#endif
}

//@end
