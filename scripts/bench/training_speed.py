"""Time the training loop against a bare loop of forward, backward, clipping and Adam.

Window 24, hidden 16, batch 32, one thread: sizes at which the loop's own work shows. Both run in
one process, turn and turn about, with the same Adam, and the thread's own time is taken, so that a
busy machine does not count. Prints the ratio, the machine and the versions.

    python -m scripts.bench.training_speed
"""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

from lstm_export.training import TrainingOptions
from lstm_export.training.loop import train_loop
from lstm_export.training.tensors import Windows
from scripts.bench.timing import alternate, machine, medians, options, ratio, report

WINDOW = 24
HIDDEN = 16
BATCH = 32
INPUTS = 7
EPOCHS = 2
ROUNDS = 9
OPTIONS = TrainingOptions(
    targets=("y",),
    window=WINDOW,
    hidden_size=HIDDEN,
    batch_size=BATCH,
    epochs=EPOCHS,
    patience=0,
    device="cpu",
)


def example(windows: int = 32 * 200) -> Windows:
    """Random rows and targets, a window starting at every row."""
    random = np.random.default_rng(0)
    x = random.standard_normal((windows + WINDOW, INPUTS)).astype(np.float32)
    y = random.standard_normal((windows, 1)).astype(np.float32)
    return Windows(x, y, np.arange(windows), WINDOW)


def ready_batches(data: Windows) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Every batch of an epoch as tensors of its own."""
    x = torch.from_numpy(data.x[data.starts[:, np.newaxis] + np.arange(WINDOW)])
    return [
        (a.clone(), b.clone())
        for a, b in zip(x.split(BATCH), torch.from_numpy(data.y).split(BATCH), strict=True)
    ]


def bare_loop(batches: list[tuple[torch.Tensor, torch.Tensor]], *, fused: bool) -> None:
    """Forward, backward, clipping, Adam; nothing else."""
    torch.manual_seed(0)
    lstm = nn.LSTM(INPUTS, HIDDEN, batch_first=True)
    fc = nn.Linear(HIDDEN, 1)
    loss_of = nn.MSELoss()
    parameters = [*lstm.parameters(), *fc.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=OPTIONS.learning_rate, fused=fused)
    for _ in range(EPOCHS):
        for x, y in batches:
            optimizer.zero_grad()
            loss = loss_of(fc(lstm(x)[0][:, -1]), y)
            loss.backward()
            clip_grad_norm_(parameters, OPTIONS.clip)
            optimizer.step()


def main() -> None:
    """Run the rounds and print the table."""
    given = options(__doc__).parse_args()
    torch.set_num_threads(1)
    data = example()
    batches = ready_batches(data)
    loops = {
        "lstm_export": lambda: train_loop(data, None, OPTIONS),
        "bare, same Adam": lambda: bare_loop(batches, fused=True),
        "bare, default Adam": lambda: bare_loop(batches, fused=False),
    }
    times = alternate(loops, ROUNDS, clock=time.process_time)
    steps = EPOCHS * len(batches)
    sizes = f"window {WINDOW}, hidden {HIDDEN}, batch {BATCH}, {steps} steps"
    lines = [f"{sizes}, one thread, median of {ROUNDS} rounds"]
    for name, seconds in medians(times).items():
        times_ours = ratio(times, "lstm_export", name)
        step_us = seconds / steps * 1e6
        lines.append(f"{name:20} {step_us:8.0f} us a step   lstm_export / this: {times_ours:.3f}")
    report(lines, medians(times), machine("numpy", "torch"), given)


if __name__ == "__main__":
    main()
