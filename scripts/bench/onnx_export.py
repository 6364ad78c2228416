"""Time the ONNX writer and its graph against PyTorch's two exporters.

The README's model, LSTM(10, 50, num_layers=2) and Linear(50, 1), with random weights. First the
time from the model to the bytes of a file, and the size of that file. Then the latency of the three
graphs in ONNX Runtime: every graph has passed the parity rule before; all have the same options and
one thread; they take turns in one process, and the processor's own time is taken, so that a busy
machine does not count. Our graph runs twice: what the second differs from the first by is the
noise.

    pip install onnxscript           # for PyTorch's newer exporter, whose rows are else left out
    python -m scripts.bench.onnx_export
"""

from __future__ import annotations

import importlib.util
import io
import logging
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import onnxruntime as ort
import torch
from torch import nn

from lstm_export.chains import from_state_dict
from lstm_export.device.onnx_runner import OnnxRunner
from lstm_export.device.runtime import runtime_errors
from lstm_export.model import Array, Model
from lstm_export.parity import check, golden_sets
from lstm_export.targets.onnx.writer import metadata, to_bytes
from scripts.bench.timing import Times, alternate, machine, medians, options, ratio, report

OURS = "lstm-export"
AGAIN = "lstm-export again"
DYNAMO = "torch dynamo=True"
LEGACY = "torch dynamo=False"
SHAPES = ((1, 1), (1, 5), (1, 100), (32, 100))
EXPORT_ROUNDS = 7
SESSIONS = 12
ROUNDS = 4
BLOCK_S = 0.02
OPSET = 17


