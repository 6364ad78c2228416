"""Remaining useful life of turbofan engines (NASA C-MAPSS FD001) with the public training API.

The usual protocol: 14 sensors scaled to -1 .. 1 on the training part, windows of 30 cycles, the
remaining life capped at 125 in training, 15 of 100 engines for validation, the last window of each
test engine judged. Papers differ on whether the true life is capped in the test too, so both are
printed.

Hidden size, learning rate, batch size and dropout are searched for on the validation engines of the
first seed, around the protocol's; epochs are the defaults, ended by the validation engines. The
test engines are asked when all of that is settled, once.

    python -m scripts.bench.cmapss --data DIR

DIR holds train_FD001.txt, test_FD001.txt and RUL_FD001.txt.
"""

from __future__ import annotations

import argparse
import platform
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from lstm_export.model import Array, Model
from lstm_export.model.torch_module import eager, to_module
from lstm_export.series import Table, series_of
from lstm_export.training import Search, TrainingOptions, fit

SENSORS = (2, 3, 4, 7, 8, 9, 11, 12, 13, 14, 15, 17, 20, 21)
CAP = 125
SEEDS = (0, 1, 2)
SEARCHED = ("hidden_size", "learning_rate", "batch_size", "dropout")


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
    runs = series_of(table, model.signature)
    window = model.signature.window or 0
    x = np.stack([run.x[-window:] for run in runs])  # (engines, window, sensors)
    return eager(to_module(model))(x)[:, 0]


def options(seed: int) -> TrainingOptions:
    """The protocol as training options, before the search."""
    return TrainingOptions(
        targets=("life",),
        features=tuple(f"sensor_{sensor}" for sensor in SENSORS),
        window=30,
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


def found(train: dict[str, Array], trials: int) -> TrainingOptions:
    """The options that are best on the validation engines of the first seed."""
    given = options(SEEDS[0])
    if not trials:
        return given
    search = fit(train, given, search=Search(trials=trials, over=SEARCHED)).search
    if search is None:
        return given
    for number, trial in enumerate(search.trials):
        mark = "  best" if number == search.best else ""
        print(f"trial {number}: {trial.options}, validation RMSE {trial.rmse:.4f}{mark}")
    return replace(given, **search.trials[search.best].options)


def main() -> None:
    """Search, train once a seed and print the test errors."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with the three FD001 files"
    )
    parser.add_argument("--trials", type=int, default=6, help="of the search; 0 for none")
    given = parser.parse_args()
    data: Path = given.data
    train = with_life(read(data / "train_FD001.txt"))
    test = Table.of(read(data / "test_FD001.txt"))
    life = np.loadtxt(data / "RUL_FD001.txt")
    best = found(train, given.trials)
    errors = []
    print("seed   test RMSE   test RMSE, true life capped   validation RMSE   best epoch")
    for seed in SEEDS:
        result = fit(train, replace(best, seed=seed))
        predicted = predict_last(result.model, test)
        rmse = [
            float(np.sqrt(np.mean((predicted - true) ** 2)))
            for true in (life, np.minimum(life, CAP))
        ]
        errors.append(rmse)
        validation = result.score("validation").rmse
        tested = f"{seed:4} {rmse[0]:11.2f} {rmse[1]:29.2f}"
        print(f"{tested} {validation:17.2f} {result.best_epoch:12}", flush=True)
    mean = np.mean(errors, axis=0)
    print(f"mean {mean[0]:11.2f} {mean[1]:29.2f}")
    print(
        f"\n{platform.machine()} {platform.system()}, python {platform.python_version()}, "
        f"torch {torch.__version__}, {torch.get_num_threads()} threads"
    )


if __name__ == "__main__":
    main()
