"""What makes the error of whole numbers smaller, for the message that refuses them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .calibration import Calibration
from .cost import OutputCost
from .whole_model import WholeModel

COARSE = 1 / 16  # of an error that is allowed: answers in larger steps are the cause of it


@dataclass(frozen=True, eq=False)
class Remedies:
    """What a user can do.

    Attributes:
        whole: the integer model.
        seen: the inputs that its cost was measured on.
        weight_bits: 16 or 8.
    """

    whole: WholeModel
    seen: Calibration
    weight_bits: int

    def __call__(self, cost: OutputCost, allowed: float) -> Iterator[str]:
        """What helps an output whose error is larger than allowed, the likeliest first."""
        yield from self._smaller_unit(cost, allowed)
        if self.weight_bits == 8:
            yield "store weights as int16 (--weights int16)"
        if not self.seen.is_table:
            yield "calibrate on a table of what the model will meet (--calibrate)"
        yield "export it in float (--arithmetic float)"

    def _smaller_unit(self, cost: OutputCost, allowed: float) -> Iterator[str]:
        """Where the format of all outputs is too coarse for this one."""
        step = 2.0**-self.whole.answer_bits
        if step > allowed * COARSE:
            shared = f"all outputs share a format, whose step is {step:.2g}"
            unit = "a smaller unit, such as grams for kilograms"
            yield f"train {cost.column.name} in {unit} ({shared})"
