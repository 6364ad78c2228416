/* A Linux program: samples as CSV on stdin, a line each; an answer as CSV on stdout for every line.

       lstm-export c model.pt -o model_c --name model
       cc -std=c99 -O2 -Imodel_c examples/csv_stdin.c model_c/model.c -o predict
       ./predict < samples.csv

   The state goes on from line to line. A line that does not hold as many numbers as the model takes ends the program. */
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

int main(void)
{
    static model_state state;
    static char line[65536];
    float x[MODEL_INPUT_SIZE], y[MODEL_OUTPUT_SIZE];
    unsigned long number = 0;
    int k;

    model_reset(&state);
    while (fgets(line, sizeof line, stdin)) {
        char *at = line, *end;
        number++;
        for (k = 0; k < MODEL_INPUT_SIZE; k++) {
            const char *expected = k + 1 < MODEL_INPUT_SIZE ? "," : "\r\n";
            x[k] = strtof(at, &end);
            if (end == at || (*end != expected[0] && *end != expected[1] && *end != 0)) {
                fprintf(stderr, "line %lu: expected %d numbers with commas between\n", number, MODEL_INPUT_SIZE);
                return 1;
            }
            at = end + (*end != 0);
        }
        model_step(&state, x, y);
        for (k = 0; k < MODEL_OUTPUT_SIZE; k++) {
            printf("%.9g%c", (double)y[k], k + 1 < MODEL_OUTPUT_SIZE ? ',' : '\n');
        }
        fflush(stdout);
    }
    return ferror(stdin) ? 1 : 0;
}
