"""The bundle: one file that holds a model, its artifacts, and the answers that they must give."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import BundleError, LstmExportError, printable, with_step
from ..files import read_bytes, unreadable, write_bytes
from ..model import Array, Model, Signature
from ..parity import GoldenSet
from .archive import AGAIN, MAX_BYTES, pack, unpack
from .arrays import pack_arrays, unpack_arrays
from .bom import BOM, bill_of_materials
from .card import card
from .example import example
from .golden_arrays import GOLDEN, golden_arrays, golden_of_arrays
from .manifest import MANIFEST, Mode, dump_manifest, fingerprint, load_manifest, manifest_of

WEIGHTS = "weights.npz"
CARD = "README.md"
EXAMPLE = "example.py"
# Characters: a stranger's name may be in it, and the next step comes after it.
_LONGEST_REASON = 500

# What a record of the wrong kind raises, such as a number where a name belongs.
_OF_WRONG_KIND = (TypeError, ValueError, KeyError, AttributeError, ArithmeticError)

# A local file header of zip is 30 bytes before the name. The manifest comes first, so that a cut
# file has it too.
_HOLDS_MANIFEST = re.compile(rb"PK\x03\x04.{26}" + re.escape(MANIFEST.encode()), re.DOTALL)


@dataclass(frozen=True)
class Artifact:
    """One exported file on its way into a bundle, where it becomes `<target>/model<suffix>`.

    Attributes:
        target: the target's name, such as `onnx`.
        suffix: the file's suffix, such as `.onnx`.
        data: the exported file.
        parity: `ParityReport.to_record()` of its verification.
    """

    target: str
    suffix: str
    data: bytes
    parity: Mapping[str, Any] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """Its name in the bundle."""
        return f"{self.target}/model{self.suffix}"


@dataclass(frozen=True, eq=False)
class Bundle:
    """The files of a bundle and what was read from them; equal when every byte of every file is.

    Attributes:
        files: all contents by name, `manifest.json` included.
        manifest: what `manifest.json` says.
        model: the model, weights and signature.
        golden: inputs and answers of the verification, for the device's self-test.
    """

    files: Mapping[str, bytes]
    manifest: Mapping[str, Any]
    model: Model
    golden: tuple[GoldenSet, ...]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Bundle):
            return NotImplemented
        return self.files == other.files

    def __hash__(self) -> int:
        return hash(self.files[MANIFEST])

    @property
    def artifacts(self) -> dict[str, bytes]:
        """The exported files by target name."""
        entries = self.manifest["artifacts"]
        artifacts = {}
        for target, entry in entries.items():
            artifacts[target] = self.files[str(entry["file"])]
        return artifacts

    @property
    def bom(self) -> bytes:
        """Its bill of materials, in CycloneDX; bundles of older versions get one made here."""
        return self.files.get(BOM) or bill_of_materials(self.manifest)

    @property
    def mode(self) -> Mode | None:
        """How the model is meant to be run; where the bundle does not say, see `default_mode`."""
        stored: Mode | None = self.manifest.get("mode")
        return stored or default_mode(self.model)


def default_mode(model: Model) -> Mode | None:
    """On windows where the model knows their size; otherwise nothing is known."""
    return "window" if model.signature.window else None


def make_bundle(  # noqa: PLR0913, PLR0917 - the parts of a bundle
    model: Model,
    golden: Iterable[GoldenSet],
    artifacts: Iterable[Artifact],
    training: Mapping[str, Any] | None = None,
    mode: Mode | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Bundle:
    """Put a bundle together.

    Args:
        model: the model.
        golden: the inputs and answers of its verification.
        artifacts: the exported files.
        training: facts about how the model came to be, JSON-ready.
        mode: how it is meant to be run; by default `default_mode`.
        provenance: where it was made: `commit`, `uncommitted_changes`, `command`.

    Raises:
        BundleError: `open_bundle` would refuse it, for example because a file is too large.
    """
    sets = tuple(golden)
    exported = tuple(artifacts)
    facts = training or {}
    entries = {}
    for artifact in exported:
        entries[artifact.target] = {"file": artifact.file, "parity": artifact.parity}
    files = {
        WEIGHTS: pack_arrays(model.arrays),
        GOLDEN: pack_arrays(golden_arrays(sets)),
        CARD: card(model, entries, facts).encode(),
        EXAMPLE: example(model.signature).encode("ascii"),
    }
    files |= {artifact.file: artifact.data for artifact in exported}
    names = [golden_set.name for golden_set in sets]
    mode = mode or default_mode(model)
    manifest = manifest_of(model, names, entries, facts, files, mode, provenance)
    if all(golden_set.lengths is None for golden_set in sets):
        manifest["format_version"] = 1  # older readers can read it
    return _read(_described(files, manifest))


def _described(files: Mapping[str, bytes], manifest: dict[str, Any]) -> dict[str, bytes]:
    """The files with their bill of materials and the manifest, which lists that, too."""
    bom = bill_of_materials(manifest)
    manifest["files"][BOM] = fingerprint(bom)
    return {**files, BOM: bom, MANIFEST: dump_manifest(manifest)}


def write_bundle(path: Path, bundle: Bundle) -> bytes:
    """Write `bundle` to `path`, whole or not at all; the bytes that were written.

    Law: `open_bundle(path) == bundle`.

    Raises:
        InputError: the file cannot be written.
    """
    data = pack(bundle.files, first=MANIFEST)
    write_bytes(path, data)
    return data


def open_bundle(source: Path | bytes) -> Bundle:
    """Read a bundle and check every file against the manifest; nothing in it is executed.

    Raises:
        InputError: the file cannot be read.
        BundleError: it is damaged, unsafe, of another format version, or does not hold what its
            manifest says.
    """
    if isinstance(source, Path):
        source = read_bytes(source, "a bundle, as package writes it", MAX_BYTES)
    return _read(unpack(source))


def is_bundle(data: bytes) -> bool:
    """Whether `data` is a bundle, be it a damaged one: a zip that holds `manifest.json`."""
    return data.startswith(b"PK\x03\x04") and _HOLDS_MANIFEST.search(data) is not None


def holds_bundle(path: Path) -> bool:
    """Whether a path names a bundle, be it a damaged one; only the file's beginning is read."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return is_bundle(file.read(4096))  # the manifest comes first
    except OSError as error:
        raise unreadable(path, error, "a checkpoint or a bundle") from error


