/* The constants of an LSTM for x86-64 with AVX-512 and VNNI. When a program is loaded, they are laid
   out a second time, a gate of 16 units in the lanes of a vector, so that no sum is taken over
   lanes. */
#ifndef MODEL_INTEGER_AVX512_LAYOUT_H
#define MODEL_INTEGER_AVX512_LAYOUT_H

#include "integer_rows.c"

#if MODEL_LSTM
#if defined(MODEL_KERNEL_AVX512)
/* A vector of each gate of 16 units. */
typedef struct {
    __m512i i, f, g, o;
} model_gates;

/* Constants of 16 units, zeros beyond the last one. */
typedef struct {
    model_gates bias;
    model_gates shift_x, shift_h;
    model_gates start_x, start_h; /* what sums begin with */
} model_16_units;

#define MODEL_GROUPS(units) (((units) + 15) / 16)

/* Vectors that a layer takes: the constants of every 16 units; the weights of x, [16 units][word][gate],
   a word of each unit; those of h. */
#define MODEL_LANES_SIZE(input_size, state_size, units) \
    (MODEL_GROUPS(units) *                              \
     (sizeof(model_16_units) / sizeof(__m512i) +        \
      4 * (MODEL_WORDS(input_size) + MODEL_WORDS(state_size))))

/* The constants of a layer as integer_layers.c describes them. */
typedef struct {
    const model_weight *weights;
    const int32_t *biases;
    const uint8_t *shifts;
    size_t words_x, words_h, units;
} model_rows_of_units;

#if MODEL_BITS == 8
/* What the sum of a row begins with: int8 weights meet values that are 2^15 too large. */
MODEL_STATIC int32_t model_start_of_sum(const model_weight *w, size_t words)
{
    uint32_t start = 0;
    size_t word, k;
    for (word = 0; word < words; word++) {
        for (k = 0; k < MODEL_IN_WORD; k++) {
            start -= (uint32_t)(int32_t)w[word * 4 * MODEL_IN_WORD + k] << 15;
        }
    }
    return (int32_t)start;
}
#endif

/* Constants of a gate of 16 units -> out, which are those of a gate of model_16_units. */
MODEL_STATIC void model_write_gate(const model_rows_of_units *rows, size_t first, size_t gate,
                                   __m512i *out)
{
    int32_t lanes[5][16] = {{0}};
#if MODEL_BITS == 8
    const model_weight *w;
#endif
    size_t k;
    for (k = 0; k < 16 && first + k < rows->units; k++) {
        const size_t unit = first + k;
        lanes[0][k] = rows->biases[4 * unit + gate];
        lanes[1][k] = rows->shifts[8 * unit + gate];
        lanes[2][k] = rows->shifts[8 * unit + gate + 4];
#if MODEL_BITS == 8
        w = rows->weights + (unit * (rows->words_x + rows->words_h) * 4 + gate) * MODEL_IN_WORD;
        lanes[3][k] = model_start_of_sum(w, rows->words_x);
        lanes[4][k] = model_start_of_sum(w + rows->words_x * 4 * MODEL_IN_WORD, rows->words_h);
#endif
    }
    for (k = 0; k < 5; k++) {
        out[4 * k] = _mm512_loadu_si512(lanes[k]);
    }
}

/* A word of a gate of 16 units. */
MODEL_STATIC __m512i model_lanes_of_word(const model_rows_of_units *rows, size_t first, size_t word,
                                         size_t gate)
{
    const size_t words = rows->words_x + rows->words_h;
    model_weight lanes[16][MODEL_IN_WORD] = {{0}};
    size_t lane, k;
    for (lane = 0; lane < 16 && first + lane < rows->units; lane++) {
        const size_t place = ((first + lane) * words + word) * 4 + gate;
        for (k = 0; k < MODEL_IN_WORD; k++) {
            lanes[lane][k] = rows->weights[place * MODEL_IN_WORD + k];
        }
    }
    return _mm512_loadu_si512(lanes);
}

/* Words from `first` until `end` of all units -> out; what lies behind them there. */
MODEL_STATIC __m512i *model_write_words(const model_rows_of_units *rows, size_t first, size_t end,
                                        __m512i *out)
{
    size_t unit, word, gate;
    for (unit = 0; unit < rows->units; unit += 16) {
        for (word = first; word < end; word++) {
            for (gate = 0; gate < 4; gate++) {
                *out++ = model_lanes_of_word(rows, unit, word, gate);
            }
        }
    }
    return out;
}

/* All constants of a layer -> out [MODEL_LANES_SIZE]. */
MODEL_STATIC void model_write_lanes(const model_rows_of_units *rows, __m512i *out)
{
    size_t first, gate;
    for (first = 0; first < rows->units; first += 16) {
        for (gate = 0; gate < 4; gate++) {
            model_write_gate(rows, first, gate, out + gate);
        }
        out += sizeof(model_16_units) / sizeof(__m512i);
    }
    out = model_write_words(rows, 0, rows->words_x, out);
    model_write_words(rows, rows->words_x, rows->words_x + rows->words_h, out);
}
#endif
#endif

#endif
