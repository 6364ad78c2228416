/* The windows that the model was trained on, from samples as they come. */
#ifndef MODEL_WINDOW_H
#define MODEL_WINDOW_H

#if MODEL_INTEGER
#include "integer_api.c"
#else
#include "api.c"
#endif

#if MODEL_WINDOWS
void model_window_reset(model_window *window)
{
    window->count = 0;
}

/* Adds x; the oldest sample makes room for it. To move the samples costs one step's share of a
   window, and leaves them in order. */
#if MODEL_INTEGER
MODEL_STATIC void model_window_add(model_window *window, const int16_t *x)
#else
MODEL_STATIC void model_window_add(model_window *window, const float *x)
#endif
{
    const size_t kept = (MODEL_WINDOW_STEPS - 1) * MODEL_INPUT_SIZE;
#if MODEL_INTEGER
    int16_t *end = window->samples + window->count * MODEL_INPUT_SIZE;
#else
    float *end = window->samples + window->count * MODEL_INPUT_SIZE;
#endif
    size_t k;
    if (window->count == MODEL_WINDOW_STEPS) {
        end -= MODEL_INPUT_SIZE;
        for (k = 0; k < kept; k++) {
            window->samples[k] = window->samples[k + MODEL_INPUT_SIZE];
            MODEL_NO_LIBRARY_CALL;
        }
    } else {
        window->count++;
    }
    for (k = 0; k < MODEL_INPUT_SIZE; k++) {
        end[k] = x[k];
        MODEL_NO_LIBRARY_CALL;
    }
}

#if MODEL_INTEGER
#if MODEL_STREAMS
unsigned model_window_push_q(model_window *window, const int16_t *x, int32_t *y)
{
    model_window_add(window, x);
    if (window->count < MODEL_WINDOW_LEAST) {
        return 0;
    }
    model_run_q(&window->state, window->samples, window->count, y);
    return window->count;
}
#else
unsigned model_window_push_q(model_window *window, const int16_t *x, int32_t *y, int32_t *scratch)
{
    model_window_add(window, x);
    if (window->count < MODEL_WINDOW_LEAST) {
        return 0;
    }
    model_run_q(window->samples, window->count, y, scratch);
    return window->count;
}
#endif
#elif MODEL_STREAMS
unsigned model_window_push(model_window *window, const float *x, float *y)
{
    unsigned t;
    model_window_add(window, x);
    if (window->count < MODEL_WINDOW_LEAST) {
        return 0;
    }
    model_reset(&window->state);
    for (t = 0; t < window->count; t++) {
#if MODEL_EVERY_STEP
        float *y_t = y + t * MODEL_OUTPUT_SIZE;
#else
        float *y_t = y; /* the last answer stays */
#endif
        model_step(&window->state, window->samples + t * MODEL_INPUT_SIZE, y_t);
    }
    return window->count;
}
#else
unsigned model_window_push(model_window *window, const float *x, float *y, float *scratch)
{
    model_window_add(window, x);
    if (window->count < MODEL_WINDOW_LEAST) {
        return 0;
    }
    model_run(window->samples, window->count, y, scratch);
    return window->count;
}
#endif
#endif

#endif
