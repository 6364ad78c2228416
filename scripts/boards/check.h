/* Included once for every model, with MODEL, its name, and the inputs defined: run it step by step, row by row and as
   one batch, and print every answer's bits. Two machines agree iff they print the same. */
#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define OF(name) JOIN(MODEL, name)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

static void OF(check)(void)
{
    const float *const x = (const float *)OF(inputs);
    size_t b, t;
    static float y[BATCH * ANSWERS * OUTPUT_SIZE];
    if (OF(scratch_floats)(BATCH, SEQ) > SCRATCH_FLOATS) {
        board_write(TEXT(MODEL) " needs more scratch\n");
        board_exit(4);
    }
#ifdef STREAMS
    {
        static OF(state) state;
        for (b = 0; b < BATCH; b++) {
            OF(reset)(&state);
            for (t = 0; t < SEQ; t++) {
                OF(step)(&state, x + (b * SEQ + t) * INPUT_SIZE, y);
                if (ANSWERS > 1 || t + 1 == SEQ) {
                    print_answer(TEXT(MODEL) " step", y, OUTPUT_SIZE);
                }
            }
        }
        board_start_counting();
        for (t = 0; t < SEQ; t++) {
            OF(step)(&state, x + t * INPUT_SIZE, y);
        }
        print_number(TEXT(MODEL) " instructions", board_instructions() / SEQ);
        print_number(TEXT(MODEL) " state", sizeof state);
    }
#endif
    for (b = 0; b < BATCH; b++) {
        OF(run)(x + b * SEQ * INPUT_SIZE, SEQ, y, scratch);
        for (t = 0; t < ANSWERS; t++) {
            print_answer(TEXT(MODEL) " run", y + t * OUTPUT_SIZE, OUTPUT_SIZE);
        }
    }
    OF(run_batch)(x, BATCH, SEQ, y, scratch);
    for (b = 0; b < BATCH * ANSWERS; b++) {
        print_answer(TEXT(MODEL) " batch", y + b * OUTPUT_SIZE, OUTPUT_SIZE);
    }
#ifdef WINDOWED
    {
        static OF(window) window;
        OF(window_reset)(&window);
        for (t = 0; t < SEQ; t++) {
            if (OF(window_push)(&window, x + t * INPUT_SIZE, y) > 0) {
                print_answer(TEXT(MODEL) " window", y, OUTPUT_SIZE);
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
#undef JOIN_
#undef JOIN
#undef OF
#undef TEXT_
#undef TEXT
