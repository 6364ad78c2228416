"""Three seeds on the built-in traffic counter, as in the README, beside the baselines."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lstm_export.training import TrainingOptions, fit
from scripts.bench.timing import machine, report

DATA = Path(__file__).resolve().parents[2] / "lstm_export" / "data" / "i94_traffic.csv.gz"
SEEDS = (0, 1, 2)


def options(seed: int) -> TrainingOptions:
    """48 hours in, 6 hours out."""
    return TrainingOptions(
        targets="volume",
        features=("volume", "temp_c", "clouds_pct"),
        window=48,
        horizon=6,
        time="hour",
        calendar=("hour", "weekday"),
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
    report(lines, {name: score.rmse for name, score in rows.items()}, machine("numpy", "torch"))


if __name__ == "__main__":
    main()
