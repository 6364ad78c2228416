"""The bill of materials: valid by CycloneDX's own validator, the same every time, and true."""

from __future__ import annotations

import copy
import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lstm_export.bundle import Artifact, Bundle, check_claims, make_bundle, open_bundle
from lstm_export.bundle.archive import pack
from lstm_export.bundle.bom import BOM, check_bom
from lstm_export.bundle.bundle import write_bundle
from lstm_export.bundle.manifest import fingerprint, load_manifest
from lstm_export.cli import app
from lstm_export.errors import BundleError, InputError
from lstm_export.model import Column, Model, forward
from lstm_export.parity import check, golden_sets
from lstm_export.parity.rule import bound
from lstm_export.verification.provenance import commit_of

GOLDEN = Path(__file__).parents[1] / "golden"
FACTS = {
    "seed": 3,
    "data": {"file": "traffic.csv", "rows": 9, "sha256": "ab" * 32},
    "metrics": [
        {"part": "test", "target": "volume", "predictor": "model", "rmse": 301.5, "mae": 200.0}
    ],
}


def bundle_of(model: Model, **more: Any) -> Bundle:
    golden = golden_sets(model)
    report = check(lambda x: forward(model, x).y.astype(np.float32), golden, subject="onnx")
    artifact = Artifact("onnx", ".onnx", b"\x08\x08", report.to_record())
    return make_bundle(model, golden, [artifact], FACTS, **more)


@pytest.fixture(scope="module")
def bundle(traffic_model: Model) -> Bundle:
    return bundle_of(traffic_model)


def valid(bom: bytes) -> Any:
    validation = pytest.importorskip(
        "cyclonedx.validation.json",
        reason='needs CycloneDX: pip install "cyclonedx-python-lib[validation]"',
    )
    from cyclonedx.schema import SchemaVersion

    return validation.JsonStrictValidator(SchemaVersion.V1_6).validate_str(bom.decode())


