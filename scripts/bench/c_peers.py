"""The runtimes that c_latency.py times beside generated C, each the fastest way that it offers.

In a step everything is bound before and the state changes places between two sets of buffers.
LiteRT has no such binding: its step is `invoke` alone, without carrying the state from its outputs
to its inputs, which flatters it. OpenVINO gets graphs of fixed shapes, which it runs faster.
LiteRT's files, of steps only, are made by scripts/bench/litert_files.py.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from torch import nn

from lstm_export import targets
from lstm_export.model import LSTM, Array, LastStep, Linear, Model, Signature

Shape = tuple[int, int]  # batch, seq
MODELS = {"A": (10, 50, 2, 1), "B": (1, 40, 1, 1), "C": (7, 128, 2, 24), "E": (16, 256, 1, 1)}
STEP: Shape = (1, 1)  # a step with carried state
ORT = "ORT float32"
ORT_INT8 = "ORT int8"
TORCH = "torch"
OPENVINO = "OpenVINO"
LITERT = "LiteRT"


@dataclass(frozen=True)
class Work:
    """What is timed, and what it computes.

    Attributes:
        repeat: does the work so many times.
        answers: `x (rows, seq, input_size)` -> `y (rows, output_size)`, every row from the initial
            state; steps are taken one after the other.
    """

    repeat: Callable[[int], object]
    answers: Callable[[Array], Array]


@dataclass(frozen=True)
class Case:
    """One model at one shape.

    Attributes:
        name: of MODELS.
        folder: for files.
        litert: where `NAME.tflite` are.
    """

    name: str
    model: Model
    shape: Shape
    folder: Path
    litert: Path | None = None

    @cached_property
    def x(self) -> Array:
        """What is timed: float32 `(batch, seq, input_size)`; of a step `(64, 1, input_size)`."""
        rows = (64, 1) if self.shape == STEP else self.shape
        x = np.random.default_rng(1).standard_normal((*rows, self.model.signature.input_size))
        return x.astype(np.float32)


def drawn(name: str) -> Model:
    """Weights as torch draws them."""
    rnn, head = modules(name)
    arrays = [
        {key: value.detach().numpy() for key, value in module.named_parameters()}
        for module in (rnn, head)
    ]
    stages = (LSTM("lstm", arrays[0]), LastStep("last"), Linear("fc", **arrays[1]))
    return Model(stages, Signature(MODELS[name][0], MODELS[name][3]))


def modules(name: str) -> tuple[nn.LSTM, nn.Linear]:
    """The same weights in PyTorch's modules."""
    inputs, hidden, layers, outputs = MODELS[name]
    torch.manual_seed(0)
    return nn.LSTM(inputs, hidden, layers, batch_first=True).eval(), nn.Linear(
        hidden, outputs
    ).eval()


def peers(case: Case) -> dict[str, Work]:
    """All that are installed and take the shape."""
    plain, small = _onnx(case)
    found = {
        ORT: in_onnxruntime(plain, case),
        ORT_INT8: in_onnxruntime(small, case),
        TORCH: in_torch(case),
    }
    missing = absent(case.litert)
    if OPENVINO not in missing:
        found[OPENVINO] = in_openvino(plain, case)
    if LITERT not in missing and case.shape == STEP:
        found[LITERT] = in_litert(case)
    return found


def absent(litert: Path | None) -> dict[str, str]:
    """Which peers cannot be timed, and what brings them."""
    missing = {}
    if not importlib.util.find_spec("openvino"):
        missing[OPENVINO] = "pip install openvino"
    if not importlib.util.find_spec("ai_edge_litert") or not litert:
        missing[LITERT] = (
            "scripts/bench/c_peers.sh installs it, converts the models (2 GB) and times all"
        )
    return missing


def _onnx(case: Case) -> tuple[Path, Path]:
    """Our ONNX file, with the state outside for a step, and the same with its LSTM in int8."""
    from onnxruntime.quantization import quantize_dynamic

    target = "onnx-stream" if case.shape == STEP else "onnx"
    plain, small = (case.folder / f"{case.name}.{target}{kind}.onnx" for kind in ("", ".int8"))
    targets.get(target).export(case.model, plain)
    quantize_dynamic(str(plain), str(small), op_types_to_quantize=["LSTM"])
    return plain, small


