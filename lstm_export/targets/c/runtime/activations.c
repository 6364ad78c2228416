/* Activations, elementwise over n values; x and y may be the same. */
#ifndef MODEL_ACTIVATIONS_H
#define MODEL_ACTIVATIONS_H

#include "weights.h"

#if MODEL_TANH || MODEL_SIGMOID || MODEL_SILU || MODEL_GELU || MODEL_GELU_TANH
/* A function of vectors over n values. */
#if MODEL_VL > 1
#define MODEL_MAP(function)                                                                  \
    MODEL_STATIC void model_map_##function(const float *x, float *y, size_t n)               \
    {                                                                                        \
        size_t k = 0;                                                                        \
        for (; k + MODEL_VL <= n; k += MODEL_VL) {                                           \
            model_store(y + k, model_##function(model_load(x + k)));                         \
        }                                                                                    \
        if (k < n) {                                                                         \
            model_store_part(y + k, model_##function(model_load_part(x + k, n - k)), n - k); \
        }                                                                                    \
    }
#else
#define MODEL_MAP(function)                                                    \
    MODEL_STATIC void model_map_##function(const float *x, float *y, size_t n) \
    {                                                                          \
        size_t k;                                                              \
        for (k = 0; k < n; k++) {                                              \
            y[k] = model_##function(x[k]);                                     \
        }                                                                      \
    }
#endif
#endif

#if MODEL_TANH
MODEL_MAP(tanh)
#endif

#if MODEL_SIGMOID
MODEL_INLINE model_vf model_sigmoid(model_vf x)
{
    const model_vf half = model_splat(0.5f);
    return model_tanh(x * half) * half + half;
}
MODEL_MAP(sigmoid)
#endif

#if MODEL_SILU
MODEL_INLINE model_vf model_silu(model_vf x)
{
    const model_vf half = model_splat(0.5f);
    return x * (model_tanh(x * half) * half + half);
}
MODEL_MAP(silu)
#endif

#if MODEL_GELU_TANH
MODEL_INLINE model_vf model_gelu_tanh(model_vf x)
{
    const model_vf half = model_splat(0.5f);
    const model_vf inner = x + model_splat(0.044715f) * (x * x * x);
    return x * (model_tanh(inner * model_splat(0.797884561f)) * half + half);
}
MODEL_MAP(gelu_tanh)
#endif

#if MODEL_GELU
/* The error function as a quotient of polynomials, within 4e-7 of it everywhere. */
MODEL_INLINE model_vf model_erf(model_vf x)
{
    model_vf z, p, q;
    x = model_clamp(x, 3.92f);
    z = x * x;
    p = model_splat(1.99242649e-08f);
    p = p * z + model_splat(-1.95783309e-06f);
    p = p * z + model_splat(0.00014184977f);
    p = p * z + model_splat(0.00370158046f);
    p = p * z + model_splat(0.0505732335f);
    p = p * z + model_splat(0.199923828f);
    p = p * z + model_splat(1.12837911f);
    q = model_splat(0.000956032076f);
    q = q * z + model_splat(0.014353144f);
    q = q * z + model_splat(0.114998125f);
    q = q * z + model_splat(0.510509551f);
    q = q * z + model_splat(1.0f);
    return x * p / q;
}

MODEL_INLINE model_vf model_gelu(model_vf x)
{
    const model_vf half = model_splat(0.5f);
    return x * (model_erf(x * model_splat(0.707106781f)) * half + half);
}
MODEL_MAP(gelu)
#endif

#if MODEL_ELU || MODEL_SOFTPLUS || MODEL_SELU || MODEL_CELU || MODEL_MISH
/* e^x for x <= 0: 2^-m * e^r with |r| <= ln(2) / 2. */
MODEL_STATIC float model_exp(float x)
{
    float r, y;
    int m;
    if (!(x > -87.0f)) {
        return x < 0.0f ? 0.0f : x; /* underflow, NaN */
    }
    m = (int)(0.5f - x * 1.44269504f);
    r = x + (float)m * 0.693145752f;
    r = r + (float)m * 1.42860677e-06f;
    y = 1.0f + r * 0.142857143f;
    y = 1.0f + r * 0.166666667f * y;
    y = 1.0f + r * 0.2f * y;
    y = 1.0f + r * 0.25f * y;
    y = 1.0f + r * 0.333333333f * y;
    y = 1.0f + r * 0.5f * y;
    y = 1.0f + r * y;
    for (; m >= 16; m -= 16) {
        y *= 1.52587891e-05f;
    }
    for (; m > 0; m--) {
        y *= 0.5f;
    }
    return y;
}
#endif

#if MODEL_RELU
MODEL_STATIC void model_map_relu(const float *x, float *y, size_t n)
{
    size_t k;
    for (k = 0; k < n; k++) {
        y[k] = x[k] < 0.0f ? 0.0f : x[k];
    }
}
#endif

#if MODEL_SOFTSIGN
MODEL_STATIC void model_map_softsign(const float *x, float *y, size_t n)
{
    size_t k;
    for (k = 0; k < n; k++) {
        y[k] = x[k] / (1.0f + (x[k] < 0.0f ? -x[k] : x[k]));
    }
}
#endif

#if MODEL_LEAKY_RELU
MODEL_STATIC void model_map_leaky_relu(const float *x, float *y, size_t n, float negative_slope)
{
    size_t k;
    for (k = 0; k < n; k++) {
        y[k] = x[k] < 0.0f ? negative_slope * x[k] : x[k];
    }
}
#endif

#if MODEL_ELU
MODEL_STATIC void model_map_elu(const float *x, float *y, size_t n, float alpha)
{
    size_t k;
    for (k = 0; k < n; k++) {
        y[k] = x[k] > 0.0f ? x[k] : alpha * (model_exp(x[k]) - 1.0f);
    }
}
#endif

#if MODEL_SELU
MODEL_STATIC void model_map_selu(const float *x, float *y, size_t n)
{
    size_t k;
    for (k = 0; k < n; k++) {
        y[k] = x[k] > 0.0f ? 1.05070099f * x[k] : 1.75809934f * (model_exp(x[k]) - 1.0f);
    }
}
#endif

#if MODEL_CELU
MODEL_STATIC void model_map_celu(const float *x, float *y, size_t n, float alpha)
{
    size_t k;
    for (k = 0; k < n; k++) {
        y[k] = x[k] > 0.0f ? x[k] : alpha * (model_exp(x[k] / alpha) - 1.0f);
    }
}
#endif

#if MODEL_MISH
/* x * tanh(log(1 + e^x)) = x * p / (p + 2 q) with e = e^-|x|, so that no power of e is above 1:
   p = 1 + 2 e, q = e^2 for x >= 0, and p = e^2 + 2 e, q = 1 for x < 0.
   Which of the two it is stands in factors of 0 and 1, not in branches: a compiler that contracts
   multiplication and addition then does so alike in a loop of vectors and in its rest. */
MODEL_STATIC void model_map_mish(const float *x, float *y, size_t n)
{
    size_t k;
    for (k = 0; k < n; k++) {
        const float negative = x[k] < 0.0f ? 1.0f : 0.0f;
        const float positive = 1.0f - negative;
        const float e = model_exp(x[k] < 0.0f ? x[k] : -x[k]);
        const float p = negative * e * e + (2.0f * e + positive);
        const float q = positive * e * e + negative;
        y[k] = x[k] * (p / (p + 2.0f * q));
    }
}
#endif

#if MODEL_HARDSIGMOID || MODEL_HARDSWISH
MODEL_STATIC float model_hardsigmoid(float x)
{
    const float y = x * 0.166666667f + 0.5f;
    return y < 0.0f ? 0.0f : y > 1.0f ? 1.0f : y;
}
#endif

#if MODEL_HARDSIGMOID
MODEL_STATIC void model_map_hardsigmoid(const float *x, float *y, size_t n)
{
    size_t k;
    for (k = 0; k < n; k++) {
        y[k] = model_hardsigmoid(x[k]);
    }
}
#endif

#if MODEL_HARDSWISH
MODEL_STATIC void model_map_hardswish(const float *x, float *y, size_t n)
{
    size_t k;
    for (k = 0; k < n; k++) {
        y[k] = x[k] * model_hardsigmoid(x[k]);
    }
}
#endif

#if MODEL_CLAMP
MODEL_STATIC void model_map_at_least(const float *x, float *y, size_t n, float low)
{
    size_t k;
    for (k = 0; k < n; k++) {
        y[k] = x[k] < low ? low : x[k];
    }
}

MODEL_STATIC void model_map_at_most(const float *x, float *y, size_t n, float high)
{
    size_t k;
    for (k = 0; k < n; k++) {
        y[k] = x[k] > high ? high : x[k];
    }
}
#endif

#if MODEL_REPLACE
MODEL_STATIC void model_map_replace(const float *x, float *y, size_t n, float value, float by)
{
    size_t k;
    for (k = 0; k < n; k++) {
        y[k] = x[k] == value ? by : x[k];
    }
}
#endif

#if MODEL_SOFTPLUS
/* log(1 + e^x) = max(x, 0) + log(1 + e^-|x|); log(1 + e) = 2 artanh(e / (2 + e)), as a series. */
MODEL_STATIC void model_map_softplus(const float *x, float *y, size_t n)
{
    size_t k;
    for (k = 0; k < n; k++) {
        const float e = model_exp(x[k] < 0.0f ? x[k] : -x[k]), s = e / (2.0f + e), z = s * s;
        float series = 0.0769230769f + z * 0.0666666667f;
        series = 0.0909090909f + z * series;
        series = 0.111111111f + z * series;
        series = 0.142857143f + z * series;
        series = 0.2f + z * series;
        series = 0.333333333f + z * series;
        series = 1.0f + z * series;
        y[k] = (x[k] < 0.0f ? 0.0f : x[k]) + 2.0f * s * series;
    }
}
#endif

#endif
