"""Run every model of the tests with lengths in OpenVINO, and hold the answers to the rule.

It needs openvino (`pip install openvino==2026.4.1`). OpenVINO ignores `sequence_lens` wherever an
axis is symbolic (findings/openvino_ignores_lengths.sh), so files whose lengths are obeyed by
gathering must pass there, and the others must not be trusted.
"""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

import numpy as np

from lstm_export.device import load_onnx
from lstm_export.model import Array, Model
from lstm_export.parity import check, unequal_lengths
from lstm_export.targets.onnx import DEFAULT_OPSET
from lstm_export.targets.onnx.writer import to_bytes
from scripts.bench.timing import machine, machine_text
from tests.kit.chains import MODELS
from tests.kit.graphs import FORECASTS

FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32"}  # bfloat16 by default, where a processor has it


class InOpenVino:
    """A LengthsRunner over a file in OpenVINO, on the CPU in float32."""

    takes_lengths = True

    def __init__(self, data: bytes) -> None:
        import openvino

        core = openvino.Core()
        self._model: Any = core.compile_model(core.read_model(data), "CPU", FLOAT32)

    def __call__(self, x: Array, lengths: Array | None = None) -> Array:
        if lengths is None:
            lengths = np.full(len(x), x.shape[1])
        y: Array = self._model([x.astype(np.float32), lengths.astype(np.int32)])[0]
        return y


def verdict_on(name: str, model: Model, data: bytes) -> str:
    """What the rule says of the answers, or that there were none."""
    try:
        runner = InOpenVino(data)
        return check(runner, [unequal_lengths(model)], subject=name).verdict
    except RuntimeError:
        return "not run by OpenVINO"


def main() -> None:
    """A line a model, then how many of each."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    counts: Counter[tuple[str, str]] = Counter()
    for name, model in {**MODELS, **FORECASTS}.items():
        data = to_bytes(model, DEFAULT_OPSET, lengths=True)
        by = load_onnx(data).metadata["lstm_export.lengths_by"]
        verdict = verdict_on(name, model, data)
        counts[by, verdict] += 1
        print(f"{name:20}  {by:13}  {verdict}")
    print()
    for (by, verdict), count in sorted(counts.items()):
        print(f"{by:13}  {verdict}: {count}")
    print(f"\n{machine_text(machine('onnx', 'openvino'))}")


if __name__ == "__main__":
    main()