def _read(files: Mapping[str, bytes]) -> Bundle:
    if MANIFEST not in files:
        raise BundleError(
            f"the archive holds no {MANIFEST}; expected a file written by `lstm-export package`"
        )
    manifest = load_manifest(files[MANIFEST])
    _check_files(manifest["files"], files)
    for target, entry in manifest["artifacts"].items():
        if not isinstance(entry, dict) or str(entry.get("file")) not in manifest["files"]:
            raise BundleError(
                f"the manifest names no file of the bundle for the artifact {printable(target)}; "
                f"{AGAIN}"
            )
    model = _model(manifest, unpack_arrays(files[WEIGHTS]))
    golden = golden_of_arrays(manifest["golden"], unpack_arrays(files[GOLDEN]), model)
    return Bundle(dict(files), manifest, model, golden)


def _check_files(listed: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Every file must be in the manifest with its digest, which must list nothing else."""
    present = set(files) - {MANIFEST}
    for name in sorted(present - set(listed)):
        raise BundleError(f"the bundle holds {name}, which its manifest does not list; {AGAIN}")
    required = set(listed) | {WEIGHTS, GOLDEN}
    for name in sorted(required - present):
        raise BundleError(f"the bundle lacks {printable(name)}; copy or download it again")
    for name in sorted(present):
        if listed[name] != fingerprint(files[name]):
            raise BundleError(
                f"{name} is not the file that was packaged, its sha256 differs; copy it again"
            )


def _model(manifest: Mapping[str, Any], arrays: Mapping[str, Array]) -> Model:
    try:
        signature = Signature.from_record(manifest["signature"])
        model = Model.from_record(manifest["chain"], arrays, signature, manifest["origin"])
    except (LstmExportError, *_OF_WRONG_KIND) as error:
        reason = f"the bundle describes no valid model: {printable(str(error), _LONGEST_REASON)}"
        raise BundleError(with_step(reason, AGAIN)) from error
    if model.weights_sha256 != manifest["weights_sha256"]:
        raise BundleError(
            "the weights are not those that the manifest names, their sha256 differs; package again"
        )
    return model
