"""Time generated C against ONNX Runtime and PyTorch: a step, a sequence, a batch; one thread; in turns in one process.

Four models with random weights. Generated C passes the parity rule first, with int16 and int8 weights against the same
rounded weights; the errors of all are shown. C is called in a loop in C, the others through their own Python calls,
ONNX Runtime's step by two bindings whose state changes places. Ratios are medians over the rounds of one engine's time
in units of another's in the same round. The share of the limit is that of the core's measured multiply-add peak, or of
the rate at which it reads as many bytes as the weights have again and again, whichever allows less.

    python scripts/bench_c.py [--json FILE]
"""

from __future__ import annotations

import ctypes
import logging
import os
import shlex
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from benchmark import machine, report
from torch import nn

from lstm_export import targets
from lstm_export.model import LSTM, Array, LastStep, Linear, Model, Signature, forward
from lstm_export.model.torch_module import to_module
from lstm_export.parity import check, golden_sets
from lstm_export.targets.c.compiler import FLAGS, NATIVE, compiler, library
from lstm_export.targets.c.interface import Interface
from lstm_export.targets.c.layout import BITS, rounded
from lstm_export.targets.c.runner import CRunner
from lstm_export.targets.c.source import write

MODELS = {"A": (10, 50, 2, 1), "B": (1, 40, 1, 1), "C": (7, 128, 2, 24), "E": (16, 256, 1, 1)}
SHAPES = ((1, 1), (1, 100), (32, 100))  # (1, 1) is a step with carried state
ROUNDS, BLOCK_S = 9, 0.02
FLOAT, INT16, INT8, ORT, ORT_INT8, TORCH = "C float32", "C int16", "C int8", "ORT float32", "ORT int8", "torch"

# At least this many times faster, with AVX-512: our engine, the peer (or the faster of two), model -> times.
GOALS = {
    (1, 1): [
        (FLOAT, (ORT,), {"A": 10, "B": 45, "C": 4, "E": 2.4}),
        (INT16, (ORT,), {"A": 14}),
        (INT16, (ORT_INT8,), {"C": 3.5, "E": 2.4}),
    ],
    (1, 100): [(FLOAT, (ORT,), {"A": 2.1, "B": 3.2, "C": 1.5, "E": 1.5}), (INT16, (ORT_INT8,), {"C": 1, "E": 1})],
    (32, 100): [(FLOAT, (ORT, TORCH), {"A": 1.7, "B": 2.1, "C": 1.15, "E": 1.1})],
}


@dataclass(frozen=True)
class Work:
    """A function that does the work `calls` times."""

    repeat: Callable[[int], object]


def drawn(name: str) -> Model:
    """Weights as torch draws them."""
    inputs, hidden, layers, outputs = MODELS[name]
    torch.manual_seed(0)
    arrays = [
        {key: value.detach().numpy() for key, value in module.named_parameters()}
        for module in (nn.LSTM(inputs, hidden, layers), nn.Linear(hidden, outputs))
    ]
    stages = (LSTM("lstm", arrays[0]), LastStep("last"), Linear("fc", **arrays[1]))
    return Model(stages, Signature(inputs, outputs))


def loops(folder: Path) -> ctypes.CDLL:
    """bench_c.c, compiled like the generated C."""
    source, built = Path(__file__).with_suffix(".c"), folder / "loops.so"
    flags = (*FLAGS, NATIVE, f"-DBYTES={vector_bytes()}", *shlex.split(os.environ.get("CFLAGS", "")))
    subprocess.run([*compiler(), *flags, str(source), "-o", str(built)], check=True)
    found = ctypes.CDLL(str(built))
    for function in (found.multiply_adds, found.read_all):
        function.restype = ctypes.c_float
    return found


def vector_bytes() -> int:
    """As the generated C chooses them."""
    done = subprocess.run(
        [*compiler(), NATIVE, "-x", "c", "-dM", "-E", os.devnull], check=True, capture_output=True, text=True
    )
    return 64 if "__AVX512F__" in done.stdout else 32 if "__AVX__" in done.stdout else 16


