"""What a file is, whether it may run, and its runner: the one place in this package that decides.

What a file *is* shows in its contents. Whether it may *run* follows from what the user asked for,
never from what the file holds. Opening ONNX runs nothing but graphs that the target writes, node
for node; where the user named the model that a file of another tool was made from, that file runs
in a process of its own, if `device.onnx_guard` passes it. Opening WebAssembly runs it in wasmtime
without imports, with memory of its own that is limited, and until its fuel is used up: it reaches
nothing and ends, so it takes no word either. Opening C or TorchScript runs whatever is in it; it
runs if

- it is a folder, such as `model_c`, and the user named it; not if it is called as another
  target's folder is, such as `model_wasm`;
- it is a file, the user named the model that it was made from, and the file is called what it is;
- it is in a bundle, and the user named the model that the bundle was made from;
- the user said `--trust`.

An engine made from a bundle's weights takes no word: only numbers of the bundle reach it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .. import targets
from ..bundle import Bundle, is_bundle, open_bundle
from ..device.onnx_metadata import SIGNATURE, may_be_onnx, metadata_of
from ..device.protobuf import fields
from ..errors import (
    BundleError,
    InputError,
    MissingDependency,
    UnsupportedModel,
    cause_of,
    naming,
    require,
)
from ..files import is_folder, read_bytes, unreadable
from ..model import Model, Runner
from ..signing import Signed, read_public_key, signed_bytes, signed_folder
from .isolated import IsolatedRunner

MOST_BYTES = 2**30  # no artifact of this package comes near; an endless file ends here
_EXPECTED = "a bundle or an exported artifact"
_WORD_FOR_BUNDLE = "name the model that the bundle was made from, or add --trust, if you trust it"
_ONLY_OUR_FORMS = (
    "copy or export it again: only what lstm-export writes is run (`lstm-export verify FILE MODEL` "
    "judges a file of another tool, in a process of its own)"
)


@dataclass(frozen=True)
class UsersWord:
    """What the user said that lets code run.

    Attributes:
        trust: `--trust`: run whatever is in the files that are named.
        names_model: the model that the artifact was made from was named beside it.
    """

    trust: bool = False
    names_model: bool = False


NO_WORD = UsersWord()
OUR_OWN = UsersWord(trust=True)  # for what this process has just written


@dataclass(frozen=True)
class ArtifactFile:
    """An exported artifact as it was found, alone or in a bundle.

    Attributes:
        name: how messages call it: the path that the user gave.
        target: the name of its target.
        data: its bytes; None where the target makes its runner from `model`.
        model: the model that it belongs to, where the file around it says so.
        kept: what a bundle holds of a target that makes its runner from `model`; no code in it is
            run.
        refusal: why it may not run under the user's word; empty where it may.
        isolates: whether a file of a form that its target does not write is run all the same, in a
            process of its own.
        is_any_form: whether a file of another form is run in this process, which has just written
            it, or is there for it alone.
    """

    name: str
    target: str
    data: bytes | None
    model: Model | None = None
    kept: bytes | None = None
    refusal: str = ""
    isolates: bool = False
    is_any_form: bool = False

    @property
    def module(self) -> targets.Target:
        """The target."""
        return targets.get(self.target)

    @property
    def held(self) -> bytes | None:
        """The artifact, be it run or only kept; None of an engine that has no file."""
        return self.kept if self.data is None else self.data

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
            InputError: the user's word is missing.
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
        return module.from_model(self.model, self.kept)

    def definition(self, model: Model) -> targets.Definition | None:
        """What it has to compute bit for bit; None where the float model judges it.

        Raises:
            LstmExportError: it is an artifact of another model.
        """
        data = self.held
        return None if data is None else targets.definition(self.module, model, data)

    def other_form(self) -> str:
        """In what the file differs from all that its target writes; empty where in nothing."""
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


@dataclass(frozen=True)
class OpenedFile:
    """A bundle or a lone artifact.

    Attributes:
        path: as the user gave it.
        data: the bytes that everything else was made from.
        bundle: the bundle; None for a lone artifact.
        artifacts: by target name; the one of a lone artifact, or all of a bundle.
        engines: everything that it can be run with: its artifacts, and what needs only a bundle's
            weights.
        signed: its signature, where one was asked for.
    """

    path: Path
    data: bytes
    bundle: Bundle | None
    artifacts: Mapping[str, ArtifactFile]
    engines: Mapping[str, ArtifactFile]
    signed: Signed | None = None

    @property
    def artifact(self) -> ArtifactFile:
        """The lone artifact."""
        return next(iter(self.artifacts.values()))

    @property
    def is_foreign_onnx(self) -> bool:
        """Whether it is an ONNX file that says nothing of this package: another tool's."""
        if self.bundle is not None or "onnx" not in self.artifacts:
            return False
        return SIGNATURE not in metadata_of(self.data)

    def lone_onnx(self) -> bytes:
        """The ONNX file, to be judged by its numbers alone.

        Raises:
            InputError: it is something else.
            BundleError: it is cut or damaged.
        """
        if self.bundle is not None or not may_be_onnx(self.data):
            raise InputError(
                f"{self.path} is no ONNX file, which is what --numbers-only judges; leave it out"
            )
        for _ in fields(self.data):  # a file that is cut shows here
            pass
        return self.data


