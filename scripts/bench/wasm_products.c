/* Multiply-adds alone, in fours, of weights that stay in the first cache: what wasm_steps.py holds a step against. */

enum { SUMS = 6, ROWS = 32 };

typedef float four __attribute__((vector_size(16)));

/* Not static: the compiler has to believe that they hold something. */
four weights[ROWS * SUMS], sums[SUMS];
float values[ROWS];

/* `rows` is a multiple of ROWS. */
void multiply_add(unsigned rows)
{
    four a = sums[0];
    four b = sums[1];
    four c = sums[2];
    four d = sums[3];
    four e = sums[4];
    four f = sums[5];
    unsigned n, k;
    for (n = 0; n < rows; n += ROWS) {
        for (k = 0; k < ROWS; k++) {
            const four *row = weights + k * SUMS;
            const four value = {values[k], values[k], values[k], values[k]};
            a = a + row[0] * value;
            b = b + row[1] * value;
            c = c + row[2] * value;
            d = d + row[3] * value;
            e = e + row[4] * value;
            f = f + row[5] * value;
        }
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
    sums[4] = e;
    sums[5] = f;
}
