"""How far a stream drifts from float64 over a million steps.

The README's model with random weights takes a million samples one by one through `Stream.step`; the
float64 definition takes the same ones. Every single answer is held against the bound of the parity
rule for an ordinary sequence of 16 steps, 8 F + 8 eps in units of S: were rounding to pile up in
the state, it would break that bound sooner or later.

    python -m scripts.study.drift                # two to five minutes
    python -m scripts.study.drift --steps 10000
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np

from lstm_export.device import Session, load_onnx_stream
from lstm_export.model import LSTM, LastStep, Linear, Model, Signature, forward, initial_state
from lstm_export.parity import golden_sets
from lstm_export.targets.onnx.writer import to_bytes
from scripts.bench.timing import machine, machine_text

SEGMENT = 10_000


def seed_model() -> Model:
    """LSTM(10, 50, num_layers=2), the last step, Linear(50, 1), its weights drawn as torch draws
    them.
    """
    random = np.random.default_rng(0)
    bound = 1 / np.sqrt(50)
    weights = {}
    for k in range(2):
        shapes = {
            "weight_ih": (200, 50 if k else 10),
            "weight_hh": (200, 50),
            "bias_ih": (200,),
            "bias_hh": (200,),
        }
        weights |= {
            f"{name}_l{k}": random.uniform(-bound, bound, shape) for name, shape in shapes.items()
        }
    fc = Linear("fc", random.uniform(-bound, bound, (1, 50)), random.uniform(-bound, bound, 1))
    return Model((LSTM("lstm", weights), LastStep("last"), fc), Signature(10, 1))


def main() -> None:
    """Step, compare, report at every power of ten."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1_000_000)
    steps = parser.parse_args().steps
    model = seed_model()
    random = np.random.default_rng(1)
    start = time.perf_counter()
    every = replace(model, stages=model.stages[::2])  # without the read-out
    (ordinary,) = (golden_set for golden_set in golden_sets(model) if golden_set.name == "nominal")
    bound = 8 * (ordinary.noise_floor + 2.0**-23)
    stream = Session(load_onnx_stream(to_bytes(model, 17, stateful=True)), model.signature).stream()
    exact = initial_state(model)
    errors = np.empty(0)
    while len(errors) < steps:
        x = random.standard_normal((min(SEGMENT, steps - len(errors)), 10)).astype(np.float32)
        truth = forward(every, x[np.newaxis], state=exact)
        exact = truth.state
        y = np.stack([stream.step(x_t) for x_t in x])
        errors = np.concatenate([errors, np.abs(y - truth.y[0]).max(axis=1) / ordinary.scale[0]])
    print(f"allowed {bound:.1e}, relative to S, the summed magnitude of the last operation's terms")
    for decade in range(1, len(str(steps))):
        part = errors[10 ** (decade - 1) : 10**decade]
        share = part.max() / bound
        largest = f"largest error {part.max():.1e}, {share:.2f} of what is allowed"
        print(f"  steps to {10**decade:>9,}: {largest}")
    print(f"  the last {min(steps, SEGMENT):,}: largest error {errors[-SEGMENT:].max():.1e}")
    verdict = "passed" if (errors <= bound).all() else "failed"
    print(f"{verdict} in {time.perf_counter() - start:.0f} s")
    print(f"\n{machine_text(machine('numpy', 'onnxruntime'))}")


if __name__ == "__main__":
    main()
