"""The diagnosis of a failure: the first wrong step and layer, and the known bug it is like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

UNKNOWN = "unknown"
AFTER_THE_LAYERS = "after the recurrent layers"


@dataclass(frozen=True)
class Diagnosis:
    """Everything known of a failure.

    Attributes:
        golden_set: the failed set in which the first wrong step was looked for; empty where there
            was none.
        step: the first wrong step, from 1 to `seq`; None where it was not found.
        seq: steps of that set.
        layer: the first recurrent layer whose own output is wrong, such as `lstm_l1`;
            `AFTER_THE_LAYERS` where all of them are right; empty where the artifact cannot be
            probed.
        bug: the catalogue's name of the bug, or `UNKNOWN`.
        place: the cell or stage that has it; empty for the whole model.
        also: other bugs that give the same answers within rounding.
    """

    golden_set: str = ""
    step: int | None = None
    seq: int = 0
    layer: str = ""
    bug: str = UNKNOWN
    place: str = ""
    also: tuple[str, ...] = ()

    @property
    def named_bug(self) -> str:
        """The bug and its place; empty where it is unknown."""
        if self.bug == UNKNOWN:
            return ""
        return f"{self.bug} in {self.place}" if self.place else self.bug

    def sentences(self) -> Iterator[str]:
        """For people."""
        if self.step is not None:
            yield f"first wrong at step {self.step} of {self.seq} (golden set {self.golden_set})"
        if self.layer:
            yield f"first wrong layer: {self.layer}"
        named = self.named_bug or f"{UNKNOWN}, none of the known bugs"
        yield ", or ".join([f"it behaves like: {named}", *self.also])
