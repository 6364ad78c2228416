"""What may stand around the modules of a chain and leaves no trace: residuals, centred windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product, takewhile
from typing import Protocol

from .outline import Outline, is_square
from .parts import Part
from .program import INPUT, Program, Step
from .tokens import SKIP, Item, slice_text

MOST_COLUMNS = 4  # of x that are tried one by one
BASES = ("last", "mean", "first")
# The deviation of a window, biased or not, with a small number inside the root or beside it.
BIASED = ("mean", "denormalize(1e-05, 1)", "sqrt")
UNBIASED = ("mean(1)", "sqrt")
DEVIATIONS: tuple[tuple[str, ...], ...] = (
    (),
    BIASED,
    *((*UNBIASED, f"denormalize({eps}, 1)") for eps in ("1e-05", "1e-06", "1e-08")),
    UNBIASED,
)


class Rewiring(Protocol):
    """How the items of a chain take each other's values."""

    def __call__(self, items: Sequence[Item]) -> Program: ...


@dataclass
class _Steps:
    """Steps so far."""

    found: list[Step] = field(default_factory=list)

    def add(self, item: Item, *takes: int) -> int:
        self.found.append(Step(item, takes))
        return len(self.found) - 1

    def chain(self, items: Sequence[Item], value: int) -> int:
        """Items in a row."""
        for item in items:
            value = self.add(item, value)
        return value

    def program(self) -> Program:
        return Program(tuple(self.found)).ordered()


@dataclass(frozen=True)
class Window:
    """Every window less a value of its own, and perhaps by its deviation.

    Attributes:
        base: the token of that value.
        deviation: the tokens that make the deviation of the squares of what is centred; empty where
            nothing is divided.
        columns: of the base that are added to the answer again, and by which the deviation
            multiplies it before; empty for the base as it is, None where the answer stays.
    """

    base: str
    deviation: tuple[str, ...]
    columns: tuple[int, ...] | None

    def __call__(self, items: Sequence[Item]) -> Program:
        steps = _Steps()
        base = steps.add(self.base, INPUT)
        value = steps.add("subtract", INPUT, base)
        deviation = None
        if self.deviation:
            deviation = self._deviation(steps, value)
            value = steps.add("divide", value, deviation)
        answer = steps.chain(items, value)
        if self.columns is not None:
            picked = [slice_text(self.columns)] if self.columns else []
            if deviation is not None:
                answer = steps.add("multiply", answer, steps.chain(picked, deviation))
            steps.add("add", answer, steps.chain(picked, base))
        return steps.program()

    def _deviation(self, steps: _Steps, value: int) -> int:
        if self.base != "mean":
            value = steps.add("subtract", INPUT, steps.add("mean", INPUT))
        return steps.chain(self.deviation, steps.add("multiply", value, value))


@dataclass(frozen=True)
class Residual:
    """What a module takes, added to what it gives, or multiplied by it.

    Attributes:
        tokens: of the modules.
        join: `add`, or `multiply` for a gate, behind a sigmoid.
        is_inner: whether it stands before the activation of its module.
    """

    tokens: frozenset[str]
    join: str = "add"
    is_inner: bool = False

    def __call__(self, items: Sequence[Item]) -> Program:
        steps = _Steps()
        value = INPUT
        rest = list(items)
        while rest:
            item = rest.pop(0)
            if not isinstance(item, Part) or item.token not in self.tokens:
                value = steps.add(item, value)
                continue
            activations = [] if item.is_recurrent else list(takewhile(_is_activation, rest))
            del rest[: len(activations)]
            if self.join == "multiply":
                activations = ["sigmoid"]
            before = [] if self.is_inner else activations
            given = steps.chain([item, *before], value)
            value = steps.add(self.join, value, given)
            if self.is_inner:
                value = steps.chain(activations, value)
        return steps.program()


def _is_activation(item: Item) -> bool:
    return isinstance(item, str) and not item.startswith(SKIP)


def rewirings(outline: Outline, takes: int, yields: int) -> Iterator[Rewiring]:
    """Those that fit an outline which takes and yields so many columns: residuals and gates first,
    then windows."""
    yield from _residuals(outline)
    for deviation, base in product(DEVIATIONS, BASES):
        for columns in _columns(takes, yields):
            yield Window(base, deviation, columns)


def _residuals(outline: Outline) -> Iterator[Residual]:
    """Over each module that can have one, and over all that are alike."""
    square = [item for item in outline.items if isinstance(item, Part) and is_square(item)]
    recurrent = frozenset(part.token for part in square if part.is_recurrent)
    linear = frozenset(part.token for part in square if part.is_linear)
    single = [frozenset({part.token}) for part in square]
    several = [tokens for tokens in (recurrent, linear) if len(tokens) > 1]
    for tokens in (*single, *several):
        yield Residual(tokens)
        if tokens <= linear:
            yield Residual(tokens, is_inner=True)
            yield Residual(tokens, "multiply")


def _columns(takes: int, yields: int) -> list[tuple[int, ...] | None]:
    """What of the base may be added to the answer: a target, all of them, step by step or target
    by target, or nothing."""
    if takes == yields == 1:
        return [(), None]
    found = [(column,) * yields for column in range(min(takes, MOST_COLUMNS))]
    if yields % takes == 0:
        steps = yields // takes
        by_step = tuple(range(takes)) * steps  # 0, 1, 0, 1, ...
        by_target = tuple(sorted(by_step))  # 0, 0, 1, 1, ...
        found += [by_step, by_target]
    whole = tuple(range(takes))
    picked = [() if columns == whole else columns for columns in dict.fromkeys(found)]
    return [*picked, None]
