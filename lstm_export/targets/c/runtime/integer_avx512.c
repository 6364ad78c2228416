/* An LSTM or a GRU on x86-64 with AVX-512 and VNNI, 16 units side by side: the sums from x of several
   steps, and a step of one sequence, or of MODEL_SHARING. */
#ifndef MODEL_INTEGER_AVX512_H
#define MODEL_INTEGER_AVX512_H

#include "integer_avx512_gates.c"
#include "integer_avx512_layout.c"
#include "integer_avx512_rows.c"
#include "integer_sizes.h"

#if MODEL_LSTM || MODEL_GRU
#if defined(MODEL_KERNEL_AVX512)
/* Samples of a block: what is known of them lies on the stack. */
#define MODEL_SAMPLES (MODEL_UNITS > 256 || MODEL_GATHERED > 1024 ? 4 : 16)

/* A layer as it lies in lanes. */
typedef struct {
    const model_16_units *constants;
    const __m512i *weights_x, *weights_h;
    size_t words_x, words_h, units, gates;
    unsigned up;
} model_lanes_of_layer;

/* What the biases and x make of the sums of 16 units, for samples, 1 or MODEL_SHARING. */
MODEL_INLINE void model_x_of(const model_lanes_of_layer *layer, size_t group, const int32_t *v,
                             size_t samples, model_gates *sums)
{
    const model_16_units *const units = layer->constants + group;
    const __m512i *const w = layer->weights_x + 4 * layer->words_x * group;
    const size_t groups = MODEL_GROUPS(layer->units);
    model_rows_of_16 rows = model_begin_rows(w, v, layer->words_x, model_start_of(units, 0), 0);
    const model_gates bias = model_gates_at(units->bias);
    model_gates out[MODEL_SHARING];
    size_t k;
    model_end_rows(&rows, samples, units->shift[0], &bias, 0, out);
    for (k = 0; k < samples; k++) {
        sums[k * groups] = out[k];
    }
}

/* What the biases and x make of the sums of all units: x [samples][input_size] ->
   sums [sample][16 units]. */
MODEL_NOINLINE void model_x_of_all(const model_lanes_of_layer *layer, const int16_t *x, size_t input_size,
                                 size_t samples, model_gates *sums)
{
    int32_t v[MODEL_SAMPLES * MODEL_SAMPLE] MODEL_ALIGNED;
    const size_t groups = MODEL_GROUPS(layer->units), shared = samples - samples % MODEL_SHARING;
    size_t sample, group;
    for (sample = 0; sample < samples; sample++) {
        model_words(x + sample * input_size, input_size, v + sample * MODEL_SAMPLE);
    }
    for (group = 0; group < groups; group++) {
        model_gates *out = sums + group;
        for (sample = 0; sample < shared; sample += MODEL_SHARING) {
            model_x_of(layer, group, v + sample * MODEL_SAMPLE, MODEL_SHARING, out);
            out += MODEL_SHARING * groups;
        }
        for (; sample < samples; sample++) {
            model_x_of(layer, group, v + sample * MODEL_SAMPLE, 1, out);
            out += groups;
        }
    }
}

/* Of so many updates, those that are made while x is multiplied; where there are none, x is multiplied
   ahead of the steps. */
MODEL_INLINE size_t model_early_updates(const model_lanes_of_layer *layer, size_t sequences)
{
    return sequences > 1 ? sequences * layer->words_x / (layer->words_x + layer->words_h) : 0;
}

/* The new state of 16 units, meanwhile what is due of the rows of others. */
MODEL_INLINE void model_update_16(const model_lanes_of_layer *layer, const model_update_of_16 *u,
                                  model_rows_of_16 *rows, size_t samples)
{
#if MODEL_GRU
    if (layer->gates == 3) {
        model_update_gru(u, layer->up, rows, samples);
        return;
    }
#endif
#if MODEL_LSTM
    model_update_lstm(u, layer->up, rows, samples);
#endif
}

/* Updates of the same 16 units, one for each sequence. */
typedef struct {
    model_update_of_16 of[MODEL_SHARING];
    size_t count; /* 0 before the first units */
} model_updates;

