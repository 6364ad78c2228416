"""Three seeds on the built-in traffic counter, beside the baselines, with an interval of 90 %."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lstm_export.training import TrainingOptions, fit
from scripts.bench.timing import machine, report

DATA = Path(__file__).resolve().parents[2] / "lstm_export" / "data" / "i94_traffic.csv.gz"
SEEDS = (0, 1, 2)


def options(seed: int) -> TrainingOptions:
    """48 hours in, 6 hours out; the calendar knows public holidays, quantiles are learned."""
    return TrainingOptions(
        targets="volume",
        features=("volume", "temp_c", "clouds_pct"),
        window=48,
        horizon=6,
        time="hour",
        calendar=("hour", "weekday", "holiday"),
        country="US",
        quantiles=(0.05, 0.95),
        seed=seed,
    )


def main() -> None:
    """Train once a seed and print the test errors."""
    results = [fit(DATA, options(seed)) for seed in SEEDS]
    rows = {
        f"lstm, seed {seed}": result.score("test")
        for seed, result in zip(SEEDS, results, strict=True)
    }
    rows |= {
        name: results[0].score("test", name)
        for name in ("persistence", "same time last week", "ridge")
    }
    lines = ["test part, vehicles an hour      RMSE       MAE"]
    lines += [f"{name:28} {score.rmse:8.1f}  {score.mae:8.1f}" for name, score in rows.items()]
    mean = float(np.mean([result.score("test").rmse for result in results]))
    share = mean / rows["ridge"].rmse
    lines.append(f"mean over the seeds: {mean:.1f}, {share:.2f} of ridge on the same inputs")
    coverage = [entry for result in results for entry in result.coverage if entry.part == "test"]
    held = ", ".join(f"{entry.share:.1%}" for entry in coverage)
    lines.append(f"q0.05 to q0.95 hold {held} of the test part")
    report(lines, {name: score.rmse for name, score in rows.items()}, machine("numpy", "torch"))


if __name__ == "__main__":
    main()
