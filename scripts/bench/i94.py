"""Three seeds on the built-in traffic counter, beside the baselines, with an interval of 90 %.

The calendar, and whether quantiles are learned beside the mean, are chosen by the error on
validation of the first seed; only then are the errors on the test part read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lstm_export.training import TrainingOptions, TrainingResult, fit
from scripts.bench.timing import machine, options, report

DATA = Path(__file__).resolve().parents[2] / "lstm_export" / "data" / "i94_traffic.csv.gz"
SEEDS = (0, 1, 2)


VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "hour, weekday": {"calendar": ("hour", "weekday")},
    "hour, weekday, holiday": {"calendar": ("hour", "weekday", "holiday"), "country": "US"},
    "hour, weekday, holiday, and quantiles": {
        "calendar": ("hour", "weekday", "holiday"),
        "country": "US",
        "quantiles": (0.05, 0.95),
    },
}


def options_of(variant: str, seed: int) -> TrainingOptions:
    """48 hours in, 6 hours out."""
    return TrainingOptions(
        targets="volume",
        features=("volume", "temp_c", "clouds_pct"),
        window=48,
        horizon=6,
        time="hour",
        seed=seed,
        **VARIANTS[variant],
    )


def chosen() -> tuple[str, TrainingResult]:
    """The variant that is best on validation, and its first run."""
    results = {variant: fit(DATA, options_of(variant, SEEDS[0])) for variant in VARIANTS}
    errors = {variant: result.score("validation").rmse for variant, result in results.items()}
    for variant, rmse in errors.items():
        print(f"validation RMSE of seed {SEEDS[0]}, {variant}: {rmse:.1f}", flush=True)
    best = min(errors, key=lambda variant: errors[variant])
    return best, results[best]


def main() -> None:
    """Choose on validation, train once a seed, and print the test errors."""
    parser = options(__doc__)
    parser.add_argument("--variant", choices=VARIANTS, help="train this, and choose nothing")
    given = parser.parse_args()
    if given.variant:
        variant = given.variant
        first = fit(DATA, options_of(variant, SEEDS[0]))
    else:
        variant, first = chosen()
    results = [first, *(fit(DATA, options_of(variant, seed)) for seed in SEEDS[1:])]
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
    lines.append(f"{'given' if given.variant else 'chosen on validation'}: {variant}")
    for part in ("validation", "test"):
        coverage = [entry for result in results for entry in result.coverage if entry.part == part]
        held = ", ".join(f"{entry.share:.1%}" for entry in coverage)
        if held:
            lines.append(f"q0.05 to q0.95 hold {held} of the {part} part")
    record = {name: score.rmse for name, score in rows.items()}
    report(lines, record, machine("numpy", "torch"), given)


if __name__ == "__main__":
    main()
