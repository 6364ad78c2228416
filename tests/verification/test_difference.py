"""diff: silent for the same bundle, compatible or breaking as a device notices."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

import lstm_export
from lstm_export import targets
from lstm_export.bundle import Artifact, make_bundle, open_bundle, write_bundle
from lstm_export.chains import Checkpoint
from lstm_export.cli import app
from lstm_export.model import Affine, Column, Model, Signature, TableFormat
from lstm_export.model.category import Category
from lstm_export.parity import Condition, ParityReport, to_junit
from lstm_export.verification.difference import Difference, diff
from tests.kit.chains import CHAINS

pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')

NAMED = Signature(3, 6, tuple(map(Column, "abc")), (Column("y", "m"),), window=4, horizon=6)
MODEL = replace(CHAINS["scalers"], signature=NAMED)
SKY: dict[str, Any] = {
    "features": (Column("a"), Column("b"), Column("sky=clear")),
    "categories": (Category("sky", ("clear",)),),
}


def bundle(
    folder: Path, name: str, model: Model = MODEL, names: tuple[str, ...] = ("onnx",)
) -> Path:
    path = folder / f"{name}.bundle"
    lstm_export.package(Checkpoint(model), path, names)
    return path


def moved(model: Model, by: float) -> Model:
    """The model with one weight moved."""
    arrays = dict(model.arrays)
    arrays["fc.weight"] = arrays["fc.weight"].copy()
    arrays["fc.weight"][0, 0] += np.float32(by)
    return Model.from_record(model.chain_record(), arrays, model.signature)


def test_the_same_bundle_differs_in_nothing(tmp_path: Path) -> None:
    old = bundle(tmp_path, "old")
    assert diff(old, old) == Difference()
    done = CliRunner().invoke(app, ["diff", str(old), str(old)])
    assert (done.exit_code, done.stdout) == (0, "the same model, interface and artifacts\n")


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        (replace(NAMED, window=5), "window is 5, was 4"),
        (replace(NAMED, features=tuple(map(Column, "acb"))), "features are a, c, b, were a, b, c"),
        (replace(NAMED, targets=(Column("y", "km"),)), r"targets are y \[km\], were y \[m\]"),
        (replace(NAMED, targets=(Column("y", "m"), Column("z")), horizon=3), "horizon is 3, was 6"),
        (replace(NAMED, shortest=2), "shortest is 2, was None"),
        (replace(NAMED, table_format=TableFormat(decimal=",")), "table_format is .* was the usual"),
        (replace(NAMED, **SKY), "categories are sky: clear, others refused, were none"),
    ],
)
def test_a_changed_interface_is_breaking(
    tmp_path: Path, signature: Signature, message: str
) -> None:
    found = diff(
        bundle(tmp_path, "old"), bundle(tmp_path, "new", replace(MODEL, signature=signature))
    )
    assert any(re.search(message, sentence) for sentence in found.breaking), found


def test_other_numbers_are_breaking(tmp_path: Path) -> None:
    found = diff(bundle(tmp_path, "old"), bundle(tmp_path, "new", moved(MODEL, 1e-3)))
    assert any("on the old golden sets it failed" in sentence for sentence in found.breaking)
    assert any(
        re.match("fc.weight differs in 1 of.*the new model failed on", sentence)
        for sentence in found.breaking
    )
    assert not found.compatible


def test_an_artifact_that_cannot_be_opened_is_breaking(tmp_path: Path) -> None:
    old = open_bundle(bundle(tmp_path, "old"))
    damaged = Artifact("onnx", ".onnx", old.artifacts["onnx"][:-9])
    new = tmp_path / "new.bundle"
    write_bundle(new, make_bundle(old.model, old.golden, [damaged]))
    (sentence,) = diff(tmp_path / "old.bundle", new).breaking
    assert "the onnx artifact is another file, and cannot be opened: " in sentence


def test_numbers_within_rounding_are_compatible(tmp_path: Path) -> None:
    found = diff(bundle(tmp_path, "old"), bundle(tmp_path, "new", moved(MODEL, 1e-8)))
    assert found.ok
    assert any("on the old golden sets it passed" in sentence for sentence in found.compatible)
    assert any(
        re.match("fc.weight differs in 1 of.*the new model passed on", change)
        for change in found.compatible
    )


def test_another_chain_is_what_its_answers_are(tmp_path: Path) -> None:
    """A stage that changes nothing is compatible; where the interface is another, nothing can be
    called so.
    """
    old = bundle(tmp_path, "old")
    stages = MODEL.stages
    width = NAMED.output_size
    still = Affine("still", np.zeros(width, np.float32), np.ones(width, np.float32))
    same = replace(MODEL, stages=(*stages, still))
    (sentence,) = [
        change
        for change in diff(old, bundle(tmp_path, "same", same)).compatible
        if "the chain" in change
    ]
    assert sentence.startswith(f"the chain is '{same.describe()}', was '{MODEL.describe()}'; ")
    found = diff(old, bundle(tmp_path, "other", replace(same, signature=replace(NAMED, window=5))))
    assert any(change.startswith("the chain is") for change in found.breaking)
    assert not found.compatible


def test_new_ranges_are_compatible(tmp_path: Path) -> None:
    wider = replace(NAMED, features=tuple(Column(name, low=0.0, high=9.0) for name in "abc"))
    found = diff(bundle(tmp_path, "old"), bundle(tmp_path, "new", replace(MODEL, signature=wider)))
    assert found.ok
    assert "the training ranges of the features changed" in found.compatible


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="torch has no TorchScript on this Python")
def test_a_lost_artifact_is_breaking_and_a_new_one_is_not(tmp_path: Path) -> None:
    old = bundle(tmp_path, "one")
    two = bundle(tmp_path, "two", names=("onnx", "torchscript"))
    assert diff(old, two) == Difference([], ["there is a torchscript artifact now"])
    assert diff(two, old) == Difference(["the torchscript artifact is gone"])
    done = CliRunner().invoke(app, ["diff", str(two), str(old), "--json"])
    assert done.exit_code == 1
    assert json.loads(done.stdout)["breaking"] == ["the torchscript artifact is gone"]


def test_junit_tells_a_failed_condition() -> None:
    conditions = (
        Condition("4 threads", 0.0, 0.1, "passed"),
        Condition("each row alone", 1.0, 30.0, "failed"),
    )
    (suite,) = ElementTree.fromstring(
        to_junit([ParityReport("onnx", "identical", (), conditions=conditions)])
    )
    cases = {case.get("name"): case.find("failure") for case in suite.findall("testcase")}
    failure = cases["under other conditions: each row alone"]
    assert failure is not None
    assert failure.get("message") == "largest error 30 times what is allowed"
    assert cases["under other conditions: 4 threads"] is None
    assert suite.get("failures") == "1"


@pytest.mark.parametrize("good", [True, False])
def test_junit_has_a_case_for_every_set(tmp_path: Path, seed_checkpoint: Path, good: bool) -> None:
    artifact = tmp_path / "m.onnx"
    xml = tmp_path / "report.xml"
    model = CHAINS["seed"] if good else moved(CHAINS["seed"], 1e-3)
    targets.get("onnx").export(model, artifact)
    done = CliRunner().invoke(
        app, ["verify", str(artifact), str(seed_checkpoint), "--junit", str(xml)]
    )
    assert done.exit_code == (0 if good else 1)
    (suite,) = ElementTree.parse(xml).getroot()
    cases = suite.findall("testcase")
    assert (suite.get("name"), suite.get("tests")) == ("onnx", str(len(cases)))
    names = [str(case.get("name")) for case in cases]
    assert names[:4] == ["structure", "t1", "t2", "nominal"]
    assert len(names) == len(set(names))
    # Other conditions are looked at where the first answers are right.
    assert any(name.startswith("under other conditions: ") for name in names) is good
    failed = [case.get("name") for case in cases if case.find("failure") is not None]
    assert suite.get("failures") == str(len(failed))
    assert ("structure" in failed) is (not good)
    assert bool(failed) is (not good)
