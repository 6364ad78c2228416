"""A golden set: inputs with the answers that the definition gives, and what judging takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from ..model import Array, Model, forward
from ..model.arrays import frozen
from .noise import Answered, Definition, Input, is_large, noise_floors, output_scale


@dataclass(frozen=True, eq=False)
class GoldenSet:
    """Inputs, the float64 answers, and what is needed to judge an answer without the model.

    Attributes:
        name: what the inputs are, such as `nominal`.
        x: float32 `(batch, seq, input_size)`, finite.
        y: float64 `(batch, output_size)` or `(batch, seq, output_size)`.
        scale: S, float64 `(output_size,)`.
        noise_floor: F, in units of S.
        lengths: int64 `(batch,)`, the steps of each row that count; None where all do. With lengths
            the runner is called as `runner(x, lengths)`.
    """

    name: str
    x: Array
    y: Array
    scale: Array
    noise_floor: float
    lengths: Array | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "x", frozen(self.x))
        object.__setattr__(self, "y", frozen(self.y, "<f8"))
        object.__setattr__(self, "scale", frozen(self.scale, "<f8"))
        if self.lengths is not None:
            object.__setattr__(self, "lengths", frozen(self.lengths, "<i8"))

    @property
    def seq(self) -> int:
        """Steps of x."""
        return int(self.x.shape[1])

    @classmethod
    def of(cls, name: str, model: Model, x: Array, lengths: Array | None = None) -> GoldenSet:
        """Answer `x` by the definition."""
        return cls.by(name, partial(forward, model), x, lengths, large=is_large(model))

    @classmethod
    def by(
        cls, name: str, definition: Definition, x: Array, lengths: Array | None, *, large: bool
    ) -> GoldenSet:
        """Answer `x` by any definition, such as that of a known bug."""
        return cls.of_many(definition, {name: (x, lengths)}, large=large)[0]

    @classmethod
    def of_many(
        cls, definition: Definition, inputs: Mapping[str, Input], *, large: bool
    ) -> tuple[GoldenSet, ...]:
        """Answer many inputs.

        They share the noise of the weights: drawing it takes most of a large model's time.
        """
        answered: list[Answered] = []
        for x, lengths in inputs.values():
            float32 = frozen(x)
            exact = definition(float32, lengths=lengths)
            answered.append(((float32, lengths), exact))
        floors = noise_floors(definition, answered, large=large)
        sets = []
        for name, entry, floor in zip(inputs, answered, floors, strict=True):
            (x, lengths), exact = entry
            sets.append(cls(name, x, exact.y, output_scale(exact), floor, lengths))
        return tuple(sets)
