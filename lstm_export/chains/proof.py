"""Whether a chain computes what a reference does, and which other chain does where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UnsupportedModel
from ..model import Array
from ..parity import GoldenSet, ParityReport, check
from .forward_text import forward_text
from .outline import Outline
from .program import Program
from .reference import recorded
from .search import CLOSE, SAME, Candidate, Screen, candidates

MOST_JUDGED = 12  # chains that came through the screen and are judged by the rule
MOST_NAMED = 4  # of chains that nothing tells apart


@dataclass(frozen=True, eq=False)
class Recorded:
    """Inputs with answers out of a file."""

    name: str
    x: Array
    y: Array
    kept: int = 1  # how many steps of a sequence y has, side by side; 0 for every step

    @classmethod
    def read(cls, path: Path, sizes: tuple[int, int], time_first: bool) -> Recorded:
        """Answers `(n, output_size)`, `(n, seq, output_size)` or the last steps of that, with or
        without axes of length 1.

        Raises:
            InputError: the file does not hold them.
            UnsupportedModel: y has a shape that the chain does not yield.
        """
        takes, yields = sizes
        x, y = recorded(path, takes, time_first)
        batch, seq, _ = x.shape
        if y.size == batch * yields:
            return cls(path.name, x, y.reshape(batch, yields))
        if _squeezed(y.shape) == _squeezed((batch, seq, yields)):
            return cls(path.name, x, y.reshape(batch, seq, yields), kept=0)
        kept = y.size // (batch * yields)  # steps a row
        if kept < seq and _squeezed(y.shape) == _squeezed((batch, kept, yields)):
            return cls(path.name, x, y.reshape(batch, -1), kept)
        raise UnsupportedModel(
            f"{path} holds y {y.shape} for x {x.shape}, and the chain yields {yields} values; "
            "record what the model answers for each row of x"
        )

    @property
    def every_step(self) -> bool:
        return not self.kept

    def __call__(self, x: Array) -> Array:
        return self.y

    @property
    def inputs(self) -> dict[str, Array]:
        """Inputs by name, on which a chain is compared."""
        return {"recorded": self.x}


@dataclass(frozen=True, eq=False)
class Proof:
    """A chain that agrees with a reference by the parity rule.

    Attributes:
        program: the chain, or what else was given.
        answers: what it was compared with.
        doubts: what the comparison cannot tell.
        proved: whether it could be judged at all.
    """

    program: Program
    answers: Recorded
    doubts: tuple[str, ...] = ()
    proved: bool = True


def prove_given(program: Program, answers: Recorded, outlines: Sequence[Outline]) -> Proof:
    """The given chain, if the reference agrees with it.

    Raises:
        UnsupportedModel: it does not; the message names the chain that agrees, where one is found.
    """
    report = _judge(program, answers)
    if report.verdict != "failed":
        return _proof(program, answers, report)
    other = _searched(outlines, answers) if outlines else None
    hint = "nor does any chain that was tried"
    if other:
        hint = f"{answers.name} agrees with: {forward_text(other.program)}"
    raise UnsupportedModel(
        f"{answers.name} does not compute the chain that was given ({forward_text(program)}); "
        f"{report.summary()}; {hint}"
    )


def prove_assumed(outlines: Sequence[Outline], answers: Recorded) -> Proof:
    """The assumed chain, or the one of the plausible chains that agrees with the reference.

    Raises:
        UnsupportedModel: none agrees.
    """
    proof = _searched(outlines, answers)
    if proof:
        return proof
    program = Program.chain(outlines[0].chain())
    report = _judge(program, answers)
    if report.verdict != "failed":
        return _proof(program, answers, report)
    raise UnsupportedModel(
        f"{answers.name} computes something else than its weights suggest "
        f"({forward_text(program)}), and none of the "
        f"plausible chains agrees with it; {report.summary()}; give the chain with --forward"
    )


def _judge(program: Program, answers: Recorded) -> ParityReport:
    """By the parity rule on every input."""
    model = program.model("assumed")
    golden = [GoldenSet.of(name, model, x) for name, x in answers.inputs.items()]
    return check(answers, golden, subject=answers.name)


def _proof(
    program: Program, answers: Recorded, report: ParityReport, doubts: tuple[str, ...] = ()
) -> Proof:
    if report.ok:
        return Proof(program, answers, doubts)
    doubt = (
        f"the chain cannot be proved against {answers.name}: "
        "the model amplifies rounding beyond what float32 holds"
    )
    return Proof(program, answers, (doubt,), proved=False)


def _searched(outlines: Sequence[Outline], answers: Recorded) -> Proof | None:
    """The first of the plausible chains, the assumed one before all, that agrees; and what cannot
    be told from it.

    Most chains fall on two inputs and a float64 run; what is left is judged by the rule on all.
    """
    inputs = answers.inputs
    expected = {"recorded": answers.y}
    screen = Screen(inputs, expected, CLOSE)
    judged = 0
    for candidate in candidates(outlines, answers.kept):
        if judged == MOST_JUDGED:
            break
        program = candidate.program
        if screen.agrees(program):
            judged += 1
            report = _judge(program, answers)
            if report.ok:
                same = _lookalikes(candidate, Screen(inputs, expected, SAME))
                return _proof(program, answers, report, same)
    return None


def _lookalikes(candidate: Candidate, screen: Screen) -> tuple[str, ...]:
    """Forwards with another activation, read-out or wiring and the same answers on every input,
    such as a ReLU behind positive outputs."""
    own = _effective(candidate)
    others = {_effective(other): other.program for other in candidate.neighbours()}
    close = {text for text, program in others.items() if text != own and screen.agrees(program)}
    named = sorted(close, key=lambda text: (len(text), text))
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    same = "; ".join(named[:MOST_NAMED])
    return (f"no input that was tried tells the chain from: {same}{more}",) if named else ()


def _effective(candidate: Candidate) -> str:
    """Its text without dropout and squeeze."""
    return forward_text(candidate.program.without_nothing())


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)
