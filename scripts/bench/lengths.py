"""Time 256 sequences of 5 to 200 steps, answered in every way that there is to answer them.

Models of four sizes, input / hidden x layers / output, with random weights. Peers: one call of ONNX
Runtime a sequence, one call on the padded batch with lengths, PyTorch one call a sequence, and
PyTorch's packed sequences. Ours is `session(list_of_arrays)`, its checks, buckets and padding
included, once on an artifact that takes lengths and once on one that does not, which can only share
a call among sequences of one length. All take turns in one process with one thread each, in the
processor's own time, so that a busy machine does not count; every answer is first compared with the
float64 definition.

    python -m scripts.bench.lengths
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

from lstm_export.chains import from_state_dict
from lstm_export.device import Session, load_onnx
from lstm_export.model import Array, Model, forward
from lstm_export.targets.onnx.writer import to_bytes
from scripts.bench.timing import alternate, machine, medians, options, ratio, report

MODELS = {"A": (10, 50, 2, 1), "B": (1, 40, 1, 1), "C": (7, 128, 2, 24), "E": (16, 256, 1, 1)}
COUNT = 256
SHORTEST = 5
LONGEST = 200
ROUNDS = 7
EACH = "one call a sequence"
OURS = "session(list)"


class Regressor(torch.nn.Module):
    """An LSTM, its last step, a Linear."""

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int, output_size: int
    ) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(input_size, hidden_size, num_layers, batch_first=True)
        self.fc = torch.nn.Linear(hidden_size, output_size)

    def alone(self, x: torch.Tensor) -> torch.Tensor:
        """One sequence `(1, seq, input_size)`."""
        y: torch.Tensor = self.fc(self.lstm(x)[0][:, -1])
        return y

    def packed(self, x: list[torch.Tensor]) -> torch.Tensor:
        """Many of them, packed; the top layer's final state is that of each row's own length."""
        lengths = torch.tensor([len(sequence) for sequence in x])
        packed = pack_padded_sequence(
            pad_sequence(x, batch_first=True), lengths, batch_first=True, enforce_sorted=False
        )
        y: torch.Tensor = self.fc(self.lstm(packed)[1][0][-1])
        return y


def candidates(module: Regressor, model: Model, x: list[Array]) -> dict[str, Callable[[], Array]]:
    """Every way, each from the list of arrays to `(256, output_size)`."""
    plain = load_onnx(to_bytes(model, 17))
    padding = load_onnx(to_bytes(model, 17, lengths=True))
    ours = Session(padding, model.signature)
    without = Session(plain, model.signature)

    def padded() -> Array:
        lengths = np.array([len(sequence) for sequence in x])
        batch = np.zeros((len(x), lengths.max(), x[0].shape[1]), np.float32)
        for row, sequence in enumerate(x):
            batch[row, : len(sequence)] = sequence
        return padding(batch, lengths)

    return {
        EACH: lambda: np.concatenate([plain(sequence[np.newaxis]) for sequence in x]),
        "one padded call": padded,
        OURS: lambda: ours(x),
        "session(list), no lengths": lambda: without(x),
        "torch, one call a sequence": lambda: np.concatenate(
            [module.alone(torch.from_numpy(sequence)[None]) for sequence in x]
        ),
        "torch, packed": lambda: module.packed(
            [torch.from_numpy(sequence) for sequence in x]
        ).numpy(),
    }


def must_agree(model: Model, x: list[Array], ways: dict[str, Callable[[], Array]]) -> None:
    """Stop before something is timed that is more than 100 roundings of an output's terms off."""
    expected = [forward(model, sequence[np.newaxis]) for sequence in x]
    scale = np.max([exact.terms for exact in expected], axis=0)
    for name, way in ways.items():
        error = float(
            (np.abs(way() - np.concatenate([exact.y for exact in expected])) / scale).max()
        )
        if not error <= 100 * 2.0**-24:
            sys.exit(f"{name} does not compute the model, error {error:.1e}")


def main() -> None:
    """Compare, time, report."""
    given = options(__doc__).parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    random = np.random.default_rng(0)
    record = {}
    lengths = random.integers(SHORTEST, LONGEST + 1, COUNT)
    what = f"{COUNT} sequences of {SHORTEST} to {LONGEST} steps"
    lines = [f"{what}: milliseconds, and how many times as fast as {EACH}"]
    for label, (input_size, hidden_size, num_layers, output_size) in MODELS.items():
        module = Regressor(input_size, hidden_size, num_layers, output_size).eval()
        model = from_state_dict(module.state_dict()).model
        x = [random.standard_normal((length, input_size)).astype(np.float32) for length in lengths]
        ways = candidates(module, model, x)
        must_agree(model, x, ways)
        times = alternate(ways, ROUNDS, clock=time.process_time)
        lines += ["", f"{label}: {input_size}/{hidden_size}x{num_layers}/{output_size}"]
        for name, seconds in medians(times).items():
            lines.append(f"  {name:27} {seconds * 1e3:9.1f} ms {ratio(times, EACH, name):7.2f} x")
        record[label] = {name: statistics.median(found) for name, found in times.items()}
    report(lines, {"seconds": record}, machine("numpy", "torch", "onnx", "onnxruntime"), given)


if __name__ == "__main__":
    main()
