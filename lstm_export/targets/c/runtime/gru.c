//@if gru
/* r, z and the two parts of n -> the next h. The rows of r and z are stored halved: sigmoid(2 v) = tanh(v) / 2 + 1 / 2. */
NAME_INLINE NAME_vf NAME_gru_cell(NAME_vf r, NAME_vf z, NAME_vf n_x, NAME_vf n_h, NAME_vf h)
{
    const NAME_vf half = NAME_splat(0.5f);
    NAME_vf n;
    r = NAME_tanh(r) * half + half;
    z = NAME_tanh(z) * half + half;
    n = NAME_tanh(n_x + r * n_h);
    return n + z * (h - n);
}

#if NAME_VL > 1
/* Sums from x and from h: group by group, [gate][unit]. */
static void NAME_gru_units(const float *sums_x, const float *sums_h, size_t units, const float *h, float *out)
{
    size_t first, width, j;
    for (first = 0; first < units; first += width, sums_x += 3 * width, sums_h += 3 * width) {
        width = NAME_group_size(units, first);
        for (j = 0; j < width; j += NAME_VL) {
            const NAME_vf r = NAME_load(sums_x + j) + NAME_load(sums_h + j);
            const NAME_vf z = NAME_load(sums_x + width + j) + NAME_load(sums_h + width + j);
            const NAME_vf n_x = NAME_load(sums_x + 2 * width + j), n_h = NAME_load(sums_h + 2 * width + j);
            if (j + NAME_VL <= width) {
                NAME_store(out + first + j, NAME_gru_cell(r, z, n_x, n_h, NAME_load(h + first + j)));
            } else {
                const NAME_vf before = NAME_load_part(h + first + j, width - j);
                NAME_store_part(out + first + j, NAME_gru_cell(r, z, n_x, n_h, before), width - j);
            }
        }
    }
}
#endif

/* One layer, one step, one row: x (nx), h (units) -> out (units). `from_x` is the part of the sums that comes from x,
   where it was computed before; otherwise null. */
