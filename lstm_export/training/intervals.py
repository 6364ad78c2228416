"""Intervals around answers: calibrated on validation, and how much they hold of other parts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..model import Affine, Array, Linear, Model, Slice, Stage
from .answers import Answers
from .assembly import OUTPUT_SCALER, repeated
from .shortcut import RIDGE

OFF_BY = 0.05  # of all answers: a coverage further from its level is worth a warning


@dataclass(frozen=True)
class Coverage:
    """How much of the truth lies between two quantiles.

    Attributes:
        part: "train", "validation" or "test"; "all" of a table that is judged whole.
        target: the column.
        low: level of the lower quantile.
        high: level of the upper one.
        share: of all answers, whose truth lies between them.
        width: mean distance between them, in the target's units.
        windows: how many windows it was taken over.
    """

    part: str
    target: str
    low: float
    high: float
    share: float
    width: float
    windows: int

    @property
    def level(self) -> float:
        """The share that there should be."""
        return self.high - self.low

    @property
    def level_text(self) -> str:
        """The same in percent, with the digits that it was given."""
        return _percent(self.level)


def _percent(share: float) -> str:
    return f"{100 * share:.6g}%"


def coverage_of(answers: Answers, predictor: str, levels: Sequence[float]) -> Iterator[Coverage]:
    """For every target the outermost two quantiles, and inwards."""
    quantiles = answers.quantiles.get(predictor)
    if quantiles is None:
        return
    for column, target in enumerate(answers.targets):
        true = answers.true[:, column]  # (windows, steps)
        for index in range(len(levels) // 2):
            low = quantiles[:, index, column]  # (windows, steps)
            high = quantiles[:, -1 - index, column]
            yield Coverage(
                part=answers.part,
                target=target,
                low=levels[index],
                high=levels[-1 - index],
                share=float(np.mean((low <= true) & (true <= high))),
                width=float(np.mean(high - low)),
                windows=len(true),
            )


def off_coverage(found: Sequence[Coverage]) -> Iterator[str]:
    """A warning for an interval that holds far more or less than it should."""
    for coverage in found:
        if coverage.part == "test" and abs(coverage.share - coverage.level) > OFF_BY:
            yield (
                f"the {coverage.level_text} interval of {coverage.target} holds "
                f"{coverage.share:.1%} of the test part, which is unlike the rows that it was "
                "made from: train again on newer rows, or give more of them to validation"
            )


def with_interval(model: Model, validation: Answers, predictor: str, level: float) -> Model:
    """The model with two quantiles more: its answers moved down and up by a fixed distance.

    The distance is that of split conformal prediction (Vovk et al., "Algorithmic Learning in a
    Random World", 2005; Lei et al., doi:10.1080/01621459.2017.1307116): of n answers to the
    validation part the ceil((n + 1) * level)-th smallest error, for each output of its own.

    Args:
        model: as `Assembly.model` puts it together.
        validation: its answers to the validation part.
        predictor: what the model is called there.
        level: the share that the interval should hold.

    Raises:
        InputError: the validation part has too few windows for this level.
    """
    errors = np.abs(validation.predicted[predictor] - validation.true)
    errors = errors.reshape(len(errors), -1)  # (windows, output_size)
    rank = _whole_above((len(errors) + 1) * level)
    if rank > len(errors):
        raise InputError(
            f"an interval of {_percent(level)} needs a validation part of at least "
            f"{_whole_above(level / (1 - level))} windows, got {len(errors)}; bring more rows, or "
            "give a larger share to validation"
        )
    distance = np.sort(errors, axis=0)[rank - 1]  # (output_size,), in the targets' units
    levels = (round((1 - level) / 2, 9), round((1 + level) / 2, 9))  # 0.05, not 0.0500...04
    signature = replace(
        model.signature, output_size=3 * model.signature.output_size, quantiles=levels
    )
    return Model(tuple(_with_quantiles(model, distance)), signature, model.origin)


def _whole_above(number: float) -> int:
    """The number rounded up; what a float64 lies beside a whole number is no reason to."""
    return math.ceil(round(number, 9))


def _with_quantiles(model: Model, distance: Array) -> Iterator[Stage]:
    """The stages, those from the Linear on with three times the columns."""
    (scale,) = (stage.scale for stage in _scalers_of_answers(model))
    for stage in model.stages:
        if isinstance(stage, Linear):
            # What a regression adds is the same for all three.
            by = np.zeros_like(distance) if stage.name == RIDGE else distance / scale
            yield _moved(stage, by)
        elif isinstance(stage, Slice):
            yield replace(stage, features=3 * stage.features)
        elif isinstance(stage, Affine) and stage.name == OUTPUT_SCALER:
            yield repeated(stage, 3)
        else:
            yield stage


def _scalers_of_answers(model: Model) -> Iterator[Affine]:
    for stage in model.stages:
        if isinstance(stage, Affine) and stage.name == OUTPUT_SCALER:
            yield stage


def _moved(linear: Linear, distance: Array) -> Linear:
    """The answers, then the same lower, then higher; `distance (output_size,)` is scaled."""
    # (output_size,), in float64
    bias = np.zeros(len(distance)) if linear.bias is None else linear.bias.astype(np.float64)
    biases = np.concatenate([bias, bias - distance, bias + distance])  # (3 * output_size,)
    weight = np.tile(linear.weight, (3, 1))  # (3 * output_size, in_features)
    return replace(linear, weight=weight, bias=biases.astype(np.float32))
