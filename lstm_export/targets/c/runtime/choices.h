/* The choices of the runtime, all of them. As it stands it holds every part; for a model the writer
   says 0 or 1 to each, and decides every `#if` that asks for them before a user sees the text. */
#ifndef MODEL_CHOICES_H
#define MODEL_CHOICES_H

#ifndef MODEL_BITS
/* Of a recurrent weight: 32 is float; 16 and 8 are whole numbers that share words of 32 bits. */
#define MODEL_BITS 32
#endif

typedef char model_bits_are_known[MODEL_BITS == 32 || MODEL_BITS == 16 || MODEL_BITS == 8 ? 1 : -1];

/* What the model offers. */
#ifndef MODEL_STREAMS
#define MODEL_STREAMS 1 /* it has single steps; a model that looks ahead has whole sequences only */
#endif
#ifndef MODEL_EVERY_STEP
#define MODEL_EVERY_STEP 1 /* it answers at every step of a sequence; otherwise for the last one */
#endif
#ifndef MODEL_WINDOWS
#define MODEL_WINDOWS 1 /* it was trained on windows of a known size: model_window */
#endif
#ifndef MODEL_LAST_STEPS
#define MODEL_LAST_STEPS 1 /* it answers from several last steps at once, and needs so many */
#endif
#ifndef MODEL_INITIAL_STATE
#define MODEL_INITIAL_STATE 1 /* its first state was learned and is in model_initial; otherwise zeros */
#endif
#ifndef MODEL_SELF_TEST
#define MODEL_SELF_TEST 1 /* model_self_test and its vectors */
#endif

#ifndef MODEL_INTEGER
#define MODEL_INTEGER 0 /* it computes in whole numbers: integer.h takes the place of model.h */
#endif
#ifndef MODEL_FLOATS
#define MODEL_FLOATS 1 /* floats to counts and back, for a model in whole numbers */
#endif

/* Stages that it has. */
#ifndef MODEL_LSTM
#define MODEL_LSTM 1
#endif
#ifndef MODEL_PROJECTION
#define MODEL_PROJECTION 1 /* an LSTM with proj_size */
#endif
#ifndef MODEL_GRU
#define MODEL_GRU 1
#endif
#ifndef MODEL_RNN
#define MODEL_RNN 1
#endif
#ifndef MODEL_LINEAR
#define MODEL_LINEAR 1
#endif
#ifndef MODEL_NORMALIZE
#define MODEL_NORMALIZE 1 /* Affine: (x - offset) / scale */
#endif
#ifndef MODEL_DENORMALIZE
#define MODEL_DENORMALIZE 1 /* Affine, inverse: x * scale + offset */
#endif
#ifndef MODEL_LAYER_NORM
#define MODEL_LAYER_NORM 1
#endif
#ifndef MODEL_RMS_NORM
#define MODEL_RMS_NORM 1
#endif
#ifndef MODEL_PRELU
#define MODEL_PRELU 1
#endif
#ifndef MODEL_REPLACE
#define MODEL_REPLACE 1
#endif
#ifndef MODEL_JOIN_ADD
#define MODEL_JOIN_ADD 1
#endif
#ifndef MODEL_JOIN_SUBTRACT
#define MODEL_JOIN_SUBTRACT 1
#endif
#ifndef MODEL_JOIN_MULTIPLY
#define MODEL_JOIN_MULTIPLY 1
#endif
#ifndef MODEL_JOIN_DIVIDE
#define MODEL_JOIN_DIVIDE 1
#endif
#ifndef MODEL_JOIN_CONCAT
#define MODEL_JOIN_CONCAT 1
#endif
#ifndef MODEL_SLICE
#define MODEL_SLICE 1
#endif
#ifndef MODEL_POOL_MEAN
#define MODEL_POOL_MEAN 1
#endif
#ifndef MODEL_POOL_MAX
#define MODEL_POOL_MAX 1
#endif
#ifndef MODEL_POOL_FIRST
#define MODEL_POOL_FIRST 1
#endif
#ifndef MODEL_POOL_SUM
#define MODEL_POOL_SUM 1
#endif
#ifndef MODEL_POOL_CORRECTED_MEAN
#define MODEL_POOL_CORRECTED_MEAN 1 /* Pool: a mean whose divisor is one step less */
#endif

/* Activations that it has between stages. */
#ifndef MODEL_TANH
#define MODEL_TANH 1
#endif
#ifndef MODEL_SIGMOID
#define MODEL_SIGMOID 1
#endif
#ifndef MODEL_SILU
#define MODEL_SILU 1
#endif
#ifndef MODEL_GELU
#define MODEL_GELU 1
#endif
#ifndef MODEL_GELU_TANH
#define MODEL_GELU_TANH 1
#endif
#ifndef MODEL_RELU
#define MODEL_RELU 1
#endif
#ifndef MODEL_LEAKY_RELU
#define MODEL_LEAKY_RELU 1
#endif
#ifndef MODEL_ELU
#define MODEL_ELU 1
#endif
#ifndef MODEL_SOFTPLUS
#define MODEL_SOFTPLUS 1
#endif
#ifndef MODEL_CLAMP
#define MODEL_CLAMP 1
#endif
#ifndef MODEL_MISH
#define MODEL_MISH 1
#endif
#ifndef MODEL_SELU
#define MODEL_SELU 1
#endif
#ifndef MODEL_CELU
#define MODEL_CELU 1
#endif
#ifndef MODEL_HARDSWISH
#define MODEL_HARDSWISH 1
#endif
#ifndef MODEL_HARDSIGMOID
#define MODEL_HARDSIGMOID 1
#endif
#ifndef MODEL_SOFTSIGN
#define MODEL_SOFTSIGN 1
#endif
#ifndef MODEL_SQRT
#define MODEL_SQRT 1
#endif

#ifndef MODEL_SPLIT_WEIGHTS
#define MODEL_SPLIT_WEIGHTS 1 /* weights that an AVR does not take in one array */
#endif

/* What it needs in whole numbers. */
#ifndef MODEL_FAR
#define MODEL_FAR 1 /* more constants than an AVR reads */
#endif
#ifndef MODEL_BLOCKS
#define MODEL_BLOCKS 1 /* its chain can be computed in blocks of steps, and of sequences */
#endif
#ifndef MODEL_SUMS_UP
#define MODEL_SUMS_UP 1 /* sums of a gate with fewer than 20 bits after the point */
#endif
#ifndef MODEL_NARROWED
#define MODEL_NARROWED 1 /* int32 that becomes int16 between stages */
#endif
#ifndef MODEL_ALIGN
#define MODEL_ALIGN 1 /* values that are brought to a common format, to be added */
#endif
#ifndef MODEL_OFFSET
#define MODEL_OFFSET 1 /* wide values that are counted from another zero */
#endif
#ifndef MODEL_SCALE
#define MODEL_SCALE 1 /* Affine: v * multiplier / 2^shift + offset */
#endif
#ifndef MODEL_TABLE
#define MODEL_TABLE 1 /* a function by a table of its own */
#endif

#endif
