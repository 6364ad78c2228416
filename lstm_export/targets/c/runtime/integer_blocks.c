/* An LSTM or a GRU over a block of steps of one sequence, or of MODEL_SHARING side by side, on x86-64
   with AVX-512. */
#ifndef MODEL_INTEGER_BLOCKS_H
#define MODEL_INTEGER_BLOCKS_H

#include "integer_stages.c"

#if MODEL_BLOCKS
#if defined(MODEL_KERNEL_AVX512)
#define MODEL_RUNS_BLOCKS

/* What is computed at once.

   sequences: 1 or MODEL_SHARING
   stride: words from the state of one to that of the next */
typedef struct {
    size_t steps, sequences, stride;
} model_block;

/* A layer: x [step][sequence][input_size], over both states of every sequence -> h after every step,
   out [step][sequence][state_size]. Every other step takes units backwards, which finds weights where the
   last one has left them. */
MODEL_STATIC void model_layer_block(const model_layer *layer, const int16_t *x, int16_t *h,
                                    int32_t *wide, int16_t *out, const model_block *block)
{
    const model_lanes_of_layer lanes = model_lanes_of(layer);
    const size_t groups = MODEL_GROUPS(layer->hidden_size), size = layer->state_size;
    const size_t sequences = block->sequences, input_size = layer->input_size;
    model_gates sums[MODEL_SAMPLES * MODEL_GROUPS(MODEL_UNITS)];
    int32_t words_x[MODEL_SHARING * MODEL_SAMPLE] MODEL_ALIGNED;
    int32_t words_h[MODEL_SHARING * MODEL_SAMPLE] MODEL_ALIGNED;
    const int is_ahead = !model_early_updates(&lanes, sequences); /* x, of all steps */
    const int16_t *before = h;
    size_t stride = 2 * block->stride, t, k;
    if (is_ahead) {
        model_x_of_all(&lanes, x, input_size, block->steps * sequences, sums);
    }
    for (t = 0; t < block->steps; t++) {
        const model_gates *const from_x = is_ahead ? sums + t * sequences * groups : 0;
        for (k = 0; k < sequences; k++) {
            model_words(before + k * stride, size, words_h + k * MODEL_SAMPLE);
        }
        if (sequences == 1) {
            model_step_of_1(&lanes, from_x, words_h, wide, out, t % 2);
        } else {
            for (k = 0; k < sequences; k++) {
                model_words(x + k * input_size, input_size, words_x + k * MODEL_SAMPLE);
            }
            model_step_together(&lanes, from_x, words_x, words_h, wide, block->stride, out,
                                t % 2);
        }
        x += sequences * input_size;
        before = out;
        stride = size;
        out += sequences * size;
    }
    for (k = 0; k < sequences; k++) {
        model_copy(before + k * size, h + 2 * k * block->stride, size);
    }
}

/* The part h [size] of the states -> out [sequences][size]. */
MODEL_STATIC void model_block_state(const int16_t *h, int16_t *out, size_t size,
                                    const model_block *block)
{
    size_t k;
    for (k = 0; k < block->sequences; k++) {
        model_copy(h + 2 * k * block->stride, out + k * size, size);
    }
}
#endif
#endif

#endif
