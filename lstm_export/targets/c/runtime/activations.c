//@if vector_activation
/* An elementwise function over n values; x and y may be the same. */
#if NAME_VL > 1
#define NAME_MAP(function)                                                                                       \
    static void NAME_map_##function(const float *x, float *y, size_t n)                                          \
    {                                                                                                            \
        size_t k = 0;                                                                                            \
        for (; k + NAME_VL <= n; k += NAME_VL) {                                                                 \
            NAME_store(y + k, NAME_##function(NAME_load(x + k)));                                                \
        }                                                                                                        \
        if (k < n) {                                                                                             \
            NAME_store_part(y + k, NAME_##function(NAME_load_part(x + k, n - k)), n - k);                        \
        }                                                                                                        \
    }
#else
#define NAME_MAP(function)                                                                                       \
    static void NAME_map_##function(const float *x, float *y, size_t n)                                          \
    {                                                                                                            \
        size_t k;                                                                                                \
        for (k = 0; k < n; k++) {                                                                                \
            y[k] = NAME_##function(x[k]);                                                                        \
        }                                                                                                        \
    }
#endif

//@end
//@if tanh
NAME_MAP(tanh)

//@end
//@if sigmoid
NAME_INLINE NAME_vf NAME_sigmoid(NAME_vf x)
{
    const NAME_vf half = NAME_splat(0.5f);
    return NAME_tanh(x * half) * half + half;
}
NAME_MAP(sigmoid)

//@end
//@if silu
NAME_INLINE NAME_vf NAME_silu(NAME_vf x)
{
    const NAME_vf half = NAME_splat(0.5f);
    return x * (NAME_tanh(x * half) * half + half);
}
NAME_MAP(silu)

//@end
//@if gelu_tanh
NAME_INLINE NAME_vf NAME_gelu_tanh(NAME_vf x)
{
    const NAME_vf half = NAME_splat(0.5f);
    const NAME_vf inner = x + NAME_splat(0.044715f) * (x * x * x);
    return x * (NAME_tanh(inner * NAME_splat(0.797884561f)) * half + half);
}
NAME_MAP(gelu_tanh)

//@end
//@if gelu
/* The error function as a quotient of polynomials, within 4e-7 of it everywhere. */
NAME_INLINE NAME_vf NAME_erf(NAME_vf x)
{
    NAME_vf z, p, q;
    x = NAME_clamp(x, 3.92f);
    z = x * x;
    p = NAME_splat(1.99242649e-08f);
    p = p * z + NAME_splat(-1.95783309e-06f);
    p = p * z + NAME_splat(0.00014184977f);
    p = p * z + NAME_splat(0.00370158046f);
    p = p * z + NAME_splat(0.0505732335f);
    p = p * z + NAME_splat(0.199923828f);
    p = p * z + NAME_splat(1.12837911f);
    q = NAME_splat(0.000956032076f);
    q = q * z + NAME_splat(0.014353144f);
    q = q * z + NAME_splat(0.114998125f);
    q = q * z + NAME_splat(0.510509551f);
    q = q * z + NAME_splat(1.0f);
    return x * p / q;
}

NAME_INLINE NAME_vf NAME_gelu(NAME_vf x)
{
    const NAME_vf half = NAME_splat(0.5f);
    return x * (NAME_erf(x * NAME_splat(0.707106781f)) * half + half);
}
NAME_MAP(gelu)

//@end
//@if exp
/* e^x for x <= 0: 2^-m * e^r with |r| <= ln(2) / 2. */
static float NAME_exp(float x)
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

//@end
//@if relu
static void NAME_map_relu(const float *x, float *y, size_t n)
{
    size_t k;
    for (k = 0; k < n; k++) {
        y[k] = x[k] < 0.0f ? 0.0f : x[k];
    }
}

//@end
//@if leaky_relu
static void NAME_map_leaky_relu(const float *x, float *y, size_t n, float negative_slope)
{
    size_t k;
    for (k = 0; k < n; k++) {
        y[k] = x[k] < 0.0f ? negative_slope * x[k] : x[k];
    }
}

//@end
//@if elu
static void NAME_map_elu(const float *x, float *y, size_t n, float alpha)
{
    size_t k;
    for (k = 0; k < n; k++) {
        y[k] = x[k] > 0.0f ? x[k] : alpha * (NAME_exp(x[k]) - 1.0f);
    }
}

//@end
//@if softplus
/* log(1 + e^x) = max(x, 0) + log(1 + e^-|x|); log(1 + e) = 2 artanh(e / (2 + e)), as a series. */
static void NAME_map_softplus(const float *x, float *y, size_t n)
{
    size_t k;
    for (k = 0; k < n; k++) {
        const float e = NAME_exp(x[k] < 0.0f ? x[k] : -x[k]), s = e / (2.0f + e), z = s * s;
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

//@end
