/* torch.nn.GRU, one layer in one direction:

       r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)
       z = sigmoid(W_iz x + b_iz + W_hz h + b_hz)
       n = tanh(W_in x + b_in + r * (W_hn h + b_hn))
       h = (1 - z) * n + z * h

   The sums from x and those from h stay apart, since r multiplies one of them. */
#ifndef MODEL_GRU_H
#define MODEL_GRU_H

#include "ahead.c"
#include "lanes.c"

#if MODEL_GRU
/* r, z and the two parts of n -> the next h. The rows of r and z are stored halved:
   sigmoid(2 v) = tanh(v) / 2 + 1 / 2. */
MODEL_INLINE model_vf model_gru_cell(model_vf r, model_vf z, model_vf n_x, model_vf n_h, model_vf h)
{
    const model_vf half = model_splat(0.5f);
    model_vf n;
    r = model_tanh(r) * half + half;
    z = model_tanh(z) * half + half;
    n = model_tanh(n_x + r * n_h);
    return n + z * (h - n);
}

#if MODEL_VL == 1
/* Plain C, unit by unit: what the vectors below compute too, term by term in the same order. */
typedef struct {
    float r, z, n;
} model_gru_sums;

/* The sums of one unit over n values, a row of `size` units a value: biases, then products. `s` and
   `b` are the unit's scales and biases beside words. */
MODEL_INLINE void model_gru_sum(model_gru_sums *result, const model_stored *row, const float *s,
                                const float *b, size_t size, const float *v, size_t n)
{
    size_t k;
#if MODEL_BITS == 32
    model_gru_sums sum = {MODEL_READ(row), MODEL_READ(row + size), MODEL_READ(row + 2 * size)};
    row += 3 * size;
#else
    model_gru_sums sum = {0.0f, 0.0f, 0.0f};
#endif
    for (k = 0; k < n; k++) {
        sum.r = sum.r + model_weight(MODEL_READ(row), k) * v[k];
        sum.z = sum.z + model_weight(MODEL_READ(row + size), k) * v[k];
        sum.n = sum.n + model_weight(MODEL_READ(row + 2 * size), k) * v[k];
        row += (k + 1) % MODEL_ROWS_A_WORD ? 0 : 3 * size;
    }
#if MODEL_BITS < 32
    sum.r = sum.r * MODEL_READ(s) + MODEL_READ(b);
    sum.z = sum.z * MODEL_READ(s + size) + MODEL_READ(b + size);
    sum.n = sum.n * MODEL_READ(s + 2 * size) + MODEL_READ(b + 2 * size);
#endif
    *result = sum;
    (void)s, (void)b;
}

/* One layer, one step, one row: x (nx), h (units) -> out (units). */
MODEL_STATIC void model_gru_step(const model_stored *w, const float *scale, const float *bias,
                                 size_t nx, size_t units, const float *from_x, const float *x,
                                 const float *h, float *out, unsigned turn)
{
    const size_t rows_x = MODEL_BIAS_ROWS + MODEL_WORD_ROWS(nx),
                 rows_h = MODEL_BIAS_ROWS + MODEL_WORD_ROWS(units);
    size_t first, size, u;
    for (first = 0; first < units; first += size) {
        const model_stored *const w_x = model_weights_at(w, 3 * first * rows_x);
        const model_stored *const w_h = model_weights_at(w, 3 * (units * rows_x + first * rows_h));
        size = model_group_size(units, first);
        for (u = 0; u < size; u++) {
            const size_t at = 3 * first + u;
#if MODEL_BITS == 32
            const float *s = 0, *b_x = 0, *b_h = 0;
#else
            const float *s = scale + at, *b_x = bias + at, *b_h = b_x + 3 * units;
#endif
            model_gru_sums from_h, sum;
            model_gru_sum(&from_h, w_h + u, s, b_h, size, h, units);
            model_gru_sum(&sum, w_x + u, s, b_x, size, x, nx);
            out[first + u] =
                model_gru_cell(sum.r + from_h.r, sum.z + from_h.z, sum.n, from_h.n, h[first + u]);
            (void)at;
        }
    }
    (void)scale, (void)bias, (void)from_x, (void)turn;
}
#else
/* Sums from x and from h: group by group, [gate][unit]. */
MODEL_STATIC void model_gru_units(const float *sums_x, const float *sums_h, size_t units,
                                  const float *h, float *out)
{
    size_t first, width, j;
    for (first = 0; first < units; first += width, sums_x += 3 * width, sums_h += 3 * width) {
        width = model_group_size(units, first);
        for (j = 0; j < width; j += MODEL_VL) {
            const model_vf r = model_load(sums_x + j) + model_load(sums_h + j);
            const model_vf z = model_load(sums_x + width + j) + model_load(sums_h + width + j);
            const model_vf n_x = model_load(sums_x + 2 * width + j),
                           n_h = model_load(sums_h + 2 * width + j);
            if (j + MODEL_VL <= width) {
                model_store(out + first + j,
                            model_gru_cell(r, z, n_x, n_h, model_load(h + first + j)));
            } else {
                const model_vf before = model_load_part(h + first + j, width - j);
                model_store_part(out + first + j, model_gru_cell(r, z, n_x, n_h, before),
                                 width - j);
            }
        }
    }
}

/* One layer, one step, one row: x (nx), h (units) -> out (units). `from_x` is the part of the sums
   that comes from x, where it was computed before; otherwise null. */
