//@if sums
/* Sum of w[k] * x[k * stride] in every lane: 16 partial sums, k % 16, then pairwise. One order, whatever the vectors, and
   products that are rounded: gcc contracts a lone chain of multiply-adds for some processors here and not there. */
NAME_INLINE NAME_vf NAME_dot_lanes(const float *w, const float *x, size_t n, size_t stride)
{
    NAME_vf part[16];
    size_t j, k, half;
    for (j = 0; j < 16; j++) {
        NAME_vf sum = NAME_splat(0.0f);
        for (k = j; k < n; k += 16) {
            NAME_vf product = NAME_splat(w[k]) * NAME_load(x + k * stride);
            NAME_ROUNDED(product);
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

//@end
//@if linear
#if NAME_VL > 1
/* The same sum for a single row, the partial sums in the lanes. */
static float NAME_dot(const float *w, const float *x, size_t n)
{
    float part[16];
    size_t j, k, half;
    for (j = 0; j < 16; j += NAME_VL) {
        NAME_vf sum = NAME_splat(0.0f);
        for (k = j; k < n; k += 16) {
            const int whole = k + NAME_VL <= n;
            const NAME_vf weight = whole ? NAME_load(w + k) : NAME_load_part(w + k, n - k);
            NAME_vf product = weight * (whole ? NAME_load(x + k) : NAME_load_part(x + k, n - k));
            NAME_ROUNDED(product);
            sum = sum + product;
        }
        NAME_store(part + j, sum);
    }
    for (half = 8; half > 0; half /= 2) {
        for (j = 0; j < half; j++) {
            part[j] = part[j] + part[j + half];
        }
    }
    return part[0];
}
#endif

/* torch.nn.Linear: x [step][nx][lane] -> y [step][ny][lane]; weight [ny][nx], bias [ny] or null. */
static void NAME_linear(const float *weight, const float *bias, const float *x, float *y, size_t steps, size_t nx,
                        size_t ny, size_t lanes)
{
    size_t t, j;
    for (t = 0; t < steps; t++, x += nx * lanes) {
        for (j = 0; j < ny; j++, y += lanes) {
#if NAME_VL > 1
            size_t l;
            if (lanes == 1) {
                y[0] = bias ? NAME_dot(weight + j * nx, x, nx) + bias[j] : NAME_dot(weight + j * nx, x, nx);
                continue;
            }
            for (l = 0; l < lanes; l += NAME_VL) {
                const NAME_vf sum = NAME_dot_lanes(weight + j * nx, x + l, nx, lanes);
                NAME_store(y + l, bias ? sum + NAME_splat(bias[j]) : sum);
            }
#else
            const float sum = NAME_dot_lanes(weight + j * nx, x, nx, 1);
            y[0] = bias ? sum + bias[j] : sum;
#endif
        }
    }
}

//@end
//@if affine_in
/* (x - offset) / scale, feature by feature: x and y [step][n][lane]. Not folded into weights: near the mean x - offset is
   exact. */
static void NAME_normalize(const float *offset, const float *scale, const float *x, float *y, size_t steps, size_t n,
                           size_t lanes)
{
    size_t t, k, l;
    for (t = 0; t < steps; t++) {
        for (k = 0; k < n; k++) {
            for (l = 0; l < lanes; l++) {
                *y++ = (*x++ - offset[k]) / scale[k];
            }
        }
    }
}

//@end
//@if affine_out
/* x * scale + offset, feature by feature: x and y [step][n][lane]. */
static void NAME_denormalize(const float *offset, const float *scale, const float *x, float *y, size_t steps, size_t n,
                             size_t lanes)
{
    size_t t, k, l;
    for (t = 0; t < steps; t++) {
        for (k = 0; k < n; k++) {
            for (l = 0; l < lanes; l++) {
                *y++ = *x++ * scale[k] + offset[k];
            }
        }
    }
}

//@end
//@if skip
/* Adds features of the model's input: y [step][n][lane] += source [step][nx][lane]. */
static void NAME_skip(const unsigned *features, size_t count, const float *source, size_t nx, float *y, size_t steps,
                      size_t n, size_t lanes)
{
    size_t t, k, l;
    for (t = 0; t < steps; t++, source += nx * lanes) {
        for (k = 0; k < n; k++, y += lanes) {
            const float *added = source + features[count == 1 ? 0 : k] * lanes;
            for (l = 0; l < lanes; l++) {
                y[l] = y[l] + added[l];
            }
        }
    }
}

//@end
//@if layer_norm
/* x^0.5 by Newton's iteration, for x > 0. */
static float NAME_sqrt(float x)
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

/* The sum of x[k * stride], or of (x[k * stride] - mean)^2, in 16 partial sums. */
static float NAME_total(const float *x, size_t n, size_t stride, float mean, int squared)
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

/* torch.nn.LayerNorm over the features: x and y [step][n][lane], they may be the same; weight and bias [n] or null. */
static void NAME_layer_norm(const float *weight, const float *bias, float eps, const float *x, float *y, size_t steps,
                            size_t n, size_t lanes)
{
    size_t t, k, l;
    for (t = 0; t < steps; t++, x += n * lanes, y += n * lanes) {
        for (l = 0; l < lanes; l++) {
            const float mean = NAME_total(x + l, n, lanes, 0.0f, 0) / (float)n;
            const float root = NAME_sqrt(NAME_total(x + l, n, lanes, mean, 1) / (float)n + eps);
            for (k = 0; k < n; k++) {
                float value = (x[k * lanes + l] - mean) / root;
                value = weight ? value * weight[k] : value;
                y[k * lanes + l] = bias ? value + bias[k] : value;
            }
        }
    }
}

//@end
