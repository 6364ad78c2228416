"""What the int8 LSTM of TensorFlow Lite for Microcontrollers costs on a trained model.

Model and windows are those of c_integer_error.py. The wheel tflite-micro runs files and makes none;
with the schema that it brings this writes one: the layers with int8 weights, a scale a matrix, h in
int8, c in int16 by a power of two, every range as seen on these windows, so that nothing is cut.
All else of the model is computed in float64, so that the error is that of the layers. Writes it
into docs/c_integer.md.

    pip install tflite-micro==0.dev20261023182759
    python -m scripts.study.tflite_micro_error
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_export.bench.machine import machine, machine_text
from lstm_export.model import LSTM, Array, Cell, Model, forward
from lstm_export.model.forward import Partway, advance, begin
from lstm_export.model.forward.activations import sigmoid
from lstm_export.model.forward.context import Value
from lstm_export.model.gates import PYTORCH_GATES
from scripts.docs.block import write_block
from scripts.study.c_integer_error import PAGE, WINDOWS, trained_model, windows_of

# The order in which the operator takes its gates.
GATES = ("input", "forget", "cell", "output")
NONE = -1  # an input that is not there: peepholes, projections, norms
ARENA_BYTES = 1_000_000
KINDS = {"int8": np.int8, "int16": np.int16, "int32": np.int32}


@dataclass(frozen=True)
class Format:
    """A value is `scale * (whole number - zero)`."""

    scale: float
    zero: int = 0

    @classmethod
    def of_values(cls, values: Array) -> Format:
        """int8 from the least to the largest of them, and 0."""
        low = min(float(values.min()), 0.0)
        scale = (max(float(values.max()), 0.0) - low) / 255
        return cls(scale, round(-128 - low / scale))

    @classmethod
    def of_weights(cls, weights: Array) -> Format:
        """int8, 0 is 0."""
        return cls(float(np.abs(weights).max()) / 127)

    @classmethod
    def of_cells(cls, c: Array) -> Format:
        """int16, by a power of two."""
        return cls(2.0 ** (np.ceil(np.log2(np.abs(c).max())) - 15))

    def whole(self, values: Array, kind: str) -> Array:
        """The values as whole numbers."""
        limits = np.iinfo(KINDS[kind])
        counts = np.rint(values / self.scale) + self.zero
        return np.clip(counts, limits.min, limits.max).astype(KINDS[kind])

    def values(self, counts: Array) -> Array:
        """The inverse, float64."""
        found: Array = self.scale * (counts.astype(np.float64) - self.zero)
        return found


class File:
    """A .tflite file while it is written."""

    def __init__(self) -> None:
        from tflite_micro.tensorflow.lite.micro.python import schema_py_generated

        self.schema = schema_py_generated
        self.graph = self.schema.SubGraphT()
        self.graph.tensors = []
        self.graph.operators = []
        self.buffers = [self.schema.BufferT()]  # the first one is empty

    def tensor(self, shape: tuple[int, ...], kind: str, format_: Format) -> int:
        """A tensor without data; its number."""
        tensor = self.schema.TensorT()
        tensor.shape = list(shape)
        tensor.type = vars(self.schema.TensorType)[kind.upper()]
        tensor.name = f"t{len(self.graph.tensors)}".encode()
        tensor.quantization = self.schema.QuantizationParametersT()
        tensor.quantization.scale = [format_.scale]
        tensor.quantization.zeroPoint = [format_.zero]
        tensor.buffer = 0
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def constant(self, values: Array, kind: str, format_: Format) -> int:
        """A tensor with data."""
        number = self.tensor(values.shape, kind, format_)
        buffer = self.schema.BufferT()
        buffer.data = np.frombuffer(format_.whole(values, kind).tobytes(), np.uint8)
        self.buffers.append(buffer)
        self.graph.tensors[number].buffer = len(self.buffers) - 1
        return number

    def variable(self, size: int, kind: str, format_: Format) -> int:
        """A tensor that is kept from call to call."""
        number = self.tensor((1, size), kind, format_)
        self.graph.tensors[number].isVariable = True
        return number

    def lstm(self, inputs: list[int], output: int) -> None:
        """A UNIDIRECTIONAL_SEQUENCE_LSTM."""
        operator = self.schema.OperatorT()
        operator.inputs = inputs
        operator.outputs = [output]
        operator.builtinOptionsType = self.schema.BuiltinOptions.UnidirectionalSequenceLSTMOptions
        options = self.schema.UnidirectionalSequenceLSTMOptionsT()
        options.fusedActivationFunction = self.schema.ActivationFunctionType.TANH
        operator.builtinOptions = options
        self.graph.operators.append(operator)

    def data(self, x: int, h: int) -> bytes:
        """The whole file, from x to h."""
        import flatbuffers

        self.graph.inputs = [x]
        self.graph.outputs = [h]
        model = self.schema.ModelT()
        model.version = 3
        code = self.schema.OperatorCodeT()
        code.builtinCode = self.schema.BuiltinOperator.UNIDIRECTIONAL_SEQUENCE_LSTM
        code.deprecatedBuiltinCode = code.builtinCode
        model.operatorCodes = [code]
        model.subgraphs = [self.graph]
        model.buffers = self.buffers
        builder = flatbuffers.Builder(0)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


@dataclass(frozen=True)
class Written:
    """A file, and what its input and output mean."""

    data: bytes
    x: Format
    h: Format


def written(stage: LSTM, seen: Array) -> Written:
    """The layers of a stage, with ranges as seen on its input `(batch, seq, input_size)`."""
    file = File()
    steps = seen.shape[1]
    x = Format.of_values(seen)
    value = first = file.tensor((1, *seen.shape[1:]), "int8", x)
    taken = x
    for (cell,) in stage.layers():
        every_h, every_c = states_of(cell, seen)
        h = Format.of_values(every_h)
        weights = list(weights_of(cell, taken, file))
        state = [
            file.variable(stage.hidden_size, "int8", h),
            file.variable(stage.hidden_size, "int16", Format.of_cells(every_c)),
        ]
        output = file.tensor((1, steps, stage.hidden_size), "int8", h)
        file.lstm([value, *weights, NONE, NONE, *state, *4 * [NONE]], output)
        seen = every_h
        value = output
        taken = h
    return Written(file.data(first, value), x, taken)


def weights_of(cell: Cell, x: Format, file: File) -> Iterator[int]:
    """Of every gate what x and h are multiplied with, no peepholes, and the biases."""
    size = len(cell.c0)
    rows = {gate: slice(k * size, (k + 1) * size) for k, gate in enumerate(PYTORCH_GATES)}
    formats = {}
    for weight in (cell.weight_ih, cell.weight_hh):
        for gate in GATES:
            of_gate = np.asarray(weight[rows[gate]], np.float64)
            format_ = Format.of_weights(of_gate)
            formats.setdefault(gate, format_)  # the first is that of x
            yield file.constant(of_gate, "int8", format_)
    yield from 3 * [NONE]
    bias = np.asarray(cell.bias_ih, np.float64) + cell.bias_hh
    for gate in GATES:
        yield file.constant(bias[rows[gate]], "int32", Format(x.scale * formats[gate].scale))


def states_of(cell: Cell, x: Array) -> tuple[Array, Array]:
    """Every h and c of a layer in float64, `(batch, seq, hidden_size)` each."""
    h = np.repeat(cell.h0[np.newaxis].astype(np.float64), len(x), axis=0)
    c = np.repeat(cell.c0[np.newaxis].astype(np.float64), len(x), axis=0)
    every_h = []
    every_c = []
    for x_t in x.swapaxes(0, 1):
        sums = x_t @ cell.weight_ih.T + h @ cell.weight_hh.T + cell.bias_ih + cell.bias_hh
        i, f, g, o = np.split(sums, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        every_h.append(h)
        every_c.append(c)
    return np.stack(every_h, axis=1), np.stack(every_c, axis=1)


def run(file: Written, x: Array) -> Array:
    """Every h of the last layer, sequence by sequence from the initial state."""
    from tflite_micro.python.tflite_micro import runtime

    interpreter: Any = runtime.Interpreter.from_bytes(file.data, arena_size=ARENA_BYTES)
    found = []
    for sequence in file.x.whole(x, "int8"):
        interpreter.reset()
        interpreter.set_input(sequence[np.newaxis], 0)
        interpreter.invoke()
        found.append(file.h.values(interpreter.get_output(0))[0])
    return np.stack(found)


def before(model: Model, x: Array) -> tuple[Partway, LSTM]:
    """A model computed up to its LSTM."""
    partway = begin(x)
    for stage in model.stages:
        if isinstance(stage, LSTM):
            return partway, stage
        partway = advance(partway, stage)
    raise SystemExit("the model has no LSTM")


def after(partway: Partway, model: Model, lstm: LSTM, h: Array) -> Array:
    """The answers, with h `(batch, seq, hidden_size)` in the place of the LSTM's own."""
    stages = list(model.stages)
    partway = advance(partway, lstm)
    steps = h.swapaxes(0, 1)
    values = {**partway.values, lstm.name: Value(steps, np.abs(steps))}
    partway = partway._replace(y=steps, values=values)
    for stage in stages[stages.index(lstm) + 1 :]:
        partway = advance(partway, stage)
    return partway.y


def main() -> None:
    """Write the file, run it, compare."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    model = trained_model().model
    windows = windows_of(model)
    exact = forward(model, windows).y[:, 0]
    partway, lstm = before(model, windows)
    x = partway.y.swapaxes(0, 1)  # (windows, seq, input_size)
    h = run(written(lstm, x), x)
    error = np.abs(after(partway, model, lstm, h)[:, 0] - exact)
    rms = float(np.sqrt((error**2).mean()))
    share = f"{error.max() / exact.std():.1e} and {rms / exact.std():.1e} of the spread"
    where = machine_text(machine("numpy", "tflite-micro"))
    told = f"{error.max():.3g} vehicles/h at most, {rms:.3g} rms: {share}."
    lines = ["", f"{told} {WINDOWS:,} windows; {where}.", ""]
    print(*lines, sep="\n")
    write_block(PAGE, "tflite-micro", lines)


if __name__ == "__main__":
    main()
