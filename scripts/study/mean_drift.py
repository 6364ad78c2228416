"""How far the mean of a stream drifts from float64, over more and more steps.

`onnx-stream`, as `numpy`, carries float64 sums, as float32 numbers that add up to them. The input
is 20 plus noise of size 1, whose sum grows; from 2^24 steps on float32 could not even count them.

    python -m scripts.study.mean_drift        # a minute
"""

from __future__ import annotations

import argparse

import numpy as np

from lstm_export.device import load_onnx_stream
from lstm_export.model import Concat, LastStep, Model, Pool, Signature
from lstm_export.targets.onnx.writer import to_bytes
from scripts.bench.timing import machine, machine_text
from tests.kit.builders import lstm

CHUNK = 10_000
STEPS = (10_000, 100_000, 1_000_000, 10_000_000, 20_000_000)


def pooled() -> Model:
    """The smallest LSTM, and beside its last step the mean of x."""
    stages = (
        lstm("lstm", 1, 1, 1, np.random.default_rng(0)),
        LastStep("last"),
        Pool("mean", "mean", inputs=("x",)),
        Concat("both", inputs=("last", "mean")),
    )
    return Model(stages, Signature(1, 2))


def main() -> None:
    """A line at every power of ten, and one past 2^24."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    runner = load_onnx_stream(to_bytes(pooled(), 17, stateful=True))
    random = np.random.default_rng(1)
    state = runner.initial_state(1)
    exact = 0.0
    print("     steps  mean      error of the mean, relative")
    for step in range(CHUNK, STEPS[-1] + 1, CHUNK):
        x = random.normal(20, 1, (1, CHUNK, 1)).astype(np.float32)
        exact += float(x.sum(dtype=np.float64))
        y, state = runner.advance(x, state)
        if step in STEPS:
            mean = exact / step
            print(f"{step:10,}  {mean:.5f}  {abs(float(y[0, 1]) - mean) / mean:.1e}")
    print(f"\n{machine_text(machine('onnxruntime'))}")


if __name__ == "__main__":
    main()
