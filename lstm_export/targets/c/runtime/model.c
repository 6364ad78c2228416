/* The whole runtime, in the order in which NAME.c holds it. */
#ifndef MODEL_C_H
#define MODEL_C_H

#include "model.h"
#include "activations.c"
#include "dense.c"
#include "gru.c"
#include "joins.c"
#include "lstm.c"
#include "pools.c"
#include "rnn.c"
#include "chain.h"
#include "api.c"
#include "window.c"
#include "self_test.c"

#endif
