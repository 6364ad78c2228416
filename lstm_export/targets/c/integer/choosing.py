"""From the options of an export to an integer model: data, formats, rounding, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....errors import InputError
from ....model import Array, Model
from ..emit.layout import BITS
from ..options import CompiledOptions
from .calibration import Calibration, calibration, input_formats
from .cost import OutputCost, beyond, check_limit, costs
from .formats import Formats, input_titles
from .joins import MOST_STEPS, Pool
from .measured_error import MeasuredError, measured_errors
from .remedies import Remedies
from .weight_rounding import fitted
from .whole_model import WholeModel

MOST_LEFT_OUT = 0.01  # of an input's values, by counts that the user told: they may be outliers


@dataclass(frozen=True, eq=False)
class Chosen:
    """An integer model, how it came about, and what it costs."""

    whole: WholeModel
    formats: Formats
    seen: Calibration
    costs: tuple[OutputCost, ...]
    measured_errors: tuple[MeasuredError, ...]

    def sentences(self) -> tuple[str, ...]:
        """What it costs, for people."""
        told = [cost.sentence(self.seen.source) for cost in self.costs]
        told += [error.sentence() for error in self.measured_errors]
        if any(isinstance(node.stage, Pool) and node.stage.adds_up for node in self.whole.nodes):
            told.append(
                f"a sum or a mean over time counts the first {MOST_STEPS:,} steps after a reset "
                "and leaves out later ones"
            )
        return tuple(told)


def choose(model: Model, windows: Array | None, options: CompiledOptions) -> Chosen:
    """The integer model of least error on real inputs.

    Raises:
        InputError: an option is invalid, or its limit is passed.
        UnsupportedModel: a stage has no integer form.
    """
    seen = calibration(model, windows, options.calibrate)
    given = input_formats(model.signature, options.input_format)
    weight_bits = BITS[options.storage]
    formats, whole = fitted(model, seen.inputs, weight_bits, given)
    _check_counts(whole, seen, input_titles(model.signature))
    found = costs(model, whole, seen.inputs)
    check_limit(found, options.max_error, seen, Remedies(whole, seen, weight_bits))
    return Chosen(whole, formats, seen, found, measured_errors(model, whole, seen))


def _check_counts(whole: WholeModel, seen: Calibration, titles: Sequence[str]) -> None:
    """Refuse counts of a sensor that leave out what the model meets."""
    for place in whole.given:
        masks = [beyond(whole, x)[..., place] for x in seen.inputs]
        count = sum(int(mask.sum()) for mask in masks)
        values = sum(mask.size for mask in masks)
        if count > MOST_LEFT_OUT * values:
            raise InputError(
                f"--input-format leaves out {count} of {values} values of {titles[place]} on "
                f"{seen.source}: int16 does not reach them; give it a larger step, or another zero"
            )
