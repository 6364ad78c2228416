"""Fuzz a reader guided by coverage: inputs that reach new lines are changed further.

    pip install atheris                                # Linux, CPython 3.11 to 3.13
    python -m scripts.study.fuzz_guided onnx --seconds 60

Readers: archive, manifest, npz, onnx, ort, checkpoint, state, integers (C in whole numbers), wasm.
Each must end in an object or in an error of this package; anything else stops the run, with the
input in a file. It begins with good files.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

Reader = Callable[[bytes], object]


def seeds(reader: str) -> list[bytes]:
    """Good files for a reader."""
    from lstm_export.bundle.archive import pack
    from lstm_export.bundle.manifest import MANIFEST
    from lstm_export.device import Session, numpy_runner
    from tests.kit import checkpoint_files
    from tests.kit.chains import CHAINS
    from tests.kit.forged_code import exported
    from tests.kit.forged_files import bundle_of

    model = CHAINS["smallest"]
    bundle = bundle_of(model)
    if reader == "checkpoint":
        state = checkpoint_files.state()
        return [checkpoint_files.saved(state), checkpoint_files.old(state)]
    if reader == "integers":
        return [exported("c", model, arithmetic="integer", max_error="1000%")]
    if reader in ("ort", "wasm"):
        return [exported(reader, model)]
    if reader == "state":
        return [Session(numpy_runner(model), model.signature).stream(mode="state").state()]
    return {
        "archive": [pack(bundle.files, first=MANIFEST)],
        "manifest": [bundle.files[MANIFEST]],
        "npz": [bundle.files["weights.npz"]],
        "onnx": [bundle.artifacts["onnx"]],
    }[reader]


def reader_of(name: str) -> Reader:
    """What is fuzzed, its modules instrumented."""
    import atheris

    with atheris.instrument_imports(include=["lstm_export"]):
        from lstm_export.bundle.archive import unpack
        from lstm_export.bundle.arrays import unpack_arrays
        from lstm_export.bundle.manifest import load_manifest
        from lstm_export.device import Session, numpy_runner
        from lstm_export.reading import read
        from lstm_export.targets import c, ort
        from lstm_export.targets.onnx.reader import from_bytes
        from lstm_export.targets.wasm.record import Record
    from tests.kit.chains import CHAINS

    model = CHAINS["smallest"]
    stream = Session(numpy_runner(model), model.signature).stream(mode="state")
    readers: dict[str, Reader] = {
        "archive": unpack,
        "manifest": load_manifest,
        "npz": unpack_arrays,
        "onnx": from_bytes,
        "ort": ort.read,
        "checkpoint": lambda data: read._read(io.BytesIO(data), None),
        "state": stream.restore,
        "integers": lambda data: c.definition(model, data),
        "wasm": Record.of,
    }
    return readers[name]


def main() -> None:
    """One reader for some seconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reader")
    parser.add_argument("--seconds", type=int, default=60)
    given = parser.parse_args()
    import atheris

    read = reader_of(given.reader)
    from lstm_export.errors import LstmExportError

    def attempt(data: bytes) -> None:
        try:
            read(data)
        except LstmExportError:
            return

    with TemporaryDirectory() as corpus:
        for index, data in enumerate(seeds(given.reader)):
            (Path(corpus) / str(index)).write_bytes(data)
        limit = f"-max_total_time={given.seconds}"
        options = [
            sys.argv[0],
            corpus,
            limit,
            "-max_len=65536",
            "-rss_limit_mb=2048",
            "-timeout=10",
        ]
        atheris.Setup(options, attempt)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
