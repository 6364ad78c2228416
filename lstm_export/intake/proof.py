"""Whether a chain computes what a reference does, and which other chain does where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..errors import InputError, UnsupportedModel
from ..model import Array, Model
from ..parity import GoldenSet, ParityReport, check, golden_sets
from .forward_text import Item, forward_text, model_of
from .outline import Outline
from .reference import Reference, recorded
from .search import CLOSE, SAME, Candidate, Screen, candidates

MOST_JUDGED = 12  # chains that came through the screen and are judged by the rule
MOST_NAMED = 2  # of chains that nothing tells apart
SCREENED = ("t2", "nominal")


class Answers(Protocol):
    """A reference: a Runner that knows what it is and on which inputs it can be compared."""

    @property
    def name(self) -> str: ...

    @property
    def every_step(self) -> bool: ...

    @property
    def notes(self) -> tuple[str, ...]: ...

    def __call__(self, x: Array) -> Array: ...

    def golden(self, model: Model) -> tuple[GoldenSet, ...]:
        """The inputs, with the answers of a chain."""


@dataclass(frozen=True, eq=False)
class Live:
    """A module that runs here or in a child: it answers every golden set."""

    reference: Reference

    @property
    def name(self) -> str:
        return self.reference.name

    @property
    def every_step(self) -> bool:
        return self.reference.form.every_step

    @property
    def notes(self) -> tuple[str, ...]:
        return self.reference.notes

    def __call__(self, x: Array) -> Array:
        return self.reference(x)

    def golden(self, model: Model) -> tuple[GoldenSet, ...]:
        return golden_sets(model)


@dataclass(frozen=True, eq=False)
class Recorded:
    """Inputs with answers out of a file."""

    name: str
    x: Array
    y: Array
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def read(cls, path: Path, sizes: tuple[int, int], time_first: bool) -> Recorded:
        """Answers `(n, output_size)` or `(n, seq, output_size)`, with or without axes of length 1.

        Raises:
            InputError: the file does not hold them.
            UnsupportedModel: y has a shape that the chain does not yield.
        """
        takes, yields = sizes
        x, y = recorded(path, takes, time_first)
        for shape in ((len(x), yields), (*x.shape[:2], yields)):
            if tuple(size for size in y.shape if size != 1) == tuple(size for size in shape if size != 1):
                return cls(path.name, x, y.reshape(shape))
        raise UnsupportedModel(f"{path} holds y {y.shape} for x {x.shape}, and the chain yields {yields} values")

    @property
    def every_step(self) -> bool:
        return self.y.ndim == 3

    def __call__(self, x: Array) -> Array:
        return self.y

    def golden(self, model: Model) -> tuple[GoldenSet, ...]:
        return (GoldenSet.of("recorded", model, self.x),)


@dataclass(frozen=True, eq=False)
class Proof:
    """A chain that agrees with a reference by the parity rule.

    Attributes:
        chain: the chain.
        answers: what it was compared with.
        doubts: what the comparison cannot tell.
        proved: whether it could be judged at all.
    """

    chain: tuple[Item, ...]
    answers: Answers
    doubts: tuple[str, ...] = ()
    proved: bool = True


def prove_given(chain: tuple[Item, ...], found: Sequence[Answers], outlines: Sequence[Outline]) -> Proof:
    """The given chain, if a layout of the reference agrees with it.

    Raises:
        UnsupportedModel: none does; the message names the chain that agrees, where one is found.
    """
    judged = [_judge(chain, answers) for answers in found]
    for one in judged:
        if one.report.verdict != "failed":
            return _proof(one)
    other = _searched(outlines, judged)
    hint = f"{found[0].name} agrees with: {forward_text(other.chain)}" if other else "nor does any chain that was tried"
    raise UnsupportedModel(
        f"{found[0].name} does not compute the chain that was given ({forward_text(chain)}); "
        f"{judged[0].report.summary()}; {hint}"
    )


def prove_assumed(outlines: Sequence[Outline], found: Sequence[Answers]) -> Proof:
    """The assumed chain, or the one of the plausible chains that agrees with the reference.

    Raises:
        UnsupportedModel: none agrees.
    """
    assumed, judged = Candidate(outlines[0], {}), []
    for answers in found:
        one = _judge(assumed.chain, answers)
        if one.report.verdict != "failed":
            return _proof(one, _lookalikes(assumed, one) if one.report.ok else ())
        judged.append(one)
    proof = _searched(outlines, judged)
    if proof is None:
        raise UnsupportedModel(
            f"{found[0].name} computes something else than its weights suggest ({forward_text(assumed.chain)}), and "
            f"none of the plausible chains agrees with it; {judged[0].report.summary()}; give the chain with --forward"
        )
    return proof


@dataclass(frozen=True, eq=False)
class _Judged:
    """A chain, what it was compared with and on which inputs, and what came of it."""

    chain: tuple[Item, ...]
    answers: Answers
    golden: tuple[GoldenSet, ...]
    report: ParityReport


def _judge(chain: tuple[Item, ...], answers: Answers) -> _Judged:
    golden = answers.golden(model_of(chain, "assumed"))
    return _Judged(chain, answers, golden, check(answers, golden, subject=answers.name))


def _proof(one: _Judged, doubts: tuple[str, ...] = ()) -> Proof:
    if one.report.ok:
        return Proof(one.chain, one.answers, doubts)
    name = one.answers.name
    doubt = f"the chain cannot be proved against {name}: the model amplifies rounding beyond what float32 holds"
    return Proof(one.chain, one.answers, (doubt,), proved=False)


def _searched(outlines: Sequence[Outline], judged: Sequence[_Judged]) -> Proof | None:
    """The first of the plausible chains that agrees with one of the layouts, and what cannot be told from it."""
    for first in judged if outlines else ():
        try:
            screen, tried = _screen(first, SCREENED), 0
        except InputError:  # it refuses some of the inputs; the report on the assumed chain says so
            continue
        for candidate in candidates(outlines, not first.answers.every_step):
            if tried < MOST_JUDGED and screen.agrees(candidate.chain):
                tried += 1
                one = _judge(candidate.chain, first.answers)
                if one.report.ok:
                    return Proof(one.chain, one.answers, _lookalikes(candidate, one))
    return None


def _screen(one: _Judged, names: Sequence[str] | None, close: float = CLOSE) -> Screen:
    sets = [golden for golden in one.golden if names is None or golden.name in names] or list(one.golden)
    return Screen({golden.name: golden.x for golden in sets}, {g.name: one.answers(g.x) for g in sets}, close)


def _lookalikes(candidate: Candidate, one: _Judged) -> tuple[str, ...]:
    """Chains with another activation and the same answers on every input, such as a ReLU behind positive outputs."""
    screen = _screen(one, None, SAME)
    close = [forward_text(other.chain) for other in candidate.neighbours() if screen.agrees(other.chain)]
    named = [text for text in dict.fromkeys(close) if text != forward_text(candidate.chain)]
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    same = "; ".join(named[:MOST_NAMED])
    return (f"no input that was tried tells the chain from: {same}{more}",) if named else ()
