/* torch.nn.LSTM, one layer in one direction:

       i = sigmoid(W_ii x + b_ii + W_hi h + b_hi)      what is let in
       f = sigmoid(W_if x + b_if + W_hf h + b_hf)      what is kept
       o = sigmoid(W_io x + b_io + W_ho h + b_ho)      what is let out
       g = tanh(W_ig x + b_ig + W_hg h + b_hg)
       c = f * c + i * g
       h = o * tanh(c)                                 times weight_hr, if it is projected */
#ifndef MODEL_LSTM_H
#define MODEL_LSTM_H

#include "ahead.c"
#include "dense.c"
#include "lanes.c"

#if MODEL_LSTM
/* Sums of i, f, o, g -> c and o; what follows is h = o * tanh(c). The rows of i, f and o are stored
   halved, since sigmoid(2 v) = tanh(v) / 2 + 1 / 2: one tanh serves all four. */
MODEL_INLINE model_vf model_lstm_cell(model_vf i, model_vf f, model_vf o, model_vf g, model_vf *c)
{
    const model_vf half = model_splat(0.5f);
    i = model_tanh(i) * half + half;
    f = model_tanh(f) * half + half;
    o = model_tanh(o) * half + half;
    g = model_tanh(g) * i;
    MODEL_ROUNDED(g);
    *c = f * *c + g;
    return o;
}

#if MODEL_VL == 1
/* Plain C, unit by unit: what the vectors below compute too, term by term in the same order. */
typedef struct {
    float i, f, o, g;
} model_lstm_sums;

/* Adds the products of n values with their rows; in a row lie i, f, o and g of `size` units. */
MODEL_INLINE void model_lstm_add(model_lstm_sums *sum, const model_stored *row, size_t size,
                                 const float *v, size_t n)
{
    size_t k;
    for (k = 0; k < n; k++) {
        sum->i = sum->i + model_weight(MODEL_READ(row), k) * v[k];
        sum->f = sum->f + model_weight(MODEL_READ(row + size), k) * v[k];
        sum->o = sum->o + model_weight(MODEL_READ(row + 2 * size), k) * v[k];
        sum->g = sum->g + model_weight(MODEL_READ(row + 3 * size), k) * v[k];
        row += (k + 1) % MODEL_ROWS_A_WORD ? 0 : 4 * size;
    }
}

/* One layer, one step, one row: x (nx), h (nh), c (units) -> c and out (units). */
MODEL_STATIC void model_lstm_step(const model_stored *w, const float *scale, const float *bias,
                                  size_t nx, size_t nh, size_t units, const float *from_x,
                                  const float *x, const float *h, float *c, float *out,
                                  unsigned turn)
{
    const size_t rows_x = MODEL_BIAS_ROWS + MODEL_WORD_ROWS(nx), rows_h = MODEL_WORD_ROWS(nh);
    size_t first, size, u;
    for (first = 0; first < units; first += size) {
        const model_stored *const w_x = model_weights_at(w, 4 * first * rows_x);
        const model_stored *const w_h = model_weights_at(w, 4 * (units * rows_x + first * rows_h));
        size = model_group_size(units, first);
        for (u = 0; u < size; u++) {
            const model_stored *row = w_x + u;
#if MODEL_BITS == 32
            model_lstm_sums sum = {MODEL_READ(row), MODEL_READ(row + size), MODEL_READ(row + 2 * size),
                                   MODEL_READ(row + 3 * size)};
            row += 4 * size;
#else
            const float *s = scale + 4 * first + u, *b = bias + 4 * first + u;
            model_lstm_sums sum = {0.0f, 0.0f, 0.0f, 0.0f};
#endif
            model_lstm_add(&sum, row, size, x, nx);
            model_lstm_add(&sum, w_h + u, size, h, nh);
#if MODEL_BITS < 32
            sum.i = sum.i * MODEL_READ(s) + MODEL_READ(b);
            sum.f = sum.f * MODEL_READ(s + size) + MODEL_READ(b + size);
            sum.o = sum.o * MODEL_READ(s + 2 * size) + MODEL_READ(b + 2 * size);
            sum.g = sum.g * MODEL_READ(s + 3 * size) + MODEL_READ(b + 3 * size);
#endif
            out[first + u] = model_lstm_cell(sum.i, sum.f, sum.o, sum.g, c + first + u);
            out[first + u] = out[first + u] * model_tanh(c[first + u]);
        }
    }
    (void)scale, (void)bias, (void)from_x, (void)turn;
}
#else
/* h: out = o * tanh(c), where out holds o. Apart from the rest, since many at once take less time
   than one after another. What is left after whole vectors is the end of one that overlaps them: it
   is computed first and stored last. */