def in_c(model: Model, weights: str, loop: ctypes.CDLL, x: Array, shape: tuple[int, int]) -> Work:
    """Generated C, called from a loop in C."""
    interface = Interface.of(model, "model", self_test=False)
    path = library({"model.c": write(model, interface, weights).c, "model.h": interface.header()})
    functions, (batch, seq) = ctypes.CDLL(str(path)), shape
    functions.model_scratch_floats.restype = ctypes.c_size_t
    y = np.empty((batch, model.signature.output_size), np.float32)
    if shape == (1, 1):
        state = np.zeros(interface.state_size + 1, np.float32)
        functions.model_reset(_at(state))
        inputs = ctypes.c_size_t(model.signature.input_size)
        fixed = (functions.model_step, _at(state), _at(x), _at(y), inputs, ctypes.c_size_t(len(x)))
        kept = (state, x, y)
        return Work(lambda calls: (loop.repeat_step(*fixed, ctypes.c_size_t(calls)), kept))
    scratch = np.empty(functions.model_scratch_floats(ctypes.c_size_t(batch), ctypes.c_size_t(seq)), np.float32)
    sizes = (ctypes.c_size_t(batch), ctypes.c_size_t(seq))
    run = (functions.model_run_batch, _at(x), *sizes, _at(y), _at(scratch))
    return Work(lambda calls: (loop.repeat_batch(*run, ctypes.c_size_t(calls)), x, y, scratch))


