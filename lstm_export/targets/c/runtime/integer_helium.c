/* Rows of whole weights in vectors of 128 bits, on a Cortex-M55 or M85. */
#ifndef MODEL_INTEGER_HELIUM_H
#define MODEL_INTEGER_HELIUM_H

#include "integer_words.c"

#if defined(MODEL_KERNEL_HELIUM)
#define MODEL_HAS_TOTALS

/* Sums of four rows lie in r4, r6, r8, r10, where vectors can be summed to. Four words of each row,
   which lie between those of the others, go to q0 to q3. */
#define MODEL_ROWS_APART                                                             \
    "vld40.32 {q0, q1, q2, q3}, [%[w]]\n\tvld41.32 {q0, q1, q2, q3}, [%[w]]\n\t"      \
    "vld42.32 {q0, q1, q2, q3}, [%[w]]\n\tvld43.32 {q0, q1, q2, q3}, [%[w]]!\n\t"
#define MODEL_NO_SUMS "mov r4, #0\n\tmov r6, #0\n\tmov r8, #0\n\tmov r10, #0\n\t"
#if MODEL_BITS == 8
/* Columns 0 and 1 of a word lie in its bytes 0 and 2, columns 2 and 3 in its bytes 1 and 3. */
#define MODEL_ROW_OF_VECTORS(sum, row)                                              \
    "vmovlb.s8 q6, " row "\n\tvmladava.s16 " sum ", q6, q4\n\tvmovlt.s8 q6, " row     \
    "\n\tvmladava.s16 " sum ", q6, q5\n\t"
#define MODEL_VECTORS                                                                     \
    MODEL_ROWS_APART "vld20.32 {q4, q5}, [%[v]]\n\tvld21.32 {q4, q5}, [%[v]]!\n\t"         \
        MODEL_ROW_OF_VECTORS("r4", "q0") MODEL_ROW_OF_VECTORS("r6", "q1")                  \
            MODEL_ROW_OF_VECTORS("r8", "q2") MODEL_ROW_OF_VECTORS("r10", "q3")
#define MODEL_ROW_OF_WORD(sum)                                                          \
    "ldr r5, [%[w]], #4\n\tsxtb16 r9, r5\n\tsxtb16 r5, r5, ror #8\n\tsmlad " sum          \
    ", r9, r11, " sum "\n\tsmlad " sum ", r5, r12, " sum "\n\t"
#define MODEL_WORD                                                                       \
    "ldrd r11, r12, [%[v]], #8\n\t" MODEL_ROW_OF_WORD("r4") MODEL_ROW_OF_WORD("r6")        \
        MODEL_ROW_OF_WORD("r8") MODEL_ROW_OF_WORD("r10")
#define MODEL_PART                                                                         \
    MODEL_NO_SUMS "subs %[words], #4\n\tblt 2f\n1:\t" MODEL_VECTORS                        \
                  "subs %[words], #4\n\tbge 1b\n2:\tadds %[words], #4\n\tbeq 4f\n3:\t"     \
        MODEL_WORD "subs %[words], #1\n\tbne 3b\n4:\tstr r4, [%[totals]]\n\t"              \
                   "str r6, [%[totals], #4]\n\tstr r8, [%[totals], #8]\n\t"                \
                   "str r10, [%[totals], #12]"
#define MODEL_VECTORS_USED "q0", "q1", "q2", "q3", "q4", "q5", "q6"
#else
#define MODEL_OF_ROWS(of)                                                                \
    "vldrh.16 q4, [%[v]], #16\n\t" of " r4, q0, q4\n\t" of " r6, q1, q4\n\t" of           \
    " r8, q2, q4\n\t" of " r10, q3, q4\n\t"
#define MODEL_FIRST_VECTORS MODEL_ROWS_APART MODEL_OF_ROWS("vmladav.s16")
#define MODEL_VECTORS MODEL_ROWS_APART MODEL_OF_ROWS("vmladava.s16")
#define MODEL_WORD                                                                       \
    "ldr lr, [%[v]], #4\n\tldmia %[w]!, {r5, r9, r11, r12}\n\tsmlad r4, r5, lr, r4\n\t"   \
    "smlad r6, r9, lr, r6\n\tsmlad r8, r11, lr, r8\n\tsmlad r10, r12, lr, r10\n\t"
#define MODEL_TO_TOTALS                                                                 \
    "add r5, r5, r4, asr #8\n\tadd r9, r9, r6, asr #8\n\tadd r11, r11, r8, asr #8\n\t"    \
    "add r12, r12, r10, asr #8\n\t"
/* Chunks of two vectors, then what is left, a chunk, too. */
#define MODEL_PART                                                                       \
    "mov r5, #0\n\tmov r9, #0\n\tmov r11, #0\n\tmov r12, #0\n\tsubs %[words], #8\n\t"      \
    "blt 2f\n1:\t" MODEL_FIRST_VECTORS MODEL_VECTORS MODEL_TO_TOTALS                      \
    "subs %[words], #8\n\tbge 1b\n2:\tstmia %[totals], {r5, r9, r11, r12}\n\t"            \
    "adds %[words], #8\n\tbeq 5f\n\t" MODEL_NO_SUMS "subs %[words], #4\n\tblt 3f\n\t"     \
    MODEL_VECTORS "subs %[words], #4\n3:\tadds %[words], #4\n\tbeq 4f\n6:\t" MODEL_WORD   \
    "subs %[words], #1\n\tbne 6b\n4:\tldmia %[totals], {r5, r9, r11, r12}\n\t"            \
    MODEL_TO_TOTALS "stmia %[totals], {r5, r9, r11, r12}\n5:"
#define MODEL_VECTORS_USED "q0", "q1", "q2", "q3", "q4"
#endif

/* Four rows times words of x and of h, which lie one behind the other -> totals [x, h][row]; the
   weights behind them. */
MODEL_INLINE const model_weight *model_totals(const model_weight *w, const int16_t *v,
                                                size_t words_x, size_t words_h, int32_t *totals)
{
    int32_t *const last = totals + 4;
    size_t words = words_x;
    for (;;) {
        __asm__ volatile(MODEL_PART
                         : [w] "+r"(w), [v] "+r"(v), [words] "+r"(words)
                         : [totals] "r"(totals)
                         : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory",
                           MODEL_VECTORS_USED);
        if (totals == last) {
            return w;
        }
        totals = last;
        words = words_h;
    }
}
#endif

#endif
