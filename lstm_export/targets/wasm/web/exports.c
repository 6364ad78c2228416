/* What the module exports: the functions of model.h, some steps in one call, where the weights are. */

#define MODEL_EXPORT(name) __attribute__((export_name(name)))

#if MODEL_STREAMS
MODEL_EXPORT("reset") void model_export_reset(model_state *state)
{
    model_reset(state);
}

/* Some steps: x [steps][MODEL_INPUT_SIZE] -> y, an answer a step or that to the last one. */
MODEL_EXPORT("push") void model_export_push(model_state *state, const float *x, size_t steps, float *y)
{
    size_t t;
    for (t = 0; t < steps; t++) {
        model_step(state, x, y);
        x += MODEL_INPUT_SIZE;
#if MODEL_EVERY_STEP
        y += MODEL_OUTPUT_SIZE;
#endif
    }
}
#endif

/* Floats of scratch memory for `run`; 0 where 32 bits cannot address them. */
MODEL_EXPORT("scratch_floats") size_t model_export_scratch_floats(size_t batch, size_t seq)
{
#if MODEL_STREAMS
    const size_t steps = seq < 64 ? seq : 64; /* no pass takes more */
#else
    const size_t steps = seq;
#endif
    return steps > 0x3fffffff / model_scratch_floats(batch, 1) ? 0 : model_scratch_floats(batch, seq);
}

MODEL_EXPORT("run")
void model_export_run(const float *x, size_t batch, size_t seq, float *y, float *scratch)
{
    model_run_batch(x, batch, seq, y, scratch);
}
