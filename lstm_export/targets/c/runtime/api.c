static void NAME_start(float *state, size_t lanes)
{
    size_t n, l;
    for (n = 0; n < MACRO_STATE_SIZE; n++) {
        for (l = 0; l < lanes; l++) {
            *state++ = INITIAL_VALUE;
            NAME_NO_LIBRARY_CALL;
        }
    }
}

//@if step
void NAME_reset(NAME_state *self)
{
    NAME_start(self->values, 1);
    self->turn = 0;
}

void NAME_step(NAME_state *self, const float *x, float *y)
{
    float *state = self->values;
STEP_LOCALS    NAME_pass pass;
    pass.steps = 1;
    pass.lanes = 1;
    pass.turn = self->turn++;
    pass.scratch = 0;
    pass.packed = 0;
STEP_BODY}

//@end
//@if sequence
/* The chain over the steps of a pass: x [step][feature][lane] -> y. */
static void NAME_chain(float *state, const float *x, float *y, float *buffers, const NAME_pass *passUNUSED_LAST)
{
    const size_t steps = pass->steps, lanes = pass->lanes;
PASS_LOCALSPASS_BODY}

/* Floats of scratch for a pass: state, buffers between stages, what the layers need, and rows turned into lanes. */
static size_t NAME_scratch_of(size_t steps, size_t lanes)
{
    size_t floats = lanes * (MACRO_STATE_SIZE + HIDDEN_WIDTH) + steps * lanes * BUFFER_WIDTH;
#if NAME_VL > 1
    floats += lanes > 1 ? steps * lanes * (MACRO_INPUT_SIZE + MACRO_OUTPUT_SIZE) : steps * PROJECTED_WIDTH;
    floats += lanes > 1 ? PACKED_FLOATS : 0;
//@if words
    floats += lanes > 1 ? 0 : DECODED_INPUT;
//@end
#endif
    return floats;
}

/* `rows` sequences side by side in `lanes`, the last one again in those left over. */
static void NAME_rows(const float *x, size_t rows, size_t lanes, size_t seq, float *y, const float *packed,
                      float *scratch)
{
    float *state = scratch;
    float *buffers = state + MACRO_STATE_SIZE * lanes;
    NAME_pass pass;
    size_t done;
    pass.lanes = lanes;
    pass.packed = packed;
    NAME_start(state, lanes);
    for (done = 0; done < seq; done += pass.steps) {
        const size_t chunk = NAME_STEPS(seq, lanes);
        float *rest;
        pass.steps = seq - done < chunk ? seq - done : chunk;
        pass.turn = (unsigned)done;
        rest = buffers + lanes * HIDDEN_WIDTH + pass.steps * lanes * BUFFER_WIDTH;
#if NAME_VL > 1
        if (lanes > 1) {
            float *x_lanes = rest, *y_lanes = x_lanes + pass.steps * lanes * MACRO_INPUT_SIZE;
            const size_t y_seq = Y_SEQ, y_steps = Y_STEPS;
            size_t l, t, k;
            pass.scratch = y_lanes + y_steps * lanes * MACRO_OUTPUT_SIZE;
            for (l = 0; l < lanes; l++) {
                const float *from = x + ((l < rows ? l : rows - 1) * seq + done) * MACRO_INPUT_SIZE;
                for (t = 0; t < pass.steps * MACRO_INPUT_SIZE; t++) {
                    x_lanes[t * lanes + l] = from[t];
                }
            }
            NAME_chain(state, x_lanes, y_lanes, buffers, &passLAST_ARGUMENT);
//@if reduces
            if (done + pass.steps < seq) {
                continue;
            }
//@end
            for (l = 0; l < rows; l++) {
                float *to = y + (l * y_seq + Y_DONE) * MACRO_OUTPUT_SIZE;
                for (k = 0; k < y_steps * MACRO_OUTPUT_SIZE; k++) {
                    to[k] = y_lanes[k * lanes + l];
                }
            }
            continue;
        }
#endif
        pass.scratch = rest;
        NAME_chain(state, x + done * MACRO_INPUT_SIZE, y + Y_DONE * MACRO_OUTPUT_SIZE, buffers, &passLAST_ARGUMENT);
    }
    (void)rows;
}

size_t NAME_scratch_floats(size_t batch, size_t seq)
{
    const size_t row = NAME_scratch_of(NAME_STEPS(seq, 1), 1);
#if NAME_VL > 1
    const size_t lanes = batch < NAME_FEWEST_ROWS ? 1 : batch < 2 * NAME_FEWEST_ROWS ? NAME_VL : 2 * NAME_VL;
    const size_t many = NAME_scratch_of(NAME_STEPS(seq, lanes), lanes);
    return many > row ? many : row;
#else
    (void)batch;
    return row;
#endif
}

void NAME_run(const float *x, size_t seq, float *y, float *scratch)
{
    NAME_rows(x, 1, 1, seq, y, 0, scratch);
}

void NAME_run_batch(const float *x, size_t batch, size_t seq, float *y, float *scratch)
{
    size_t row = 0, rows, lanes, is_packed = 0;
    for (; row < batch; row += rows) {
        const size_t left = batch - row;
#if NAME_VL > 1
        lanes = left < NAME_FEWEST_ROWS ? 1 : left < 2 * NAME_FEWEST_ROWS ? NAME_VL : 2 * NAME_VL;
#else
        lanes = 1;
#endif
        rows = left < lanes ? left : lanes;
#if NAME_VL > 1
        if (lanes > 1 && !is_packed) {
            float *packed = scratch;
PACKING            (void)packed;
            is_packed = 1;
        }
#endif
        (void)is_packed;
        NAME_rows(x + row * seq * MACRO_INPUT_SIZE, rows, lanes, seq, y + row * Y_ROW * MACRO_OUTPUT_SIZE,
                  lanes > 1 ? scratch : 0, lanes > 1 ? scratch + PACKED_FLOATS : scratch);
    }
}
//@end
