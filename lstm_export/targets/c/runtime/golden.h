/* The vectors of model_self_test. An example: the writer puts the model's own in its place. */
#ifndef MODEL_GOLDEN_H
#define MODEL_GOLDEN_H

#include "vectors.h"

#define MODEL_TEST_COUNT 4
#define MODEL_TEST_LONGEST 8

MODEL_STATIC const unsigned model_test_steps[] MODEL_FLASH = {1, 8, 5, 5};
MODEL_STATIC const float model_test_x[] MODEL_FLASH = {
    -0.535669386f, 5.65557575f, -18.9958229f, -11.3269053f, -32.7343826f, -38.3304062f, 18.912344f, 17.4349747f,
    38.8367653f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 3.0f, 3.0f,
    3.0f, -3.0f, 3.0f,
};
MODEL_STATIC const float model_test_y[] MODEL_FLASH = {
    -0.20961462f, 1.47650695f, 0.25f, 0.250014514f, 0.25f, 0.25f, 1.78669071f, 1.81301367f,
    1.77340329f, -0.253354132f, -0.0336914994f, 0.073911719f, 0.142599359f, 0.184787035f, 1.11371386f, 1.77986336f,
    1.99171865f, 0.345663756f, 1.96030354f,
};
MODEL_STATIC const float model_test_bounds[] MODEL_FLASH = {
    2.38252755e-06f, 5.10085056e-06f, 5.01144359e-06f, 5.01144359e-06f, 5.01144359e-06f, 5.01144359e-06f, 5.10085056e-06f, 5.10085056e-06f,
    5.10085056e-06f, 2.56229964e-06f, 2.53622261e-06f, 2.5399479e-06f, 2.54739848e-06f, 2.54739848e-06f, 6.22612788e-06f, 6.22612788e-06f,
    6.22612788e-06f, 6.13672091e-06f, 6.22612788e-06f,
};

#endif
