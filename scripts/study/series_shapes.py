"""Twelve shapes of series, each trained on with defaults alone, beside persistence, season, ridge.

The shapes are made here, with seeds: what drifts, repeats, jumps, grows, is hidden or missing. Each
is drawn three times, since a test part of 225 rows decides little by itself, and the test RMSE is
the mean over the draws. A model is better where it is below that of the best baseline, and level
within 1 %. One whose error is larger in a draw has to come with a warning that names the baseline.
Where a baseline is not beaten, the last column has the error of whoever knows how the shape is made
and sees the window, but not the noise in it.

    python -m scripts.study.series_shapes                # some ten minutes
    python -m scripts.study.series_shapes walk drift
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from lstm_export.model import Array
from lstm_export.training import TrainingOptions, TrainingResult, fit
from lstm_export.training.answers import MODEL, Answers, rmse_of
from scripts.bench.timing import machine, machine_text

DRAWS = 3
NEXT_DRAW = 1000  # added to every seed
ROWS = 1500
DAY = 24
WEEK = 7 * DAY
LEVEL = 0.01  # of the best baseline's error
WINDOW = TrainingOptions.window
HORIZON = 6
GROWTH = 0.0015  # a row
SLOPE = 0.02  # a row
STEP = np.arange(ROWS)
TIME = np.datetime64("2024-01-01", "s") + STEP * np.timedelta64(3600, "s")
Columns = dict[str, Array]


def _waves(step: Array) -> tuple[Array, Array]:
    return np.sin(2 * np.pi * step / DAY), np.sin(2 * np.pi * step / WEEK)


def drift(step: Array, noise: Array) -> Array:
    """A walk with a drift, and a day."""
    return np.cumsum(0.05 + 0.3 * noise) + 2 * _waves(step)[0]


def walk(step: Array, noise: Array) -> Array:
    """A random walk, which nothing predicts better than its last value."""
    return np.cumsum(noise)


def trend(step: Array, noise: Array) -> Array:
    """A straight line, a day, noise."""
    return SLOPE * step + 3 * _waves(step)[0] + 0.5 * noise


def seasons(step: Array, noise: Array) -> Array:
    """A day in a week."""
    day, week = _waves(step)
    return 5 * day + 2 * week + 0.8 * noise


def swinging(step: Array, noise: Array) -> Array:
    """An autoregression of order two, which is linear."""
    y = np.zeros(len(step))
    for row in range(2, len(step)):
        y[row] = 1.6 * y[row - 1] - 0.8 * y[row - 2] + 0.5 * noise[row]
    return y


def growing(step: Array, noise: Array) -> Array:
    """A day that grows with its level."""
    return np.exp(GROWTH * step) * (5 + 2 * _waves(step)[0]) + 0.3 * noise


def bent(step: Array, noise: Array) -> Array:
    """An autoregression that is not linear."""
    y = np.zeros(len(step))
    for row in range(2, len(step)):
        y[row] = np.sin(2 * y[row - 1]) + 0.5 * y[row - 2] + 0.2 * noise[row]
    return y


SINGLE: Mapping[str, Callable[[Array, Array], Array]] = {
    "drift": drift,
    "walk": walk,
    "trend": trend,
    "seasons": seasons,
    "swinging": swinging,
    "growing": growing,
    "bent": bent,
}


def _random(seed: int, draw: int) -> np.random.Generator:
    return np.random.default_rng(seed + NEXT_DRAW * draw)


def _noise(draw: int) -> Array:
    return _random(0, draw).standard_normal(ROWS)


def _steps(draw: int) -> Columns:
    """A level that jumps every hundred rows."""
    levels = _random(1, draw).normal(0, 5, ROWS // 100)
    y = np.repeat(levels, 100) + _waves(STEP)[0] + 0.4 * _noise(draw)
    return {"time": TIME, "y": y}


def _working_hours(draw: int) -> Columns:
    """Counts in the hours of work, nothing in the others."""
    is_work = (STEP % DAY > 8) & (STEP % DAY < 18)
    counts = _random(2, draw).poisson(4, ROWS)
    return {"time": TIME, "y": np.where(is_work, counts, 0) + 0.1 * _noise(draw)}


def _driven(draw: int) -> Columns:
    """Another column comes to bear three rows later, and not in a straight line."""
    u = np.cumsum(_noise(draw)) / 8
    y = np.tanh(np.roll(u, 3)) * 4 + 0.3 * _random(3, draw).standard_normal(ROWS)
    return {"time": TIME, "u": u, "y": y}


def _gaps(draw: int) -> Columns:
    """A day in a week, of which one row in a hundred is missing."""
    kept = _random(4, draw).random(ROWS) > 0.01
    return {"time": TIME[kept], "y": seasons(STEP, _noise(draw))[kept]}


def _machines(draw: int) -> Columns:
    """Three machines that differ in level and phase."""
    parts = []
    for machine_ in range(3):
        noise = _random(10 + machine_, draw).standard_normal(ROWS)
        parts.append(10 * machine_ + seasons(STEP + 5 * machine_, noise))
    names = np.repeat(["m0", "m1", "m2"], ROWS)
    return {"time": np.tile(TIME, 3), "machine": names, "y": np.concatenate(parts)}


OTHERS: Mapping[str, Callable[[int], Columns]] = {
    "steps": _steps,
    "working hours": _working_hours,
    "machines": _machines,
    "gaps": _gaps,
    "driven": _driven,
}


def table_of(name: str, draw: int) -> Columns:
    """The columns of one shape: time and y, and what else it has."""
    if name in OTHERS:
        return OTHERS[name](draw)
    return {"time": TIME, "y": SINGLE[name](STEP, _noise(draw))}


def _next_of_walk(seen: Array) -> Array:
    return np.repeat(seen[-1], HORIZON)


def _next_of_swinging(seen: Array) -> Array:
    known = [*seen[-2:]]
    for _ in range(HORIZON):
        known.append(1.6 * known[-1] - 0.8 * known[-2])
    return np.array(known[2:])


def _next_of_trend(seen: Array) -> Array:
    line = SLOPE * np.arange(WINDOW + HORIZON)
    return line[WINDOW:] + _day_continued(seen - line[:WINDOW], np.ones(WINDOW + HORIZON))


def _next_of_growing(seen: Array) -> Array:
    return _day_continued(seen, np.exp(GROWTH * np.arange(WINDOW + HORIZON)))


def _day_continued(seen: Array, scale: Array) -> Array:
    """A level and a day around it, of unknown size and phase, both times a scale.

    By least squares, which no other unbiased linear forecast beats (Gauss and Markov).
    """
    day = 2 * np.pi * np.arange(WINDOW + HORIZON) / DAY
    waves = np.stack([np.ones(len(day)), np.sin(day), np.cos(day)], axis=1)
    design = scale[:, np.newaxis] * waves  # (window and horizon, 3)
    found, *_ = np.linalg.lstsq(design[:WINDOW], seen, rcond=None)
    forecast: Array = design[WINDOW:] @ found
    return forecast


KNOWN: Mapping[str, Callable[[Array], Array]] = {
    "walk": _next_of_walk,
    "trend": _next_of_trend,
    "swinging": _next_of_swinging,
    "growing": _next_of_growing,
}


def known_error(name: str, draw: int, answers: Answers) -> float:
    """The RMSE of who knows how the shape is made, on the windows of a part."""
    table = table_of(name, draw)
    rows = np.searchsorted(table["time"], answers.times)
    windows = [table["y"][row + 1 - WINDOW : row + 1] for row in rows]
    predicted = np.stack([KNOWN[name](seen) for seen in windows])  # (windows, steps)
    return rmse_of(predicted - answers.true[:, 0])


def trained(name: str, draw: int) -> TrainingResult:
    """With defaults: the target, the time, and the group where there is one are named."""
    table = table_of(name, draw)
    group = "machine" if "machine" in table else None
    options = TrainingOptions(targets="y", time="time", horizon=HORIZON, group=group)
    return fit(table, options)


def line_of(name: str, results: Sequence[TrainingResult]) -> tuple[str, str]:
    """A row of the table, and the verdict in it."""
    errors: dict[str, list[float]] = {}
    for result in results:
        for score in result.metrics:
            if score.part == "test":
                errors.setdefault(score.predictor, []).append(score.rmse)
    mean = {predictor: float(np.mean(own)) for predictor, own in errors.items()}
    own = mean.pop(MODEL)
    best = min(mean, key=lambda predictor: mean[predictor])
    ratio = own / mean[best]
    verdict = "better" if ratio < 1 - LEVEL else "level" if ratio <= 1 + LEVEL else "worse"
    is_beaten = [not is_best(result) for result in results]
    said = f", {sum(is_beaten)} warned" if any(is_beaten) else ""
    known = ""
    if ratio >= 1 - LEVEL and name in KNOWN:
        by_draw = [known_error(name, draw, result.answers) for draw, result in enumerate(results)]
        known = f"{np.mean(by_draw):.3f}"
    predicts = ", ".join(sorted({result.choice.predict for result in results if result.choice}))
    row = f"{name:14} {predicts:18} {own:8.3f} {mean[best]:8.3f}  {best:12} {ratio:6.3f}"
    return f"{row}  {verdict + said:16} {known}".rstrip(), verdict


def is_best(result: TrainingResult) -> bool:
    """Whether no baseline has a smaller error on the test part; where one has, it was warned of.

    Raises:
        SystemExit: it was not.
    """
    scores = [score for score in result.metrics if score.part == "test"]
    best = min(scores, key=lambda score: score.rmse)
    is_warned = any(text.startswith(f"{best.predictor} predicts") for text in result.warnings)
    if best.predictor != MODEL and not is_warned:
        raise SystemExit(f"{best.predictor} is better, and no warning says so")
    return best.predictor == MODEL


def main() -> None:
    """Train on each shape and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shapes", nargs="*", metavar="SHAPE", help=", ".join([*SINGLE, *OTHERS]))
    chosen = parser.parse_args().shapes or [*SINGLE, *OTHERS]
    print(
        "shape          predicts              model     best  baseline      ratio"
        + 20 * " "
        + "known"
    )
    verdicts = []
    for name in chosen:
        line, verdict = line_of(name, [trained(name, draw) for draw in range(DRAWS)])
        print(line, flush=True)
        verdicts.append(verdict)
    counts = ", ".join(f"{verdicts.count(word)} {word}" for word in ("better", "level", "worse"))
    print(f"{counts}, of {len(verdicts)}\n")
    print(machine_text(machine("numpy", "torch")))


if __name__ == "__main__":
    main()
