/* The stages without a state: Linear, Affine, PReLU, LayerNorm, RMSNorm. */
#ifndef MODEL_DENSE_H
#define MODEL_DENSE_H

#include "weights.h"

#if MODEL_LINEAR || MODEL_PROJECTION
/* Sum of w[k] * x[k * stride] in every lane: 16 partial sums, k % 16, then pairwise. One order,
   whatever the vectors, and products that are rounded: gcc contracts a lone chain of multiply-adds
   for some processors here and not there. */
MODEL_INLINE model_vf model_dot_lanes(const float *w, const float *x, size_t n, size_t stride)
{
    model_vf part[16];
    size_t j, k, half;
    for (j = 0; j < 16; j++) {
        model_vf sum = model_splat(0.0f);
        for (k = j; k < n; k += 16) {
            model_vf product = model_splat(MODEL_READ(w + k)) * model_load(x + k * stride);
            MODEL_ROUNDED(product);
            sum = sum + product;
        }
        part[j] = sum;
    }
    for (half = 8; half > 0; half /= 2) {
        for (j = 0; j < half; j++) {
            part[j] = part[j] + part[j + half];
        }
    }
    return part[0];
}

#if MODEL_VL > 1
/* The same sum for a single row, the partial sums in the lanes. */
MODEL_STATIC float model_dot(const float *w, const float *x, size_t n)
{
    float part[16];
    size_t j, k;
    for (j = 0; j < 16; j += MODEL_VL) {
        model_vf sum = model_splat(0.0f);
        for (k = j; k < n; k += 16) {
            const int whole = k + MODEL_VL <= n;
            const model_vf weight = whole ? model_load(w + k) : model_load_part(w + k, n - k);
            model_vf product = weight * (whole ? model_load(x + k) : model_load_part(x + k, n - k));
            MODEL_ROUNDED(product);
            sum = sum + product;
        }
        model_store(part + j, sum);
    }
    /* no loop over the halves: of one gcc 12 makes many branches, which took 30 ns */
    for (j = 0; j < 8; j++) {
        part[j] = part[j] + part[j + 8];
    }
    for (j = 0; j < 4; j++) {
        part[j] = part[j] + part[j + 4];
    }
    return (part[0] + part[2]) + (part[1] + part[3]);
}
#endif

/* torch.nn.Linear: x [step][nx][lane] -> y [step][ny][lane]; weight [ny][nx], bias [ny] or null. */
MODEL_STATIC void model_linear(const float *weight, const float *bias, const float *x, float *y,
                               size_t steps, size_t nx, size_t ny, size_t lanes)
{
    size_t t, j;
    for (t = 0; t < steps; t++, x += nx * lanes) {
        for (j = 0; j < ny; j++, y += lanes) {
#if MODEL_VL > 1
            size_t l;
            if (lanes == 1) {
                y[0] = bias ? model_dot(weight + j * nx, x, nx) + bias[j]
                            : model_dot(weight + j * nx, x, nx);
                continue;
            }
            for (l = 0; l < lanes; l += MODEL_VL) {
                const model_vf sum = model_dot_lanes(weight + j * nx, x + l, nx, lanes);
                model_store(y + l, bias ? sum + model_splat(bias[j]) : sum);
            }
#else
            const float sum = model_dot_lanes(weight + j * nx, x, nx, 1);
            y[0] = bias ? sum + MODEL_READ(bias + j) : sum;
#endif
        }
    }
}
#endif

#if MODEL_NORMALIZE
/* (x - offset) / scale, feature by feature: x and y [step][n][lane]. Not folded into weights: near
   the mean x - offset is exact. */
MODEL_STATIC void model_normalize(const float *offset, const float *scale, const float *x, float *y,
                                  size_t steps, size_t n, size_t lanes)
{
    size_t t, k, l;
    for (t = 0; t < steps; t++) {
        for (k = 0; k < n; k++) {
            for (l = 0; l < lanes; l++) {
                *y++ = (*x++ - MODEL_READ(offset + k)) / MODEL_READ(scale + k);
            }
        }
    }
}
#endif

#if MODEL_DENORMALIZE
/* x * scale + offset, feature by feature: x and y [step][n][lane]. */
MODEL_STATIC void model_denormalize(const float *offset, const float *scale, const float *x,
                                    float *y, size_t steps, size_t n, size_t lanes)
{
    size_t t, k, l;
    for (t = 0; t < steps; t++) {
        for (k = 0; k < n; k++) {
            for (l = 0; l < lanes; l++) {
                *y++ = *x++ * MODEL_READ(scale + k) + MODEL_READ(offset + k);
            }
        }
    }
}
#endif

