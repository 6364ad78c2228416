//@if lstm
//@if sequence
#if NAME_VL > 1
/* One layer, one step, many rows: x [nx][lanes], h [nh][lanes], c [units][lanes] -> c and out [units][lanes]. `w` is
   packed. */
static void NAME_lstm_lanes(LANE_WEIGHTS, size_t nx, size_t nh, size_t units, const float *x, const float *h, float *c,
                            float *out, size_t lanes)
{
    const size_t count = NAME_TILE / 4;
    size_t first, n, v;
    for (first = 0; first < units; first += count, w += NAME_TILE * (1 + nx + nh)) {
        const size_t some = units - first < count ? units - first : count;
        float sums[NAME_TILE * 2 * NAME_VL];
        NAME_tile(w, w + NAME_TILE, x, nx, w + NAME_TILE * (1 + nx), h, nh, lanes, sums);
        for (n = 0; n < some; n++) {
//@if words
            const size_t group = NAME_group_of(units, first + n), width = NAME_group_size(units, group);
            const size_t at = 4 * group + (first + n - group);
            const float *s = scale + at, *b = bias + at;
//@end
            for (v = 0; v < lanes; v += NAME_VL) {
                const float *sum = sums + 4 * n * lanes + v;
                NAME_vf i = NAME_load(sum), f = NAME_load(sum + lanes);
                NAME_vf o = NAME_load(sum + 2 * lanes), g = NAME_load(sum + 3 * lanes);
                float *cell = c + (first + n) * lanes + v;
                NAME_vf state = NAME_load(cell);
//@if words
                i = i * NAME_splat(s[0]) + NAME_splat(b[0]);
                f = f * NAME_splat(s[width]) + NAME_splat(b[width]);
                o = o * NAME_splat(s[2 * width]) + NAME_splat(b[2 * width]);
                g = g * NAME_splat(s[3 * width]) + NAME_splat(b[3 * width]);
//@end
                NAME_store(out + (first + n) * lanes + v, NAME_lstm_cell(i, f, o, g, &state));
                NAME_store(cell, state);
            }
        }
        NAME_lstm_out(c + first * lanes, out + first * lanes, some * lanes);
    }
}
#endif

//@end
/* One layer over the steps of a pass: x [step][nx][lane] -> out [step][across][lane], of which it fills the first `nh`
   features; h [nh][lane] and c [units][lane] are the state before and after. */
static void NAME_lstm(LAYER_WEIGHTS, LAYER_PROJECTIONsize_t nx, size_t nh, size_t units, const float *x, float *h,
                      float *c, float *out, size_t across, int backwards, const float *packed, const NAME_pass *pass)
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
    if (lanes == 1 && pass->steps >= NAME_WORTH_PROJECTING && nx > 2) {
        NAME_decode(w, nx, 4, units, scratch);
        scratch += sums * nx;
    }
//@end
    if (lanes == 1 && pass->steps >= NAME_WORTH_PROJECTING && nx > 2) {
        from_x = NAME_projected(DECODED, NAME_BIASES, 4, nx, units, x, pass, scratch);
    }
#endif
//@end
    (void)packed;
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
            NAME_lstm_lanes(packedWORD_ARGUMENTS, nx, nh, units, x_t, before, c, cell_out, lanes);
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

