/* check.h for a model in whole numbers: step by step and row by row, every answer's bits. */
#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define OF(name) JOIN(MODEL, name)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

static void OF(check)(void)
{
    size_t b, t;
    static int32_t y[ANSWERS * OUTPUT_SIZE];
#ifdef STREAMS
    static OF(state) state;
    for (b = 0; b < BATCH; b++) {
        OF(reset)(&state);
        for (t = 0; t < SEQ; t++) {
            OF(step_q)(&state, OF(inputs) + (b * SEQ + t) * INPUT_SIZE, y);
            if (ANSWERS > 1 || t + 1 == SEQ) {
                print_counts(TEXT(MODEL) " step", y, OUTPUT_SIZE);
            }
        }
    }
    board_start_counting();
    for (t = 0; t < SEQ; t++) {
        OF(step_q)(&state, OF(inputs) + t * INPUT_SIZE, y);
    }
    print_number(TEXT(MODEL) " instructions", board_instructions() / SEQ);
    print_number(TEXT(MODEL) " state", sizeof state);
#else
    static int32_t words[SCRATCH_WORDS];
#endif
    for (b = 0; b < BATCH; b++) {
#ifdef STREAMS
        OF(run_q)(&state, OF(inputs) + b * SEQ * INPUT_SIZE, SEQ, y);
#else
        OF(run_q)(OF(inputs) + b * SEQ * INPUT_SIZE, SEQ, y, words);
#endif
        for (t = 0; t < ANSWERS; t++) {
            print_counts(TEXT(MODEL) " run", y + t * OUTPUT_SIZE, OUTPUT_SIZE);
        }
    }
#ifdef WINDOWED
    {
        static OF(window) window;
        OF(window_reset)(&window);
        for (t = 0; t < SEQ; t++) {
            if (OF(window_push_q)(&window, OF(inputs) + t * INPUT_SIZE, y) > 0) {
                print_counts(TEXT(MODEL) " window", y, OUTPUT_SIZE);
            }
        }
    }
#endif
}

#undef MODEL
#undef INPUT_SIZE
#undef OUTPUT_SIZE
#undef BATCH
#undef SEQ
#undef ANSWERS
#undef STREAMS
#undef WINDOWED
#undef SCRATCH_WORDS
#undef JOIN_
#undef JOIN
#undef OF
#undef TEXT_
#undef TEXT
