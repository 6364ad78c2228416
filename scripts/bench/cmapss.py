"""Remaining useful life of turbofan engines (NASA C-MAPSS FD001) with the public training API.

The usual protocol: 14 sensors scaled to -1 .. 1 on the training part, the remaining life capped at
125 in training, 15 of 100 engines for validation, the last window of each test engine judged.
Where an engine has fewer cycles than that, its first is repeated before them. Papers differ on
whether the true life is capped in the test too, so both are printed.

The window, 30 cycles in papers, is chosen by the error on the validation engines of the first seed,
asked after each of their cycles from the 30th on as the test engines are after their last. Epochs
are the defaults, ended by the validation engines. The test engines are asked when all of that is
settled, once.

    python -m scripts.bench.cmapss --data DIR
    python -m scripts.bench.cmapss --data DIR --refit    # asks models that all engines trained

DIR holds train_FD001.txt, test_FD001.txt and RUL_FD001.txt.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lstm_export.model import Array, Model
from lstm_export.model.torch_module import eager, to_module
from lstm_export.series import Table, series_of
from lstm_export.training import Epoch, TrainingOptions, TrainingResult, fit
from lstm_export.training.answers import rmse_of
from scripts.bench.timing import machine, machine_text

SENSORS = (2, 3, 4, 7, 8, 9, 11, 12, 13, 14, 15, 17, 20, 21)
CAP = 125
SEEDS = (0, 1, 2)
WINDOWS = (30, 60, 90)  # cycles


def read(path: Path) -> dict[str, Array]:
    """Engine, cycle and 14 sensors of one file: 26 columns, sensors from the sixth on."""
    rows = np.loadtxt(path)
    return {"engine": rows[:, 0].astype(int), "cycle": rows[:, 1]} | {
        f"sensor_{sensor}": rows[:, 4 + sensor] for sensor in SENSORS
    }


def with_life(columns: dict[str, Array]) -> dict[str, Array]:
    """The training table with the remaining life in cycles, capped."""
    engines, position = np.unique(columns["engine"], return_inverse=True)
    last = np.array([columns["cycle"][columns["engine"] == engine].max() for engine in engines])
    return {**columns, "life": np.minimum(last[position] - columns["cycle"], CAP)}


def predict_last(model: Model, table: Table) -> Array:
    """The model's answer to the last window of every engine, in order of the engines."""
    return asked(model, [run.x for run in series_of(table, model.signature)])


def asked(model: Model, series: Sequence[Array]) -> Array:
    """The model's answers `(series,)` after the last cycles of each `(cycles, sensors)`."""
    window = model.signature.window or 0
    x = np.stack([last_window(x, window) for x in series])  # (series, window, sensors)
    return eager(to_module(model))(x)[:, 0]


def last_window(x: Array, window: int) -> Array:
    """The last rows of `x (cycles, sensors)`, the first one repeated before them for a short x."""
    lacking = max(window - len(x), 0)
    return np.pad(x, ((lacking, 0), (0, 0)), mode="edge")[-window:]


def options(seed: int, window: int) -> TrainingOptions:
    """The protocol as training options."""
    return TrainingOptions(
        targets=("life",),
        features=tuple(f"sensor_{sensor}" for sensor in SENSORS),
        window=window,
        horizon=0,
        time="cycle",
        group="engine",
        split=(0.85, 0.15, 0.0),
        split_by="group",
        units={"life": "cycles"},
        scaler="minmax",
        hidden_size=64,
        batch_size=128,
        learning_rate=2e-3,
        seed=seed,
    )


def chosen(train: dict[str, Array]) -> tuple[int, TrainingResult]:
    """The window that is best on the validation engines of the first seed, and its run."""
    results = {}
    errors = {}
    for window in WINDOWS:
        results[window] = fit(train, options(SEEDS[0], window))
        errors[window] = validation_error(results[window], train)
        print(
            f"validation RMSE of seed {SEEDS[0]}, window {window}: {errors[window]:.2f}", flush=True
        )
    best = min(errors, key=lambda window: errors[window])
    return best, results[best]


def refitted(result: TrainingResult, seed: int, train: dict[str, Array]) -> TrainingResult:
    """Trained anew on all engines: from the same seed, up to the epoch that was best on validation,
    the learning rate falling as it did."""

    def end(epoch: Epoch) -> None:
        if epoch.epoch == result.best_epoch:
            raise KeyboardInterrupt  # which keeps what there is

    alone = options(seed, result.model.signature.window or 0)
    whole = replace(alone, split=(1.0, 0.0, 0.0), epochs=result.history[-1].epochs, patience=0)
    return fit(train, whole, end)


def validation_error(result: TrainingResult, train: dict[str, Array]) -> float:
    """RMSE after every cycle of the validation engines that the shortest of the windows reaches."""
    engines = np.unique(result.answers.groups).astype(int)
    is_held_out = np.isin(train["engine"], engines)
    held_out = Table.of({name: column[is_held_out] for name, column in train.items()})
    errors = []
    for run in series_of(held_out, result.model.signature):
        ends = range(min(WINDOWS), len(run) + 1)
        predicted = asked(result.model, [run.x[:end] for end in ends])
        errors.append(predicted - held_out["life"][run.rows[ends.start - 1 :]])
    return rmse_of(np.concatenate(errors))


def main() -> None:
    """Choose on validation, train once a seed, and print the test errors."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with the three FD001 files"
    )
    parser.add_argument("--refit", action="store_true", help="train anew on all engines at last")
    given = parser.parse_args()
    data: Path = given.data
    train = with_life(read(data / "train_FD001.txt"))
    test = Table.of(read(data / "test_FD001.txt"))
    life = np.loadtxt(data / "RUL_FD001.txt")
    window, first = chosen(train)
    print(f"chosen on validation: window {window}")
    print("seed   test RMSE   test RMSE, true life capped   validation RMSE   best epoch")
    errors = []
    for seed in SEEDS:
        result = first if seed == SEEDS[0] else fit(train, options(seed, window))
        last = refitted(result, seed, train) if given.refit else result
        predicted = predict_last(last.model, test)
        rmse = [rmse_of(predicted - true) for true in (life, np.minimum(life, CAP))]
        errors.append(rmse)
        validation = result.score("validation").rmse
        tested = f"{seed:4} {rmse[0]:11.2f} {rmse[1]:29.2f}"
        print(f"{tested} {validation:17.2f} {result.best_epoch:12}", flush=True)
    mean = np.mean(errors, axis=0)
    print(f"mean {mean[0]:11.2f} {mean[1]:29.2f}\n")
    print(machine_text(machine("numpy", "torch")))


if __name__ == "__main__":
    main()