#if MODEL_PRELU
/* x, or weight * x below 0: x and y [step][n][lane], they may be the same; weight [n], or [1] for
   all features. */
MODEL_STATIC void model_prelu(const float *weight, size_t count, const float *x, float *y,
                              size_t steps, size_t n, size_t lanes)
{
    size_t t, k, l;
    for (t = 0; t < steps; t++) {
        for (k = 0; k < n; k++, x += lanes, y += lanes) {
            const float slope = MODEL_READ(weight + (count == 1 ? 0 : k));
            for (l = 0; l < lanes; l++) {
                y[l] = x[l] < 0.0f ? slope * x[l] : x[l];
            }
        }
    }
}
#endif

#if MODEL_LAYER_NORM || MODEL_RMS_NORM || MODEL_SQRT
/* x^0.5 by Newton's iteration, for x > 0. */
MODEL_STATIC float model_sqrt(float x)
{
    float scale = 1.0f, root;
    int n;
    if (!(x > 0.0f && x < 1e38f)) {
        return x; /* 0, NaN, infinity */
    }
    for (; x > 4.0f; x *= 0.25f) {
        scale *= 2.0f;
    }
    for (; x < 1.0f; x *= 4.0f) {
        scale *= 0.5f;
    }
    root = 0.5f + 0.45f * x;
    for (n = 0; n < 4; n++) {
        root = 0.5f * (root + x / root);
    }
    return root * scale;
}
#endif

#if MODEL_SQRT
/* Elementwise over n values; NaN below 0. */
MODEL_STATIC void model_map_sqrt(const float *x, float *y, size_t n)
{
    size_t k;
    for (k = 0; k < n; k++) {
        y[k] = x[k] < 0.0f ? (x[k] - x[k]) / (x[k] - x[k]) : model_sqrt(x[k]);
    }
}
#endif

#if MODEL_LAYER_NORM || MODEL_RMS_NORM
/* The sum of x[k * stride], or of (x[k * stride] - mean)^2, in 16 partial sums. */
MODEL_STATIC float model_total(const float *x, size_t n, size_t stride, float mean, int squared)
{
    float total = 0.0f;
    size_t j, k;
    for (j = 0; j < 16; j++) {
        float sum = 0.0f;
        for (k = j; k < n; k += 16) {
            const float value = x[k * stride] - mean;
            sum = sum + (squared ? value * value : value);
        }
        total = total + sum;
    }
    return total;
}
#endif

#if MODEL_LAYER_NORM
/* torch.nn.LayerNorm over the features: x and y [step][n][lane], they may be the same; weight and
   bias [n] or null. */
MODEL_STATIC void model_layer_norm(const float *weight, const float *bias, float eps,
                                   const float *x, float *y, size_t steps, size_t n, size_t lanes)
{
    size_t t, k, l;
    for (t = 0; t < steps; t++, x += n * lanes, y += n * lanes) {
        for (l = 0; l < lanes; l++) {
            const float mean = model_total(x + l, n, lanes, 0.0f, 0) / (float)n;
            const float root = model_sqrt(model_total(x + l, n, lanes, mean, 1) / (float)n + eps);
            for (k = 0; k < n; k++) {
                float value = (x[k * lanes + l] - mean) / root;
                value = weight ? value * MODEL_READ(weight + k) : value;
                y[k * lanes + l] = bias ? value + MODEL_READ(bias + k) : value;
            }
        }
    }
}
#endif

#if MODEL_RMS_NORM
/* torch.nn.RMSNorm over the features: x and y [step][n][lane], they may be the same; weight [n] or
   null. */
MODEL_STATIC void model_rms_norm(const float *weight, float eps, const float *x, float *y,
                                 size_t steps, size_t n, size_t lanes)
{
    size_t t, k, l;
    for (t = 0; t < steps; t++, x += n * lanes, y += n * lanes) {
        for (l = 0; l < lanes; l++) {
            const float root = model_sqrt(model_total(x + l, n, lanes, 0.0f, 1) / (float)n + eps);
            for (k = 0; k < n; k++) {
                const float value = x[k * lanes + l] / root;
                y[k * lanes + l] = weight ? value * MODEL_READ(weight + k) : value;
            }
        }
    }
}
#endif

#endif
