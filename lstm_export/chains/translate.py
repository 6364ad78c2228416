"""A recording -> the chain that it is, operation by operation; or what has no translation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import UnsupportedModel
from ..model import Affine
from . import operations, recurrent_calls
from .axes import shape_of
from .capture import Call, Constant, Data, Place, Recording
from .forward_text import Item, forward_text, scaler_text
from .parts import Part
from .rules import Rule
from .signals import Node, Nodes, Signal, Untranslated

RULES: Mapping[str, Rule] = {**operations.RULES, **recurrent_calls.RULES}
SHAPES = (
    "view_as",
    "reshape_as",
    "expand_as",
    "type_as",
)  # take from the second tensor its shape or type alone
FLOATS = ("float32", "float64")


@dataclass(frozen=True, eq=False)
class Translation:
    """A module as a chain.

    Attributes:
        chain: the modules and stages in order.
        pick: which of the module's answers it yields.
        used: names of the parameters and buffers that the answer depends on.
    """

    chain: tuple[Item, ...]
    pick: int
    used: frozenset[str]


def translate(name: str, recording: Recording, time_first: bool) -> Translation:
    """The chain that a recording is.

    Args:
        name: of the module, for people.
        recording: what it did with x.
        time_first: whether x is `(seq, batch, input_size)`.

    Raises:
        UnsupportedModel: it does something that has no translation; the sentence names it and its
            place.
    """
    for call in recording.reads:
        raise refusal(name, call, "reads numbers out of data, so that what runs may depend on them")
    translator = _Translator(name, recording, time_first)
    found: list[Translation] = []
    for pick in _candidates(recording):
        try:
            chain = translator.chain(recording.answers[pick])
        except UnsupportedModel:
            if not found:
                raise
        else:
            found.append(Translation(chain, pick, translator.used))
    if not found:
        shapes = ", ".join(str(shape_of(answer)) for answer in recording.answers) or "nothing"
        raise UnsupportedModel(
            f"{name} answers {shapes} for x {recording.x.shape}, expected one answer for every row"
        )
    return max(found, key=lambda candidate: sum(isinstance(item, Part) for item in candidate.chain))


def _candidates(recording: Recording) -> Iterator[int]:
    """The answers with an axis for the rows of the batch in the place of y's."""
    lengths = recording.x.shape[:2]
    for pick, answer in enumerate(recording.answers):
        shape = shape_of(answer)
        if shape[:1] in ((lengths[0],), (lengths[1],)) or shape[:2] in (lengths, lengths[::-1]):
            yield pick


def refusal(name: str, call: Call, reason: str) -> UnsupportedModel:
    """The sentence of a call that has no translation."""
    where = f" in {call.place}" if str(call.place) else ""
    return UnsupportedModel(f"{name} cannot be translated: {call.name}{where}: {reason}")


class _Translator:
    """Follows answers back to x."""

    def __init__(self, name: str, recording: Recording, time_first: bool) -> None:
        self.nodes = Nodes()
        self._name = name
        self._signals: dict[int, Signal] = {}
        self.used: frozenset[str] = frozenset()
        axes = ("seq", "batch", "size") if time_first else ("batch", "seq", "size")
        shape = recording.x.shape
        steps = shape[axes.index("seq")]
        self.x = Node("x", (), shape[2], steps)
        self._signals[id(recording.x)] = Signal.of(axes, self.x)

    def signal(self, value: Any) -> Signal:
        """What a recorded tensor is.

        Raises:
            UnsupportedModel: it comes from a call that has no translation.
        """
        if not isinstance(value, Data):
            raise Untranslated("takes a constant where a tensor that depends on x is expected")
        if id(value) not in self._signals:
            self._signals[id(value)] = self._translated(value)
        return self._signals[id(value)]

    def _translated(self, data: Data) -> Signal:
        call = data.call
        assert call is not None  # noqa: S101 - only x has none, and x is known from the start
        for given in (
            _given(call) if call.name not in SHAPES else ()
        ):  # the first in the way is named, not the last
            self.signal(given)
        rule = RULES.get(call.name)
        if rule is None:
            raise refusal(self._name, call, "no stage computes it")
        try:
            signal = rule(call, data, self)
        except Untranslated as error:
            raise refusal(self._name, call, str(error)) from error
        if call.dtype not in FLOATS:
            raise refusal(self._name, call, f"computes in {call.dtype}, expected float32")
        self.used |= _names(call)
        return signal.settled()

    def chain(self, answer: Data | Constant) -> tuple[Item, ...]:
        """The chain behind an answer."""
        if isinstance(answer, Constant):
            raise UnsupportedModel(f"{self._name} answers with a tensor that does not depend on x")
        signal = self.signal(answer)
        call = answer.call or Call("the answer", (), {}, Place())
        try:
            items = tuple(_lower(signal.node, self.x))
        except Untranslated as error:
            raise refusal(self._name, call, str(error)) from error
        axes = [axis for axis in signal.axes if axis not in ("one", "size")]
        if axes not in (["batch"], ["batch", "seq"], ["seq", "batch"]):
            raise refusal(self._name, call, f"answers with the axes ({', '.join(signal.axes)})")
        return unique(items)


