/* The stages without a state. Narrow values are int16, wide ones int32, [step][feature]. */
#ifndef MODEL_INTEGER_STAGES_H
#define MODEL_INTEGER_STAGES_H

#include "integer_layers.c"

/* Values as they are. */
MODEL_STATIC void model_copy(const int16_t *v, int16_t *out, size_t n)
{
    for (; n > 0; n--) {
        *out++ = *v++;
        MODEL_NO_LIBRARY_CALL;
    }
}

MODEL_STATIC void model_widen(const int16_t *v, int32_t *out, size_t n)
{
    for (; n > 0; n--) {
        *out++ = *v++;
    }
}

#if MODEL_SCALE
/* (v - centre) * multiplier / 2^shift + offset, feature by feature; wide. */
MODEL_STATIC void model_scale(const int16_t *centres, const int16_t *multipliers,
                              const uint8_t *shifts, const int32_t *offsets, const int16_t *v,
                              int32_t *out, size_t steps, size_t width)
{
    size_t k;
    for (; steps > 0; steps--) {
        for (k = 0; k < width; k++) {
            const int32_t centred = (int32_t)*v++ - MODEL_READ(centres + k);
            *out++ = ((centred * MODEL_READ(multipliers + k)) >> MODEL_READ(shifts + k)) +
                     MODEL_READ(offsets + k);
        }
    }
}
#endif

#if MODEL_NARROWED
/* Divided by 2^shift, feature by feature, to the nearest; what does not fit is cut. */
MODEL_STATIC void model_narrow(const uint8_t *shifts, const int32_t *v, int16_t *out, size_t steps,
                               size_t width)
{
    size_t k;
    for (; steps > 0; steps--) {
        for (k = 0; k < width; k++) {
            *out++ = model_narrowed(*v++, MODEL_READ(shifts + k));
        }
    }
}

MODEL_STATIC void model_narrow_again(const uint8_t *shifts, const int16_t *v, int16_t *out,
                                     size_t steps, size_t width)
{
    size_t k;
    for (; steps > 0; steps--) {
        for (k = 0; k < width; k++) {
            *out++ = model_narrowed(*v++, MODEL_READ(shifts + k));
        }
    }
}
#endif

#if MODEL_LINEAR
/* v [step][columns] -> out [step][rows] */
MODEL_NOINLINE void model_linear(const model_weight *weights, const uint8_t *shifts,
                               const int32_t *biases, const int16_t *values, int32_t *out,
                               size_t steps, size_t columns, size_t rows)
{
    int16_t v[MODEL_GATHERED] MODEL_ALIGNED;
    size_t k;
    for (; steps > 0; steps--) {
        model_gather(values, columns, v);
        for (k = 0; k < rows; k++) {
            out[k] = MODEL_READ(biases + k);
            MODEL_NO_LIBRARY_CALL;
        }
        model_rows(weights, shifts, rows, v, MODEL_WORDS(columns), out);
        values += columns;
        out += rows;
    }
}
#endif

#if MODEL_CLAMP
MODEL_STATIC void model_clamp(const int32_t *low, const int32_t *high, const int32_t *v,
                              int32_t *out, size_t steps, size_t width)
{
    size_t k;
    for (; steps > 0; steps--) {
        for (k = 0; k < width; k++, v++) {
            const int32_t least = MODEL_READ(low + k), most = MODEL_READ(high + k);
            const int32_t value = *v > least ? *v : least;
            *out++ = value < most ? value : most;
        }
    }
}

MODEL_STATIC void model_clamp_narrow(const int32_t *low, const int32_t *high, const int16_t *v,
                                     int16_t *out, size_t steps, size_t width)
{
    size_t k;
    for (; steps > 0; steps--) {
        for (k = 0; k < width; k++, v++) {
            const int32_t least = MODEL_READ(low + k), most = MODEL_READ(high + k);
            const int32_t value = *v > least ? *v : least;
            *out++ = (int16_t)(value < most ? value : most);
        }
    }
}
#endif

#if MODEL_PRELU
/* v * multiplier / 2^shift below 0, feature by feature; wide, with 4 bits more after the point. */
MODEL_STATIC void model_prelu(const int16_t *multipliers, const uint8_t *shifts, const int16_t *v,
                              int32_t *out, size_t steps, size_t width)
{
    size_t k;
    for (; steps > 0; steps--) {
        for (k = 0; k < width; k++, v++) {
            const int32_t product = (int32_t)*v * MODEL_READ(multipliers + k);
            const int32_t below = product >> MODEL_READ(shifts + k);
            *out++ = *v < 0 ? below : (int32_t)*v * 16;
        }
    }
}
#endif

#if MODEL_TANH
/* Sums with 20 + down - up bits after the point -> Q0.15 */
MODEL_STATIC void model_map_tanh(const int32_t *v, int16_t *out, size_t n, unsigned down,
                                 unsigned up)
{
    for (; n > 0; n--) {
        *out++ = (int16_t)model_tanh(*v++ >> down, up);
    }
}
#endif

