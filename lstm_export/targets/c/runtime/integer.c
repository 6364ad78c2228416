/* The whole integer runtime, in the order in which NAME.c holds it. */
#ifndef MODEL_INTEGER_C_H
#define MODEL_INTEGER_C_H

#include "integer.h"
#include "integer_rows.c"
#include "integer_sizes.h"
#include "integer_gates.c"
#include "integer_layers.c"
#include "integer_stages.c"
#include "integer_blocks.c"
#include "integer_joins.c"
#include "integer_chain.h"
#include "integer_api.c"
#include "window.c"
#include "integer_self_test.c"

#endif
