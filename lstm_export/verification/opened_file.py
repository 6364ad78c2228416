"""A bundle or a lone artifact, opened: what a file is shows in its bytes, not in its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .. import targets
from ..bundle import Bundle, is_bundle, open_bundle
from ..device.onnx_metadata import SIGNATURE, may_be_onnx, metadata_of
from ..device.protobuf import fields
from ..errors import InputError, naming
from ..files import is_folder, read_bytes, unreadable
from ..signing import Signed, read_public_key, signed_bytes, signed_folder
from .artifact import ArtifactFile
from .permission import NO_PERMISSION, Permission, refusal_in_bundle, refusal_of_artifact

MOST_BYTES = 2**30  # no artifact of this package comes near; an endless file ends here
_EXPECTED = "a bundle or an exported artifact"


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
    path: Path | str, permission: Permission = NO_PERMISSION, key: Path | str | None = None
) -> OpenedFile:
    """Read a bundle or an artifact once, and settle what of it may run. Nothing is run yet.

    Args:
        path: the file or the folder.
        permission: what the user said that lets code in it run.
        key: the public key that must have signed it, checked before a byte of it is parsed.

    Raises:
        InputError: it cannot be read, or is neither.
        SignatureError: `key` did not sign it.
        BundleError: it is a bundle, and damaged or unsafe.
    """
    path = Path(path)
    data, signed = bytes_of(path, key)
    return opened_bytes(path, data, permission, signed)


def opened_bytes(
    path: Path, data: bytes, permission: Permission, signed: Signed | None = None
) -> OpenedFile:
    """Do what `open_file` does with bytes that were already read from the path."""
    if not is_bundle(data):
        artifact = _lone_artifact(path, data, permission)
        only = {artifact.target: artifact}
        return OpenedFile(path, data, None, only, only, signed)
    with naming(path):
        bundle = open_bundle(data)
    makers = filter(_makes_runner, targets.names())
    engines = {}
    for name in (*bundle.artifacts, *makers):
        engines[name] = _engine(path, bundle, name, permission)
    artifacts = {name: engines[name] for name in bundle.artifacts}
    return OpenedFile(path, data, bundle, artifacts, engines, signed)


def own_artifact(target: str, path: Path) -> ArtifactFile:
    """The artifact that this process has just exported to `path`; it may run, whatever its form."""
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
    # the bytes that were checked are returned: the file may change before it is read again
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


def _lone_artifact(path: Path, data: bytes, permission: Permission) -> ArtifactFile:
    target = target_of(data)
    if target is None:
        raise InputError(
            f"{path} is no bundle and no artifact of {_known()}; name a file that lstm-export wrote"
        )
    return ArtifactFile(
        str(path),
        target,
        data,
        refusal=refusal_of_artifact(path, target, permission),
        isolates=permission.names_model,
    )


def _engine(path: Path, bundle: Bundle, target: str, permission: Permission) -> ArtifactFile:
    """An engine of a bundle: an artifact, or a runner made from the bundle's weights."""
    data = bundle.artifacts.get(target)
    if target not in targets.names() or _makes_runner(target):
        return ArtifactFile(str(path), target, None, bundle.model, unopened=data)
    return ArtifactFile(
        str(path),
        target,
        data,
        bundle.model,
        refusal=refusal_in_bundle(target, permission),
        isolates=permission.names_model,
    )


@cache
def _makes_runner(name: str) -> bool:
    return isinstance(targets.get(name), targets.MakesRunner)


def _known() -> str:
    return ", ".join(targets.names())