def in_onnxruntime(file: Path, case: Case) -> Work:
    """Sequences by `run`, a step by two bindings."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    if case.shape == STEP:
        return _steps_in_onnxruntime(session)
    feed = {"x": case.x}
    return Work(
        lambda calls: [session.run(None, feed) for _ in range(calls)],
        lambda x: _by_batches(x, case.shape[0], lambda rows: session.run(None, {"x": rows})[0]),
    )


def _steps_in_onnxruntime(session: ort.InferenceSession) -> Work:
    inputs = session.get_inputs()
    outputs = session.get_outputs()
    value = {
        port.name: ort.OrtValue.ortvalue_from_numpy(_zeros(port.shape))
        for port in (*inputs, *outputs)
    }
    sides = []
    for turn in _turns([port.name for port in inputs], [port.name for port in outputs]):
        binding = session.io_binding()
        for port in inputs:
            binding.bind_ortvalue_input(port.name, value[turn[port.name]])
        for port in outputs:
            binding.bind_ortvalue_output(port.name, value[turn[port.name]])
        sides.append(binding)

    def step(n: int, x_t: Array) -> Array:
        value["x"].update_inplace(x_t.reshape(1, 1, -1))
        session.run_with_iobinding(sides[n % 2])
        return value[outputs[0].name].numpy().copy()

    def reset() -> None:
        for port in inputs[1:]:
            value[port.name].update_inplace(_zeros(port.shape))

    call = session.run_with_iobinding
    return Work(
        lambda calls: [call(sides[n % 2]) for n in range(calls)],
        lambda x: _by_steps(x, reset, step),
    )


def in_openvino(file: Path, case: Case) -> Work:
    """One stream of one thread in float32; a step by two requests."""
    import openvino

    compiled = _compiled_by_openvino(file, case)
    ports = (*compiled.inputs, *compiled.outputs)
    inputs = [port.any_name for port in compiled.inputs]
    outputs = [port.any_name for port in compiled.outputs]
    value = {port.any_name: openvino.Tensor(_zeros(_sizes(port))) for port in ports}
    sides = []
    for turn in _turns(inputs, outputs):
        request = compiled.create_infer_request()
        for name in (*inputs, *outputs):
            request.set_tensor(name, value[turn[name]])
        sides.append(request)

    def step(n: int, x: Array) -> Array:
        value["x"].data[:] = x.reshape(value["x"].data.shape)
        sides[n % 2].infer()
        return value[outputs[0]].data.copy()

    def reset() -> None:
        for name in inputs[1:]:
            value[name].data[:] = 0

    def answers(x: Array) -> Array:
        if case.shape == STEP:
            return _by_steps(x, reset, step)
        return _by_batches(x, case.shape[0], lambda rows: step(0, rows))

    value["x"].data[:] = case.x[: case.shape[0]]
    calls = [request.infer for request in sides]
    return Work(lambda times: [calls[n % 2]() for n in range(times)], answers)


def _compiled_by_openvino(file: Path, case: Case) -> Any:
    """The graph with its shapes fixed."""
    import openvino

    core = openvino.Core()
    graph = core.read_model(str(file))
    sizes = {port.any_name: list(_zeros(_sizes(port)).shape) for port in graph.inputs}
    sizes["x"] = [*case.shape, case.x.shape[2]]
    graph.reshape(sizes)
    hints = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
    return core.compile_model(graph, "CPU", {**hints, "PERFORMANCE_HINT": "LATENCY"})


def in_litert(case: Case) -> Work:
    """A step, `(x, h, c) -> (y, h, c)`, with the delegate that it takes by itself."""
    from ai_edge_litert.interpreter import Interpreter

    assert case.litert  # noqa: S101 - `absent` has seen to it
    interpreter = Interpreter(str(case.litert / f"{case.name}.tflite"), num_threads=1)
    interpreter.allocate_tensors()
    inputs, outputs = (
        [port["index"] for port in sorted(ends, key=lambda port: port["name"])]
        for ends in (interpreter.get_input_details(), interpreter.get_output_details())
    )

    def step(_: int, x_t: Array) -> Array:
        interpreter.set_tensor(inputs[0], x_t.reshape(1, 1, -1))
        interpreter.invoke()
        y, *state = (interpreter.get_tensor(index) for index in outputs)
        for index, values in zip(inputs[1:], state, strict=True):
            interpreter.set_tensor(index, values)
        return y

    def reset() -> None:
        for index in inputs[1:]:
            interpreter.set_tensor(index, np.zeros_like(interpreter.get_tensor(index)))

    call = interpreter.invoke
    return Work(lambda calls: [call() for _ in range(calls)], lambda x: _by_steps(x, reset, step))


def in_torch(case: Case) -> Work:
    """Eager PyTorch without gradients."""
    rnn, head = modules(case.name)
    given = torch.from_numpy(case.x)
    zero = torch.zeros(rnn.num_layers, 1, rnn.hidden_size)
    state = [(zero, zero)]

    def run(x: torch.Tensor) -> torch.Tensor:
        return head(rnn(x)[0][:, -1])

    def step(x: torch.Tensor) -> torch.Tensor:
        y, state[0] = rnn(x, state[0])
        return head(y[:, -1])

    def repeat(calls: int) -> None:
        call = step if case.shape == STEP else run
        x = given[:1] if case.shape == STEP else given
        with torch.inference_mode():
            for _ in range(calls):
                call(x)

    def reset() -> None:
        state[0] = (zero, zero)

    def answers(x: Array) -> Array:
        with torch.inference_mode():
            if case.shape == STEP:
                return _by_steps(
                    x, reset, lambda _, x_t: step(torch.from_numpy(x_t).reshape(1, 1, -1)).numpy()
                )
            return _by_batches(x, case.shape[0], lambda rows: run(torch.from_numpy(rows)).numpy())

    return Work(repeat, answers)


def _turns(inputs: list[str], outputs: list[str]) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Which buffer each name takes in even and in odd steps: the state changes places."""
    same = {name: name for name in (*inputs, *outputs)}
    swapped = dict(zip((*inputs[1:], *outputs[1:]), (*outputs[1:], *inputs[1:]), strict=True))
    return same, {**same, **swapped}


def _by_steps(x: Array, reset: Callable[[], object], step: Callable[[int, Array], Array]) -> Array:
    rows = []
    for row in x:
        reset()
        rows.append([step(n, x_t) for n, x_t in enumerate(row)][-1])
    return np.concatenate(rows)


def _by_batches(x: Array, batch: int, run: Callable[[Array], Array]) -> Array:
    return np.concatenate([run(x[first : first + batch]) for first in range(0, len(x), batch)])


def _sizes(port: Any) -> list[int]:
    return [1 if size.is_dynamic else size.get_length() for size in port.partial_shape]


def _zeros(shape: list[Any]) -> Array:
    return np.zeros([size if isinstance(size, int) else 1 for size in shape], np.float32)
