/* The chain of a model. An example: the writer puts the model's own in its place. */
#ifndef MODEL_CHAIN_H
#define MODEL_CHAIN_H

#include "activations.c"
#include "dense.c"
#include "gru.c"
#include "joins.c"
#include "lstm.c"
#include "pools.c"
#include "rnn.c"

#define MODEL_HIDDEN_WIDTH 0 /* floats of h before a projection */
#define MODEL_BUFFER_WIDTH 1 /* floats a step between stages */
#define MODEL_CONSTANT_BYTES 64ul /* of weights and all other constants */
#define MODEL_LAYER_SUMS 4u /* sums of the widest layer */
#define MODEL_DECODED_FLOATS 0 /* weights of the largest input as floats, where they are stored as words */
#define MODEL_PACKED_FLOATS 36 /* weights of all layers, packed for many rows */

/* lstm_l0: in groups of 16 units (the last 9 to 24), rows of 1 inputs, 1 of h; in a row i, f, o, g */
static const model_stored model_lstm_l0[] MODEL_FLASH MODEL_ALIGNED = {
    0.0f, 0.5f, 0.0f, 0.0f,
    MODEL_PAD_8 MODEL_PAD_4
    0.25f, -0.125f, 0.5f, 0.75f,
    MODEL_PAD_8 MODEL_PAD_4
    0.0625f, 0.25f, 0.125f, -0.5f,
    MODEL_PAD_8 MODEL_PAD_4
};

/* fc_weight: weight [1][1] */
static const float model_fc_weight[1] MODEL_FLASH MODEL_ALIGNED = {
    2.0f,
};

/* fc_bias: bias [1] */
static const float model_fc_bias[1] MODEL_FLASH MODEL_ALIGNED = {
    0.25f,
};

/* the state before the first step */
MODEL_STATIC const float model_initial[2] MODEL_FLASH = {
    0.5f, -0.5f,
};

/* One step: x -> y, over the state. */
MODEL_STATIC void model_chain_step(float *state, const float *x, float *y, unsigned turn)
{
    model_pass once;
    const model_pass *pass = &once;
    float a[1];
    model_pass_of_step(&once, turn);
    model_lstm(model_lstm_l0, 0, 0, 0, 0, 1, 1, 1, x, state + 0, state + 1, a, 1, 0, 0, pass);
    model_linear(model_fc_weight, model_fc_bias, state + 0, y, 1, 1, 1, 1);
}

/* The chain over the steps of a pass: x [step][feature][lane] -> y; the sequence's last
   pass has `last`. */
MODEL_STATIC void model_chain(float *state, const float *x, float *y, float *buffers, const model_pass *pass, int last)
{
    const size_t steps = pass->steps, lanes = pass->lanes;
    float *a = buffers;
    (void)last;
    model_lstm(model_lstm_l0, 0, 0, 0, 0, 1, 1, 1, x, state + 0 * lanes, state + 1 * lanes, a, 1, 0, lanes > 1 ? pass->packed + 0 : 0, pass);
    model_linear(model_fc_weight, model_fc_bias, a, y, steps, 1, 1, lanes);
}

#if MODEL_VL > 1
/* The weights of all layers as many rows need them. */
MODEL_STATIC void model_pack_layers(float *packed)
{
    packed = model_pack(model_lstm_l0, 1, 1, 4, 1, 0, packed);
    (void)packed;
}
#endif

#endif