#if MODEL_SIGMOID
/* The same. */
MODEL_STATIC void model_map_sigmoid(const int32_t *v, int16_t *out, size_t n, unsigned down,
                                    unsigned up)
{
    for (; n > 0; n--) {
        *out++ = (int16_t)(model_sigmoid(*v++ >> down, up) >> 1);
    }
}
#endif

#if MODEL_TABLE
/* Any function by 512 linear pieces, table [513]. */
MODEL_STATIC void model_map_table(const int16_t *table, const int16_t *v, int16_t *out, size_t n)
{
    for (; n > 0; n--, v++) {
        const int16_t *piece = table + ((*v + 32768) >> 7);
        const int32_t start = MODEL_READ(piece);
        const int32_t rise = (int32_t)MODEL_READ(piece + 1) - start;
        *out++ = (int16_t)(start + ((rise * (*v & 127) + 64) >> 7));
    }
}
#endif

#if MODEL_REPLACE
/* What stands for another value, feature by feature; a count beyond int16 stands for none. */
MODEL_STATIC void model_replace(const int32_t *counts, const int16_t *by, const int16_t *v,
                                int16_t *out, size_t steps, size_t width)
{
    size_t k;
    for (; steps > 0; steps--) {
        for (k = 0; k < width; k++, v++) {
            *out++ = *v == MODEL_READ(counts + k) ? (int16_t)MODEL_READ(by + k) : *v;
        }
    }
}
#endif

#if MODEL_LAYER_NORM || MODEL_RMS_NORM || MODEL_SQRT
/* The whole root of a number from 2^29 to 2^31. */
MODEL_STATIC uint32_t model_root(uint32_t value)
{
    uint32_t root = 0, bit = (uint32_t)1 << 15;
    for (; bit > 0; bit >>= 1) {
        const uint32_t tried = root + bit;
        if (tried * tried <= value) {
            root = tried;
        }
    }
    return root;
}
#endif

#if MODEL_SQRT
/* Roots, with half of the bits after the point and 15 more; 0 below 0. */
MODEL_STATIC void model_map_sqrt(const int32_t *v, int32_t *out, size_t n)
{
    for (; n > 0; n--, v++) {
        uint32_t value = *v > 0 ? (uint32_t)*v : 0;
        unsigned up = 0;
        for (; up < 15 && value < (uint32_t)1 << 29; value <<= 2) {
            up++;
        }
        *out++ = (int32_t)(model_root(value) << (15 - up));
    }
}
#endif

#if MODEL_LAYER_NORM || MODEL_RMS_NORM
/* The mean of v [n], to the nearest. */
MODEL_STATIC int32_t model_mean(const int16_t *v, uint32_t n)
{
    uint32_t sum = n / 2; /* of v + 32768 */
    uint32_t k;
    for (k = 0; k < n; k++) {
        sum += (uint32_t)(v[k] + 32768);
    }
    return (int32_t)(sum / n) - 32768;
}

/* v - mean, within int16 */
MODEL_INLINE int32_t model_centred(int32_t value, int32_t mean)
{
    value -= mean;
    value = value < 32767 ? value : 32767;
    return value > -32767 ? value : -32767;
}

/* The mean of the squares of v - mean, rounded downwards: their sum in two halves of 16 bits. */
MODEL_STATIC uint32_t model_variance(const int16_t *v, int32_t mean, uint32_t n)
{
    uint32_t high = 0, low = 0, k;
    for (k = 0; k < n; k++) {
        const int32_t centred = model_centred(v[k], mean);
        const uint32_t square = (uint32_t)(centred * centred);
        high += square >> 16;
        low += square & 0xFFFFu;
    }
    high += low >> 16;
    low &= 0xFFFFu;
    return ((high / n) << 16) + (((high % n) << 16) + low) / n;
}

/* (v - mean) / sqrt(variance + eps), Q17.14; the mean is 0 where values are not centred. */
MODEL_STATIC void model_layer_norm(uint32_t eps, int is_centred, const int16_t *v, int32_t *out,
                                   size_t steps, size_t width)
{
    for (; steps > 0; steps--) {
        const int32_t mean = is_centred ? model_mean(v, (uint32_t)width) : 0;
        uint32_t variance = model_variance(v, mean, (uint32_t)width) + eps;
        unsigned up = 0;
        int32_t inverse;
        size_t k;
        variance = variance > 0 ? variance : 1;
        for (; variance < (uint32_t)1 << 29; variance <<= 2) {
            up++;
        }
        inverse = (int32_t)(((uint32_t)1 << 30) / model_root(variance));
        for (k = 0; k < width; k++) {
            *out++ = (model_centred(*v++, mean) * inverse) >> (16 - up);
        }
    }
}
#endif

#endif
