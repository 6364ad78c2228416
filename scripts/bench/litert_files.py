"""Convert the steps of c_latency.py's models to LiteRT.

A step is `(x, h, c) -> (y, h, c)` of fixed shapes. The benchmark holds what they compute against
float64. Needs litert-torch; scripts/bench/c_peers.sh installs it and runs this.

    python -m scripts.bench.litert_files FOLDER
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
from torch import nn

from scripts.bench.c_peers import MODELS, modules


class Step(nn.Module):
    """One step; the state goes in and out."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.rnn, self.head = modules(name)

    def forward(
        self, x: torch.Tensor, h: torch.Tensor, c: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        y, (h, c) = self.rnn(x, (h, c))
        return self.head(y[:, -1]), h, c


def main() -> None:
    """All four, or none."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the files go")
    folder: Path = parser.parse_args().folder
    import litert_torch

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        for name, (inputs, hidden, layers, _) in MODELS.items():
            # h and c must be two tensors: given one for both, the converter takes c for h
            state = (torch.randn(layers, 1, hidden) for _ in "hc")
            converted = litert_torch.convert(Step(name).eval(), (torch.randn(1, 1, inputs), *state))
            converted.export(str(Path(place) / f"{name}.tflite"))
        Path(place).rename(folder)
        Path(place).mkdir()  # for its own removal
    print(f"wrote {', '.join(f'{name}.tflite' for name in MODELS)} into {folder}")


if __name__ == "__main__":
    main()
