/* Rows of whole weights on a Cortex-M with dual multiply-adds: M4, M7, M33. */
#ifndef MODEL_INTEGER_SMLAD_H
#define MODEL_INTEGER_SMLAD_H

#include "integer_words.c"

#if defined(MODEL_KERNEL_SMLAD)
#define MODEL_HAS_TOTALS

/* Of four rows a word each, r4 to r9, is multiplied with values and added to a, b, c, d. */
#define MODEL_WORDS_OF_ROWS "ldmia %[w]!, {r4, r5, r6, r8}\n\t"
#if MODEL_BITS == 8
/* Columns 0 and 1 of a word lie in its bytes 0 and 2, columns 2 and 3 in its bytes 1 and 3. */
#define MODEL_ROW(sum, word)                                                           \
    "sxtb16 r9, " word "\n\tsxtb16 " word ", " word ", ror #8\n\tsmlad " sum ", r9, r10, " sum \
    "\n\tsmlad " sum ", " word ", r11, " sum "\n\t"
#define MODEL_PRODUCTS                                                                     \
    "ldrd r10, r11, [%[v]], #8\n\t" MODEL_WORDS_OF_ROWS MODEL_ROW("%[a]", "r4")             \
        MODEL_ROW("%[b]", "r5") MODEL_ROW("%[c]", "r6") MODEL_ROW("%[d]", "r8")
#ifdef __clang__ /* which keeps a register for frames */
#define MODEL_MORE_OPERANDS :
#else
/* Four words at a time, but for the first time, when a jump leaves some out: of 72 bytes each. */
#define MODEL_BYTES_OF_WORD 72
#define MODEL_ROWS                                                                         \
    "uxth r9, %[plan]\n\tadd pc, r9\n\tnop\n1:\t" MODEL_PRODUCTS MODEL_PRODUCTS             \
        MODEL_PRODUCTS MODEL_PRODUCTS "subs %[plan], #0x10000\n\tbge 1b\n\t"
#define MODEL_MORE_OPERANDS , [plan] "+r"(plan) :
#endif
#define MODEL_CLOBBERED "r4", "r5", "r6", "r8", "r9", "r10", "r11", "cc", "memory"
#else
#define MODEL_FIRST(sum, word, x) "smuad " sum ", " word ", " x "\n\t"
#define MODEL_ADDED(sum, word, x) "smlad " sum ", " word ", " x ", " sum "\n\t"
#define MODEL_ROWS_BY(x, of)                                                             \
    MODEL_WORDS_OF_ROWS of("%[a]", "r4", x) of("%[b]", "r5", x) of("%[c]", "r6", x) of( \
        "%[d]", "r8", x)
#define MODEL_PRODUCTS(of) "ldr r9, [%[v]], #4\n\t" MODEL_ROWS_BY("r9", of)
#define MODEL_PAIR(of) \
    "ldrd r9, r10, [%[v]], #8\n\t" MODEL_ROWS_BY("r9", of) MODEL_ROWS_BY("r10", MODEL_ADDED)
#define MODEL_CHUNK \
    MODEL_PAIR(MODEL_FIRST) MODEL_PAIR(MODEL_ADDED) MODEL_PAIR(MODEL_ADDED) MODEL_PAIR(MODEL_ADDED)
#define MODEL_INTO_TOTALS                                                                     \
    "ldmia %[totals], {r4, r5, r6, r8}\n\tadd r4, r4, %[a], asr #8\n\tadd r5, r5, %[b], asr #8" \
    "\n\tadd r6, r6, %[c], asr #8\n\tadd r8, r8, %[d], asr #8\n\t"                           \
    "stmia %[totals], {r4, r5, r6, r8}"
#define MODEL_MORE_OPERANDS : [totals] "r"(totals)
#define MODEL_CLOBBERED "r4", "r5", "r6", "r8", "r9", "r10", "memory"
#endif
#define MODEL_TAKE(text)                                                                     \
    __asm__ volatile(text                                                                    \
                     : [w] "+r"(w), [v] "+r"(v), [a] "+r"(a), [b] "+r"(b), [c] "+r"(c),       \
                       [d] "+r"(d) MODEL_MORE_OPERANDS                                       \
                     : MODEL_CLOBBERED)

/* Four rows times `words` words of values -> totals [4]; w and v go on behind them. */
MODEL_INLINE void model_part(const model_weight **weights, const int16_t **values, size_t words,
                             int32_t *totals)
{
    const model_weight *w = *weights;
    const int16_t *v = *values;
    int32_t a = 0, b = 0, c = 0, d = 0;
#if MODEL_BITS == 8
#ifdef __clang__
    for (; words > 0; words--) {
        MODEL_TAKE(MODEL_PRODUCTS);
    }
#else
    /* how often more than once, and bytes to leave out */
    size_t plan = ((words - 1) / 4) << 16 | (3 - (words - 1) % 4) * MODEL_BYTES_OF_WORD;
    MODEL_TAKE(MODEL_ROWS);
#endif
    totals[0] = a;
    totals[1] = b;
    totals[2] = c;
    totals[3] = d;
#else
    size_t chunks;
    totals[0] = 0;
    totals[1] = 0;
    totals[2] = 0;
    totals[3] = 0;
    for (chunks = words / MODEL_CHUNK_WORDS; chunks > 0; chunks--) {
        MODEL_TAKE(MODEL_CHUNK MODEL_INTO_TOTALS);
    }
    words %= MODEL_CHUNK_WORDS;
    if (words > 0) {
        MODEL_TAKE(MODEL_PRODUCTS(MODEL_FIRST));
        for (; words > 1; words--) {
            MODEL_TAKE(MODEL_PRODUCTS(MODEL_ADDED));
        }
        MODEL_TAKE(MODEL_INTO_TOTALS);
    }
#endif
    *weights = w;
    *values = v;
}

/* Four rows times words of x and of h, which lie one behind the other -> totals [x, h][row]; the
   weights behind them. */
MODEL_INLINE const model_weight *model_totals(const model_weight *w, const int16_t *v,
                                              size_t words_x, size_t words_h, int32_t *totals)
{
    model_part(&w, &v, words_x, totals);
    model_part(&w, &v, words_h, totals + 4);
    return w;
}
#endif

#endif