def open_file(
    path: Path | str, word: UsersWord = NO_WORD, key: Path | str | None = None
) -> OpenedFile:
    """Read a bundle or an artifact once, and settle what of it may run. Nothing is run yet.

    Args:
        path: the file or the folder.
        word: what the user said.
        key: the public key that must have signed it, checked before a byte of it is parsed.

    Raises:
        InputError: it cannot be read, or is neither.
        SignatureError: `key` did not sign it.
        BundleError: it is a bundle, and damaged or unsafe.
    """
    path = Path(path)
    data, signed = bytes_of(path, key)
    return opened_bytes(path, data, word, signed)


def opened_bytes(
    path: Path, data: bytes, word: UsersWord, signed: Signed | None = None
) -> OpenedFile:
    """As `open_file`, of what was read from the path before."""
    if not is_bundle(data):
        artifact = _lone(path, data, word)
        only = {artifact.target: artifact}
        return OpenedFile(path, data, None, only, only, signed)
    with naming(path):
        bundle = open_bundle(data)
    artifacts = {name: _packed(path, bundle, name, word) for name in bundle.artifacts}
    makers = filter(_makes_runner, targets.names())
    made = {name: _packed(path, bundle, name, word) for name in makers}
    return OpenedFile(path, data, bundle, artifacts, {**artifacts, **made}, signed)


def own_artifact(target: str, path: Path) -> ArtifactFile:
    """What this process has just exported to `path`, which it may therefore run."""
    file = _main_file(target, path) if is_folder(path) else path
    if file is None:
        raise InputError(f"{path} holds no artifact of {target}; export it again")
    return ArtifactFile(str(path), target, file.read_bytes(), is_any_form=True)


def bytes_of(path: Path, key: Path | str | None = None) -> tuple[bytes, Signed | None]:
    """A file's bytes; of a folder, those of the file that a target knows it by."""
    if key is None:
        file = _known_file(path) if is_folder(path) else path
        return read_bytes(file, _EXPECTED, MOST_BYTES), None
    public = read_public_key(key)
    if not is_folder(path):
        return signed_bytes(path, public, _EXPECTED, MOST_BYTES)
    contents, signed = signed_folder(path, public, MOST_BYTES)
    name = _known_file(path).name
    if name not in contents:
        raise InputError(f"{path} is changed by another process; try again")
    return contents[name], signed


def _known_file(path: Path) -> Path:
    """The file that a target knows a folder by."""
    for name in targets.names():
        try:
            file = _main_file(name, path)
        except OSError as error:
            raise unreadable(path, error, _EXPECTED) from error
        if file is not None:
            return file
    raise InputError(
        f"{path} is a folder that holds no artifact of {_known()}; name one that lstm-export wrote"
    )


def _main_file(target: str, folder: Path) -> Path | None:
    module = targets.get(target)
    return module.main_file(folder) if isinstance(module, targets.WritesFolder) else None


def target_of(data: bytes) -> str | None:
    """The target whose format these bytes are in, whatever the file is called; nothing in them is
    run."""
    for name in targets.names():
        if targets.get(name).recognises(data):
            return name
    return None


def _lone(path: Path, data: bytes, word: UsersWord) -> ArtifactFile:
    target = target_of(data)
    if target is not None:
        refusal = _refusal(path, target, word)
        isolates = word.names_model
        return ArtifactFile(str(path), target, data, refusal=refusal, isolates=isolates)
    raise InputError(
        f"{path} is no bundle and no artifact of {_known()}; name a file that lstm-export wrote"
    )


def _refusal(path: Path, target: str, word: UsersWord) -> str:
    """Why a lone artifact may not run; empty where it may."""
    module = targets.get(target)
    if not isinstance(module, targets.RunsCode) or word.trust:
        return ""
    if is_folder(path):
        return _refusal_of_folder(path, target, module.runs_code)
    if word.names_model and path.name.endswith(module.suffix):
        return ""
    if word.names_model:
        return (
            f"it holds {target}, and {module.runs_code}, but its name does not end in "
            f"{module.suffix}; if it is yours, rename it or add --trust"
        )
    return f"it holds {target}, and {module.runs_code}; if it is yours, add --trust"


def _refusal_of_folder(path: Path, target: str, runs_code: str) -> str:
    """Naming a folder lets its code run, unless it is called as another target's folder is."""
    name = path.resolve().name
    for other in targets.names():
        if other != target and name.endswith(targets.get(other).suffix):
            return (
                f"it holds {target}, and {runs_code}, but is called as a folder of {other} is; "
                "if it is yours, rename it or add --trust"
            )
    return ""


def _packed(path: Path, bundle: Bundle, target: str, word: UsersWord) -> ArtifactFile:
    """One engine of a bundle."""
    if target in targets.names() and not _makes_runner(target):
        module = targets.get(target)
        refusal = ""
        if isinstance(module, targets.RunsCode) and not (word.trust or word.names_model):
            refusal = f"{module.runs_code}; {_WORD_FOR_BUNDLE}"
        data = bundle.artifacts[target]
        return ArtifactFile(
            str(path), target, data, bundle.model, refusal=refusal, isolates=word.names_model
        )
    return ArtifactFile(str(path), target, None, bundle.model, bundle.artifacts.get(target))


@cache
def _makes_runner(name: str) -> bool:
    return isinstance(targets.get(name), targets.MakesRunner)


def _known() -> str:
    return ", ".join(targets.names())