def in_onnxruntime(file: Path, x: Array, shape: tuple[int, int]) -> Work:
    """One thread. A step: everything bound before, the state in two buffers that change places."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    if shape != (1, 1):
        feed = {"x": x}
        return Work(lambda calls: [session.run(None, feed) for _ in range(calls)])
    inputs, outputs = session.get_inputs(), session.get_outputs()
    value = {one.name: ort.OrtValue.ortvalue_from_numpy(_zeros(one)) for one in (*inputs[1:], *outputs[1:])}
    value["x"] = ort.OrtValue.ortvalue_from_numpy(x[:1])
    value[outputs[0].name] = ort.OrtValue.ortvalue_from_numpy(np.zeros((1, outputs[0].shape[-1]), np.float32))
    sides = []
    for swap in (False, True):
        binding = session.io_binding()
        binding.bind_ortvalue_input("x", value["x"])
        binding.bind_ortvalue_output(outputs[0].name, value[outputs[0].name])
        for before, behind in zip(inputs[1:], outputs[1:], strict=True):
            names = (behind.name, before.name) if swap else (before.name, behind.name)
            binding.bind_ortvalue_input(before.name, value[names[0]])
            binding.bind_ortvalue_output(behind.name, value[names[1]])
        sides.append(binding)
    call = session.run_with_iobinding
    return Work(lambda calls: [call(sides[n % 2]) for n in range(calls)])


def in_torch(model: Model, x: Array, shape: tuple[int, int]) -> Work:
    """Eager PyTorch, one thread, no gradients."""
    module, tensor = to_module(model).eval(), torch.from_numpy(x)
    if shape != (1, 1):

        def run(calls: int) -> None:
            with torch.inference_mode():
                for _ in range(calls):
                    module(tensor)

        return Work(run)
    inputs, hidden, layers, outputs = next(sizes for sizes in MODELS.values() if _fits(model, sizes))
    rnn, head = nn.LSTM(inputs, hidden, layers, batch_first=True).eval(), nn.Linear(hidden, outputs).eval()
    rnn.load_state_dict({key[5:]: torch.tensor(a) for key, a in model.arrays.items() if key.startswith("lstm.")})
    one = tensor[:1]

    def steps(calls: int) -> None:
        with torch.inference_mode():
            state = (torch.zeros(layers, 1, hidden), torch.zeros(layers, 1, hidden))
            for _ in range(calls):
                y, state = rnn(one, state)
                head(y[:, -1])

    return Work(steps)


def _fits(model: Model, sizes: tuple[int, int, int, int]) -> bool:
    stage = model.recurrent[0]
    return (model.signature.input_size, stage.hidden_size, stage.num_layers, model.signature.output_size) == sizes


def _zeros(one: Any) -> Array:
    return np.zeros([size if isinstance(size, int) else 1 for size in one.shape], np.float32)


def _at(array: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def exported(model: Model, folder: Path, target: str) -> dict[str, Path]:
    """The ONNX file of a target, and the same with its LSTM in int8."""
    from onnxruntime.quantization import quantize_dynamic

    plain, small = folder / f"{target}.onnx", folder / f"{target}.int8.onnx"
    targets.get(target).export(model, plain)
    quantize_dynamic(str(plain), str(small), op_types_to_quantize=["LSTM"])
    return {ORT: plain, ORT_INT8: small}


def engines(model: Model, shape: tuple[int, int], folder: Path, loop: ctypes.CDLL) -> dict[str, Work]:
    """All of them at one shape."""
    batch, seq = shape
    random = np.random.default_rng(1)
    x = random.standard_normal((64 if shape == (1, 1) else batch, seq, model.signature.input_size)).astype(np.float32)
    files = exported(model, folder, "onnx-stream" if shape == (1, 1) else "onnx")
    found = {name: in_c(model, name.split()[1], loop, x, shape) for name in (FLOAT, INT16, INT8)}
    found |= {name: in_onnxruntime(file, x, shape) for name, file in files.items()}
    return {**found, TORCH: in_torch(model, x, shape)}


def in_turns(works: Mapping[str, Work]) -> dict[str, list[float]]:
    """Seconds a call, once a round; blocks of about BLOCK_S; the order turns around every round."""
    calls: dict[str, int] = {}
    for name, work in works.items():
        work.repeat(3)
        start = time.perf_counter()
        work.repeat(3)
        calls[name] = max(1, round(BLOCK_S / ((time.perf_counter() - start) / 3)))
    times: dict[str, list[float]] = {name: [] for name in works}
    for round_ in range(ROUNDS + 1):
        for name in list(works) if round_ % 2 else reversed(list(works)):
            start = time.perf_counter()
            works[name].repeat(calls[name])
            times[name].append((time.perf_counter() - start) / calls[name])
    return {name: seconds[1:] for name, seconds in times.items()}


def limit_s(model: Model, weights: str, shape: tuple[int, int], loop: ctypes.CDLL) -> float:
    """The seconds that the measured limits of this core allow: multiply-adds, and for one row reading the weights."""
    recurrent = sum(array.size for key, array in model.arrays.items() if "weight" in key)
    calls, vectors = 200_000, 12 * vector_bytes() // 4
    peak = calls * vectors / _seconds(lambda: loop.multiply_adds(ctypes.c_size_t(calls)))
    batch, seq = shape
    compute = recurrent * batch * seq / peak
    if batch > 1:
        return compute
    size = recurrent * BITS[weights] // 32 // 256 * 256
    data, turns = np.ones(size, np.float32), max(1, 20_000_000 // (4 * size))
    reading = _seconds(lambda: loop.read_all(_at(data), ctypes.c_size_t(size), ctypes.c_size_t(turns))) / turns
    return max(compute, reading * seq)


def _seconds(function: Callable[[], object]) -> float:
    """The shortest of some runs: what the core can do."""
    times = []
    for _ in range(9):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def must_agree(model: Model) -> None:
    """Stop before C is timed that computes something else."""
    for weights in BITS:
        held = rounded(model, BITS[weights])
        interface = Interface.of(model, "model", self_test=False)
        path = library({"model.c": write(model, interface, weights).c, "model.h": interface.header()})
        verdict = check(CRunner(path, interface, model.signature), golden_sets(held), subject=f"c {weights}")
        if not verdict.ok:
            raise SystemExit(f"C with {weights} does not compute the model\n{verdict.table()}")


def errors(model: Model, folder: Path) -> dict[str, float]:
    """The largest error against float64, in units of the outputs' spread, over 64 sequences of 50 steps."""
    x = np.random.default_rng(2).standard_normal((64, 50, model.signature.input_size)).astype(np.float32)
    y = forward(model, x).y
    files = exported(model, folder, "onnx")
    found = {name: targets.get("onnx").load(file)(x) for name, file in files.items() if name == ORT}
    found[ORT_INT8] = ort.InferenceSession(str(files[ORT_INT8]), providers=["CPUExecutionProvider"]).run(
        None, {"x": x}
    )[0]
    for name in (FLOAT, INT16, INT8):
        interface, weights = Interface.of(model, "model", self_test=False), name.split()[1]
        path = library({"model.c": write(model, interface, weights).c, "model.h": interface.header()})
        found[name] = CRunner(path, interface, model.signature)(x)
    return {name: float(np.abs(found[name] - y).max() / y.std()) for name in (FLOAT, INT16, INT8, ORT, ORT_INT8)}


