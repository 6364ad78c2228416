"""What a target provides, and what it may provide besides: one small protocol a capability.

A target is a module in this folder, or a folder with an `__init__.py`, that meets `Target`. A
capability is there when the module has the members of its protocol: `isinstance(target, CanRead)`,
which mypy understands. Everything but `export` works on bytes: the very bytes that were read,
checked and hashed once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ..errors import InputError, UnsupportedModel

if TYPE_CHECKING:  # the command line lists targets, and must not wait for numpy to do so
    from ..model import Array, Model, Runner, Signature


class EditedArtifact(UnsupportedModel):
    """An artifact that holds another model than its own metadata says.

    Attributes:
        found: the model that it holds.
    """

    def __init__(self, text: str, found: Model | None = None) -> None:
        super().__init__(text)
        self.found = found


def differences_between(expected: Model, found: Model) -> str:
    """How the model in an artifact differs from its bundle's; empty where it does not."""
    if found.signature != expected.signature:
        return "the file has another signature than its bundle"
    return "; ".join(expected.differences(found)[:2])


def check_input(x: Array, input_size: int, least_steps: int) -> None:
    """Refuse what is not `x (batch, seq, input_size)`, or has too few steps for an answer.

    Raises:
        InputError: it is so; the message says what is expected.
    """
    has_width = x.ndim == 3 and x.shape[2] == input_size
    if not has_width or x.shape[1] < least_steps:
        least = "a step" if least_steps == 1 else f"{least_steps} steps"
        expected = f"(batch, seq, {input_size}) with {least} at least"
        raise InputError(f"x is {x.shape}, expected {expected}")


class ArtifactRunner(Protocol):
    """A Runner that knows the interface of the artifact that it runs."""

    @property
    def signature(self) -> Signature:
        """Sizes, and where the artifact tells them, names, units, ranges and window."""

    def __call__(self, x: Array) -> Array:
        """Map float32 `x (batch, seq, input_size)` to `y`."""


class Target(Protocol):
    """What every target provides.

    The first line of the module's docstring is the help text of its command, its file name with `_`
    as `-` is the command and its folder in a bundle.

    Attributes:
        suffix: ending of its artifacts, put after the model's name without its own, such as
            `.onnx`.
        extra: the extra of this package that brings what `export` needs.
        needs: the package that `load` needs beside numpy; empty for none.
    """

    suffix: str
    extra: str
    needs: str
    __doc__: str

    def export(self, model: Model, path: Path, **options: Any) -> None:
        """Write the artifact; keyword-only parameters become options of the command, or what
        `HasOptions` says.

        Raises:
            UnsupportedModel: a stage cannot be expressed; the message names target and stage.
        """

    def load(self, data: bytes, providers: tuple[str, ...] = ()) -> ArtifactRunner:
        """Open an artifact."""

    def recognises(self, data: bytes) -> bool:
        """Whether these bytes are an artifact of this format; nothing in them is run."""


@runtime_checkable
class CanRead(Protocol):
    """The format holds a model exactly, so that verification can compare every weight.

    Law: `read(export(model)) == lowered(model)`, bit for bit.
    """

    def read(self, data: bytes) -> Model:
        """The model in an artifact."""


@runtime_checkable
class CanLower(Protocol):
    """The format lacks a stage, and the target writes the same model without it."""

    def lowered(self, model: Model) -> tuple[Model, tuple[str, ...]]:
        """The model as the format holds it, and what a user should know of the difference, one
        sentence each."""


@runtime_checkable
class HasForms(Protocol):
    """Files of the format can hold more than `export` writes, which the runtime was never tried on:
    they are not run, or in a process of its own (see `verification.permission`)."""

    def check_form(self, data: bytes) -> None:
        """Whether the file is of a form that `export` writes, be its weights what they may.

        Raises:
            UnsupportedModel: it is not; the message says where.
        """


@runtime_checkable
class RoundsWeights(Protocol):
    """An option of `export` rounds the weights."""

    def held(self, model: Model, data: bytes) -> Model:
        """The model with its weights as this artifact has them, which is what the artifact has to
        compute."""


@runtime_checkable
class DiffersFrom(Protocol):
    """An artifact in a bundle is held against the bundle's weights without being run, as the device
    does with ONNX files."""

    def differs_from(self, model: Model, data: bytes) -> str:
        """In what the artifact is not what `export` writes of the model; empty where in nothing."""


