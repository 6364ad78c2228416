"""Draw the demo's two pictures: the training curve, and one test week predicted six hours ahead."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import matplotlib as mpl
import numpy as np

from lstm_export.verification.subject import read

mpl.use("Agg")
from matplotlib import pyplot as plt

AHEAD = 6
HOURS = 7 * 24
MEASURED = "#222222"
PREDICTED = "#d1495b"
NAIVE = "#9aa5b1"


def main() -> None:
    """Draw both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="where the demo left its checkpoint, test hours and predictions",
    )
    folder: Path = parser.parse_args().folder
    plt.rcParams.update(
        {"figure.dpi": 130, "axes.spines.top": False, "axes.spines.right": False, "font.size": 10}
    )
    training_curve(folder / "i94.pt", folder / "training_curve.png")
    test_week(folder / "i94_test.csv", folder / "i94_predictions.csv", folder / "test_week.png")


def training_curve(checkpoint: Path, picture: Path) -> None:
    """Training and validation loss over epochs, the best epoch marked."""
    facts = read(checkpoint).facts
    epochs = [entry["epoch"] for entry in facts["history"]]
    figure, axes = plt.subplots(figsize=(7, 4))
    axes.plot(
        epochs,
        [entry["train_loss"] for entry in facts["history"]],
        "o-",
        ms=3,
        color=NAIVE,
        label="training",
    )
    validation = [entry["validation_loss"] for entry in facts["history"]]
    axes.plot(epochs, validation, "o-", ms=3, color=PREDICTED, label="validation")
    axes.axvline(
        facts["best_epoch"],
        color=MEASURED,
        lw=0.8,
        ls=":",
        label=f"kept: epoch {facts['best_epoch']}",
    )
    axes.set(
        xlabel="epoch",
        ylabel="mean squared error, scaled units",
        yscale="log",
        title="Training on I-94 traffic",
    )
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    axes.legend(frameon=False)
    save(figure, picture)


def test_week(measured: Path, predictions: Path, picture: Path) -> None:
    """One test week: measured, predicted six hours before, and persistence (the value six hours
    before).
    """
    volume = dict(
        zip(column(measured, "hour"), map(float, column(measured, "volume")), strict=True)
    )
    hours = np.array(column(predictions, "hour"), "datetime64[h]")
    predicted = np.array(column(predictions, f"volume[t+{AHEAD}]"), float)
    start = next(
        i for i in range(len(hours)) if hours[i].astype("datetime64[D]").astype(int) % 7 == MONDAY
    )
    shown = slice(start, start + HOURS)
    then = hours[shown] + AHEAD
    figure, axes = plt.subplots(figsize=(10, 4))
    axes.plot(
        then,
        [volume.get(str(hour), np.nan) for hour in hours[shown]],
        color=NAIVE,
        lw=1,
        label="persistence",
    )
    axes.plot(
        then,
        [volume.get(str(hour), np.nan) for hour in then],
        color=MEASURED,
        lw=1.6,
        label="measured",
    )
    axes.plot(then, predicted[shown], color=PREDICTED, lw=1.6, label=f"LSTM, {AHEAD} hours ahead")
    axes.set(
        ylabel="vehicles an hour",
        title="A test week, predicted on a device without PyTorch",
        ylim=(0, None),
    )
    axes.xaxis.set_major_locator(mpl.dates.DayLocator())
    axes.xaxis.set_major_formatter(mpl.dates.DateFormatter("%a %d %b"))
    axes.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.12))
    save(figure, picture)


# 1970-01-01, day 0, was a Thursday.
MONDAY = 4


def column(path: Path, name: str) -> list[str]:
    """One column of a CSV file."""
    with path.open(newline="") as file:
        return [row[name] for row in csv.DictReader(file)]


def save(figure: plt.Figure, picture: Path) -> None:
    """Write a picture and say so."""
    figure.savefig(picture, bbox_inches="tight")
    plt.close(figure)
    print(f"wrote {picture}")


if __name__ == "__main__":
    main()
