"""From the options of an export to an integer model: data, formats, rounding, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

from ....model import Array, Model
from ..emit.layout import BITS
from ..options import CompiledOptions
from .calibration import Calibration, calibration, input_formats
from .cost import OutputCost, check_limit, costs
from .formats import Formats
from .measured_error import MeasuredError, measured_errors
from .weight_rounding import fitted
from .whole_model import WholeModel


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
        moved = [cost.sentence(self.seen.source) for cost in self.costs]
        return (*moved, *(error.sentence() for error in self.measured_errors))


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
    found = costs(model, whole, seen.inputs)
    check_limit(found, options.max_error, seen, weight_bits, 2.0**-whole.answer_bits)
    return Chosen(whole, formats, seen, found, measured_errors(model, whole, seen))
