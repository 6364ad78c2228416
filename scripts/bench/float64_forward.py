"""How long the float64 definition takes beside torch in float64, and a whole verification.

One thread each.

    python -m scripts.bench.float64_forward
"""

from __future__ import annotations

import argparse
import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"  # read once, when numpy is imported

import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from tempfile import TemporaryDirectory  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402

from lstm_export.chains import Checkpoint, write_checkpoint  # noqa: E402
from lstm_export.model import LSTM, Array, LastStep, Linear, Model, Signature, forward  # noqa: E402
from lstm_export.model.torch_module import to_module  # noqa: E402
from lstm_export.pipeline import export, verify  # noqa: E402

RUNS = 15


def regressor(input_size: int, hidden_size: int, num_layers: int, seed: int = 0) -> Model:
    """LSTM, last step, Linear, as torch initialises them."""
    random = np.random.default_rng(seed)

    def drawn(*shape: int) -> Array:
        return np.asarray(random.uniform(-1, 1, shape) / np.sqrt(hidden_size), np.float32)

    weights = {}
    for k in range(num_layers):
        weights |= {f"weight_ih_l{k}": drawn(4 * hidden_size, hidden_size if k else input_size)}
        weights |= {f"weight_hh_l{k}": drawn(4 * hidden_size, hidden_size)}
        weights |= {
            f"bias_ih_l{k}": drawn(4 * hidden_size),
            f"bias_hh_l{k}": drawn(4 * hidden_size),
        }
    head = Linear("fc", drawn(1, hidden_size), drawn(1))
    return Model((LSTM("lstm", weights), LastStep("last"), head), Signature(input_size, 1))


def seconds(run: Callable[[], object], runs: int = RUNS) -> float:
    """The fastest of several runs, in CPU seconds of this process."""
    taken = []
    for _ in range(runs):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return min(taken)


def against_torch() -> None:
    """The seed model at (32, 100), in turns."""
    torch.set_num_threads(1)
    model = regressor(10, 50, 2)
    x = np.random.default_rng(1).normal(size=(32, 100, 10)).astype(np.float32)
    module = to_module(model).double()
    x64 = torch.tensor(x, dtype=torch.float64)
    with torch.no_grad():
        pairs = [
            (seconds(lambda: forward(model, x), 1), seconds(lambda: module(x64), 1))
            for _ in range(4 * RUNS)
        ]
    ours, theirs = (min(taken) for taken in zip(*pairs, strict=True))
    taken = f"{1e3 * ours:.1f} ms, torch {1e3 * theirs:.1f} ms"
    print(f"float64 forward, LSTM 10/50x2, (32, 100): {taken}")
    print(f"ratio {ours / theirs:.2f}")


def verification(name: str, model: Model, runs: int) -> None:
    """Verify an ONNX file against its checkpoint, imports done."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        write_checkpoint(path, Checkpoint(model))
        export(path, "onnx")
        taken = seconds(lambda: verify(path.with_suffix(".onnx"), path), runs)
        print(f"verify {name}: {taken:.2f} s")


def main() -> None:
    """Time, and print."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    print(f"numpy {np.__version__}, torch {torch.__version__}")
    against_torch()
    verification("LSTM 10/50x2", regressor(10, 50, 2), 3)
    verification("LSTM 16/512x4", regressor(16, 512, 4), 1)


if __name__ == "__main__":
    main()
