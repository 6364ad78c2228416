"""Whether a chain computes what a reference does, and which other chain does where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..errors import InputError, UnsupportedModel
from ..model import Array, Model
from ..parity import GoldenSet, ParityReport, check
from ..parity.golden import trouble
from .forward_text import NOTHING, Item, forward_text, model_of
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

    def inputs(self, model: Model) -> dict[str, Array]:
        """Inputs by name, on which a chain is compared with it."""


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

    def inputs(self, model: Model) -> dict[str, Array]:
        return trouble(model)


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

    def inputs(self, model: Model) -> dict[str, Array]:
        return {"recorded": self.x}


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
    reports = [_judge(chain, answers) for answers in found]
    for answers, report in zip(found, reports, strict=True):
        if report.verdict != "failed":
            return _proof(chain, answers, report)
    other = next(filter(None, (_searched(outlines, answers) for answers in found)), None) if outlines else None
    hint = f"{found[0].name} agrees with: {forward_text(other.chain)}" if other else "nor does any chain that was tried"
    raise UnsupportedModel(
        f"{found[0].name} does not compute the chain that was given ({forward_text(chain)}); "
        f"{reports[0].summary()}; {hint}"
    )


def prove_assumed(outlines: Sequence[Outline], found: Sequence[Answers]) -> Proof:
    """The assumed chain, or the one of the plausible chains that agrees with the reference.

    Raises:
        UnsupportedModel: none agrees.
    """
    for answers in found:
        if proof := _searched(outlines, answers):
            return proof
    chain = outlines[0].chain()
    report = _judge(chain, found[0])
    if report.verdict != "failed":
        return _proof(chain, found[0], report)
    raise UnsupportedModel(
        f"{found[0].name} computes something else than its weights suggest ({forward_text(chain)}), and none of the "
        f"plausible chains agrees with it; {report.summary()}; give the chain with --forward"
    )


def _judge(chain: tuple[Item, ...], answers: Answers) -> ParityReport:
    """By the parity rule on every input."""
    model = model_of(chain, "assumed")
    golden = [GoldenSet.of(name, model, x) for name, x in answers.inputs(model).items()]
    return check(answers, golden, subject=answers.name)


def _proof(chain: tuple[Item, ...], answers: Answers, report: ParityReport, doubts: tuple[str, ...] = ()) -> Proof:
    if report.ok:
        return Proof(chain, answers, doubts)
    doubt = f"the chain cannot be proved against {answers.name}: the model amplifies rounding beyond what float32 holds"
    return Proof(chain, answers, (doubt,), proved=False)


def _searched(outlines: Sequence[Outline], answers: Answers) -> Proof | None:
    """The first of the plausible chains, the assumed one before all, that agrees; and what cannot be told from it.

    Most chains fall on two inputs and a float64 run; what is left is judged by the rule on all.
    """
    inputs = answers.inputs(model_of(outlines[0].chain(), "assumed"))
    try:
        expected = {name: answers(x) for name, x in inputs.items()}
    except InputError:  # it refuses some of the inputs; the report on the assumed chain says so
        return None
    first = {name: x for name, x in inputs.items() if name in SCREENED} or inputs
    screen, judged = Screen(first, expected, CLOSE), 0
    for candidate in candidates(outlines, not answers.every_step):
        if judged < MOST_JUDGED and screen.agrees(candidate.chain):
            judged += 1
            if (report := _judge(candidate.chain, answers)).ok:
                same = _lookalikes(candidate, Screen(inputs, expected, SAME))
                return _proof(candidate.chain, answers, report, same)
    return None


def _lookalikes(candidate: Candidate, screen: Screen) -> tuple[str, ...]:
    """Chains with another activation and the same answers on every input, such as a ReLU behind positive outputs."""
    own = forward_text(_effective(candidate.chain))
    others = {forward_text(_effective(other.chain)): other.chain for other in candidate.neighbours()}
    close = {text for text, chain in others.items() if text != own and screen.agrees(chain)}
    named = sorted(close, key=lambda text: (len(text), text))
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    same = "; ".join(named[:MOST_NAMED])
    return (f"no input that was tried tells the chain from: {same}{more}",) if named else ()


def _effective(chain: Sequence[Item]) -> tuple[Item, ...]:
    """Without dropout and squeeze."""
    return tuple(item for item in chain if item not in NOTHING)
