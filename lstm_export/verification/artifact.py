"""An exported artifact and its runner: the one place in this package that opens artifacts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .. import targets
from ..errors import BundleError, InputError, MissingDependency, UnsupportedModel, cause_of, require
from ..model import Model, Runner
from .isolated import IsolatedRunner

_ONLY_OUR_FORMS = (
    "copy or export it again: only what lstm-export writes is run (`lstm-export verify FILE MODEL` "
    "judges a file of another tool, in a process of its own)"
)


@dataclass(frozen=True)
class ArtifactFile:
    """An exported artifact as it was found, alone or in a bundle.

    Attributes:
        name: how messages call it: the path that the user gave.
        target: the name of its target.
        data: its bytes; None where the target makes its runner from `model`.
        model: the model that it belongs to, where the file around it says so.
        unopened: what a bundle holds of a target that makes its runner from `model`; no code in it
            is run.
        refusal: why it may not run, as `permission` has decided; empty where it may.
        isolates: whether a file of a form that its target does not write is run all the same, in a
            process of its own.
        is_any_form: whether a file of another form is run in this process, which has just written
            it, or is there for it alone.
    """

    name: str
    target: str
    data: bytes | None
    model: Model | None = None
    unopened: bytes | None = None
    refusal: str = ""
    isolates: bool = False
    is_any_form: bool = False

    @property
    def module(self) -> targets.Target:
        """The target."""
        return targets.get(self.target)

    @property
    def stored(self) -> bytes | None:
        """The artifact, be it opened or not; None of an engine that has no file."""
        return self.unopened if self.data is None else self.data

    @property
    def runs_code(self) -> bool:
        """Whether opening it runs code of the file."""
        return self.data is not None and isinstance(self.module, targets.RunsCode)

    def why_not_run(self) -> str:
        """Why it does not run here: not allowed, or something is not installed; empty where it
        runs."""
        if self.refusal or self.target not in targets.names():
            return self.refusal or "this version does not know the target"
        module = self.module
        try:
            if module.needs:
                require(module.needs, "", f"running {self.target}")
        except MissingDependency as error:
            return str(error)
        return targets.unavailable(module)

    def runner(self, providers: tuple[str, ...] = ()) -> targets.ArtifactRunner:
        """Open it.

        Raises:
            InputError: the user has not allowed it.
            BundleError: it is of a form that its target does not write.
            LstmExportError: it is damaged, or cannot be opened here.
        """
        self._check_allowed()
        module = self.module
        if self.data is not None:
            other_form = self.other_form()
            if not other_form:
                return module.load(self.data, providers)
            if self.isolates:
                return IsolatedRunner(self.target, self.data)
            raise BundleError(f"{cause_of(other_form)}; {_ONLY_OUR_FORMS}")
        if self.model is None or not isinstance(module, targets.MakesRunner):
            raise InputError(
                f"{self.name} holds no artifact for {self.target!r}; "
                f"package the model with -t {self.target}"
            )
        return module.from_model(self.model, self.unopened)

    def definition(self, model: Model) -> targets.Definition | None:
        """The definition whose every bit it has to give; None where the float model judges it.

        Raises:
            LstmExportError: it is an artifact of another model.
        """
        if self.stored is None:
            return None
        return targets.definition(self.module, model, self.stored)

    def other_form(self) -> str:
        """How the file's form differs from what its target writes; empty where it does not."""
        module = self.module
        if self.is_any_form or self.data is None or not isinstance(module, targets.HasForms):
            return ""
        try:
            module.check_form(self.data)
        except UnsupportedModel as error:
            return str(error)
        return ""

    def read_back(self) -> Model | None:
        """The model as the artifact has it; None where the format cannot be read back.

        Raises:
            LstmExportError: it holds no model that this target writes.
        """
        module = self.module
        if self.data is None or not isinstance(module, targets.CanRead):
            return None
        self._check_allowed()
        return module.read(self.data)

    def conditions(self) -> Iterator[tuple[str, Runner]] | None:
        """The artifact under other settings of its runtime; None where there are none."""
        module = self.module
        if self.data is None or self.other_form() or not isinstance(module, targets.HasConditions):
            return None
        self._check_allowed()
        return module.conditions(self.data)

    def probes(self) -> Iterator[Runner] | None:
        """Runners of its recurrent layers in order; None where it cannot be opened up."""
        module = self.module
        if self.data is None or self.other_form() or not isinstance(module, targets.HasProbes):
            return None
        self._check_allowed()
        return module.probes(self.data)

    def _check_allowed(self) -> None:
        if self.refusal:
            raise InputError(f"{self.name} is not run: {self.refusal}")
