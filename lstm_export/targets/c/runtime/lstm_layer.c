//@if lstm
//@if sequence
#if NAME_VL > 1
/* One layer, one step, many rows: x [nx][lanes], h [nh][lanes], c [units][lanes] -> c and out [units][lanes]. `w` as for
   a single row, its words decoded. */
static void NAME_lstm_lanes(LANE_WEIGHTS, size_t nx, size_t nh, size_t units, const float *x,
                            const float *h, float *c, float *out, size_t lanes)
{
    const float *group = w, *group_h = w + NAME_ROW(4 * units) * (NAME_BIASES + nx);
    size_t first, u, n, v;
    for (first = 0; first < units; first += 64) {
        const size_t size = units - first < 64 ? units - first : 64, stride = NAME_ROW(4 * size);
        size_t together;
        for (u = 0; u < size; u += together) {
            const size_t panel = u & ~(size_t)15, width = size - panel < 16 ? size - panel : 16;
            const size_t at = 4 * panel + (u - panel), left = panel + width - u;
            const float *start = NAME_BIASES ? group + at : 0, *wx = group + NAME_BIASES * stride + at;
            const float *wh = group_h + at;
            float sums[3 * 4 * 2 * NAME_VL];
            together = left >= 3 && (NAME_VL == 16 || lanes == NAME_VL) ? 3 : 1;
            if (lanes == NAME_VL && together == 3) {
                NAME_tile_4_3_1(start, wx, x, nx, wh, h, nh, stride, width, sums);
            } else if (lanes == NAME_VL) {
                NAME_tile_4_1_1(start, wx, x, nx, wh, h, nh, stride, width, sums);
#if NAME_VL == 16
            } else if (together == 3) {
                NAME_tile_4_3_2(start, wx, x, nx, wh, h, nh, stride, width, sums);
#endif
            } else {
                NAME_tile_4_1_2(start, wx, x, nx, wh, h, nh, stride, width, sums);
            }
            for (n = 0; n < together; n++) {
//@if words
                const float *s = scale + 4 * first + at + n, *b = bias + 4 * first + at + n;
//@end
                for (v = 0; v < lanes; v += NAME_VL) {
                    const float *sum = sums + 4 * n * lanes + v;
                    NAME_vf i = NAME_load(sum), f = NAME_load(sum + lanes);
                    NAME_vf o = NAME_load(sum + 2 * lanes), g = NAME_load(sum + 3 * lanes);
                    float *cell = c + (first + u + n) * lanes + v;
                    NAME_vf state = NAME_load(cell);
//@if words
                    i = i * NAME_splat(s[0]) + NAME_splat(b[0]);
                    f = f * NAME_splat(s[width]) + NAME_splat(b[width]);
                    o = o * NAME_splat(s[2 * width]) + NAME_splat(b[2 * width]);
                    g = g * NAME_splat(s[3 * width]) + NAME_splat(b[3 * width]);
//@end
                    NAME_store(out + (first + u + n) * lanes + v, NAME_lstm_cell(i, f, o, g, &state));
                    NAME_store(cell, state);
                }
            }
        }
        group += stride * (NAME_BIASES + nx);
        group_h += stride * nh;
    }
}
#endif

//@end
/* One layer over the steps of a pass: x [step][nx][lane] -> out [step][across][lane], of which it fills the first `nh`
   features; h [nh][lane] and c [units][lane] are the state before and after. */
static void NAME_lstm(LAYER_WEIGHTS, LAYER_PROJECTIONsize_t nx, size_t nh, size_t units, const float *x, float *h,
                      float *c, float *out, size_t across, int backwards, const NAME_pass *pass)
{
    const size_t lanes = pass->lanes;
    const float *before = h, *from_x = 0;
    size_t n;
//@if sequence
#if NAME_VL > 1
    const size_t sums = NAME_ROW(4 * units);
    float *scratch = pass->scratch;
//@if words
    const float *decoded = scratch;
    if (lanes > 1 || pass->steps >= NAME_WORTH_PROJECTING) {
        NAME_decode(w, nx, 4, units, scratch);
        scratch += sums * nx;
        if (lanes > 1) {
            NAME_decode(w + sums * NAME_WORD_ROWS(nx), nh, 4, units, scratch);
            scratch += sums * nh;
        }
    }
//@end
    if (lanes == 1 && pass->steps >= NAME_WORTH_PROJECTING && nx > 2) {
        from_x = NAME_projected(DECODED, NAME_BIASES, 4, nx, units, x, pass, scratch);
    }
#endif
//@end
    for (n = 0; n < pass->steps; n++) {
        const size_t t = backwards ? pass->steps - 1 - n : n;
        const float *x_t = x + t * nx * lanes;
        float *h_t = out + t * across * lanes;
//@if projection
        float *cell_out = weight_hr ? hidden : h_t;
//@end
//@if not projection
        float *cell_out = h_t;
//@end
//@if sequence
#if NAME_VL > 1
        if (lanes > 1) {
            NAME_lstm_lanes(LANE_ARGUMENTS, nx, nh, units, x_t, before, c, cell_out, lanes);
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
            NAME_lstm_step(LAYER_ARGUMENTS, nx, nh, units, ready, x_t, before, c, cell_out,
                           pass->turn + (unsigned)n);
        }
//@if projection
        if (weight_hr) {
            NAME_linear(weight_hr, 0, hidden, h_t, 1, units, nh, lanes);
        }
//@end
        before = h_t;
    }
    NAME_copy(h, before, nh * lanes);
}
//@end

