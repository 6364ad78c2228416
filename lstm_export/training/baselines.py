"""What a model has to beat: persistence, the same time a season ago, and ridge regression."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..model import Array, Signature
from ..model.calendar_steps import MONTHS
from .answers import Predictor
from .ridge import MOST_COLUMNS, design_of, ridge_weights
from .samples import Samples, batches, by_target
from .scaling import fit_scaler

DAY = 86400.0
WEEK = 7 * DAY


def baselines(samples: Samples, signature: Signature) -> dict[str, Predictor]:
    """The baselines that make sense for this task, by the name that people read."""
    found = untrained_baselines(samples, signature)
    if not samples.horizon:
        found["training mean"] = training_mean(samples)
    if samples.window * samples.x.shape[1] <= MOST_COLUMNS:
        found["ridge"] = ridge(samples)
    return found


def untrained_baselines(samples: Samples, signature: Signature) -> dict[str, Predictor]:
    """Those that need nothing but the past of the target; NaN where the table does not hold it."""
    found: dict[str, Predictor] = {}
    if samples.horizon:
        found["persistence"] = lambda starts: _persistence(samples, starts)
        name, period = season(signature)
        if period is not None and samples.times.dtype.kind == "M":
            tolerance = _tolerance(signature)
            found[name] = partial(_seasonal, samples, period=period, tolerance=tolerance)
    return found


def season(signature: Signature) -> tuple[str, np.timedelta64 | None]:
    """The season worth repeating and its length, a whole number of steps, or None for none.

    A week for steps below a day, a year of whole weeks for steps of a day or a week, else a year.
    """
    if signature.calendar_step in MONTHS:
        return f"same {signature.calendar_step} last year", np.timedelta64(12, "M")
    step = DAY if signature.calendar_step else signature.time_step or 0.0
    if step < DAY:
        name = "same time last week"
        period = WEEK
    else:
        name = "same weekday last year"
        period = 52 * WEEK
    is_whole = 0 < step <= WEEK and period % step == 0
    return name, np.timedelta64(round(period * 1e6), "us") if is_whole else None


def ridge(samples: Samples) -> Predictor:
    """Least squares from standardised, flattened training windows to the targets, with an L2
    penalty."""
    starts = samples.parts["train"]
    scaler = fit_scaler(samples.inputs_of("train"), "standard")
    mean = samples.mean_target
    # (columns, output_size)
    weight = ridge_weights(
        (_design(samples, scaler, batch), samples.targets(batch) - mean)
        for batch in batches(starts)
    )

    def predict(starts: Array) -> Array:
        # (windows, output_size) each
        parts = [_design(samples, scaler, batch) @ weight for batch in batches(starts)]
        predictions: Array = np.concatenate(parts) + mean
        return predictions

    return predict


def _design(samples: Samples, scaler: tuple[Array, Array], starts: Array) -> Array:
    """Scaled, flattened windows and a column of ones: `(windows, window * input_size + 1)`."""
    ends = (starts + samples.lengths(starts))[:, np.newaxis]  # (windows, 1)
    index = ends + np.arange(-samples.window, 0)  # (windows, window), each ends with its last row
    x = samples.x[np.maximum(index, 0)]  # (windows, window, input_size)
    design = design_of(x, *scaler)
    scaled = design[:, :-1].reshape(x.shape)  # a view
    scaled[index < starts[:, np.newaxis]] = 0.0  # the mean, where a shorter window has no row
    return design


def _persistence(samples: Samples, starts: Array) -> Array:
    """The target's value at the window's last row, for every step ahead."""
    last = samples.y[starts + samples.lengths(starts) - 1]  # (windows, targets)
    return np.repeat(last, samples.horizon, axis=1)  # (windows, targets * steps), target by target


def training_mean(samples: Samples) -> Predictor:
    """The mean of the training part, always."""
    mean = samples.mean_target
    return lambda starts: np.broadcast_to(mean, (len(starts), len(mean)))


def _tolerance(signature: Signature) -> np.timedelta64:
    """How far the time of a row a season ago may be off; steps of the calendar are told exactly."""
    tolerance: np.timedelta64 = np.timedelta64(0)  # without a unit, since months have no other
    if signature.time_tolerance and not signature.calendar_step:
        tolerance = np.timedelta64(round(signature.time_tolerance * 1e6), "us")
    return tolerance


def _seasonal(
    samples: Samples, starts: Array, period: np.timedelta64, tolerance: np.timedelta64
) -> Array:
    """The target's value one period before each target row, where the table holds that row."""
    # Months are told apart by month, all others by time: their periods are whole seconds.
    months = np.datetime_data(period.dtype)[0] == "M"
    times = samples.times.astype("datetime64[M]") if months else samples.times
    index = samples.target_index(starts)  # (windows, steps)
    if not months:
        period = period.astype("timedelta64[s]")
    ago = times[index] - period  # (windows, steps)
    seasonal = np.full((*index.shape, samples.y.shape[1]), np.nan)  # (windows, steps, targets)
    group = samples.group[starts]
    for number in np.unique(group):
        first, end = np.searchsorted(samples.group, [number, number + 1])  # the rows of the series
        windows = np.flatnonzero(group == number)
        # (windows, steps), in this series
        place = np.searchsorted(times[first:end], ago[windows] - tolerance)
        rows = place.clip(max=end - first - 1) + first
        # (windows, steps): not the next row after a gap
        is_there = np.abs(times[rows] - ago[windows]) <= tolerance
        seasonal[windows] = np.where(is_there[..., np.newaxis], samples.y[rows], np.nan)
    return by_target(seasonal)
