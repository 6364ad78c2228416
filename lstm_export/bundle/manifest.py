"""The manifest of a bundle: what is inside, where it came from, and the sha256 of every file."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any, Literal, get_args

from ..errors import BundleError, printable
from ..model import Model
from ..version import __version__

# Bump it when a reader of this version would misread, or not be able to check, what the new writer
# writes: a key or a file changes its meaning, or goes. A new optional key or a new kind of artifact
# needs no bump: readers ignore keys that they do not know. On a bump the old reader moves to a file
# of its own and stays, and a bundle written by the last release of the old version joins
# tests/golden. What `bom.check_bom` compares keeps its form for ever, as bills on devices have it.
# 1: the first. 2: golden sets may have lengths, which a reader of 1 would not pass on; all else is
# as in 1, so that one reader serves both, and a bundle without lengths is still written as 1.
FORMAT_VERSION = 2
READABLE = (1, 2)

MANIFEST = "manifest.json"
# How a model is meant to be run, an optional key of the manifest: on windows, each from the initial
# state, or as one endless stream whose state is kept.
Mode = Literal["window", "state"]
MAX_MANIFEST_BYTES = 2**20

# Names that reach terminals, pages and reports: those of targets and golden sets.
_NAME = re.compile(r"[ -~]{1,100}")

_PACKAGES = ("numpy", "onnxruntime", "torch", "onnx")  # what the numbers may depend on
_REQUIRED: dict[str, type] = {
    "created_by": str,
    "signature": dict,
    "chain": list,
    "origin": str,
    "weights_sha256": str,
    "golden": list,
    "artifacts": dict,
    "files": dict,
}


def manifest_of(  # noqa: PLR0913, PLR0917 - the parts of a manifest
    model: Model,
    golden: Sequence[str],
    artifacts: Mapping[str, Mapping[str, Any]],
    training: Mapping[str, Any],
    files: Mapping[str, bytes],
    mode: Mode | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The manifest of a bundle with these `files`; `golden` are the sets' names in order."""
    manifest: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "created_by": f"lstm-export {__version__}",
        "signature": model.signature.to_record(),
        "chain": model.chain_record(),
        "chain_text": model.describe(),
        "origin": model.origin,
        "parameters": model.parameters,
        "weights_sha256": model.weights_sha256,
        "golden": list(golden),
        "artifacts": {target: dict(entry) for target, entry in artifacts.items()},
        "training": dict(training),
        "versions": _versions(),
        "files": {name: fingerprint(content) for name, content in sorted(files.items())},
    }
    if mode:
        manifest["mode"] = mode
    if provenance:
        manifest["provenance"] = dict(provenance)
    return manifest


def fingerprint(content: bytes) -> dict[str, Any]:
    """A file's digest and size, as the manifest lists them."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}


def dump_manifest(manifest: Mapping[str, Any]) -> bytes:
    """The manifest as indented JSON with sorted keys.

    Raises:
        BundleError: it holds something that JSON lacks, such as NaN, or is larger than a reader
            accepts.
    """
    try:
        text = json.dumps(manifest, indent=2, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BundleError(
            f"the manifest cannot be written as JSON: {error}; mend the facts that it is given"
        ) from error
    data = f"{text}\n".encode("ascii")
    _check_size(data)
    return data


def load_manifest(data: bytes) -> dict[str, Any]:
    """Read a manifest and check that its parts are of the right kind.

    Raises:
        BundleError: it is too large, no JSON, of another format version, or lacks a part.
    """
    manifest = _parsed(data)
    _check_version(manifest)
    for key, kind in _REQUIRED.items():
        if not isinstance(manifest.get(key), kind):
            raise BundleError(
                f"{MANIFEST} has no valid {key!r}, expected a JSON {kind.__name__}; "
                "package the model again"
            )
    mode = manifest.get("mode")
    if mode not in (None, *get_args(Mode)):
        choices = ", ".join(get_args(Mode))
        raise BundleError(
            f"{MANIFEST} has the mode {printable(repr(mode))}, expected one of {choices}"
        )
    for name in (*manifest["artifacts"], *manifest["golden"]):
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise BundleError(
                f"{MANIFEST} calls an artifact or a golden set {printable(repr(name))}, expected "
                "1 to 100 printable ASCII characters; package the model again"
            )
    return manifest


def _parsed(data: bytes) -> dict[str, Any]:
    _check_size(data)
    try:
        manifest = json.loads(
            data.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_once_each
        )
        # JSON can escape one half of a character, which no file and no terminal takes.
        json.dumps(manifest, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise BundleError(
            f"{MANIFEST} is not valid JSON: {error}; "
            "copy the bundle again, or package the model again"
        ) from error
    if not isinstance(manifest, dict):
        raise BundleError(f"{MANIFEST} holds no JSON object; package the model again")
    return manifest


def _check_version(manifest: Mapping[str, Any]) -> None:
    version = manifest.get("format_version")
    if type(version) is int and version in READABLE:  # True is no version
        return
    writer = printable(str(manifest.get("created_by", "unknown")))
    raise BundleError(
        f"this bundle has format version {printable(repr(version))}, "
        f"lstm-export {__version__} reads version {FORMAT_VERSION} and older; "
        f"use the version that wrote it ({writer}) or package the model again"
    )


def _check_size(data: bytes) -> None:
    if len(data) > MAX_MANIFEST_BYTES:
        raise BundleError(
            f"{MANIFEST} has {len(data)} bytes, at most {MAX_MANIFEST_BYTES} are allowed; "
            "shorten the names and facts in it"
        )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; of two entries with the same name one reader takes the first, another the
    second."""
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("an object names an entry twice")
    return record


def _versions() -> dict[str, str]:
    """Versions of Python and of the installed packages, read without importing them."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
