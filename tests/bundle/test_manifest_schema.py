"""The published schema, docs/manifest.schema.json, and the device's own small check agree."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from lstm_export.bundle import Artifact, make_bundle, open_bundle
from lstm_export.bundle.manifest import MANIFEST, READABLE, dump_manifest, load_manifest
from lstm_export.errors import BundleError
from lstm_export.model import Model
from lstm_export.parity import golden_sets
from tests.kit.chains import CHAINS, GRAPHS

jsonschema = pytest.importorskip("jsonschema", reason="needs jsonschema: pip install jsonschema")

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "manifest.schema.json").read_text(encoding="utf-8"))
BUNDLES = sorted((ROOT / "tests" / "golden").glob("*.bundle"))
OTHER_KINDS: tuple[Any, ...] = ("text", 1.5, [], {}, None, True)


@pytest.fixture(scope="module")
def schema() -> Any:
    validator = jsonschema.Draft202012Validator
    validator.check_schema(SCHEMA)
    return validator(SCHEMA)


def manifest_of(model: Model) -> dict[str, Any]:
    facts = {"seed": 1, "data": {"file": "a.csv", "rows": 3, "sha256": "0" * 64}}
    command = {"commit": "0" * 40, "uncommitted_changes": False, "command": "lstm-export package"}
    artifacts = [Artifact("onnx", ".onnx", b"\x08\x08", {"sets": []})]
    bundle = make_bundle(model, golden_sets(model), artifacts, facts, provenance=command)
    found: dict[str, Any] = json.loads(bundle.files[MANIFEST])
    return found


def assert_valid(manifest: dict[str, Any], schema: Any) -> None:
    assert [error.message for error in schema.iter_errors(manifest)] == []


@pytest.mark.parametrize("name", ["seed", "scalers", "bidirectional", "gru", *GRAPHS])
def test_every_manifest_that_is_written_is_valid(name: str, schema: Any) -> None:
    assert_valid(manifest_of({**CHAINS, **GRAPHS}[name]), schema)


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: path.stem)
def test_every_released_manifest_is_valid(path: Path, schema: Any) -> None:
    assert_valid(dict(open_bundle(path).manifest), schema)


def test_both_refuse_the_same_keys(schema: Any) -> None:
    """Each key taken away, and given every other kind of value."""
    whole = manifest_of(CHAINS["smallest"])
    required = set(SCHEMA["required"])
    assert required <= set(whole) <= set(SCHEMA["properties"])
    for key in whole:
        for value in ("absent", *OTHER_KINDS):
            changed = copy.deepcopy(whole)
            changed.pop(key)
            if value != "absent":
                changed[key] = value
            if key in required and type(value) is not type(whole[key]):
                assert not schema.is_valid(changed), (key, value)
                with pytest.raises(BundleError):
                    load_manifest(dump_manifest(changed))


@pytest.mark.parametrize("name", ["", "\x1b[31m", "\u202e", "\n", "x" * 101])
def test_both_refuse_the_same_names(name: str, schema: Any) -> None:
    whole = manifest_of(CHAINS["smallest"])
    (artifact,) = whole["artifacts"].values()
    for changed in ({"artifacts": {name: artifact}}, {"golden": [name]}):
        assert not schema.is_valid(whole | changed)
        with pytest.raises(BundleError, match="printable ASCII characters"):
            load_manifest(dump_manifest(whole | changed))


def test_both_read_the_same_formats(schema: Any) -> None:
    whole = manifest_of(CHAINS["smallest"])
    for version in range(max(READABLE) + 3):
        changed = whole | {"format_version": version}
        assert schema.is_valid(changed) == (version in READABLE)


def test_a_key_that_nobody_knows_is_allowed(schema: Any) -> None:
    assert_valid(manifest_of(CHAINS["smallest"]) | {"signed_by": "someone"}, schema)
