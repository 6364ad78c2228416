"""Twelve shapes of series, each trained on with defaults alone, beside persistence, season, ridge.

The shapes are made here, with seeds: what drifts, repeats, jumps, grows, is hidden or missing. A
model is better where its test RMSE is below that of the best baseline, and level within 1 %. One
whose error is larger has to come with a warning that names the baseline. Where a baseline is not
beaten, the last column has the error of whoever knows how the shape is made, but not its noise.

    python -m scripts.study.series_shapes                # a few minutes
    python -m scripts.study.series_shapes walk drift
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

import numpy as np

from lstm_export.model import Array
from lstm_export.training import TrainingOptions, TrainingResult, fit
from lstm_export.training.answers import MODEL, Answers, rmse_of
from scripts.bench.timing import machine, machine_text

ROWS = 1500
DAY = 24
WEEK = 7 * DAY
LEVEL = 0.01  # of the best baseline's error
HORIZON = 6
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
    return 0.02 * step + 3 * _waves(step)[0] + 0.5 * noise


def seasons(step: Array, noise: Array) -> Array:
    """A day in a week."""
    day, week = _waves(step)
    return 5 * day + 2 * week + 0.8 * noise


def steps(step: Array, noise: Array) -> Array:
    """A level that jumps every hundred rows."""
    levels = np.random.default_rng(1).normal(0, 5, len(step) // 100 + 1)
    return np.repeat(levels, 100)[: len(step)] + _waves(step)[0] + 0.4 * noise


def swinging(step: Array, noise: Array) -> Array:
    """An autoregression of order two, which is linear."""
    y = np.zeros(len(step))
    for row in range(2, len(step)):
        y[row] = 1.6 * y[row - 1] - 0.8 * y[row - 2] + 0.5 * noise[row]
    return y


def growing(step: Array, noise: Array) -> Array:
    """A day that grows with its level."""
    return np.exp(0.0015 * step) * (5 + 2 * _waves(step)[0]) + 0.3 * noise


def bent(step: Array, noise: Array) -> Array:
    """An autoregression that is not linear."""
    y = np.zeros(len(step))
    for row in range(2, len(step)):
        y[row] = np.sin(2 * y[row - 1]) + 0.5 * y[row - 2] + 0.2 * noise[row]
    return y


def working_hours(step: Array, noise: Array) -> Array:
    """Counts in the hours of work, nothing in the others."""
    is_work = (step % DAY > 8) & (step % DAY < 18)
    counts = np.random.default_rng(2).poisson(4, len(step))
    return np.where(is_work, counts, 0) + 0.1 * noise


SINGLE: Mapping[str, Callable[[Array, Array], Array]] = {
    "drift": drift,
    "walk": walk,
    "trend": trend,
    "seasons": seasons,
    "steps": steps,
    "swinging": swinging,
    "growing": growing,
    "bent": bent,
    "working hours": working_hours,
}
OTHERS = ("machines", "gaps", "driven")


def table_of(name: str) -> Columns:
    """The columns of one shape: time and y, and what else it has."""
    step = np.arange(ROWS)
    noise = np.random.default_rng(0).standard_normal(ROWS)
    time = np.datetime64("2024-01-01", "s") + step * np.timedelta64(3600, "s")
    if name == "machines":
        return _machines(step, time)
    if name == "driven":
        # Another column comes to bear three rows later, and not in a straight line.
        u = np.cumsum(noise) / 8
        y = np.tanh(np.roll(u, 3)) * 4 + 0.3 * np.random.default_rng(3).standard_normal(ROWS)
        return {"time": time, "u": u, "y": y}
    if name == "gaps":
        kept = np.random.default_rng(4).random(ROWS) > 0.01
        return {"time": time[kept], "y": seasons(step, noise)[kept]}
    return {"time": time, "y": SINGLE[name](step, noise)}


def _machines(step: Array, time: Array) -> Columns:
    """Three machines that differ in level and phase."""
    parts = []
    for machine_ in range(3):
        noise = np.random.default_rng(10 + machine_).standard_normal(ROWS)
        parts.append(10 * machine_ + seasons(step + 5 * machine_, noise))
    names = np.repeat(["m0", "m1", "m2"], ROWS)
    return {"time": np.tile(time, 3), "machine": names, "y": np.concatenate(parts)}


def _next_of_walk(y: Array, row: int) -> Array:
    return np.repeat(y[row], HORIZON)


def _next_of_swinging(y: Array, row: int) -> Array:
    known = [y[row - 1], y[row]]
    for _ in range(HORIZON):
        known.append(1.6 * known[-1] - 0.8 * known[-2])
    return np.array(known[2:])


def _next_of_growing(_: Array, row: int) -> Array:
    ahead = np.arange(row + 1, row + 1 + HORIZON)
    return growing(ahead, np.zeros(HORIZON))


KNOWN: Mapping[str, Callable[[Array, int], Array]] = {
    "walk": _next_of_walk,
    "swinging": _next_of_swinging,
    "growing": _next_of_growing,
}


def known_error(name: str, answers: Answers) -> str:
    """The RMSE of who knows how the shape is made, on the windows of a part."""
    if name not in KNOWN:
        return ""
    table = table_of(name)
    rows = np.searchsorted(table["time"], answers.times)
    predicted = np.stack([KNOWN[name](table["y"], row) for row in rows])  # (windows, steps)
    return f"{rmse_of(predicted - answers.true[:, 0]):.3f}"


def trained(name: str) -> TrainingResult:
    """With defaults: the target, the time, and the group where there is one are named."""
    table = table_of(name)
    group = "machine" if "machine" in table else None
    options = TrainingOptions(targets="y", time="time", horizon=HORIZON, group=group)
    return fit(table, options)


def line_of(name: str, result: TrainingResult) -> tuple[str, str]:
    """A row of the table, and the verdict in it."""
    own = result.score("test").rmse
    others = [s for s in result.metrics if s.part == "test" and s.predictor != MODEL]
    best = min(others, key=lambda score: score.rmse)
    ratio = own / best.rmse
    verdict = "better" if ratio < 1 - LEVEL else "level" if ratio <= 1 + LEVEL else "worse"
    is_warned = any(text.startswith(f"{best.predictor} predicts") for text in result.warnings)
    said = ", warned" if is_warned else ""
    known = known_error(name, result.answers) if ratio >= 1 - LEVEL else ""
    what = result.choice.predict if result.choice else "level"
    row = f"{name:14} {what:7} {own:8.3f} {best.rmse:8.3f}  {best.predictor:20} {ratio:5.2f}"
    return f"{row}  {verdict + said:14} {known}".rstrip(), verdict


def main() -> None:
    """Train on each shape and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shapes", nargs="*", metavar="SHAPE", help=", ".join([*SINGLE, *OTHERS]))
    chosen = parser.parse_args().shapes or [*SINGLE, *OTHERS]
    print(
        "shape          predicts   model     best  baseline             ratio" + 17 * " " + "known"
    )
    verdicts = []
    for name in chosen:
        line, verdict = line_of(name, trained(name))
        print(line, flush=True)
        verdicts.append(verdict)
    counts = ", ".join(f"{verdicts.count(word)} {word}" for word in ("better", "level", "worse"))
    print(f"{counts}, of {len(verdicts)}\n")
    print(machine_text(machine("numpy", "torch")))


if __name__ == "__main__":
    main()
