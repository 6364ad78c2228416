/* Rows of whole weights on a Cortex-M0: words are split by hand. */
#ifndef MODEL_INTEGER_THUMB_H
#define MODEL_INTEGER_THUMB_H

#include "integer_words.c"

#if defined(MODEL_KERNEL_THUMB)
/* Words of four rows times words of values until the weights are at `end`: a word of each is loaded
   at once and split, and sums are kept where only additions reach. */
#if MODEL_BITS == 8
#define MODEL_ROW_OF_WORD(sum)                                                        \
    "ldmia %[w]!, {%[t]}\n\tsxtb %[u], %[t]\n\tmuls %[u], %[x0], %[u]\n\tadd " sum    \
    ", %[u]\n\tlsls %[u], %[t], #8\n\tasrs %[u], %[u], #24\n\tmuls %[u], %[x1], %[u]\n\t" \
    "add " sum ", %[u]\n\tlsls %[u], %[t], #16\n\tasrs %[u], %[u], #24\n\t"           \
    "muls %[u], %[x2], %[u]\n\tadd " sum ", %[u]\n\tasrs %[t], %[t], #24\n\t"         \
    "muls %[t], %[x3], %[t]\n\tadd " sum ", %[t]\n\t"
#define MODEL_VALUES_OF_WORD                                                       \
    "mov %[t], %[v]\n\tldmia %[t]!, {%[x1]}\n\tldmia %[t]!, {%[x3]}\n\tmov %[v], %[t]\n\t"     \
    "sxth %[x0], %[x1]\n\tasrs %[x1], %[x1], #16\n\t"                                      \
    "sxth %[x2], %[x3]\n\tasrs %[x3], %[x3], #16\n\t"
#else
#define MODEL_OPAQUE(value) /* the copies are faster here */
#define MODEL_ROW_OF_WORD(sum)                                                              \
    "ldmia %[w]!, {%[t]}\n\tsxth %[u], %[t]\n\tasrs %[t], %[t], #16\n\t"                   \
    "muls %[u], %[x0], %[u]\n\tmuls %[t], %[x1], %[t]\n\tadd " sum ", %[u]\n\tadd " sum    \
    ", %[t]\n\t"
#define MODEL_VALUES_OF_WORD                                                             \
    "ldmia %[v]!, {%[x1]}\n\tsxth %[x0], %[x1]\n\tasrs %[x1], %[x1], #16\n\t"
#endif
#define MODEL_TO_TOTAL(sum, at, shift)                                                       \
    "mov %[u], " sum "\n\tasrs %[u], %[u], #" shift "\n\tldr %[x0], [%[t], #" at "]\n\t"      \
    "adds %[x0], %[x0], %[u]\n\tstr %[x0], [%[t], #" at "]\n\t"
#define MODEL_ROWS_OF_WORD                                                                  \
    MODEL_ROW_OF_WORD("%[a]") MODEL_ROW_OF_WORD("%[b]") MODEL_ROW_OF_WORD("%[c]")            \
    MODEL_ROW_OF_WORD("%[d]")
#if MODEL_BITS == 8
#define MODEL_THUMB_CHUNK                                                                   \
    do {                                                                                    \
        int32_t t, u, x0, x1, x2, x3;                                                       \
        __asm__ volatile(".syntax unified\n1:\t" MODEL_VALUES_OF_WORD MODEL_ROWS_OF_WORD     \
                         "cmp %[w], %[end]\n\tbne 1b"                                       \
                         : [w] "+l"(w), [v] "+h"(v), [a] "+h"(a), [b] "+h"(b), [c] "+h"(c), \
                           [d] "+h"(d), [t] "=&l"(t), [u] "=&l"(u), [x0] "=&l"(x0),         \
                           [x1] "=&l"(x1), [x2] "=&l"(x2), [x3] "=&l"(x3)                   \
                         : [end] "r"(end)                                                   \
                         : "cc", "memory");                                                 \
        totals[0] += a >> MODEL_CHUNK_SHIFT;                                                \
        totals[1] += b >> MODEL_CHUNK_SHIFT;                                                \
        totals[2] += c >> MODEL_CHUNK_SHIFT;                                                \
        totals[3] += d >> MODEL_CHUNK_SHIFT;                                                \
    } while (0)
#else
#define MODEL_THUMB_CHUNK                                                                   \
    do {                                                                                    \
        int32_t t, u, x0, x1;                                                               \
        __asm__ volatile(".syntax unified\n1:\t" MODEL_VALUES_OF_WORD MODEL_ROWS_OF_WORD     \
                         "cmp %[w], %[end]\n\tbne 1b\n\tmov %[t], %[totals]\n\t"            \
                         MODEL_TO_TOTAL("%[a]", "0", "8") MODEL_TO_TOTAL("%[b]", "4", "8")  \
                         MODEL_TO_TOTAL("%[c]", "8", "8") MODEL_TO_TOTAL("%[d]", "12", "8") \
                         : [w] "+l"(w), [v] "+l"(v), [a] "+h"(a), [b] "+h"(b), [c] "+h"(c), \
                           [d] "+h"(d), [t] "=&l"(t), [u] "=&l"(u), [x0] "=&l"(x0),         \
                           [x1] "=&l"(x1)                                                   \
                         : [end] "r"(end), [totals] "r"(totals)                             \
                         : "cc", "memory");                                                 \
    } while (0)
#endif
#endif

#endif
