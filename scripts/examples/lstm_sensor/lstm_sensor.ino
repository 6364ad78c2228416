/* An Arduino sketch: a sample a tenth of a second, and its answer on the serial line.

       lstm-export c model.pt -o model_c --name model

   Put model.h and model.c beside this file. A board with 256 kB of flash holds a model of 50 units in float32, one with
   64 kB in int8 (--weights int8). To compile and run it on a PC, with a stub in place of the board:

       g++ -std=c++11 -O2 -Wall -Wextra -Werror -Imodel_c -Iexamples/arduino_stub -include Arduino.h \
           -x c++ examples/lstm_sensor/lstm_sensor.ino examples/arduino_stub/board.cpp model_c/model.c -o sketch
       ./sketch */
#include "model.h"

static model_state state;
static float x[MODEL_INPUT_SIZE], y[MODEL_OUTPUT_SIZE];

void setup()
{
    Serial.begin(115200);
    model_reset(&state);
}

void loop()
{
    for (int k = 0; k < MODEL_INPUT_SIZE; k++) {
        x[k] = analogRead(A0 + k) * (3.3f / 1023.0f); // in volts: feed what the model was trained on
    }
    model_step(&state, x, y);
    for (int k = 0; k < MODEL_OUTPUT_SIZE; k++) {
        Serial.println(y[k], 6);
    }
    delay(100);
}
