"""From the options of an export to an integer model: data, formats, rounding, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

from ....errors import InputError
from ....model import Array, Model
from .calibration import Calibration, calibration, input_formats
from .cost import OutputCost, check_limit, costs
from .formats import Formats
from .weight_rounding import fitted
from .whole_model import WholeModel

ARITHMETICS = ("float", "integer")
WEIGHTS = {"float32": 16, "int16": 16, "int8": 8}  # float32 is the option's default


@dataclass(frozen=True)
class WholeOptions:
    """The options of an export that are about whole numbers; `export` documents them."""

    arithmetic: str = "float"
    calibrate: str = ""
    input_format: str = ""
    max_error: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether whole numbers are asked for."""
        return self.arithmetic == "integer"

    def check(self) -> None:
        """Refuse what is unknown, and what would do nothing.

        Raises:
            InputError: the arithmetic is unknown, or an option has no effect on it.
        """
        if self.arithmetic not in ARITHMETICS:
            known = " or ".join(ARITHMETICS)
            raise InputError(f"--arithmetic {self.arithmetic!r} is unknown; choose {known}")
        if self.is_whole:
            return
        for name in ("calibrate", "input_format", "max_error"):
            if vars(self)[name]:
                option = f"--{name.replace('_', '-')}"
                raise InputError(f"{option} is for whole numbers: add --arithmetic integer")


@dataclass(frozen=True, eq=False)
class Chosen:
    """An integer model, how it came about, and what it costs."""

    whole: WholeModel
    formats: Formats
    seen: Calibration
    costs: tuple[OutputCost, ...]


def choose(model: Model, windows: Array | None, weights: str, options: WholeOptions) -> Chosen:
    """The integer model of least error on real inputs.

    Raises:
        InputError: an option is invalid, or its limit is passed.
        UnsupportedModel: a stage has no integer form.
    """
    seen = calibration(model, windows, options.calibrate)
    given = input_formats(model.signature, options.input_format)
    weight_bits = WEIGHTS[weights]
    formats, whole = fitted(model, seen.inputs, weight_bits, given)
    found = costs(model, whole, seen.inputs)
    check_limit(found, options.max_error, seen, weight_bits)
    return Chosen(whole, formats, seen, found)