MODEL_STATIC void model_lstm_out(const float *c, float *out, size_t n)
{
    const size_t left = n % MODEL_VL;
    model_vf end = model_splat(0.0f);
    size_t k;
    if (left > 0) {
        end = model_load_end(out, n) * model_tanh(model_load_end(c, n));
    }
    for (k = 0; k + MODEL_VL <= n; k += MODEL_VL) {
        model_store(out + k, model_load(out + k) * model_tanh(model_load(c + k)));
    }
    if (left > 0) {
        model_store_end(out, end, n);
    }
}

/* o of a vector of units, whose sums of four gates lie `width` apart; `state` is their c. */
MODEL_INLINE model_vf model_lstm_vector(const float *sums, size_t width, model_vf *state)
{
    return model_lstm_cell(model_load(sums), model_load(sums + width),
                           model_load(sums + 2 * width), model_load(sums + 3 * width), state);
}

/* c and o of some units, o in `out`; `sums` lie group by group, [gate][unit]. */
MODEL_STATIC void model_lstm_units(float *sums, size_t units, float *c, float *out)
{
    size_t width, j;
    for (; units > 0; units -= width, sums += 4 * width, c += width, out += width) {
        model_vf c_end = model_splat(0.0f), o_end = c_end;
        width = model_group_size(units, 0);
        if (width % MODEL_VL > 0) {
            const float *end = width < MODEL_VL ? sums : sums + width - MODEL_VL;
            c_end = model_load_end(c, width);
            o_end = model_lstm_vector(end, width, &c_end);
        }
        for (j = 0; j + MODEL_VL <= width; j += MODEL_VL) {
            model_vf state = model_load(c + j);
            model_store(out + j, model_lstm_vector(sums + j, width, &state));
            model_store(c + j, state);
        }
        if (width % MODEL_VL > 0) {
            model_store_end(out, o_end, width);
            model_store_end(c, c_end, width);
        }
    }
}

/* One layer, one step, one row: x (nx), h (nh), c (units) -> c and out (units). `from_x` is the
   part of the sums that comes from x, where it was computed before; otherwise null. */
MODEL_STATIC void model_lstm_step(const model_stored *w, const float *scale, const float *bias,
                                  size_t nx, size_t nh, size_t units, const float *from_x,
                                  const float *x, const float *h, float *c, float *out,
                                  unsigned turn)
{
    const size_t rows_x = MODEL_BIAS_ROWS + MODEL_WORD_ROWS(nx), rows_h = MODEL_WORD_ROWS(nh);
    const model_stored *w_h = w + MODEL_ROW(4 * units) * rows_x;
    const model_runs part = model_runs_of(units, MODEL_AT_ONCE(4));
    size_t n;
    for (n = 0; n < part.runs; n++) {
        const size_t run = turn & 1u ? part.runs - 1 - n : n;
        const size_t first = model_first_of_run(part, run);
        const size_t size =
            run < part.full ? 16 * MODEL_AT_ONCE(4) : model_group_size(units, first);
        const size_t at = 4 * first;
        const model_stored *wx = w + at * rows_x;
        const float *start = from_x ? from_x + at : model_biases(wx);
        float sums[MODEL_MOST_SUMS(4)];
        wx += MODEL_BIAS_ROWS * MODEL_ROW(4 * model_group_size(units, first));
        model_sums_4(start, from_x ? 64 : 64 * rows_x, wx, 64 * rows_x, x, from_x ? 0 : nx,
                     w_h + at * rows_h, 64 * rows_h, h, nh, size, sums);
#if MODEL_BITS < 32
        model_scale(sums, scale + at, bias + at, 4 * size);
#endif
        model_lstm_units(sums, size, c + first, out + first);
    }
    model_lstm_out(c, out, units);
    (void)scale, (void)bias;
}