def _names(call: Call) -> frozenset[str]:
    return frozenset(
        value.name
        for value in _flat((call.args, *call.kwargs.values()))
        if isinstance(value, Constant)
    )


def _given(call: Call) -> Iterator[Data]:
    return (value for value in _flat((call.args, *call.kwargs.values())) if isinstance(value, Data))


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for part in value:
            yield from _flat(part)
    else:
        yield value


_READ_OUT = {
    "state": "reads out the final state of a layer below the last",
    "cell": "reads out the cell state",
    "cells": "reads out the cell state",
    "concat": "puts features of several tensors side by side",
    "slice": "takes some of the features",
}


def _lower(node: Node, x: Node, last: bool = False) -> list[Item]:
    """The items from x to a node, or to its last step, which is picked as early as can be."""
    if node.kind == "x":
        return ["last"] if last else []
    if node.kind == "step":
        source = node.inputs[0]
        if node.numbers != (source.steps - 1,):
            raise Untranslated(
                f"reads out step {node.numbers[0]} of {source.steps}, only the last has a stage"
            )
        return _lower(source, x, last=True)
    if node.kind == "item":
        if last and isinstance(node.item, Part) and node.item.is_recurrent:
            return [*_lower(node.inputs[0], x), node.item, "last"]
        return [*_lower(node.inputs[0], x, last), node.item]
    if node.kind == "hidden":
        return [*_lower(node.inputs[0], x), "hidden"]
    if node.kind == "add":
        return _skip(node, x, last)
    raise Untranslated(f"{_READ_OUT[node.kind]}: no stage does")


def _skip(node: Node, x: Node, last: bool) -> list[Item]:
    """A sum with features of x, or with them as a scaler that begins the chain leaves them."""
    for main, side in (node.inputs, node.inputs[::-1]):
        base = side
        numbers = (0, side.width)
        if base.kind == "slice":
            numbers = (base.numbers[0], base.numbers[1])
            base = base.inputs[0]
        if main.kind == "x" or base not in (x, _scaler(main, x)):
            continue
        items = _lower(main, x, last)
        starts_scaled = isinstance(items[0], Part) and isinstance(items[0].stages[0], Affine)
        if (base is not x) != starts_scaled or side.width not in (1, main.width):
            continue
        return [*items, f"skip({', '.join(map(str, range(*numbers)))})"]
    raise Untranslated("adds two values on data: only features of x have a stage (skip)")


def _scaler(node: Node, x: Node) -> Node | None:
    """The scaler that stands right behind x on the way to a node."""
    while node.inputs:
        if node.inputs[0] is x:
            scales = isinstance(node.item, Part) and isinstance(node.item.stages[0], Affine)
            return node if scales else None
        node = node.inputs[0]
    return None


def unique(items: Sequence[Item]) -> tuple[Item, ...]:
    """Parts whose stages have names of their own, where a module is used twice; scalers as text."""
    taken: set[str] = set()
    found: list[Item] = []
    for item in items:
        if isinstance(item, Part) and item.kind == "Affine":
            item = _scaler_token(item)  # noqa: PLW2901
        if isinstance(item, Part):
            item = _renamed(item, taken)  # noqa: PLW2901
            taken |= {stage.name for stage in item.stages}
        found.append(item)
    return tuple(found)


def _scaler_token(part: Part) -> str:
    """A scaler has no weights in the state_dict: its numbers stand in the text."""
    (stage,) = part.stages
    assert isinstance(stage, Affine)  # noqa: S101 - its kind says so
    return scaler_text(stage)


def _renamed(part: Part, taken: set[str]) -> Part:
    names = [stage.name for stage in part.stages]
    count = 1
    while any(_numbered(name, count) in taken for name in names):
        count += 1
    if count == 1:
        return part
    stages = tuple(replace(stage, name=_numbered(stage.name, count)) for stage in part.stages)
    return replace(part, prefix=_numbered(part.token, count), stages=stages)


def _numbered(name: str, count: int) -> str:
    return name if count == 1 else f"{name}_{count}"


def same_chain(a: Sequence[Item], b: Sequence[Item]) -> bool:
    """Whether two chains are the same, bit for bit."""
    return forward_text(a) == forward_text(b) and all(map(_same_item, a, b))


def _same_item(a: Item, b: Item) -> bool:
    if isinstance(a, str) or isinstance(b, str):
        return a == b
    return len(a.stages) == len(b.stages) and all(
        stage.options == other.options
        and {key: array.tobytes() for key, array in stage.arrays.items()}
        == {key: array.tobytes() for key, array in other.arrays.items()}
        for stage, other in zip(a.stages, b.stages, strict=True)
    )