def test_cyclonedx_finds_it_valid(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    assert valid(bundle.bom) is None
    assert valid(bundle.bom.replace(b'"machine-learning-model"', b'"model"')) is not None
    assert valid(open_bundle(GOLDEN / "seed-v1.bundle").bom) is None  # made for an older bundle
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    command = {"commit": "0" * 40, "uncommitted_changes": False, "command": "lstm-export package"}
    dated = bundle_of(bundle.model, provenance=command).bom
    assert valid(dated) is None
    found = json.loads(dated)
    assert found["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    assert found["metadata"]["component"]["pedigree"]["commits"] == [{"uid": "0" * 40}]


def test_it_says_what_the_bundle_holds_and_what_was_proved(bundle: Bundle) -> None:
    bom = json.loads(bundle.files[BOM])
    model = bom["metadata"]["component"]
    assert model["type"] == "machine-learning-model"
    hashes = {file["name"]: file["hashes"][0]["content"] for file in model["components"]}
    for name, content in bundle.files.items():
        if name not in (BOM, "manifest.json"):
            assert hashes.pop(name) == hashlib.sha256(content).hexdigest()
    assert not hashes
    metrics = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    values = {(metric["type"], metric["slice"]): metric["value"] for metric in metrics}
    for golden_set in bundle.golden:
        allowed = values["allowed error of onnx against float64, relative to S", golden_set.name]
        assert float(allowed) == bound(golden_set)
    assert values["rmse of model, volume", "test"] == "301.5"
    (data,) = (entry for entry in bom["components"] if entry["type"] == "data")
    assert data["hashes"][0]["content"] == "ab" * 32
    assert {"name": "lstm-export:seed", "value": "3"} in model["properties"]


def test_the_same_model_has_the_same_bill(bundle: Bundle) -> None:
    assert bundle_of(bundle.model).bom == bundle.bom


def edited(bundle: Bundle, old: bytes, new: bytes) -> Bundle:
    """The bundle with another bill, under checksums that fit."""
    bom = bundle.files[BOM].replace(old, new, 1)
    assert bom != bundle.files[BOM]
    manifest = json.loads(bundle.files["manifest.json"])
    manifest["files"][BOM] = fingerprint(bom)
    files = {**bundle.files, BOM: bom, "manifest.json": json.dumps(manifest).encode()}
    return open_bundle(pack(files, first="manifest.json"))


def judged(bundle: Bundle, edit: Callable[[dict[str, Any]], None]) -> None:
    """Check the claims of the bundle after its manifest was edited, and its bill made anew."""
    manifest = json.loads(bundle.files["manifest.json"])
    for result in manifest["artifacts"]["onnx"]["parity"]["sets"]:
        edit(result)
    files = {name: content for name, content in bundle.files.items() if name != BOM}
    del manifest["files"][BOM]
    files["manifest.json"] = json.dumps(manifest).encode()
    check_claims(open_bundle(pack(files, first="manifest.json")))


def test_a_bill_that_says_something_else_is_refused(bundle: Bundle) -> None:
    check_claims(bundle)
    weights = bundle.manifest["files"]["weights.npz"]["sha256"].encode()
    error = bundle.manifest["artifacts"]["onnx"]["parity"]["sets"][0]["error"]
    lies = {
        "files": (weights, b"0" * 64),
        "results of verification": (repr(error).encode(), b"0.0"),
        "weights": (bundle.model.weights_sha256.encode(), b"0" * 64),
    }
    for what, (old, new) in lies.items():
        with pytest.raises(BundleError, match=f"claims other {what}"):
            check_claims(edited(bundle, old, new))
    with pytest.raises(BundleError, match="is no bill of materials"):
        check_claims(edited(bundle, b'"metadata"', b'"meta"'))


def test_a_verdict_that_does_not_follow_is_refused(bundle: Bundle) -> None:
    judged(bundle, lambda result: None)
    of_whole_numbers = {"bound": 0.0, "noise_floor": 0.0, "error": 0.0}
    lies = ({"bound": 1.0}, {"noise_floor": 0.5}, {"error": 1.0}, {"error": "nan"})
    for lie in (*lies, of_whole_numbers):
        with pytest.raises(BundleError, match="does not follow from that set"):
            judged(bundle, lambda result, lie=lie: result.update(lie))  # type: ignore[misc]


def test_a_bill_of_an_older_version_stays_true() -> None:
    """tests/golden/described was written by 0.1.0, and bundles like it are on devices."""
    bom = (GOLDEN / "described" / BOM).read_bytes()
    manifest = load_manifest((GOLDEN / "described" / "manifest.json").read_bytes())
    check_bom(bom, manifest)
    with pytest.raises(BundleError, match="claims other weights"):
        check_bom(bom, {**manifest, "weights_sha256": "0" * 64})


def test_names_of_strangers_leave_it_valid(traffic_model: Model) -> None:
    hostile = Column('"}\x1b[2J\u2028' + "n" * 500, "unit", 0.0, 1.0)
    signature = traffic_model.signature
    named = replace(signature, targets=(hostile, *signature.targets[1:]))
    bom = make_bundle(replace(traffic_model, signature=named), (), ()).bom
    assert valid(bom) is None
    assert b"\x1b" not in bom


def test_sbom_prints_the_stored_bill_or_writes_it(bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "model.bundle"
    write_bundle(path, bundle)
    done = CliRunner().invoke(app, ["sbom", str(path)])
    assert done.stdout.encode() == bundle.files[BOM]
    output = tmp_path / "bom.json"
    assert CliRunner().invoke(app, ["sbom", str(path), "-o", str(output)]).exit_code == 0
    assert output.read_bytes() == bundle.files[BOM]


def test_the_commit_is_that_of_the_tree(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="git tells no commit of .*leave out --provenance"):
        commit_of(tmp_path)
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "a.txt").write_text("1")
    for command in (["init", "-q"], ["add", "a.txt"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], check=True)
    commit = commit_of(tmp_path)
    assert len(str(commit["commit"])) == 40
    assert commit["uncommitted_changes"] is False
    (tmp_path / "a.txt").write_text("2")
    assert commit_of(tmp_path) == {**commit, "uncommitted_changes": True}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a JSON object."""
    yield path
    if isinstance(value, dict | list):
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(child, (*path, key))


OTHERS: list[Any] = ["text", 1.5, -1, [], {}, None, True, [[]], "\x1b[2J", 10**400]


def edits(whole: dict[str, Any]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value of another kind for every key at the top, and for many of those below."""
    for key in whole:
        for other in OTHERS:
            yield (key,), other
    random = np.random.default_rng(0)
    below = [path for path in places(whole) if len(path) > 1]
    for number in random.permutation(len(below))[:200]:
        yield below[number], OTHERS[random.integers(len(OTHERS))]


def test_values_of_other_kinds_are_refused_or_harmless(bundle: Bundle) -> None:
    """Anywhere in the manifest of a bundle without a bill, from which one is made."""
    files = {name: content for name, content in bundle.files.items() if name != BOM}
    whole = json.loads(files["manifest.json"])
    del whole["files"][BOM]
    for (*way, last), other in edits(whole):
        manifest = copy.deepcopy(whole)
        holder = manifest
        for key in way:
            holder = holder[key]
        holder[last] = other
        files["manifest.json"] = json.dumps(manifest).encode()
        try:
            opened = open_bundle(pack(files, first="manifest.json"))
            check_claims(opened)
        except BundleError as error:
            assert "\n" not in str(error)
        else:
            assert json.loads(opened.bom)["bomFormat"] == "CycloneDX"


def test_provenance_is_recorded_when_it_is_asked_for(seed_checkpoint: Path) -> None:
    folder = seed_checkpoint.parent
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "model.pt"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], check=True)
    arguments = ["package", str(seed_checkpoint), "--provenance"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    manifest = open_bundle(folder / "model.bundle").manifest
    assert manifest["provenance"] == {
        **commit_of(folder),
        "command": f"lstm-export package {seed_checkpoint} --provenance",
    }
