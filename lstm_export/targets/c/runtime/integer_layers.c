/* Layers of LSTM and GRU, one direction each. Weights unit by unit: the rows of all gates for x,
   then those for h, then the next unit; biases and shifts in the same order. */
#ifndef MODEL_INTEGER_LAYERS_H
#define MODEL_INTEGER_LAYERS_H

#include "integer_avx512.c"
#include "integer_gates.c"

typedef struct {
    const model_weight *weights;
    const int32_t *biases;
    const uint8_t *shifts;
    uint16_t input_size, hidden_size, state_size;
    uint8_t up; /* sums have 20 - up bits after the point */
    uint8_t projection_shift; /* from the sums of a projection to h */
    const model_weight *projection; /* 0 for none */
    const uint8_t *projection_shifts;
#if defined(MODEL_KERNEL_AVX512)
    const __m512i *lanes; /* of an LSTM or a GRU its constants, as integer_avx512.c takes them */
    uint8_t gates; /* rows of a unit for x, and as many for h */
#endif
} model_layer;

#if defined(MODEL_KERNEL_AVX512)
#define MODEL_WITH_LANES(lanes, gates) lanes, gates,
#else
#define MODEL_WITH_LANES(lanes, gates)
#endif

#if defined(MODEL_KERNEL_AVX512)
#if MODEL_LSTM || MODEL_GRU
/* Room for a layer's lanes, which are written when the program is loaded, before anyone asks. */
#define MODEL_LANES(lanes, gates, weights, biases, shifts, input_size, units, state_size)     \
    static __m512i lanes[MODEL_LANES_SIZE(input_size, state_size, units)];                    \
    __attribute__((constructor(101))) static void lanes##_written(void)                       \
    {                                                                                         \
        const model_rows_of_units rows = {                                                    \
            weights, biases, shifts, {MODEL_WORDS(input_size), MODEL_WORDS(state_size)}, units, \
            gates};                                                                           \
        model_write_lanes(&rows, lanes);                                                      \
    }

MODEL_INLINE model_lanes_of_layer model_lanes_of(const model_layer *layer)
{
    const size_t groups = MODEL_GROUPS(layer->hidden_size);
    model_lanes_of_layer lanes;
    lanes.constants = (const model_16_units *)layer->lanes;
    lanes.words_x = MODEL_WORDS((size_t)layer->input_size);
    lanes.words_h = MODEL_WORDS((size_t)layer->state_size);
    lanes.weights_x = (const __m512i *)(lanes.constants + groups);
    lanes.weights_h = lanes.weights_x + 4 * lanes.words_x * groups;
    lanes.units = layer->hidden_size;
    lanes.gates = layer->gates;
    lanes.up = layer->up;
    return lanes;
}

/* The state of every unit of a layer: wide, and h -> out [hidden_size]. */
MODEL_INLINE void model_update(const model_layer *layer, const int16_t *x, const int16_t *h,
                               int32_t *wide, int16_t *out)
{
    const model_lanes_of_layer lanes = model_lanes_of(layer);
    model_gates sums[MODEL_GROUPS(MODEL_UNITS)];
    int32_t words[MODEL_SAMPLE] MODEL_ALIGNED;
    model_x_of_all(&lanes, x, layer->input_size, 1, sums);
    model_words(h, layer->state_size, words);
    model_step_of_1(&lanes, sums, words, wide, out, 0);
}
#endif
#else
#define MODEL_LANES(lanes, gates, weights, biases, shifts, input_size, units, state_size)
#endif

#if MODEL_LSTM
#if MODEL_PROJECTION
/* h before the projection, hidden [hidden_size] -> h [state_size] */
MODEL_STATIC void model_project(const model_layer *layer, const int16_t *hidden, int16_t *h)
{
    int16_t v[MODEL_GATHERED] MODEL_ALIGNED;
    int32_t sums[MODEL_PROJECTED];
    size_t k;
    model_gather(hidden, layer->hidden_size, v);
    for (k = 0; k < layer->state_size; k++) {
        sums[k] = 0;
        MODEL_NO_LIBRARY_CALL;
    }
    model_rows(layer->projection, layer->projection_shifts, layer->state_size, v,
               MODEL_WORDS((size_t)layer->hidden_size), sums);
    for (k = 0; k < layer->state_size; k++) {
        h[k] = model_narrowed(sums[k], layer->projection_shift);
    }
}
#endif

