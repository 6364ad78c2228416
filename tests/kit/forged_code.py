"""C in whole numbers, WebAssembly and `.ort`, damaged and forged: what must become of them in a
bundle.

Half of the first two are forged in the record that they carry. C of a bundle is never compiled; its
record and its constants are read. A module is run. A `.ort` is read and never opened.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from lstm_export import targets
from lstm_export.model import Model, Runner
from lstm_export.parity import GoldenSet, check, golden_sets
from lstm_export.targets import ort
from lstm_export.targets.wasm.record import RECORD
from lstm_export.targets.wasm.sections import MAGIC, custom_section, with_custom_section
from lstm_export.verification.artifact import ArtifactFile

from .builders import drawn
from .byte_changes import Parts, Random, changed
from .forging import SNIPPETS, Accepted, Attempt, Differs, change_a_value
from .ort_graph import graph_by_onnxruntime

RECORD_OF_C = re.compile(rb'(?<=\n   )\{"format".*\}(?= \*/\n)')
ARRAY = re.compile(rb"(\w+)\[\d*\][^={]*= \{([^;a-zA-Z]*);")
FORGED_SHARE = 0.5


def exported(target: str, model: Model, **options: str) -> bytes:
    """The artifact of a target."""
    module = targets.get(target)
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"model{module.suffix}"
        module.export(model, path, **options)
        if not isinstance(module, targets.WritesFolder):
            return path.read_bytes()
        file = module.main_file(path)
        assert file is not None
        return file.read_bytes()


def integer_source(model: Model, others: Parts) -> Attempt:
    """NAME.c in a bundle: what is taken of it are formats and constants that fit each other."""
    data = exported("c", model, arithmetic="integer", max_error="1000%")
    x = drawn(model, 2, 3)

    def attempt(random: Random) -> str:
        if random.random() < FORGED_SHARE:
            broken = RECORD_OF_C.sub(lambda found: _forged(found[0], random), data)
        else:
            broken = changed(data, random, others, SNIPPETS)
        artifact = ArtifactFile("x", "c", None, model, unopened=broken)
        definition = artifact.definition(model)
        if definition is None:
            return "taken as C of floats"
        if definition.structure != "as defined":
            raise Differs(definition.structure)
        if _same_record(data, broken) and not _constants(data) <= _constants(broken):
            raise Accepted("constants were changed, and the record was not")
        y = definition(x)
        assert y.shape == (2, model.signature.output_size)
        assert np.isfinite(y).all()
        return "another whole artifact"

    return attempt


def ort_file(model: Model, others: Parts) -> Attempt:
    """NAME.ort in a bundle: it passes only if ONNX Runtime's own classes read the same graph."""
    data = exported("ort", model)
    graph = graph_by_onnxruntime(data)

    def attempt(random: Random) -> str:
        broken = changed(data, random, others, SNIPPETS)
        differs = ort.differs_from(model, broken)
        if differs:
            raise Differs(differs)
        if graph_by_onnxruntime(broken) != graph:
            raise Accepted("a .ort of another graph passed")
        return "the same graph"

    return attempt


def _forged(record: bytes, random: Random) -> bytes:
    """A record with another value somewhere."""
    facts = json.loads(record)
    change_a_value(facts, random)
    return json.dumps(facts).encode()


def _same_record(data: bytes, broken: bytes) -> bool:
    found = RECORD_OF_C.search(data)
    other = RECORD_OF_C.search(broken)
    return found is not None and other is not None and found[0] == other[0]


def _constants(data: bytes) -> set[tuple[bytes, bytes]]:
    """Every array of numbers: its name, and its values without spaces."""
    return {(name, re.sub(rb"\s", b"", values)) for name, values in ARRAY.findall(data)}


def wasm_module(model: Model, others: Parts, **options: str) -> Attempt:
    """NAME.wasm in a bundle: it passes only if it holds the model and answers as the model does."""
    data = exported("wasm", model, **options)
    golden = golden_sets(model)
    fresh = GoldenSet.of("fresh", model, drawn(model, 2, 3))

    def attempt(random: Random) -> str:
        if random.random() < FORGED_SHARE:
            broken = _with_forged_record(data, random)
        else:
            broken = changed(data, random, others, SNIPPETS)
        artifact = ArtifactFile("x", "wasm", broken, model)
        _check_constants(artifact, model)
        runner = artifact.runner()
        definition = artifact.definition(model)
        if not _passes(runner, definition, golden):
            raise Differs("it answers otherwise")
        if not _passes(runner, definition, (fresh,)):
            raise Accepted("a module that answers otherwise passed on all golden sets")
        return "another whole module"

    return attempt


def _check_constants(artifact: ArtifactFile, model: Model) -> None:
    """What lies in a module's memory must be the model's."""
    definition = artifact.definition(model)
    if definition is None and artifact.read_back() != model:
        raise Differs("it holds another model")
    if definition is not None and definition.structure != "as defined":
        raise Differs(definition.structure)


def _passes(
    runner: Runner, definition: targets.Definition | None, golden: Sequence[GoldenSet]
) -> bool:
    """Whether answers are those of the definition to the bit, or those of the model by the rule."""
    if definition is None:
        return check(runner, golden, subject="wasm").ok
    return all(np.array_equal(runner(entry.x), definition(entry.x)) for entry in golden[:3])


def _with_forged_record(data: bytes, random: Random) -> bytes:
    """The module with another value somewhere in its record."""
    record = custom_section(data, RECORD)
    assert record is not None
    forged = with_custom_section(MAGIC, RECORD, _forged(record, random))[len(MAGIC) :]
    own = with_custom_section(MAGIC, RECORD, record)[len(MAGIC) :]
    return data.replace(own, forged)
