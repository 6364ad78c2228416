"""A recording -> the program that it is, operation by operation; or what has no translation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import UnsupportedModel
from . import operations, recurrent_calls
from .axes import shape_of
from .capture import Call, Constant, Data, Place, Recording
from .module_answers import Answer, answer_of, heads_among
from .node_steps import program_to
from .program import Program
from .rules import Rule
from .sentinel_calls import MASK
from .signals import Node, Nodes, Signal, Untranslated

RULES: Mapping[str, Rule] = {**operations.RULES, **recurrent_calls.RULES}
# These take from the second tensor its shape or type alone.
SHAPES = ("view_as", "reshape_as", "expand_as", "type_as")
FLOATS = ("float32", "float64")
_READS = Untranslated(
    "reads numbers out of data, so that what runs may depend on them",
    "write it without if, int() or .item() on data, as with torch.clamp",
)


@dataclass(frozen=True, eq=False)
class Translation:
    """A module as a program.

    Attributes:
        program: the modules and stages, and what each takes.
        picks: which of the module's answers it yields, side by side.
        used: names of the parameters and buffers that the answer depends on.
        left_out: why other answers are no part of the program, a sentence each.
    """

    program: Program
    picks: tuple[int, ...]
    used: frozenset[str]
    left_out: tuple[str, ...] = ()


def translate(name: str, recording: Recording, time_first: bool) -> Translation:
    """The program that a recording is.

    Args:
        name: of the module, for people.
        recording: what it did with x.
        time_first: whether x is `(seq, batch, input_size)`.

    Raises:
        UnsupportedModel: it does something that has no translation; the sentence names it and its
            place.
    """
    for call in recording.reads:
        raise refusal(name, call, _READS)
    translator = _Translator(name, recording, time_first)
    found: dict[int, tuple[Answer, Program]] = {}
    left_out: list[str] = []
    for pick in _candidates(recording):
        try:
            found[pick] = translator.translated(recording.answers[pick])
        except UnsupportedModel as error:
            if not found:
                raise
            left_out.append(f"answer {pick + 1} is left out: {error}")
    if not found:
        shapes = ", ".join(str(shape_of(answer)) for answer in recording.answers) or "nothing"
        raise UnsupportedModel(
            f"{name} answers {shapes} for x {recording.x.shape}, expected one answer for every row"
        )
    heads = heads_among({pick: answer for pick, (answer, _) in found.items()})
    if len(heads) > 1:
        joined = translator.nodes.joined("concat", [found[pick][0].node for pick in heads])
        program = program_to(joined, translator.x)
        return Translation(program, heads, translator.used, tuple(left_out))
    pick = max(found, key=lambda each: len(found[each][1].parts))
    return Translation(found[pick][1], (pick,), translator.used, tuple(left_out))


def _candidates(recording: Recording) -> Iterator[int]:
    """The answers with an axis for the rows of the batch in the place of y's."""
    lengths = recording.x.shape[:2]  # batch and seq, or seq and batch
    for pick, answer in enumerate(recording.answers):
        shape = shape_of(answer)
        has_rows = bool(shape) and shape[0] in lengths
        has_steps = shape[:2] in (lengths, lengths[::-1])
        if has_rows or has_steps:
            yield pick


def refusal(name: str, call: Call, why: Untranslated) -> UnsupportedModel:
    """The sentence of a call that has no translation."""
    where = f" in {call.place}" if str(call.place) else ""
    said = f"{name} cannot be translated: {call.name}{where}: {why}"
    return UnsupportedModel(f"{said}; {why.instead}")


class _Translator:
    """Follows answers back to x."""

    def __init__(self, name: str, recording: Recording, time_first: bool) -> None:
        self.nodes = Nodes()
        self._name = name
        self._signals: dict[int, Signal] = {}
        self.used: frozenset[str] = frozenset()
        axes = ("seq", "batch", "size") if time_first else ("batch", "seq", "size")
        shape = recording.x.shape
        self.steps = shape[axes.index("seq")]
        self.x = Node("x", (), shape[2], self.steps)
        self._signals[id(recording.x)] = Signal.of(axes, self.x)

    def signal(self, value: Any) -> Signal:
        """What a recorded tensor is.

        Raises:
            UnsupportedModel: it comes from a call that has no translation.
        """
        if not isinstance(value, Data):
            raise Untranslated(
                "takes a constant where a tensor that depends on x is expected",
                "put it into the weights of a layer, as a bias is",
            )
        if id(value) not in self._signals:
            self._signals[id(value)] = self._translated(value)
        return self._signals[id(value)]

    def _translated(self, data: Data) -> Signal:
        call = data.call
        assert call is not None  # noqa: S101 - only x has none, and x is known from the start
        if call.name not in SHAPES:
            for given in _given(call):  # so that the first in the way is named, not the last
                self.signal(given)
        rule = RULES.get(call.name)
        if rule is None:
            raise refusal(self._name, call, Untranslated("no stage computes it"))
        try:
            signal = rule(call, data, self)
        except Untranslated as error:
            raise refusal(self._name, call, error) from error
        if call.dtype not in FLOATS and signal.nodes.flat[0].kind != MASK:
            other = Untranslated(f"computes in {call.dtype}, expected float32")
            raise refusal(self._name, call, other)
        self.used |= _names(call)
        return signal.settled()

    def translated(self, answer: Data | Constant) -> tuple[Answer, Program]:
        """What an answer is, and the program behind it."""
        if isinstance(answer, Constant):
            raise UnsupportedModel(
                f"{self._name} answers with a tensor that does not depend on x; "
                "let forward return what it computes of x"
            )
        signal = self.signal(answer)
        call = answer.call or Call("the answer", (), {}, Place())
        try:
            found = answer_of(signal, self.nodes)
            return found, program_to(found.node, self.x)
        except Untranslated as error:
            raise refusal(self._name, call, error) from error


def _names(call: Call) -> frozenset[str]:
    given = _flat((call.args, *call.kwargs.values()))
    return frozenset(value.name for value in given if isinstance(value, Constant))


def _given(call: Call) -> Iterator[Data]:
    return (value for value in _flat((call.args, *call.kwargs.values())) if isinstance(value, Data))


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for part in value:
            yield from _flat(part)
    else:
        yield value