class LSTMModel(nn.Module):
    """The class of the README."""

    def __init__(
        self, input_size: int, hidden_size: int, output_size: int, num_layers: int = 1
    ) -> None:
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers, batch_first=True)
        self.fc = nn.Linear(hidden_size, output_size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.fc(self.lstm(x)[0][:, -1, :])
        return y


def dynamo(module: nn.Module) -> bytes:
    """PyTorch's newer exporter, with batch and sequence free and the weights in the file."""
    # From the second LSTM on, it otherwise takes the sequence length of the first for fixed.
    torch.ops.aten.lstm.input._dispatch_cache.clear()
    file = io.BytesIO()
    axes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    program = torch.onnx.export(
        module,
        (torch.zeros(2, 5, 10),),
        dynamo=True,
        dynamic_shapes=(axes,),
        external_data=False,
        verbose=False,
    )
    program.save(file)
    return file.getvalue()


def legacy(module: nn.Module) -> bytes:
    """PyTorch's older exporter, with batch and sequence free."""
    file = io.BytesIO()
    axes = {"x": {0: "batch", 1: "seq"}, "y": {0: "batch"}}
    x = torch.zeros(2, 5, 10)
    torch.onnx.export(
        module,
        (x,),
        file,
        dynamo=False,
        input_names=["x"],
        output_names=["y"],
        dynamic_axes=axes,
        opset_version=OPSET,
    )
    return file.getvalue()


def quietly(export: Callable[[nn.Module], bytes], module: nn.Module) -> bytes:
    """Without the exporters' warnings, of their own deprecation among others."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return export(module)


def session_of(data: bytes) -> ort.InferenceSession:
    """With the options of a device: one thread that sleeps when idle, no arena."""
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = 1
    settings.inter_op_num_threads = 1
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    settings.enable_cpu_mem_arena = False
    settings.enable_mem_pattern = False
    settings.log_severity_level = 3
    return ort.InferenceSession(data, settings, providers=["CPUExecutionProvider"])


def latency(files: Mapping[str, bytes], batch: int, seq: int) -> Times:
    """Seconds a run at one shape, over many sessions.

    Where a session lies in memory makes it up to 5 % faster or slower.
    """
    x = np.random.default_rng(1).standard_normal((batch, seq, 10)).astype(np.float32)
    times: Times = {name: [] for name in files}
    for turn in range(SESSIONS):
        names = [*files][turn % len(files) :] + [*files][: turn % len(files)]
        runs = {name: run_of(session_of(files[name]), x) for name in names}
        once = statistics.median(alternate({OURS: runs[OURS]}, 10)[OURS])
        found = alternate(
            runs, ROUNDS, calls=max(3, round(BLOCK_S / once)), clock=time.process_time
        )
        times = {name: times[name] + found[name] for name in files}
    return times


def run_of(session: ort.InferenceSession, x: Array) -> Callable[[], object]:
    """A call on x, with nothing but ONNX Runtime's own."""
    return partial(session.run, None, {session.get_inputs()[0].name: x})


def must_agree(model: Model, files: Mapping[str, bytes]) -> None:
    """Stop before a graph is timed that computes something else, or that takes one shape only."""
    golden = golden_sets(model)
    for name, data in files.items():
        verdict = check(OnnxRunner(session_of(data), runtime_errors(ort)), golden, subject=name)
        if not verdict.ok:
            sys.exit(f"{name} does not compute the model\n{verdict.table()}")


def sizes(model: Model, data: bytes) -> dict[str, int]:
    """What a file of ours consists of, in bytes."""
    weights = sum(array.nbytes for array in model.arrays.values())
    words = sum(len(key) + len(value) for key, value in metadata(model).items())
    return {
        "file": len(data),
        "weights": weights,
        "metadata": words,
        "rest": len(data) - weights - words,
    }


def export_lines(writing: Times, files: Mapping[str, bytes], size: Mapping[str, int]) -> list[str]:
    """How long each exporter takes, and how large its file is."""
    lines = [f"export, median of {EXPORT_ROUNDS} rounds"]
    for name, seconds in medians(writing).items():
        times = f"{ratio(writing, name, OURS):7.1f} x" if name != OURS else " " * 9
        lines.append(f"  {name:20} {seconds * 1e3:9.2f} ms {times} {len(files[name]):9,} bytes")
    if DYNAMO not in files:
        lines.append(f"  {DYNAMO:20} not run: pip install onnxscript")
    weights = f"{size['weights']:,} of weights"
    rest = f"{size['metadata']:,} of metadata, {size['rest']:,} of graph"
    return [*lines, f"  our file: {weights}, {rest}"]


def latency_lines(found: Mapping[str, Times]) -> list[str]:
    """A row a shape, a column a file."""
    names = [name for times in found.values() for name in times]
    columns = "".join(name.rjust(24) for name in dict.fromkeys(names))
    lines = ["a run in ONNX Runtime, microseconds (times ours); all passed parity"]
    lines.append("  " + "batch x seq".ljust(12) + columns)
    for shape, times in found.items():
        cells = [
            f"{seconds * 1e6:.1f} ({ratio(times, name, OURS):.2f})".rjust(24)
            for name, seconds in medians(times).items()
        ]
        lines.append("  " + shape.ljust(12) + "".join(cells))
    return lines


def main() -> None:
    """Export, compare, time, report."""
    given = options(__doc__).parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    module = LSTMModel(10, 50, 1, 2).eval()
    model = from_state_dict(module.state_dict()).model
    exporters = {OURS: lambda: to_bytes(model, OPSET), LEGACY: lambda: quietly(legacy, module)}
    packages = ["numpy", "torch", "onnx", "onnxruntime"]
    if importlib.util.find_spec("onnxscript"):
        exporters[DYNAMO] = lambda: quietly(dynamo, module)
        packages.append("onnxscript")
    files = {name: export() for name, export in exporters.items()}
    must_agree(model, files)
    writing = alternate(exporters, EXPORT_ROUNDS)
    size = sizes(model, files[OURS])
    timed = {**files, AGAIN: files[OURS]}
    found = {f"{batch}x{seq}": latency(timed, batch, seq) for batch, seq in SHAPES}
    record = {
        "export_s": medians(writing),
        "size_bytes": size,
        "latency_s": {shape: medians(times) for shape, times in found.items()},
        "times_ours": {
            shape: {name: ratio(times, name, OURS) for name in times}
            for shape, times in found.items()
        },
    }
    lines = [*export_lines(writing, files, size), "", *latency_lines(found)]
    report(lines, record, machine(*packages), given)


if __name__ == "__main__":
    main()
