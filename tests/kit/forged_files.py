"""Bundles, ONNX files and states, damaged and forged: what must become of them.

Half of the bundles are forged: the sha256 of what was changed in them fits again, so that the
readers behind the manifest see it.
"""

from __future__ import annotations

import json

import numpy as np

from lstm_export.bundle import Artifact, Bundle, make_bundle, open_bundle
from lstm_export.bundle.archive import pack, unpack
from lstm_export.bundle.arrays import MAX_ARRAYS
from lstm_export.bundle.manifest import MANIFEST, dump_manifest, fingerprint
from lstm_export.device import Session, numpy_runner
from lstm_export.model import Model
from lstm_export.parity import golden_sets
from lstm_export.targets.onnx.writer import to_bytes
from lstm_export.verification.artifact import ArtifactFile

from .builders import drawn
from .byte_changes import Random, changed
from .forging import SNIPPETS, Accepted, Attempt, change_a_value

DEEP_SHARE = 0.7  # of the forged files whose parts are changed


def bundle_of(model: Model) -> Bundle:
    """A bundle with an ONNX file."""
    artifact = Artifact("onnx", ".onnx", to_bytes(model, 17))
    return make_bundle(model, golden_sets(model), [artifact])


def damaged_bundle(bundle: Bundle, others: list[bytes]) -> Attempt:
    """The archive with changed bytes, which must never be taken."""
    data = pack(bundle.files, first=MANIFEST)

    def attempt(random: Random) -> str:
        broken = changed(data, random, others, SNIPPETS)
        open_bundle(broken)
        if broken != data:
            raise Accepted("a bundle with changed bytes was opened")
        return "unchanged"

    return attempt


def forged_bundle(bundle: Bundle, others: list[bytes]) -> Attempt:
    """One file in it changed, and its sha256 and size in the manifest with it."""
    names = sorted(bundle.files)

    def attempt(random: Random) -> str:
        name = names[random.integers(len(names))]
        content = _forged(name, bundle.files[name], random, others)
        files = {**bundle.files, name: content}
        if name != MANIFEST:
            manifest = json.loads(bundle.files[MANIFEST])
            manifest["files"][name] = fingerprint(content)
            files[MANIFEST] = dump_manifest(manifest)
        opened = open_bundle(pack(files, first=MANIFEST))
        x = np.zeros((1, 2, opened.model.signature.input_size), np.float32)
        numpy_runner(opened.model)(x)
        return "another whole bundle"

    return attempt


def _forged(name: str, content: bytes, random: Random, others: list[bytes]) -> bytes:
    """A file with its bytes changed, or those of an array in it, or a value in its JSON."""
    is_deep = random.random() < DEEP_SHARE
    if is_deep and name.endswith(".npz"):
        arrays = unpack(content, max_entries=MAX_ARRAYS, fold_case=False)
        array = sorted(arrays)[random.integers(len(arrays))]
        arrays[array] = changed(arrays[array], random, others, SNIPPETS)
        return pack(arrays, max_entries=MAX_ARRAYS, fold_case=False)
    if is_deep and name.endswith(".json"):
        record = json.loads(content)
        change_a_value(record, random)
        return dump_manifest(record)
    return changed(content, random, others, SNIPPETS)


def onnx_file(model: Model, others: list[bytes], **options: bool) -> Attempt:
    """An ONNX file with changed bytes: it runs only if it still holds the same model."""
    data = to_bytes(model, 17, **options)
    target = "onnx-stream" if options.get("stateful") else "onnx"
    x = drawn(model, 2, 3)

    def attempt(random: Random) -> str:
        artifact = ArtifactFile("x", target, changed(data, random, others, SNIPPETS))
        found = artifact.read_back()
        y = artifact.runner()(x)
        if found != model:
            raise Accepted("an ONNX file of another model was run")
        assert y.shape == (2, model.signature.output_size)
        return "answered"

    return attempt


def saved_state(model: Model, others: list[bytes]) -> Attempt:
    """The saved state of a stream with changed bytes."""
    session = Session(numpy_runner(model), model.signature)
    stream = session.stream(mode="state")
    x = drawn(model, 1, 4)[0]
    stream.push(x)
    data = stream.state()

    def attempt(random: Random) -> str:
        stream.restore(changed(data, random, others, SNIPPETS))
        assert np.isfinite(stream.step(x[0])).all()
        return "restored"

    return attempt
