/* The functions of model.h, around the chain that the writer makes. */
#ifndef MODEL_API_H
#define MODEL_API_H

#include "chain.h"
#include "model.h"

#if defined(__AVR__) && MODEL_CONSTANT_BYTES > 60000ul
#error "an AVR reads 64 kB of flash; these constants are larger: export with int8 weights"
#endif

/* The initial state of `lanes` rows: state [MODEL_STATE_SIZE][lane]. */
MODEL_STATIC void model_start(float *state, size_t lanes)
{
    size_t n, l;
    for (n = 0; n < MODEL_STATE_SIZE; n++) {
        for (l = 0; l < lanes; l++) {
#if MODEL_INITIAL_STATE
            *state++ = MODEL_READ(model_initial + n);
#else
            *state++ = 0.0f;
#endif
            MODEL_NO_LIBRARY_CALL;
        }
    }
}

#if MODEL_STREAMS
void model_reset(model_state *self)
{
    model_start(self->values, 1);
    self->turn = 0;
}

void model_step(model_state *self, const float *x, float *y)
{
    model_chain_step(self->values, x, y, self->turn++);
}
#endif

/* Steps that a pass takes at once: a part of the sequence for one row, one step for many rows. */
#if MODEL_STREAMS
#define MODEL_STEPS(seq, lanes) ((lanes) > 1 ? 1 : (seq) < 64 ? (seq) : 64)
#else
#define MODEL_STEPS(seq, lanes) (seq) /* a layer that runs backwards needs all of them */
#endif

/* Answers a sequence, answers a pass, and those before this pass. */
#if MODEL_EVERY_STEP
#define MODEL_ANSWERS(steps) (steps)
#else
#define MODEL_ANSWERS(steps) 1
#endif

/* Floats of scratch for a pass: state, buffers between stages, what the layers need, and rows
   turned into lanes. */
MODEL_STATIC size_t model_scratch_of(size_t steps, size_t lanes)
{
    size_t floats =
        lanes * (MODEL_STATE_SIZE + MODEL_HIDDEN_WIDTH) + steps * lanes * MODEL_BUFFER_WIDTH;
#if MODEL_VL > 1
    if (lanes > 1) {
        floats += steps * lanes * (MODEL_INPUT_SIZE + MODEL_OUTPUT_SIZE) + MODEL_PACKED_FLOATS;
    } else {
        floats += steps * MODEL_ROW(MODEL_LAYER_SUMS) + MODEL_DECODED_FLOATS;
    }
#endif
    return floats;
}

#if MODEL_VL > 1
/* Rows side by side for so many that are left: none, one vector of them or two. */
MODEL_INLINE size_t model_lanes_for(size_t rows)
{
    return rows < MODEL_FEWEST_ROWS ? 1 : rows < 2 * MODEL_FEWEST_ROWS ? MODEL_VL : 2 * MODEL_VL;
}

/* One pass of `rows` sequences in the lanes, the last one again in those left over: x
   [row][seq][feature] -> y, both turned into lanes and back in `room`. `done` steps came before. */
MODEL_STATIC void model_turned(float *state, const float *x, size_t rows, size_t seq, size_t done,
                               float *y, float *buffers, float *room, model_pass *pass)
{
    const size_t lanes = pass->lanes, answers = MODEL_ANSWERS(pass->steps);
    const int last = done + pass->steps == seq;
    float *x_lanes = room, *y_lanes = x_lanes + pass->steps * lanes * MODEL_INPUT_SIZE;
    size_t l, k;
    pass->scratch = y_lanes + answers * lanes * MODEL_OUTPUT_SIZE;
    for (l = 0; l < lanes; l++) {
        const float *from = x + ((l < rows ? l : rows - 1) * seq + done) * MODEL_INPUT_SIZE;
        for (k = 0; k < pass->steps * MODEL_INPUT_SIZE; k++) {
            x_lanes[k * lanes + l] = from[k];
        }
    }
    model_chain(state, x_lanes, y_lanes, buffers, pass, last);
#if !MODEL_EVERY_STEP
    if (!last) {
        return;
    }
    done = 0; /* the answer is the first and only one */
#endif
    for (l = 0; l < rows; l++) {
        float *to = y + (l * MODEL_ANSWERS(seq) + done) * MODEL_OUTPUT_SIZE;
        for (k = 0; k < answers * MODEL_OUTPUT_SIZE; k++) {
            to[k] = y_lanes[k * lanes + l];
        }
    }
}
#endif

/* `rows` sequences in `lanes`, pass by pass: one in one lane, or many side by side. */
MODEL_STATIC void model_rows(const float *x, size_t rows, size_t lanes, size_t seq, float *y,
                             const float *packed, float *scratch)
{
    float *state = scratch;
    float *buffers = state + MODEL_STATE_SIZE * lanes;
    model_pass pass;
    size_t done;
    pass.lanes = lanes;
    pass.packed = packed;
    model_start(state, lanes);
    for (done = 0; done < seq; done += pass.steps) {
        const size_t chunk = MODEL_STEPS(seq, lanes);
        float *room;
        pass.steps = seq - done < chunk ? seq - done : chunk;
        pass.turn = (unsigned)done;
        room = buffers + lanes * MODEL_HIDDEN_WIDTH + pass.steps * lanes * MODEL_BUFFER_WIDTH;
#if MODEL_VL > 1
        if (lanes > 1) {
            model_turned(state, x, rows, seq, done, y, buffers, room, &pass);
            continue;
        }
#endif
        pass.scratch = room;
#if MODEL_EVERY_STEP
        model_chain(state, x + done * MODEL_INPUT_SIZE, y + done * MODEL_OUTPUT_SIZE, buffers,
                    &pass, 1);
#else
        model_chain(state, x + done * MODEL_INPUT_SIZE, y, buffers, &pass,
                    done + pass.steps == seq);
#endif
    }
    (void)rows;
}

size_t model_scratch_floats(size_t batch, size_t seq)
{
    const size_t row = model_scratch_of(MODEL_STEPS(seq, 1), 1);
#if MODEL_VL > 1
    const size_t lanes = model_lanes_for(batch);
    const size_t many = model_scratch_of(MODEL_STEPS(seq, lanes), lanes);
    return many > row ? many : row;
#else
    (void)batch;
    return row;
#endif
}

void model_run(const float *x, size_t seq, float *y, float *scratch)
{
#if MODEL_LAST_STEPS
    if (seq < MODEL_LEAST_STEPS) {
        return;
    }
#endif
    model_rows(x, 1, 1, seq, y, 0, scratch);
}

void model_run_batch(const float *x, size_t batch, size_t seq, float *y, float *scratch)
{
    const size_t x_row = seq * MODEL_INPUT_SIZE, y_row = MODEL_ANSWERS(seq) * MODEL_OUTPUT_SIZE;
    size_t row = 0;
#if MODEL_VL > 1
    int is_packed = 0;
#if MODEL_LAST_STEPS
    if (seq < MODEL_LEAST_STEPS) {
        return;
    }
#endif
    while (model_lanes_for(batch - row) > 1) {
        const size_t left = batch - row, lanes = model_lanes_for(left),
                     rows = left < lanes ? left : lanes;
        if (!is_packed) {
            model_pack_layers(scratch);
            is_packed = 1;
        }
        model_rows(x + row * x_row, rows, lanes, seq, y + row * y_row, scratch,
                   scratch + MODEL_PACKED_FLOATS);
        row += rows;
    }
#endif
    for (; row < batch; row++) {
        model_run(x + row * x_row, seq, y + row * y_row, scratch);
    }
}

#endif