static void NAME_gru_step(LAYER_WEIGHTS, size_t nx, size_t units, const float *from_x, const float *x, const float *h,
                          float *out, unsigned turn)
{
#if NAME_VL > 1
    const NAME_runs part = NAME_runs_of(units, NAME_AT_ONCE(3));
    size_t n;
    for (n = 0; n < part.runs; n++) {
        const size_t run = turn & 1u ? part.runs - 1 - n : n;
        const size_t first = 16 * (run < part.full ? run * NAME_AT_ONCE(3) : run + part.full * (NAME_AT_ONCE(3) - 1));
        const size_t size = run < part.full ? 16 * NAME_AT_ONCE(3) : NAME_group_size(units, first);
        float sums_x[NAME_MOST_SUMS(3)], sums_h[NAME_MOST_SUMS(3)];
//@if not words
        const size_t row = NAME_ROW(3 * NAME_group_size(units, first)), gap_x = 48 * (1 + nx), gap_h = 48 * (1 + units);
        const float *wx = w + 3 * first * (1 + nx);
        const float *wh = w + NAME_ROW(3 * units) * (1 + nx) + 3 * first * (1 + units);
        NAME_sums_3(from_x ? from_x + 3 * first : wx, from_x ? 48 : gap_x, wx + row, gap_x, x, from_x ? 0 : nx, wh,
                    gap_h, h, 0, size, sums_x);
        NAME_sums_3(wh, gap_h, wx, gap_x, x, 0, wh + row, gap_h, h, units, size, sums_h);
//@end
//@if words
        const size_t rows_x = NAME_WORD_ROWS(nx), rows_h = NAME_WORD_ROWS(units);
        const NAME_word *wx = w + 3 * first * rows_x, *wh = w + NAME_ROW(3 * units) * rows_x + 3 * first * rows_h;
        NAME_sums_3(from_x ? from_x + 3 * first : 0, 48, wx, 48 * rows_x, x, from_x ? 0 : nx, wh, 48 * rows_h, h, 0,
                    size, sums_x);
        NAME_sums_3(0, 48, wx, 48 * rows_x, x, 0, wh, 48 * rows_h, h, units, size, sums_h);
        NAME_scaled(sums_x, scale + 3 * first, bias + 3 * first, 3 * size);
        NAME_scaled(sums_h, scale + 3 * first, bias + 3 * units + 3 * first, 3 * size);
//@end
        NAME_gru_units(sums_x, sums_h, size, h + first, out + first);
    }
#else
    size_t first, size, u, k;
    (void)from_x;
    (void)turn;
    for (first = 0; first < units; first += size) {
        const size_t stride = 3 * (size = NAME_group_size(units, first));
        for (u = 0; u < size; u++) {
//@if not words
            const float *row = w + 3 * first * (1 + nx) + u;
            float r = row[0], z = row[size], n_x = row[2 * size], r_h, z_h, n_h;
            for (k = 0; k < nx; k++) {
                row += stride;
                r = r + row[0] * x[k];
                z = z + row[size] * x[k];
                n_x = n_x + row[2 * size] * x[k];
            }
            row = w + 3 * units * (1 + nx) + 3 * first * (1 + units) + u;
            r_h = row[0];
            z_h = row[size];
            n_h = row[2 * size];
            for (k = 0; k < units; k++) {
                row += stride;
                r_h = r_h + row[0] * h[k];
                z_h = z_h + row[size] * h[k];
                n_h = n_h + row[2 * size] * h[k];
            }
//@end
//@if words
            const float *s = scale + 3 * first + u, *b_x = bias + 3 * first + u, *b_h = b_x + 3 * units;
            const NAME_word *row = w + 3 * first * NAME_WORD_ROWS(nx) + u;
            float r = 0.0f, z = 0.0f, n_x = 0.0f, r_h = 0.0f, z_h = 0.0f, n_h = 0.0f;
            for (k = 0; k < nx; k++) {
                r = r + NAME_weight(row[0], k) * x[k];
                z = z + NAME_weight(row[size], k) * x[k];
                n_x = n_x + NAME_weight(row[2 * size], k) * x[k];
                row += (k + 1) % NAME_ROWS_A_WORD ? 0 : stride;
            }
            row = w + 3 * units * NAME_WORD_ROWS(nx) + 3 * first * NAME_WORD_ROWS(units) + u;
            for (k = 0; k < units; k++) {
                r_h = r_h + NAME_weight(row[0], k) * h[k];
                z_h = z_h + NAME_weight(row[size], k) * h[k];
                n_h = n_h + NAME_weight(row[2 * size], k) * h[k];
                row += (k + 1) % NAME_ROWS_A_WORD ? 0 : stride;
            }
            r = r * s[0] + b_x[0];
            z = z * s[size] + b_x[size];
            n_x = n_x * s[2 * size] + b_x[2 * size];
            r_h = r_h * s[0] + b_h[0];
            z_h = z_h * s[size] + b_h[size];
            n_h = n_h * s[2 * size] + b_h[2 * size];
//@end
            out[first + u] = NAME_gru_cell(r + r_h, z + z_h, n_x, n_h, h[first + u]);
        }
    }
#endif
}