/* One layer, one step, many rows: x [nx][lanes], h [nh][lanes], c [units][lanes] -> c and out
   [units][lanes]. `w` is packed. */
MODEL_STATIC void model_lstm_lanes(const float *w, const float *scale, const float *bias, size_t nx,
                                   size_t nh, size_t units, const float *x, const float *h,
                                   float *c, float *out, size_t lanes)
{
    const size_t count = MODEL_TILE / 4;
    size_t first, n, v;
    for (first = 0; first < units; first += count, w += MODEL_TILE * (1 + nx + nh)) {
        const size_t some = units - first < count ? units - first : count;
        float sums[MODEL_TILE * 2 * MODEL_VL];
        model_tile(w, w + MODEL_TILE, x, nx, w + MODEL_TILE * (1 + nx), h, nh, lanes, sums);
        for (n = 0; n < some; n++) {
#if MODEL_BITS < 32
            const size_t group = model_group_of(units, first + n),
                         width = model_group_size(units, group);
            const size_t at = 4 * group + (first + n - group);
            const float *s = scale + at, *b = bias + at;
#endif
            for (v = 0; v < lanes; v += MODEL_VL) {
                const float *sum = sums + 4 * n * lanes + v;
                model_vf i = model_load(sum), f = model_load(sum + lanes);
                model_vf o = model_load(sum + 2 * lanes), g = model_load(sum + 3 * lanes);
                float *cell = c + (first + n) * lanes + v;
                model_vf state = model_load(cell);
#if MODEL_BITS < 32
                i = i * model_splat(s[0]) + model_splat(b[0]);
                f = f * model_splat(s[width]) + model_splat(b[width]);
                o = o * model_splat(s[2 * width]) + model_splat(b[2 * width]);
                g = g * model_splat(s[3 * width]) + model_splat(b[3 * width]);
#endif
                model_store(out + (first + n) * lanes + v, model_lstm_cell(i, f, o, g, &state));
                model_store(cell, state);
            }
        }
        model_lstm_out(c + first * lanes, out + first * lanes, some * lanes);
    }
    (void)scale, (void)bias;
}
#endif

/* One layer over the steps of a pass: x [step][nx][lane] -> out [step][across][lane], of which it
   fills the first `nh` features; h [nh][lane] and c [units][lane] are the state before and after.
   `hidden` [units][lane] is room for what is projected by weight_hr [nh][units], which is null
   where nothing is. */
MODEL_STATIC void model_lstm(const model_stored *w, const float *scale, const float *bias,
                             const float *weight_hr, float *hidden, size_t nx, size_t nh,
                             size_t units, const float *x, float *h, float *c, float *out,
                             size_t across, int backwards, const float *packed,
                             const model_pass *pass)
{
    const size_t lanes = pass->lanes;
    const float *before = h, *from_x = model_from_x(w, 4, nx, units, x, pass);
    size_t n;
    for (n = 0; n < pass->steps; n++) {
        const size_t t = backwards ? pass->steps - 1 - n : n;
        const float *x_t = x + t * nx * lanes,
                    *ready = from_x ? from_x + t * MODEL_ROW(4 * units) : 0;
        float *h_t = out + t * across * lanes;
#if MODEL_PROJECTION
        float *cell_out = weight_hr ? hidden : h_t;
#else
        float *cell_out = h_t;
#endif
#if MODEL_VL > 1
        if (lanes > 1) {
            model_lstm_lanes(packed, scale, bias, nx, nh, units, x_t, before, c, cell_out, lanes);
        } else
#endif
        {
            model_lstm_step(w, scale, bias, nx, nh, units, ready, x_t, before, c, cell_out,
                            pass->turn + (unsigned)n);
        }
#if MODEL_PROJECTION
        if (weight_hr) {
            model_linear(weight_hr, 0, hidden, h_t, 1, units, nh, lanes);
        }
#endif
        before = h_t;
    }
    model_copy(h, before, nh * lanes);
    (void)packed, (void)weight_hr, (void)hidden;
}
#endif

#endif
