#!/usr/bin/env bash
# The ONNX file that Keras on PyTorch exports of an LSTM reads the first step of a window alone.
#
# Behaviour  `export(format="onnx")` unrolls an LSTM or GRU over the steps of a sample of its own,
#            which has one step where the time axis of the model is open. The file then declares
#            that axis open, takes windows of any length, and answers each as if it ended after its
#            first step; with `return_sequences` it answers one step. Nothing warns. With a fixed
#            number of steps the file is right.
# Expected   every step is read, or an axis of one step that refuses longer windows
# Seen       keras 3.15.1, torch 2.13.0, onnxscript 0.7.2, onnx 1.23.2, onnxruntime 1.32.0
#            LSTM: x (batch, dim_0_1, 3), 6 steps 1e-01 off, 1e-07 off from the first step alone
#            GRU: x (batch, dim_0_1, 3), 6 steps 1e+00 off, 6e-08 off from the first step alone
#            LSTM of 6 steps: x (batch, 6, 3), 6 steps 2e-07 off
pins=(keras==3.15.1 torch==2.13.0 onnxscript==0.7.2 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

KERAS_BACKEND=torch "$python" -W ignore 2>log <<'PY' || { tail -1 log; exit 1; }
import keras
import numpy as np
import onnx
from keras import layers
from tiny_onnx import answers, changed

rng = np.random.default_rng(0)
x = rng.normal(size=(2, 6, 3)).astype(np.float32)  # (batch, seq, input_size)


def exported(layer, steps):
    """The model of one recurrent layer and a Dense, and its file."""
    model = keras.Sequential([keras.Input((steps, 3)), layer, layers.Dense(1)])
    for weight in model.weights:
        weight.assign(rng.normal(0, 0.5, weight.shape))
    model(x)
    model.export("model.onnx", format="onnx", verbose=False)
    return model, onnx.load("model.onnx")


def away(model, file):
    """How far the file is from the model, and from what the model says of the first step alone."""
    (given,) = file.graph.input
    found = answers(file, **{given.name: x})[0]
    every_step = np.abs(found - keras.ops.convert_to_numpy(model(x))).max()
    first_step = np.abs(found - keras.ops.convert_to_numpy(model(x[:, :1]))).max()
    axes = [axis.dim_param or str(axis.dim_value) for axis in given.type.tensor_type.shape.dim]
    return f"x ({', '.join(axes)}), 6 steps {every_step:.0e} off", every_step, first_step


for kind in (layers.LSTM, layers.GRU):
    shown, every_step, first_step = away(*exported(kind(4), None))
    print(f"{kind.__name__}: {shown}, {first_step:.0e} off from the first step alone")
    if every_step < 1e-3 or first_step > 1e-5:
        changed(kind.__name__)

shown, every_step, _ = away(*exported(layers.LSTM(4), 6))
print(f"LSTM of 6 steps: {shown}")
if every_step > 1e-5:
    changed("a fixed number of steps")
PY
