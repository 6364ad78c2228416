"""What one format of all answers costs in whole numbers, where outputs differ in spread.

LSTM(10, 50, num_layers=2) and two outputs with random weights, the second of which is scaled down;
int16 weights. Writes the table of docs/c_integer.md.

    python -m scripts.study.c_answer_spreads
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from lstm_export.bench.machine import machine, machine_text
from lstm_export.model import Affine, LastStep, Linear, Model, Signature
from lstm_export.targets.c.integer import formats, rounding
from lstm_export.targets.c.integer.cost import costs
from scripts.docs.block import write_block
from tests.kit.builders import drawn, lstm

PAGE = Path(__file__).resolve().parents[2] / "docs" / "c_integer.md"
RATIOS = (1, 100, 1_000, 10_000)


def main() -> None:
    """Round, compare, write."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    lines = [
        "",
        "| spread of one output, of the other's | bits | largest error | of the other |",
        "|---|---|---|---|",
    ]
    lines += [row_of(ratio) for ratio in RATIOS]
    lines += ["", f"{machine_text(machine('numpy'))}.", ""]
    write_block(PAGE, "answer spreads", lines)


def row_of(ratio: int) -> str:
    """A line of the table: errors in each output's own spread."""
    model = model_of(ratio)
    x = drawn(model, 40, 50)
    whole = rounding.whole_model(model, formats.chosen(model, [x], 16))
    shares = [f"{cost.largest / cost.spread:.1e}" for cost in costs(model, whole, [x])]
    return f"| {ratio:,} | {whole.answer_bits} | {' | '.join(shares)} |"


def model_of(ratio: float) -> Model:
    """Outputs of one layer, scaled so that the first has `ratio` times the second's spread."""
    random = np.random.default_rng(0)
    layers = lstm("lstm", 10, 50, 2, random, gain=2.0)
    head = Linear("fc", random.normal(size=(2, 50)) / 7, np.zeros(2))
    scale = np.array([np.sqrt(ratio), 1 / np.sqrt(ratio)])
    back = Affine("scale_out", np.zeros(2), scale, inverse=True)
    return Model((layers, LastStep("last"), head, back), Signature(10, 2))


if __name__ == "__main__":
    main()
