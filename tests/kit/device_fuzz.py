"""What a device opens, damaged and forged by the thousand.

    python -m tests.kit.device_fuzz --bundles 10000 --onnx 2000 --states 500 --seed 0

Prints one JSON object: how often which outcome came, the slowest file and the memory that all of
them took, and every fault. A fault is an error that is no sentence of this package's, or a changed
file that is taken for whole. Half of the bundles are forged: the sha256 of what was changed in them
fits again, so that the readers behind the manifest see it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lstm_export.bundle import Artifact, Bundle, make_bundle, open_bundle
from lstm_export.bundle.archive import pack, unpack
from lstm_export.bundle.arrays import MAX_ARRAYS
from lstm_export.bundle.manifest import MANIFEST, dump_manifest, fingerprint
from lstm_export.device import Session, numpy_runner
from lstm_export.errors import LstmExportError
from lstm_export.model import Model
from lstm_export.parity import golden_sets
from lstm_export.targets.onnx.writer import to_bytes
from lstm_export.verification.artifact import ArtifactFile

from .builders import drawn
from .byte_changes import PLAIN_SNIPPETS, Random, changed
from .chains import CHAINS

SNIPPETS = [
    *PLAIN_SNIPPETS,
    b"NaN",
    b"null",
    b"-1",
    b"1e999",
    b"[[[[[[[[",
    b'"shape": (99999999,)',
    b"{'descr': '|O'",
    b"\x12\x07com.ms\x00",
]
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    2**31,
    10**30,
    1e308,
    "",
    "x" * 5000,
    "\u202e",
    [],
    {},
    [[]],
]
SHOWN_FAULTS = 5
DEEP_SHARE = 0.7  # of the forged files whose parts are changed
STOP_SHARE = 0.2  # of the inner lists and objects that are replaced as a whole

Attempt = Callable[[Random], str]  # what came of it


class Accepted(Exception):
    """A file was taken for whole that is not."""


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
        _change_a_value(record, random)
        return dump_manifest(record)
    return changed(content, random, others, SNIPPETS)


def _change_a_value(record: Any, random: Random) -> None:
    """Somewhere in JSON, be it the whole of a list or an object, another value."""
    while True:
        keys = list(record) if isinstance(record, dict) else list(range(len(record)))
        key = keys[random.integers(len(keys))]
        inner = record[key]
        if not isinstance(inner, dict | list) or not inner or random.random() < STOP_SHARE:
            record[key] = VALUES[random.integers(len(VALUES))]
            return
        record = inner


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


class Counts:
    """Outcomes, costs and faults."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.faults: list[str] = []
        self.slowest_s = 0.0

    def run(self, kind: str, attempt: Attempt, count: int, random: Random) -> None:
        """Many attempts of a kind."""
        for _ in range(count):
            start = time.process_time()
            try:
                outcome = attempt(random)
            except LstmExportError as error:
                outcome = type(error).__name__
            except Exception:  # whatever else came is a fault
                outcome = "fault"
                self.faults.append(f"{kind}: {traceback.format_exc()[-2000:]}")
            self.slowest_s = max(self.slowest_s, time.process_time() - start)
            self.outcomes[f"{kind}: {outcome}"] += 1


def resident_bytes() -> int:
    """The most that this process has held, by Linux; 0 elsewhere."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    lines = status.read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def main() -> None:
    """All kinds, by their counts."""
    parser = argparse.ArgumentParser()
    for kind in ("bundles", "onnx", "states", "seed"):
        parser.add_argument(f"--{kind}", type=int, default=0)
    given = parser.parse_args()
    random = np.random.default_rng(given.seed)
    model = CHAINS["smallest"]
    bundle = bundle_of(model)
    others = list(bundle.files.values())
    kinds = [
        ("damaged bundle", damaged_bundle(bundle, others), given.bundles // 2),
        ("forged bundle", forged_bundle(bundle, others), given.bundles // 2),
        ("onnx", onnx_file(model, others), given.onnx // 2),
        (
            "onnx with lengths",
            onnx_file(CHAINS["bidirectional"], others, lengths=True),
            given.onnx // 4,
        ),
        ("onnx-stream", onnx_file(CHAINS["learned state"], others, stateful=True), given.onnx // 4),
        ("state", saved_state(model, others), given.states),
    ]
    for _, attempt, _ in kinds:  # what is imported and made once costs no file
        Counts().run("", attempt, 20, random)
    before = resident_bytes()
    counts = Counts()
    for kind, attempt, count in kinds:
        counts.run(kind, attempt, count, random)
    record = {
        "outcomes": counts.outcomes,
        "slowest_s": counts.slowest_s,
        "memory_bytes": resident_bytes() - before,
        "faults": len(counts.faults),
        "shown": counts.faults[:SHOWN_FAULTS],
    }
    print(json.dumps(record))
    sys.exit(bool(counts.faults))


if __name__ == "__main__":
    main()
