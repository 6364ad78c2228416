"""The error against what was measured, of a model and of its whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....errors import printable
from ....model import Array, Model, Signature, forward
from .calibration import Calibration
from .whole_model import WholeModel


@dataclass(frozen=True)
class MeasuredError:
    """Of one target, over all of its steps ahead, in its own unit.

    Attributes:
        source: the data, for people.
        model_rmse: root mean square error of the float64 definition.
        rmse: of the whole numbers.
    """

    name: str
    unit: str
    source: str
    model_rmse: float
    rmse: float

    def sentence(self) -> str:
        """For people."""
        unit = f" {printable(self.unit)}" if self.unit else ""
        change = ""
        if self.model_rmse:
            more = self.rmse / self.model_rmse - 1
            change = f" ({round(more, 4) + 0.0:+.2%})"  # no -0.00%
        return (
            f"against what was measured, {printable(self.source)}, the RMSE of "
            f"{printable(self.name)} goes from {self.model_rmse:.6g} to {self.rmse:.6g}{unit} "
            f"in whole numbers{change}"
        )

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> MeasuredError:
        """Read what `vars` of it gave.

        Raises:
            ValueError, KeyError, TypeError: it is no such record.
        """
        texts = [record[name] for name in ("name", "unit", "source")]
        numbers = [record[name] for name in ("model_rmse", "rmse")]
        if not all(type(text) is str for text in texts):
            raise TypeError(f"a measured error is of {texts!r}")
        if not all(type(number) is float and np.isfinite(number) for number in numbers):
            raise TypeError(f"a measured error is {numbers!r}")
        return cls(*texts, *numbers)


def measured_errors(
    model: Model, whole: WholeModel, seen: Calibration
) -> tuple[MeasuredError, ...]:
    """Target by target; none where the data do not hold what was measured."""
    if seen.true is None:
        return ()
    signature = model.signature
    targets = signature.targets
    (x,) = seen.inputs
    of_model = _by_target(forward(model, whole.as_delivered(x)).y, signature)
    of_whole = _by_target(whole(x), signature)
    measured = _by_target(seen.true, signature)
    errors = []
    for target, exact, rounded, true in zip(targets, of_model, of_whole, measured, strict=True):
        if np.isfinite(true).any():
            model_rmse = _rmse(exact, true)
            rmse = _rmse(rounded, true)
            errors.append(MeasuredError(target.name, target.unit, seen.source, model_rmse, rmse))
    return tuple(errors)


def _by_target(y: Array, signature: Signature) -> list[Array]:
    """Answers `(batch, outputs)` as `(batch, horizon)` of each target."""
    return np.split(y[:, : signature.answers], len(signature.targets), axis=1)


def _rmse(answers: Array, true: Array) -> float:
    """Over what is known."""
    return float(np.sqrt(np.nanmean((answers - true) ** 2)))