#if !defined(MODEL_KERNEL_AVX512)
/* A bias, and the totals of x and of h, shifted; both are four rows apart. */
MODEL_INLINE int32_t model_sum(const int32_t *bias, const uint8_t *shifts, const int32_t *totals)
{
    return MODEL_READ(bias) + (totals[0] >> MODEL_READ(shifts)) +
           (totals[4] >> MODEL_READ(shifts + 4));
}

/* c and h of every unit of a layer -> out [hidden_size]. */
MODEL_INLINE void model_update(const model_layer *layer, const int16_t *x, const int16_t *h,
                               int32_t *c, int16_t *out)
{
    int16_t v[MODEL_GATHERED] MODEL_ALIGNED; /* x and h, one behind the other */
    const model_weight *w = layer->weights;
    const int32_t *bias = layer->biases;
    const uint8_t *shifts = layer->shifts;
    const size_t words_x = MODEL_WORDS((size_t)layer->input_size);
    const size_t words_h = MODEL_WORDS((size_t)layer->state_size);
    const unsigned up = layer->up;
    const int32_t *const end = c + layer->hidden_size;
    model_gather(h, layer->state_size, model_gather(x, layer->input_size, v));
    do {
        int32_t totals[8], sums[4], cell;
        w = model_totals(w, v, words_x, words_h, totals);
#if MODEL_SPLIT_WEIGHTS
        w = model_following(w);
#endif
        sums[0] = model_sum(bias, shifts, totals);
        sums[1] = model_sum(bias + 1, shifts + 1, totals + 1);
        sums[2] = model_sum(bias + 2, shifts + 2, totals + 2);
        sums[3] = model_sum(bias + 3, shifts + 3, totals + 3);
        bias += 4;
        shifts += 8;
        cell = model_times(model_sigmoid(sums[1], up), *c) +
               model_times(model_sigmoid(sums[0], up), (model_tanh_fine(sums[2], up) - 64) * 4);
        MODEL_WITHIN(cell, 31); /* c stays within 64 */
        *c++ = cell;
        cell = model_times(model_sigmoid(sums[3], up), model_tanh_at(model_place(cell, 0, 4)) - 64);
        *out++ = (int16_t)((cell + 64) >> 7);
    } while (c != end);
}
#endif

/* One step of a layer: x [input_size], over h [state_size] and c [hidden_size], Q7.24. */
MODEL_NOINLINE void model_lstm(const model_layer *layer, const int16_t *x, int16_t *h, int32_t *c)
{
    int16_t *out = h;
#if MODEL_PROJECTION
    int16_t hidden[MODEL_HIDDEN];
    out = layer->projection ? hidden : h;
#endif
    model_update(layer, x, h, c, out);
#if MODEL_PROJECTION
    if (layer->projection) {
        model_project(layer, hidden, h);
    }
#endif
}
#endif