//@if sequence
#if NAME_VL > 1
/* One layer, one step, many rows: x [nx][lanes], h [units][lanes] -> out [units][lanes]. `w` is packed. */
static void NAME_gru_lanes(LANE_WEIGHTS, size_t nx, size_t units, const float *x, const float *h, float *out,
                           size_t lanes)
{
    const size_t count = NAME_TILE / 3;
    size_t first, n, v;
    for (first = 0; first < units; first += count, w += NAME_TILE * (2 + nx + units)) {
        const float *w_h = w + NAME_TILE * (1 + nx);
        float sums_x[NAME_TILE * 2 * NAME_VL], sums_h[NAME_TILE * 2 * NAME_VL];
        NAME_tile(w, w + NAME_TILE, x, nx, w_h, h, 0, lanes, sums_x);
        NAME_tile(w_h, w, x, 0, w_h + NAME_TILE, h, units, lanes, sums_h);
        for (n = 0; n < count && first + n < units; n++) {
//@if words
            const size_t group = NAME_group_of(units, first + n), width = NAME_group_size(units, group);
            const size_t at = 3 * group + (first + n - group);
            const float *s = scale + at, *b_x = bias + at, *b_h = b_x + 3 * units;
//@end
            for (v = 0; v < lanes; v += NAME_VL) {
                const size_t place = 3 * n * lanes + v, unit = (first + n) * lanes + v;
                NAME_vf r = NAME_load(sums_x + place), r_h = NAME_load(sums_h + place);
                NAME_vf z = NAME_load(sums_x + place + lanes), z_h = NAME_load(sums_h + place + lanes);
                NAME_vf n_x = NAME_load(sums_x + place + 2 * lanes), n_h = NAME_load(sums_h + place + 2 * lanes);
//@if words
                r = r * NAME_splat(s[0]) + NAME_splat(b_x[0]);
                z = z * NAME_splat(s[width]) + NAME_splat(b_x[width]);
                n_x = n_x * NAME_splat(s[2 * width]) + NAME_splat(b_x[2 * width]);
                r_h = r_h * NAME_splat(s[0]) + NAME_splat(b_h[0]);
                z_h = z_h * NAME_splat(s[width]) + NAME_splat(b_h[width]);
                n_h = n_h * NAME_splat(s[2 * width]) + NAME_splat(b_h[2 * width]);
//@end
                NAME_store(out + unit, NAME_gru_cell(r + r_h, z + z_h, n_x, n_h, NAME_load(h + unit)));
            }
        }
    }
}
#endif

//@end
/* One layer over the steps of a pass: x [step][nx][lane] -> out [step][across][lane], of which it fills the first
   `units` features; h [units][lane] is the state before and after. */
static void NAME_gru(LAYER_WEIGHTS, size_t nx, size_t units, const float *x, float *h, float *out, size_t across,
                     int backwards, const float *packed, const NAME_pass *pass)
{
    const size_t lanes = pass->lanes;
    const float *before = h, *from_x = 0;
    size_t n;
//@if sequence
#if NAME_VL > 1
    const size_t sums = NAME_ROW(3 * units);
    float *scratch = pass->scratch;
//@if words
    const float *decoded = scratch;
    if (lanes == 1 && pass->steps >= NAME_WORTH_PROJECTING && nx > 2) {
        NAME_decode(w, nx, 3, units, scratch);
        scratch += sums * nx;
    }
//@end
    if (lanes == 1 && pass->steps >= NAME_WORTH_PROJECTING && nx > 2) {
        from_x = NAME_projected(DECODED, NAME_BIASES, 3, nx, units, x, pass, scratch);
    }
#endif
//@end
    (void)packed;
    for (n = 0; n < pass->steps; n++) {
        const size_t t = backwards ? pass->steps - 1 - n : n;
        const float *x_t = x + t * nx * lanes;
        float *h_t = out + t * across * lanes;
//@if sequence
#if NAME_VL > 1
        if (lanes > 1) {
            NAME_gru_lanes(packedWORD_ARGUMENTS, nx, units, x_t, before, h_t, lanes);
        } else
#endif
//@end
        {
//@if sequence
#if NAME_VL > 1
            const float *ready = from_x ? from_x + t * sums : 0;
#else
            const float *ready = from_x;
#endif
//@end
//@if not sequence
            const float *ready = from_x;
//@end
            NAME_gru_step(LAYER_ARGUMENTS, nx, units, ready, x_t, before, h_t, pass->turn + (unsigned)n);
        }
        before = h_t;
    }
    NAME_copy(h, before, units * lanes);
}

//@end