MODEL_STATIC void model_gru_step(const model_stored *w, const float *scale, const float *bias,
                                 size_t nx, size_t units, const float *from_x, const float *x,
                                 const float *h, float *out, unsigned turn)
{
    const size_t rows_x = MODEL_BIAS_ROWS + MODEL_WORD_ROWS(nx),
                 rows_h = MODEL_BIAS_ROWS + MODEL_WORD_ROWS(units);
    const size_t gap_x = 48 * rows_x, gap_h = 48 * rows_h;
    const model_stored *w_h = w + MODEL_ROW(3 * units) * rows_x;
    const model_runs part = model_runs_of(units, MODEL_AT_ONCE(3));
    size_t n;
    for (n = 0; n < part.runs; n++) {
        const size_t run = turn & 1u ? part.runs - 1 - n : n;
        const size_t first = model_first_of_run(part, run);
        const size_t size =
            run < part.full ? 16 * MODEL_AT_ONCE(3) : model_group_size(units, first);
        const size_t at = 3 * first;
        const size_t biases = MODEL_BIAS_ROWS * MODEL_ROW(3 * model_group_size(units, first));
        const model_stored *wx = w + at * rows_x, *wh = w_h + at * rows_h;
        const float *start = from_x ? from_x + at : model_biases(wx);
        float sums_x[MODEL_MOST_SUMS(3)], sums_h[MODEL_MOST_SUMS(3)];
        model_sums_3(start, from_x ? 48 : gap_x, wx + biases, gap_x, x, from_x ? 0 : nx, wh, gap_h,
                     h, 0, size, sums_x);
        model_sums_3(model_biases(wh), gap_h, wx, gap_x, x, 0, wh + biases, gap_h, h, units,
                     size, sums_h);
#if MODEL_BITS < 32
        model_scale(sums_x, scale + at, bias + at, 3 * size);
        model_scale(sums_h, scale + at, bias + 3 * units + at, 3 * size);
#endif
        model_gru_units(sums_x, sums_h, size, h + first, out + first);
    }
    (void)scale, (void)bias;
}

/* One layer, one step, many rows: x [nx][lanes], h [units][lanes] -> out [units][lanes]. `w` is
   packed. */
MODEL_STATIC void model_gru_lanes(const float *w, const float *scale, const float *bias, size_t nx,
                                  size_t units, const float *x, const float *h, float *out,
                                  size_t lanes)
{
    const size_t count = MODEL_TILE / 3;
    size_t first, n, v;
    for (first = 0; first < units; first += count, w += MODEL_TILE * (2 + nx + units)) {
        const float *w_h = w + MODEL_TILE * (1 + nx);
        float sums_x[MODEL_TILE * 2 * MODEL_VL], sums_h[MODEL_TILE * 2 * MODEL_VL];
        model_tile(w, w + MODEL_TILE, x, nx, w_h, h, 0, lanes, sums_x);
        model_tile(w_h, w, x, 0, w_h + MODEL_TILE, h, units, lanes, sums_h);
        for (n = 0; n < count && first + n < units; n++) {
#if MODEL_BITS < 32
            const size_t group = model_group_of(units, first + n),
                         width = model_group_size(units, group);
            const size_t at = 3 * group + (first + n - group);
            const float *s = scale + at, *b_x = bias + at, *b_h = b_x + 3 * units;
#endif
            for (v = 0; v < lanes; v += MODEL_VL) {
                const size_t unit = (first + n) * lanes + v;
                const float *sum_x = sums_x + 3 * n * lanes + v,
                            *sum_h = sums_h + 3 * n * lanes + v;
                model_vf r = model_load(sum_x), r_h = model_load(sum_h);
                model_vf z = model_load(sum_x + lanes), z_h = model_load(sum_h + lanes);
                model_vf n_x = model_load(sum_x + 2 * lanes), n_h = model_load(sum_h + 2 * lanes);
#if MODEL_BITS < 32
                r = r * model_splat(s[0]) + model_splat(b_x[0]);
                z = z * model_splat(s[width]) + model_splat(b_x[width]);
                n_x = n_x * model_splat(s[2 * width]) + model_splat(b_x[2 * width]);
                r_h = r_h * model_splat(s[0]) + model_splat(b_h[0]);
                z_h = z_h * model_splat(s[width]) + model_splat(b_h[width]);
                n_h = n_h * model_splat(s[2 * width]) + model_splat(b_h[2 * width]);
#endif
                model_store(out + unit,
                            model_gru_cell(r + r_h, z + z_h, n_x, n_h, model_load(h + unit)));
            }
        }
    }
    (void)scale, (void)bias;
}
#endif

/* One layer over the steps of a pass: x [step][nx][lane] -> out [step][across][lane], of which it
   fills the first `units` features; h [units][lane] is the state before and after. */
MODEL_STATIC void model_gru(const model_stored *w, const float *scale, const float *bias, size_t nx,
                            size_t units, const float *x, float *h, float *out, size_t across,
                            int backwards, const float *packed, const model_pass *pass)
{
    const size_t lanes = pass->lanes;
    const float *before = h, *from_x = model_from_x(w, 3, nx, units, x, pass);
    size_t n;
    for (n = 0; n < pass->steps; n++) {
        const size_t t = backwards ? pass->steps - 1 - n : n;
        const float *x_t = x + t * nx * lanes,
                    *ready = from_x ? from_x + t * MODEL_ROW(3 * units) : 0;
        float *h_t = out + t * across * lanes;
#if MODEL_VL > 1
        if (lanes > 1) {
            model_gru_lanes(packed, scale, bias, nx, units, x_t, before, h_t, lanes);
        } else
#endif
        {
            model_gru_step(w, scale, bias, nx, units, ready, x_t, before, h_t,
                           pass->turn + (unsigned)n);
        }
        before = h_t;
    }
    model_copy(h, before, units * lanes);
    (void)packed;
}
#endif

#endif