#if MODEL_GRU
/* One step of a layer: x [input_size], over h [state_size] and the same in Q7.24, wide. */
#if defined(MODEL_KERNEL_AVX512)
MODEL_NOINLINE void model_gru(const model_layer *layer, const int16_t *x, int16_t *h, int32_t *wide)
{
    model_update(layer, x, h, wide, h);
}
#else
MODEL_NOINLINE void model_gru(const model_layer *layer, const int16_t *x, int16_t *h, int32_t *wide)
{
    int16_t v[MODEL_GATHERED] MODEL_ALIGNED;
    int16_t *const v_h = model_gather(x, layer->input_size, v);
    const model_weight *w = layer->weights;
    const int32_t *bias = layer->biases;
    const uint8_t *shifts = layer->shifts;
    const size_t words_x = MODEL_WORDS((size_t)layer->input_size),
                 words_h = MODEL_WORDS((size_t)layer->state_size);
    const unsigned up = layer->up;
    const int32_t *const end = wide + layer->hidden_size;
    model_gather(h, layer->state_size, v_h);
    for (; wide != end; wide++) {
        int32_t from_x[3], from_h[3], n;
        size_t gate;
        for (gate = 0; gate < 3; gate++) {
            from_x[gate] = MODEL_READ(bias + gate);
            from_h[gate] = MODEL_READ(bias + gate + 3);
            MODEL_NO_LIBRARY_CALL;
        }
        w = model_rows3(w, v, words_x, shifts, from_x);
        w = model_rows3(w, v_h, words_h, shifts + 3, from_h);
#if MODEL_SPLIT_WEIGHTS
        w = model_following(w);
#endif
        bias += 6;
        shifts += 6;
        n = from_x[2] + model_times(model_sigmoid(from_x[0] + from_h[0], up), from_h[2]);
        n = (model_tanh_fine(n, up) - 64) * 4;
        *wide = n + model_times(model_sigmoid(from_x[1] + from_h[1], up), *wide - n);
        *h++ = model_narrowed(*wide, 9);
    }
}
#endif
#endif

#if MODEL_RNN
/* One step of a layer: x [input_size], over h [state_size], which is a tanh, Q0.15, or a relu with 4
   bits less after the point than its sums. */
MODEL_INLINE void model_rnn_units(const model_layer *layer, const int16_t *x, int16_t *h,
                                  int is_relu)
{
    int16_t v[MODEL_GATHERED] MODEL_ALIGNED;
    int16_t *const v_h = model_gather(x, layer->input_size, v);
    const model_weight *w = layer->weights;
    const int32_t *bias = layer->biases;
    const uint8_t *shifts = layer->shifts;
    const size_t words_x = MODEL_WORDS((size_t)layer->input_size),
                 words_h = MODEL_WORDS((size_t)layer->state_size);
    const int16_t *const end = h + layer->state_size;
    model_gather(h, layer->state_size, v_h);
    for (; h != end; h++) {
        int32_t sum = MODEL_READ(bias);
        model_rows(w, shifts, 1, v, words_x, &sum);
        w += words_x * MODEL_IN_WORD;
        model_rows(w, shifts + 1, 1, v_h, words_h, &sum);
        w += words_h * MODEL_IN_WORD;
#if MODEL_SPLIT_WEIGHTS
        w = model_following(w);
#endif
        bias++;
        shifts += 2;
        *h = is_relu ? model_narrowed(sum > 0 ? sum : 0, 4) : (int16_t)model_tanh(sum, layer->up);
    }
}

/* Both take what every layer takes; an RNN carries nothing wide. */
MODEL_NOINLINE void model_rnn(const model_layer *layer, const int16_t *x, int16_t *h, int32_t *wide)
{
    (void)wide;
    model_rnn_units(layer, x, h, 0);
}

MODEL_NOINLINE void model_rnn_relu(const model_layer *layer, const int16_t *x, int16_t *h,
                                   int32_t *wide)
{
    (void)wide;
    model_rnn_units(layer, x, h, 1);
}
#endif

#if !MODEL_STREAMS
typedef void model_layer_step(const model_layer *layer, const int16_t *x, int16_t *h,
                              int32_t *wide);

/* A layer over a sequence, forwards or backwards: x [step][input_size] -> h after every step, in
   `out` with `stride` values a step. */
MODEL_STATIC void model_over(model_layer_step *step, const model_layer *layer, const int16_t *x,
                             int16_t *h, int32_t *wide, int16_t *out, size_t steps, size_t stride,
                             int backwards)
{
    size_t done, k;
    for (done = 0; done < steps; done++) {
        const size_t t = backwards ? steps - 1 - done : done;
        step(layer, x + t * layer->input_size, h, wide);
        for (k = 0; k < layer->state_size; k++) {
            out[t * stride + k] = h[k];
            MODEL_NO_LIBRARY_CALL;
        }
    }
}
#endif

#endif
