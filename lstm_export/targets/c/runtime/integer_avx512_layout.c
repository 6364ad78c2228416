/* The constants of an LSTM or a GRU for x86-64 with AVX-512 and VNNI. When a program is loaded, they
   are laid out a second time, a gate of 16 units in the lanes of a vector, so that no sum is taken
   over lanes. */
#ifndef MODEL_INTEGER_AVX512_LAYOUT_H
#define MODEL_INTEGER_AVX512_LAYOUT_H

#include "integer_rows.c"

#if MODEL_LSTM || MODEL_GRU
#if defined(MODEL_KERNEL_AVX512)
/* A vector of each gate of 16 units of an LSTM; of a GRU r and z, and as g and o what x and what h
   make of n, since r multiplies one of them. */
typedef struct {
    __m512i i, f, g, o;
} model_gates;

/* Constants of 16 units, a lane each, zeros beyond the last one: of every gate, and of its sums from
   x, part 0, and from h, part 1. */
typedef struct {
    int32_t bias[4][16];
    uint8_t shift[2][4][16];
#if MODEL_BITS == 8
    int32_t start[2][4][16]; /* what sums begin with */
#endif
} model_16_units;

#define MODEL_GROUPS(units) (((units) + 15u) / 16u)

/* Vectors that a layer takes: the constants of every 16 units; the weights of x, [16 units][word][gate],
   a word of each unit; those of h. */
#define MODEL_LANES_SIZE(input_size, state_size, units) \
    (MODEL_GROUPS(units) *                              \
     (sizeof(model_16_units) / sizeof(__m512i) +        \
      4 * (MODEL_WORDS(input_size) + MODEL_WORDS(state_size))))

/* The constants of a layer as integer_layers.c describes them.

   words: of a row for x, part 0, and for h, part 1
   gates: rows of a unit in each part: 4 of an LSTM, 3 of a GRU */
typedef struct {
    const model_weight *weights;
    const int32_t *biases;
    const uint8_t *shifts;
    size_t words[2], units, gates;
} model_rows_of_units;

#define MODEL_NO_ROW 4

/* The row of a part that a vector of model_gates takes. */
MODEL_STATIC size_t model_row_of(size_t gate, size_t part, size_t gates)
{
    if (gates == 4 || gate < 2) {
        return gate;
    }
    return gate == 2 + part ? 2 : MODEL_NO_ROW;
}

/* A word of a unit's row; words of h follow those of x. */
MODEL_STATIC const model_weight *model_word_of(const model_rows_of_units *rows, size_t unit,
                                               size_t word, size_t row)
{
    const size_t words = rows->words[0] + rows->words[1];
    return rows->weights + ((unit * words + word) * rows->gates + row) * MODEL_IN_WORD;
}

#if MODEL_BITS == 8
/* What the sum of a row begins with: int8 weights meet values that are 2^15 too large. */
MODEL_STATIC int32_t model_start_of_sum(const model_rows_of_units *rows, size_t unit, size_t part,
                                        size_t row)
{
    const size_t first = part ? rows->words[0] : 0;
    uint32_t start = 0;
    size_t word, k;
    for (word = first; word < first + rows->words[part]; word++) {
        const model_weight *const w = model_word_of(rows, unit, word, row);
        for (k = 0; k < MODEL_IN_WORD; k++) {
            start -= (uint32_t)(int32_t)w[k] << 15;
        }
    }
    return (int32_t)start;
}
#endif

/* What a part says of a gate of a unit. A GRU has a bias in each part, an LSTM one of both. */
MODEL_STATIC void model_write_gate(const model_rows_of_units *rows, size_t unit, size_t part,
                                   size_t gate, model_16_units *out)
{
    const size_t gates = rows->gates, row = model_row_of(gate, part, gates), lane = unit % 16;
    const size_t at = (2 * unit + part) * gates + row;
    if (row == MODEL_NO_ROW) {
        return;
    }
    if (gates == 3) {
        out->bias[gate][lane] += rows->biases[at];
    } else {
        out->bias[gate][lane] = rows->biases[unit * gates + row];
    }
    out->shift[part][gate][lane] = rows->shifts[at];
#if MODEL_BITS == 8
    out->start[part][gate][lane] = model_start_of_sum(rows, unit, part, row);
#endif
}

/* A word of a gate of 16 units. */
MODEL_STATIC __m512i model_lanes_of_word(const model_rows_of_units *rows, size_t first, size_t word,
                                         size_t gate)
{
    const size_t row = model_row_of(gate, word < rows->words[0] ? 0 : 1, rows->gates);
    const size_t units = row == MODEL_NO_ROW ? 0 : rows->units;
    model_weight lanes[16][MODEL_IN_WORD] = {{0}};
    size_t lane, k;
    for (lane = 0; lane < 16 && first + lane < units; lane++) {
        const model_weight *const w = model_word_of(rows, first + lane, word, row);
        for (k = 0; k < MODEL_IN_WORD; k++) {
            lanes[lane][k] = w[k];
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

/* All constants of a layer -> out [MODEL_LANES_SIZE], which is zeros. */
MODEL_STATIC void model_write_lanes(const model_rows_of_units *rows, __m512i *out)
{
    model_16_units *const constants = (model_16_units *)(void *)out;
    size_t unit, gate;
    for (unit = 0; unit < rows->units; unit++) {
        for (gate = 0; gate < 4; gate++) {
            model_write_gate(rows, unit, 0, gate, constants + unit / 16);
            model_write_gate(rows, unit, 1, gate, constants + unit / 16);
        }
    }
    out += MODEL_GROUPS(rows->units) * sizeof(model_16_units) / sizeof(__m512i);
    out = model_write_words(rows, 0, rows->words[0], out);
    model_write_words(rows, rows->words[0], rows->words[0] + rows->words[1], out);
}
#endif
#endif

#endif
