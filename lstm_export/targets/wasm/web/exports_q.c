/* What a module in whole numbers exports: the functions of exports.c, which take and give values in the
   model's own units. Values become counts as float64 rounds them, to the nearest, ties to even. */

#define MODEL_EXPORT(name) __attribute__((export_name(name)))

/* x [steps][MODEL_INPUT_SIZE] -> counts; what does not fit is cut, NaN to the largest count. */
static void model_export_counts(const float *x, size_t steps, int16_t *counts)
{
    size_t k;
    for (; steps > 0; steps--) {
        for (k = 0; k < MODEL_INPUT_SIZE; k++) {
            double count = ((double)*x++ - model_export_zeros[k]) / model_export_steps[k];
            count = count < 32767.0 ? count : 32767.0;
            count = count > -32767.0 ? count : -32767.0;
            *counts++ = (int16_t)__builtin_rint(count);
        }
    }
}

static void model_export_values(const int32_t *answers, size_t n, float *y)
{
    for (; n > 0; n--) {
        *y++ = (float)((double)*answers++ * MODEL_EXPORT_UNIT);
    }
}

#if MODEL_STREAMS
/* The state as floats, which hold 24 bits: the narrow values, then the upper and the lower halves of
   the wide ones. */
static void model_export_load(const float *kept, model_state *state)
{
    const float *high = kept + MODEL_NARROW_SIZE;
    size_t k;
    for (k = 0; k < MODEL_NARROW_SIZE; k++) {
        state->narrow[k] = (int16_t)kept[k];
    }
    for (k = 0; k < MODEL_WIDE_SIZE; k++) {
        state->wide[k] = (int32_t)high[k] * 65536 + (int32_t)high[k + MODEL_WIDE_SIZE];
    }
}

static void model_export_store(const model_state *state, float *kept)
{
    float *high = kept + MODEL_NARROW_SIZE;
    size_t k;
    for (k = 0; k < MODEL_NARROW_SIZE; k++) {
        kept[k] = state->narrow[k];
    }
    for (k = 0; k < MODEL_WIDE_SIZE; k++) {
        high[k] = (float)(state->wide[k] >> 16);
        high[k + MODEL_WIDE_SIZE] = (float)(state->wide[k] & 0xFFFF);
    }
}

MODEL_EXPORT("reset") void model_export_reset(float *kept)
{
    model_state state;
    model_reset(&state);
    model_export_store(&state, kept);
}

/* Some steps: x [steps][MODEL_INPUT_SIZE] -> y, an answer a step or that to the last one. */
MODEL_EXPORT("push") void model_export_push(float *kept, const float *x, size_t steps, float *y)
{
    model_state state;
    model_export_load(kept, &state);
    for (; steps > 0; steps--) {
        int16_t counts[MODEL_INPUT_SIZE];
        int32_t answers[MODEL_OUTPUT_SIZE];
        model_export_counts(x, 1, counts);
        model_step_q(&state, counts, answers);
        model_export_values(answers, MODEL_OUTPUT_SIZE, y);
        x += MODEL_INPUT_SIZE;
#if MODEL_EVERY_STEP
        y += MODEL_OUTPUT_SIZE;
#endif
    }
    model_export_store(&state, kept);
}
#endif

#if MODEL_EVERY_STEP
#define MODEL_EXPORT_ANSWERS(seq) ((seq) * MODEL_OUTPUT_SIZE)
#else
#define MODEL_EXPORT_ANSWERS(seq) MODEL_OUTPUT_SIZE
#endif

/* Words of scratch memory for a row: what the model needs, then answers, then counts. */
static size_t model_export_words(size_t seq)
{
#if MODEL_STREAMS
    const size_t own = 0;
#else
    const size_t own = model_scratch_words(seq);
#endif
    return own + MODEL_EXPORT_ANSWERS(seq) + (seq * MODEL_INPUT_SIZE + 1) / 2;
}

/* 0 where 32 bits cannot address them. */
MODEL_EXPORT("scratch_floats") size_t model_export_scratch_floats(size_t batch, size_t seq)
{
    (void)batch;
    return seq > 0x3fffffff / model_export_words(1) ? 0 : model_export_words(seq);
}

MODEL_EXPORT("run")
void model_export_run(const float *x, size_t batch, size_t seq, float *y, float *scratch)
{
    int32_t *own = (int32_t *)scratch;
    int32_t *answers = own + model_export_words(seq) - MODEL_EXPORT_ANSWERS(seq) -
                       (seq * MODEL_INPUT_SIZE + 1) / 2;
    int16_t *counts = (int16_t *)(answers + MODEL_EXPORT_ANSWERS(seq));
    for (; batch > 0; batch--) {
#if MODEL_STREAMS
        model_state state;
        model_export_counts(x, seq, counts);
        model_run_q(&state, counts, seq, answers);
#else
        model_export_counts(x, seq, counts);
        model_run_q(counts, seq, answers, own);
#endif
        model_export_values(answers, MODEL_EXPORT_ANSWERS(seq), y);
        x += seq * MODEL_INPUT_SIZE;
        y += MODEL_EXPORT_ANSWERS(seq);
    }
}