def row(name: str, shape: tuple[int, int], times: Mapping[str, list[float]], shares: Mapping[str, float]) -> str:
    """Microseconds of every engine, ours with its share of the limit."""
    cells = []
    for engine, seconds in times.items():
        micro = statistics.median(seconds) * 1e6
        share = f" ({100 * shares[engine]:.0f} %)" if engine in shares else ""
        cells.append(f"{micro:.3g}{share}".rjust(15))
    what = "step" if shape == (1, 1) else f"({shape[0]},{shape[1]})"
    return f"{what:9} {name}  " + "".join(cells)


def judged(name: str, shape: tuple[int, int], times: Mapping[str, list[float]]) -> list[dict[str, Any]]:
    """How many times faster ours is, beside the goal."""
    found = []
    for ours, peers, goals in GOALS[shape]:
        if name in goals:
            ratio = statistics.median(
                min(times[peer][n] for peer in peers) / times[ours][n] for n in range(len(times[ours]))
            )
            found.append(
                {
                    "shape": list(shape),
                    "model": name,
                    "ours": ours,
                    "peer": " or ".join(peers),
                    "times": ratio,
                    "goal": goals[name],
                }
            )
    return found


def main() -> None:
    """Time, compare, report."""
    torch.set_num_threads(1)
    logging.getLogger().setLevel(logging.ERROR)
    models = {name: drawn(name) for name in MODELS}
    lines, ratios, record = [], [], {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        loop = loops(folder)
        names = (FLOAT, INT16, INT8, ORT, ORT_INT8, TORCH)
        lines.append("microseconds, medians; of ours the share of what the core allows")
        lines.append(" " * 12 + "".join(name.rjust(15) for name in names))
        for shape in SHAPES:
            for name, model in models.items():
                if shape == SHAPES[0]:
                    must_agree(model)
                times = in_turns(engines(model, shape, folder, loop))
                shares = {
                    one: limit_s(model, one.split()[1], shape, loop) / min(times[one]) for one in (FLOAT, INT16, INT8)
                }
                lines.append(row(name, shape, times, shares))
                ratios += judged(name, shape, times)
                record[f"{name} {shape[0]}x{shape[1]}"] = {one: statistics.median(times[one]) for one in times}
        lines += ["", "largest error against float64, in units of the outputs' spread"]
        for name, model in models.items():
            lines.append(f"{name}  " + ", ".join(f"{one} {error:.1e}" for one, error in errors(model, folder).items()))
    lines += ["", "how many times faster (aim on a machine with AVX-512)"]
    for one in ratios:
        what = "step" if one["shape"] == [1, 1] else f"({one['shape'][0]},{one['shape'][1]})"
        lines.append(
            f"{what:9} {one['model']}  {one['ours']:10} over {one['peer']:20} {one['times']:5.1f} x  ({one['goal']} x)"
        )
    lines += [
        "",
        f"vectors of {vector_bytes() * 8} bits; LiteRT is not among them: its converter from PyTorch takes 2 GB",
    ]
    report(lines, {"seconds": record, "ratios": ratios}, machine("numpy", "torch", "onnxruntime"))


if __name__ == "__main__":
    main()