/* Those from `first` until `end`, with what is due of rows. */
MODEL_INLINE void model_update_some(const model_lanes_of_layer *layer, const model_updates *updates,
                                    size_t first, size_t end, model_rows_of_16 *rows,
                                    size_t samples)
{
    for (; first < end && first < updates->count; first++) {
        model_update_16(layer, updates->of + first, rows, samples);
    }
}

/* The sums of 16 units of so many sequences -> gates [sequences]; meanwhile updates of others. The sums
   from x are there, sums [sequences][16 units], or, 0, are made of x. */
MODEL_INLINE void model_gates_of(const model_lanes_of_layer *layer, size_t group,
                                 const model_gates *sums, const int32_t *x, const int32_t *h,
                                 size_t sequences, const model_updates *updates, model_gates *gates)
{
    const model_16_units *const units = layer->constants + group;
    const __m512i *const weights_x = layer->weights_x + 4 * layer->words_x * group;
    const __m512i *const weights_h = layer->weights_h + 4 * layer->words_h * group;
    const size_t early = sums ? 0 : model_early_updates(layer, sequences);
    size_t stride = MODEL_GROUPS(layer->units);
    model_rows_of_16 rows;
    if (!sums) {
        const model_gates bias = model_gates_at(units->bias);
        rows = model_begin_rows(weights_x, x, layer->words_x, model_start_of(units, 0), early);
        model_update_some(layer, updates, 0, early, &rows, sequences);
        model_end_rows(&rows, sequences, units->shift[0], &bias, 0, gates);
        stride = 1;
    }
    rows = model_begin_rows(weights_h, h, layer->words_h, model_start_of(units, 1),
                            sequences - early);
    model_update_some(layer, updates, early, sequences, &rows, sequences);
    model_end_rows(&rows, sequences, units->shift[1], sums ? sums + group : gates, stride, gates);
}

/* A step of all units of so many sequences, 1 or MODEL_SHARING: h, and x where sums is 0,
   [sequences][MODEL_SAMPLE] in words, over the wide state, `stride` apart -> out [sequences][units]. The
   updates of 16 units are made while the rows of the next are multiplied. */
MODEL_INLINE void model_step(const model_lanes_of_layer *layer, const model_gates *sums,
                             const int32_t *x, const int32_t *h, int32_t *wide, size_t stride,
                             int16_t *out, size_t sequences, int is_backwards)
{
    const size_t groups = MODEL_GROUPS(layer->units);
    model_rows_of_16 none = model_begin_rows(0, 0, 0, model_none(), 1);
    model_gates gates[MODEL_SHARING];
    model_updates before;
    size_t k, s;
    for (s = 0; s < sequences; s++) {
        before.of[s].gates = model_none();
        before.of[s].wide = wide;
        before.of[s].out = out;
        before.of[s].count = 0;
    }
    before.count = 0;
    for (k = 0; k < groups; k++) {
        const size_t group = is_backwards ? groups - 1 - k : k;
        const size_t left = layer->units - 16 * group;
        model_gates_of(layer, group, sums, x, h, sequences, &before, gates);
        for (s = 0; s < sequences; s++) {
            before.of[s].gates = gates[s];
            before.of[s].wide = wide + s * stride + 16 * group;
            before.of[s].out = out + s * layer->units + 16 * group;
            before.of[s].count = left < 16 ? left : 16;
        }
        before.count = sequences;
    }
    model_update_some(layer, &before, 0, sequences, &none, sequences);
}

MODEL_NOINLINE void model_step_of_1(const model_lanes_of_layer *layer, const model_gates *sums,
                                    const int32_t *h, int32_t *wide, int16_t *out, int is_backwards)
{
    model_step(layer, sums, 0, h, wide, 0, out, 1, is_backwards);
}

MODEL_NOINLINE void model_step_together(const model_lanes_of_layer *layer, const model_gates *sums,
                                        const int32_t *x, const int32_t *h, int32_t *wide,
                                        size_t stride, int16_t *out, int is_backwards)
{
    model_step(layer, sums, x, h, wide, stride, out, MODEL_SHARING, is_backwards);
}
#endif
#endif

#endif
