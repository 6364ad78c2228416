/* Golden vectors: inputs that look for trouble, the answers of a float64 evaluation, and how far float rounding may lead
   from them. */
static const unsigned NAME_test_steps[TEST_COUNT] = {TEST_STEPS};
static const float NAME_test_x[] = {
TEST_X};
static const float NAME_test_y[] = {
TEST_Y};
static const float NAME_test_bounds[] = {
TEST_BOUNDS};

int NAME_self_test(void)
{
    const float *x = NAME_test_x, *expected = NAME_test_y, *bound = NAME_test_bounds;
    size_t vector, t, k;
    for (vector = 0; vector < TEST_COUNT; vector++) {
        const size_t steps = NAME_test_steps[vector], answers = TEST_ANSWERS;
        float y[TEST_MOST_ANSWERS * MACRO_OUTPUT_SIZE];
//@if step
        NAME_state state;
        NAME_reset(&state);
        for (t = 0; t < steps; t++, x += MACRO_INPUT_SIZE) {
            NAME_step(&state, x, y + (t < answers ? t : 0) * MACRO_OUTPUT_SIZE);
        }
//@end
//@if whole
        float scratch[MACRO_STATE_SIZE + HIDDEN_WIDTH + TEST_LONGEST * (BUFFER_WIDTH + PROJECTED_WIDTH)
//@if words
                      + DECODED_INPUT
//@end
        ];
        NAME_run(x, steps, y, scratch);
        x += steps * MACRO_INPUT_SIZE;
        t = steps;
        (void)t;
//@end
        for (k = 0; k < answers * MACRO_OUTPUT_SIZE; k++, expected++, bound++) {
            const float error = y[k] < *expected ? *expected - y[k] : y[k] - *expected;
            if (!(error <= *bound)) { /* NaN, too */
                return (int)vector + 1;
            }
        }
    }
    return 0;
}