@runtime_checkable
class HasOptions(Protocol):
    """The options of `export` are the fields of a record, which its docstring describes.

    Attributes:
        Options: a dataclass of keyword-only fields, each with a default.
    """

    Options: type


@runtime_checkable
class TakesWindows(Protocol):
    """An export chooses numbers on real inputs, such as those that are kept with a checkpoint."""

    def export_on(self, model: Model, path: Path, windows: Array | None, **options: Any) -> None:
        """`export`, with real inputs `(n, window, input_size)` where there are any."""


class ArithmeticCost(Protocol):
    """What an arithmetic of an artifact's own costs against float64."""

    def sentences(self) -> tuple[str, ...]:
        """For people."""

    def to_record(self) -> dict[str, Any]:
        """JSON-ready."""


class Definition(Protocol):
    """What an artifact has to compute bit for bit.

    Attributes:
        structure: `as defined`, or what of the artifact's constants differs.
    """

    structure: str

    def __call__(self, x: Array) -> Array:
        """A Runner: what the artifact must answer."""

    def inputs(self) -> Mapping[str, Array]:
        """What the artifact is to be asked besides the golden sets, by name."""

    def cost(self, x: Array, source: str) -> ArithmeticCost:
        """What the definition costs against float64 on `x`, which `source` calls by a name for
        people."""


@runtime_checkable
class HasDefinition(Protocol):
    """Some artifacts compute by a definition of their own, and are judged by it without a
    tolerance."""

    def definition(self, model: Model, data: bytes) -> Definition | None:
        """What the artifact has to compute; None where that is the float model."""


@runtime_checkable
class RunsCode(Protocol):
    """Opening an artifact runs what is in it, so that it needs the user's permission (see
    `verification.permission`).

    Attributes:
        runs_code: what opening does, for a message: "opening ... ", such as `compiles and runs it`.
    """

    runs_code: str


@runtime_checkable
class MakesRunner(Protocol):
    """The target makes a runner of its own from a model; code that a bundle holds of such a target
    is never opened."""

    def from_model(self, model: Model, artifact: bytes | None = None) -> ArtifactRunner:
        """A runner made from weights, and from the numbers in the record of an artifact, where
        there is one."""


@runtime_checkable
class WritesFolder(Protocol):
    """The target's artifacts are folders."""

    def is_export(self, folder: Path) -> bool:
        """Whether a folder holds what `export` writes and nothing else, so that a new export may
        replace it."""

    def main_file(self, folder: Path) -> Path | None:
        """The file that is the artifact in a folder; None where there is none."""


@runtime_checkable
class MayBeUnavailable(Protocol):
    """Running an artifact takes more than a package, such as a compiler."""

    def unavailable(self) -> str:
        """What is missing here; empty where nothing is."""


@runtime_checkable
class MayNotExport(Protocol):
    """Writing an artifact takes more than packages, such as a compiler."""

    def cannot_export(self) -> str:
        """What is missing here; empty where nothing is."""


@runtime_checkable
class HasNote(Protocol):
    """There is something that every user of the target should know.

    Attributes:
        note: one sentence, shown with every report.
    """

    note: str


@runtime_checkable
class HasNotesOnModel(Protocol):
    """What an artifact offers depends on the model, and its user should know it."""

    def notes_on(self, model: Model, windows: Array | None) -> tuple[str, ...]:
        """One sentence each, shown with every report, of a model and real inputs, where there are
        any; none where there is nothing to say."""


@runtime_checkable
class HasConditions(Protocol):
    """The runtime has settings under which an artifact should answer alike.

    The artifact is then also asked row by row, in large batches, repeatedly and from several
    threads.
    """

    def conditions(self, data: bytes) -> Iterator[tuple[str, Runner]]:
        """Each setting's name, and the artifact under it."""


@runtime_checkable
class HasProbes(Protocol):
    """An artifact can be opened up, so that a failure's first wrong layer is found."""

    def probes(self, data: bytes) -> Iterator[Runner]:
        """Runners of its recurrent layers in order; each answers `(batch, seq, directions *
        hidden_size)`."""


@runtime_checkable
class CanBreak(Protocol):
    """An artifact can be given bugs that no changed model expresses, for the self-check."""

    def broken(self, data: bytes, kind: str) -> bytes | None:
        """The artifact with one kind of bug of `parity.catalogue`; None where it has no place for
        it."""
