/* Loops around the functions that scripts/bench/c_latency.py times, so that no call from Python counts, and what the core can do
   at most: multiply-adds from registers, bytes from a cache. Compiled with the flags of the generated C. */
#include <stddef.h>
#ifdef __AVX512VNNI__
#include <immintrin.h>
#endif

typedef float lanes __attribute__((vector_size(BYTES)));
typedef float lanes_anywhere __attribute__((vector_size(BYTES), aligned(4), may_alias));

void repeat_step(void (*step)(void *, const float *, float *), void *state, const float *x, float *y, size_t inputs,
                 size_t different, size_t calls)
{
    size_t n;
    for (n = 0; n < calls; n++) {
        step(state, x + n % different * inputs, y);
    }
}

void repeat_batch(void (*run)(const float *, size_t, size_t, float *, float *), const float *x, size_t batch, size_t seq,
                  float *y, float *scratch, size_t calls)
{
    size_t n;
    for (n = 0; n < calls; n++) {
        run(x, batch, seq, y, scratch);
    }
}

/* 12 sums of vectors at once: calls * 12 * BYTES / 4 multiply-adds. */
float multiply_adds(size_t calls)
{
    lanes sum[12], factor, term;
    size_t n, k;
    for (k = 0; k < BYTES / 4; k++) {
        factor[k] = 0.999f;
        term[k] = 0.001f;
    }
    for (k = 0; k < 12; k++) {
        sum[k] = term * (float)k;
    }
    for (n = 0; n < calls; n++) {
#define ONE(j) sum[j] = sum[j] * factor + term;
        ONE(0) ONE(1) ONE(2) ONE(3) ONE(4) ONE(5) ONE(6) ONE(7) ONE(8) ONE(9) ONE(10) ONE(11)
    }
    for (k = 1; k < 12; k++) {
        sum[0] += sum[k];
    }
    return sum[0][0];
}

#ifdef __AVX512VNNI__
const int whole_sums = 16;

/* So many sums of vectors at once: calls * 16 * 32 multiply-adds of int16, or as many instructions for int8. */
int whole_multiply_adds(size_t calls)
{
    __m512i sum[16];
    const __m512i values = _mm512_set1_epi16(3), weights = _mm512_set1_epi16(5);
    size_t n, k;
    for (k = 0; k < 16; k++) {
        sum[k] = _mm512_set1_epi32((int)k);
    }
    for (n = 0; n < calls; n++) {
#define WHOLE(j) sum[j] = _mm512_dpwssd_epi32(sum[j], values, weights);
        WHOLE(0) WHOLE(1) WHOLE(2) WHOLE(3) WHOLE(4) WHOLE(5) WHOLE(6) WHOLE(7)
        WHOLE(8) WHOLE(9) WHOLE(10) WHOLE(11) WHOLE(12) WHOLE(13) WHOLE(14) WHOLE(15)
    }
    for (k = 1; k < 16; k++) {
        sum[0] = _mm512_add_epi32(sum[0], sum[k]);
    }
    return _mm512_reduce_add_epi32(sum[0]);
}
#else
const int whole_sums = 0;
#endif

/* Reads `floats` floats, a multiple of 8 vectors, `calls` times, forwards and backwards in turn as the generated C does: 8 sums, so
   that none waits for the one before. */
float read_all(const float *data, size_t floats, size_t calls)
{
    const size_t width = BYTES / 4, block = 8 * width;
    lanes sum[8] = {{0}};
    size_t n, k;
    for (n = 0; n < calls; n++) {
        for (k = 0; k < floats; k += block) {
            const float *from = data + (n % 2 ? floats - block - k : k);
#define READ(j) sum[j] += *(const lanes_anywhere *)(from + j * width);
            READ(0) READ(1) READ(2) READ(3) READ(4) READ(5) READ(6) READ(7)
        }
    }
    for (k = 1; k < 8; k++) {
        sum[0] += sum[k];
    }
    return sum[0][0];
}

void repeat_whole_step(void (*step)(void *, const short *, int *), void *state, const short *x, int *y, size_t inputs,
                       size_t different, size_t calls)
{
    size_t n;
    for (n = 0; n < calls; n++) {
        step(state, x + n % different * inputs, y);
    }
}

void repeat_whole_batch(void (*run)(const short *, size_t, size_t, int *), const short *x, size_t batch, size_t seq, int *y,
                        size_t calls)
{
    size_t n;
    for (n = 0; n < calls; n++) {
        run(x, batch, seq, y);
    }
}
