"""The small space of plausible chains, and which of them computes what a reference does."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import combinations, product
from typing import Any

import numpy as np

from ..errors import UnsupportedModel
from ..model import LSTM, Array, Recurrent, Stage
from ..model.forward import Partway, advance, begin
from .outline import Outline
from .parts import Part
from .program import Program
from .rewirings import Rewiring, rewirings

# Likely ones first; "" is nothing.
FUNCTIONS: tuple[str, ...] = (
    "",
    "relu",
    "tanh",
    "gelu",
    "sigmoid",
    "elu",
    "silu",
    "leaky_relu",
    "softplus",
)
FUNCTIONS = (*FUNCTIONS, "gelu_tanh", "leaky_relu(0.1)", "leaky_relu(0.2)")
USUAL = FUNCTIONS[:5]
POOLS = ("mean", "max", "first", "sum")
MOST_SKIPS = 4
MOST_ORDERS = 4
MOST_SHARED = 64  # recurrent outputs that are kept
# Of the terms of an output: far more than float32 rounding on a model that the parity rule can
# judge, far less than what another activation does. What passes is then judged by the rule itself.
CLOSE = 2.0**-7
# What rounding alone may do to a model that amplifies it little: closer chains cannot be told
# apart.
SAME = 2.0**-19

Taken = dict[int, tuple[str, ...]]


@dataclass(frozen=True)
class Candidate:
    """An outline with what stands in its slots, and what follows it.

    Attributes:
        outline: modules and slots.
        kept: how many steps the reference answers: 1, several last ones, or 0 for every one.
        taken: tokens by the number of the slot, where they are not those of the outline.
        end: tokens at the end of the chain.
        rewiring: how its items take each other's values; None for a chain.
    """

    outline: Outline
    kept: int
    taken: Taken
    end: tuple[str, ...] = ()
    rewiring: Rewiring | None = None

    @property
    def program(self) -> Program:
        """The forward that it stands for."""
        items = (*self.outline.chain(self.taken), *self.end)
        return self.rewiring(items) if self.rewiring else Program.chain(items)

    def neighbours(self) -> Iterator[Candidate]:
        """The same with one activation other, another read-out, or other values taken."""
        for change in _changes(self.outline, 1):
            yield replace(self, taken={**self.taken, **change})
        for readout in _readouts(self.outline, self.kept):
            yield replace(self, taken={**self.taken, **readout})
        if not self.end:
            for rewiring in (None, *_rewirings(self.outline, self.kept)):
                yield replace(self, rewiring=rewiring)


def candidates(outlines: Sequence[Outline], kept: int) -> Iterator[Candidate]:
    """Forwards in order of plausibility: few changes to what is assumed first, then what is no
    chain, unusual orders of modules last.

    Args:
        outlines: the assumed one first.
        kept: how many steps the reference answers: 1, several last ones, or 0 for every one.
    """
    for level in range(4):
        if level == 2:
            yield from _rewired(outlines[0], kept)
        for outline in outlines[: MOST_ORDERS if level < 2 else 1]:
            ends = list(product(_readouts(outline, kept), _skips(outline, kept)))
            for taken, (readout, end) in product(_changes(outline, level), ends):
                yield Candidate(outline, kept, {**taken, **readout}, end)


def _rewired(outline: Outline, kept: int) -> Iterator[Candidate]:
    """What is no chain, with every read-out; then with the usual one and an activation other."""
    readouts = _readouts(outline, kept)
    for rewiring, readout in product(_rewirings(outline, kept), readouts):
        yield Candidate(outline, kept, readout, rewiring=rewiring)
    for rewiring, taken in product(_rewirings(outline, kept), _changes(outline, 1)):
        yield Candidate(outline, kept, {**taken, **readouts[0]}, rewiring=rewiring)


def _rewirings(outline: Outline, kept: int) -> Iterator[Rewiring]:
    return rewirings(outline, *_ends(outline)) if kept < 2 else iter(())


def _ends(outline: Outline) -> tuple[int, int]:
    """What the chain takes and yields."""
    parts = [item for item in outline.items if isinstance(item, Part)]
    takes = next(part.widths[0] for part in parts if part.widths[0])
    yields = next(part.widths[1] for part in reversed(parts) if part.widths[1])
    return takes or 0, yields or 0


def _readouts(outline: Outline, kept: int) -> list[Taken]:
    """The read-outs that yield what the reference does, the usual first; one way, the hidden state
    is the last step."""
    number = next(index for index, slot in enumerate(outline.slots) if slot.kind == "readout")
    if kept != 1:
        return [{number: (f"last({kept})",) if kept else ()}]
    parts = [item for item in outline.items if isinstance(item, Part)]
    last = [part.stages[0] for part in parts if part.is_recurrent][-1]
    both = isinstance(last, Recurrent) and last.bidirectional
    tokens = ["last", "hidden", *POOLS] if both else ["last", *POOLS]
    if isinstance(last, LSTM) and not last.proj_size:
        tokens.append("cell")
    return [{number: (token,)} for token in tokens]


def _skips(outline: Outline, kept: int) -> list[tuple[str, ...]]:
    """No skip; one feature to all outputs; every feature to its own output."""
    if kept > 1:
        return [("flatten",)]
    takes, yields = _ends(outline)
    skips: list[tuple[str, ...]] = [()]
    skips += [(f"skip({index})",) for index in range(min(takes, MOST_SKIPS))]
    if takes == yields > 1:
        every_feature = ", ".join(map(str, range(takes)))
        skips.append((f"skip({every_feature})",))
    return skips


def _changes(outline: Outline, level: int) -> Iterator[Taken]:
    """What to put into the activation slots, `level` changes away from what is assumed."""
    slots = [index for index, slot in enumerate(outline.slots) if slot.kind == "activation"]
    relus = [index for index in slots if "relu" in outline.slots[index].taken]
    alike: list[Taken] = []  # the same function everywhere, as a class with one `self.act` has it
    if len(relus) > 1:
        alike = [dict.fromkeys(relus, _tokens(function)) for function in FUNCTIONS]
    functions = FUNCTIONS if level < 3 else USUAL  # three changes of twelve each are too many
    for places in combinations(slots, level):
        for chosen in product(functions, repeat=level):
            tokens = map(_tokens, chosen)
            yield dict(zip(places, tokens, strict=True))
    if level == 1:
        yield from alike
    if level == 2:  # one activation throughout, and something else in one place
        for taken, place, function in product(alike, slots, FUNCTIONS):
            yield {**taken, place: _tokens(function)}


def _tokens(function: str) -> tuple[str, ...]:
    return (function,) if function else ()


class Screen:
    """The outputs of many chains on the same inputs in float64; chains that begin alike share the
    recurrent work.

    Args:
        inputs: x `(batch, seq, input_size)` by name.
        answers: what the reference gives for them.
        close: the error that still agrees, of the terms of an output.
    """

    def __init__(
        self, inputs: Mapping[str, Array], answers: Mapping[str, Array], close: float = CLOSE
    ) -> None:
        self._inputs = inputs
        self._answers = answers
        self._closeness = close
        self._shared: OrderedDict[Any, Partway] = OrderedDict()

    def agrees(self, program: Program) -> bool:
        """Whether the forward is close to the reference on all inputs."""
        try:
            stages = program.stages()
            return all(self._close(name, stages) for name in self._inputs)
        except (UnsupportedModel, ValueError, IndexError):  # what does not fit, such as a skip
            return False

    def _close(self, name: str, stages: tuple[Stage, ...]) -> bool:
        recurrent = [index for index, stage in enumerate(stages) if isinstance(stage, Recurrent)]
        shared = recurrent[-1] + 1  # stages up to the last recurrent one, which cost the most
        found = reduce(advance, stages[shared:], self._up_to(name, stages[:shared]))
        y = found.y if found.y.ndim == 2 else np.moveaxis(found.y, 0, 1)  # batch first
        expected = self._answers[name]
        if y.shape != expected.shape:
            return False
        scale = found.terms.reshape(-1, y.shape[-1]).max(axis=0)  # (output_size,)
        is_close = np.abs(y - expected) <= self._closeness * scale
        return bool(is_close.all())

    def _up_to(self, name: str, stages: tuple[Stage, ...]) -> Partway:
        key = (name, *map(_content, stages))
        if key not in self._shared:
            self._shared[key] = reduce(advance, stages, begin(self._inputs[name]))
            if len(self._shared) > MOST_SHARED:
                self._shared.popitem(last=False)
        return self._shared[key]


def _content(stage: Stage) -> tuple[Any, ...]:
    """What tells a stage and what it takes from every other."""
    arrays = [array.tobytes() for array in stage.arrays.values()]
    return stage.kind, stage.name, stage.inputs, str(stage.options), hash(tuple(arrays))
