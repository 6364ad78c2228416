/* torch.nn.RNN, one layer in one direction:

       h = tanh(W_ih x + b_ih + W_hh h + b_hh)         or the larger of the sum and 0 */
#ifndef MODEL_RNN_H
#define MODEL_RNN_H

#include "ahead.c"
#include "lanes.c"

#if MODEL_RNN
/* Sums -> the next h; NaN stays NaN. */
MODEL_INLINE model_vf model_rnn_cell(model_vf sum, int is_relu)
{
    if (!is_relu) {
        return model_tanh(sum);
    }
#if MODEL_VL == 1
    return sum < 0.0f ? 0.0f : sum;
#else
    return (model_vf)(~(sum < model_splat(0.0f)) & (model_vi)sum);
#endif
}

#if MODEL_VL == 1
/* Adds the products of n values with their rows of `size` units. */
MODEL_INLINE float model_rnn_add(float sum, const model_stored *row, size_t size, const float *v,
                                 size_t n)
{
    size_t k;
    for (k = 0; k < n; k++) {
        sum = sum + model_weight(MODEL_READ(row), k) * v[k];
        row += (k + 1) % MODEL_ROWS_A_WORD ? 0 : size;
    }
    return sum;
}

/* One layer, one step, one row: x (nx), h (units) -> out (units). Plain C, unit by unit: what the
   vectors below compute too, term by term in the same order. */
MODEL_STATIC void model_rnn_step(const model_stored *w, const float *scale, const float *bias,
                                 size_t nx, size_t units, int is_relu, const float *from_x,
                                 const float *x, const float *h, float *out, unsigned turn)
{
    const size_t rows_x = MODEL_BIAS_ROWS + MODEL_WORD_ROWS(nx), rows_h = MODEL_WORD_ROWS(units);
    size_t first, size, u;
    for (first = 0; first < units; first += size) {
        const model_stored *const w_x = model_weights_at(w, first * rows_x);
        const model_stored *const w_h = model_weights_at(w, units * rows_x + first * rows_h);
        size = model_group_size(units, first);
        for (u = 0; u < size; u++) {
            const model_stored *row = w_x + u;
#if MODEL_BITS == 32
            float sum = MODEL_READ(row);
            row += size;
#else
            float sum = 0.0f;
#endif
            sum = model_rnn_add(sum, row, size, x, nx);
            sum = model_rnn_add(sum, w_h + u, size, h, units);
#if MODEL_BITS < 32
            sum = sum * MODEL_READ(scale + first + u) + MODEL_READ(bias + first + u);
#endif
            out[first + u] = model_rnn_cell(sum, is_relu);
        }
    }
    (void)scale, (void)bias, (void)from_x, (void)turn;
}
#else
/* One layer, one step, one row: x (nx), h (units) -> out (units). `from_x` is the part of the sums
   that comes from x, where it was computed before; otherwise null. */
MODEL_STATIC void model_rnn_step(const model_stored *w, const float *scale, const float *bias,
                                 size_t nx, size_t units, int is_relu, const float *from_x,
                                 const float *x, const float *h, float *out, unsigned turn)
{
    const size_t rows_x = MODEL_BIAS_ROWS + MODEL_WORD_ROWS(nx), rows_h = MODEL_WORD_ROWS(units);
    const model_stored *w_h = w + MODEL_ROW(units) * rows_x;
    const model_runs part = model_runs_of(units, MODEL_AT_ONCE(1));
    size_t n, j;
    for (n = 0; n < part.runs; n++) {
        const size_t run = turn & 1u ? part.runs - 1 - n : n;
        const size_t first = model_first_of_run(part, run);
        const size_t size =
            run < part.full ? 16 * MODEL_AT_ONCE(1) : model_group_size(units, first);
        const model_stored *wx = w + first * rows_x;
        const float *start = from_x ? from_x + first : model_biases(wx);
        float sums[MODEL_MOST_SUMS(1)];
        wx += MODEL_BIAS_ROWS * MODEL_ROW(model_group_size(units, first));
        model_sums_1(start, from_x ? 16 : 16 * rows_x, wx, 16 * rows_x, x, from_x ? 0 : nx,
                     w_h + first * rows_h, 16 * rows_h, h, units, size, sums);
#if MODEL_BITS < 32
        model_scale(sums, scale + first, bias + first, size);
#endif
        for (j = 0; j < size; j += MODEL_VL) {
            const model_vf next = model_rnn_cell(model_load(sums + j), is_relu);
            if (j + MODEL_VL <= size) {
                model_store(out + first + j, next);
            } else {
                model_store_part(out + first + j, next, size - j);
            }
        }
    }
    (void)scale, (void)bias;
}

/* One layer, one step, many rows: x [nx][lanes], h [units][lanes] -> out [units][lanes]. `w` is
   packed. */
MODEL_STATIC void model_rnn_lanes(const float *w, const float *scale, const float *bias, size_t nx,
                                  size_t units, int is_relu, const float *x, const float *h,
                                  float *out, size_t lanes)
{
    size_t first, n, v;
    for (first = 0; first < units; first += MODEL_TILE, w += MODEL_TILE * (1 + nx + units)) {
        const size_t some = units - first < MODEL_TILE ? units - first : MODEL_TILE;
        float sums[MODEL_TILE * 2 * MODEL_VL];
        model_tile(w, w + MODEL_TILE, x, nx, w + MODEL_TILE * (1 + nx), h, units, lanes, sums);
        for (n = 0; n < some; n++) {
            for (v = 0; v < lanes; v += MODEL_VL) {
                model_vf sum = model_load(sums + n * lanes + v);
#if MODEL_BITS < 32
                sum = sum * model_splat(scale[first + n]) + model_splat(bias[first + n]);
#endif
                model_store(out + (first + n) * lanes + v, model_rnn_cell(sum, is_relu));
            }
        }
    }
    (void)scale, (void)bias;
}
#endif

/* One layer over the steps of a pass: x [step][nx][lane] -> out [step][across][lane], of which it
   fills the first `units` features; h [units][lane] is the state before and after. */
MODEL_STATIC void model_rnn(const model_stored *w, const float *scale, const float *bias, size_t nx,
                            size_t units, int is_relu, const float *x, float *h, float *out,
                            size_t across, int backwards, const float *packed,
                            const model_pass *pass)
{
    const size_t lanes = pass->lanes;
    const float *before = h, *from_x = model_from_x(w, 1, nx, units, x, pass);
    size_t n;
    for (n = 0; n < pass->steps; n++) {
        const size_t t = backwards ? pass->steps - 1 - n : n;
        const float *x_t = x + t * nx * lanes,
                    *ready = from_x ? from_x + t * MODEL_ROW(units) : 0;
        float *h_t = out + t * across * lanes;
#if MODEL_VL > 1
        if (lanes > 1) {
            model_rnn_lanes(packed, scale, bias, nx, units, is_relu, x_t, before, h_t, lanes);
        } else
#endif
        {
            model_rnn_step(w, scale, bias, nx, units, is_relu, ready, x_t, before, h_t,
                           pass->turn + (unsigned)n);
        }
        before = h_t;
    }
    model_copy(h, before, units * lanes);
    (void)packed;
}
#endif

#endif
