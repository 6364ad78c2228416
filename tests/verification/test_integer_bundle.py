"""Whole numbers in a bundle: what is packed, what it says they cost, and what of it runs."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import lstm_export
from lstm_export import targets
from lstm_export.bundle import Artifact, Bundle, make_bundle, open_bundle, write_bundle
from lstm_export.chains import Checkpoint, write_checkpoint
from lstm_export.cli import app
from lstm_export.errors import BundleError, InputError
from lstm_export.model import Column, Model, forward
from lstm_export.parity import ParityReport
from lstm_export.targets.c.host import compiler
from tests.kit.integer_models import sensor

pytestmark = [
    pytest.mark.skipif(bool(compiler.unavailable()), reason=f"needs a C compiler: {compiler.HOW}"),
]
OPTIONS = {"arithmetic": "integer", "weights": "int16"}


@pytest.fixture(scope="module")
def model() -> Model:
    plain = sensor()
    names = replace(plain.signature, targets=(Column("flow", "l/min"),), horizon=1)
    return Model(plain.stages, names)


@pytest.fixture(scope="module")
def made(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The bundle's path, and the reports; its formats are chosen on a table."""
    pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
    path = tmp_path_factory.mktemp("bundle") / "m.bundle"
    options = {**OPTIONS, "calibrate": str(path.with_name("seen.csv"))}
    x = np.random.default_rng(4).normal([280, 40], [13, 0.9], (60, 2))
    np.savetxt(options["calibrate"], x, delimiter=",", header="a,b", comments="")
    return path, lstm_export.package(Checkpoint(model), path, ["c", "numpy"], options=options)


def test_a_table_chooses_the_formats(made: Any, model: Model, tmp_path: Path) -> None:
    path, _ = made
    exported = {}
    for table in ("", str(path.with_name("seen.csv"))):
        targets.get("c").export(model, tmp_path / "m_c", **OPTIONS, calibrate=table)
        exported[table] = (tmp_path / "m_c" / "model.c").read_bytes()
    without, with_table = exported.values()
    assert open_bundle(path).artifacts["c"] == with_table != without


def test_counts_of_a_sensor_go_in(model: Model, tmp_path: Path) -> None:
    """By the command, whose options the targets are handed."""
    pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
    write_checkpoint(tmp_path / "m.pt", Checkpoint(model))
    options = ["--target", "c", "--arithmetic", "integer", "--input-format", "x0=q:0.0625"]
    done = CliRunner().invoke(app, ["package", str(tmp_path / "m.pt"), *options])
    assert done.exit_code == 0, done.output
    definition = definition_of(open_bundle(tmp_path / "m.bundle"), model)
    x = np.full((1, 3, 2), [280.03, 40.0])
    assert definition.counts(x)[0, 0, 0] == 4480  # 280.03 / 0.0625 = 4480.48


def test_the_cost_stands_in_manifest_card_and_bill(made: Any, model: Model) -> None:
    path, (report, other) = made
    bundle = open_bundle(path)
    assert report.ok
    assert report.must_equal
    assert other.ok
    assert other.cost is None
    cost = bundle.manifest["artifacts"]["c"]["parity"]["cost"]
    assert cost == report.to_record()["cost"]
    (output,) = cost["outputs"]
    x = np.asarray(bundle.golden[2].x)  # nominal, since there are no real windows
    exact = forward(model, x).y
    error = np.abs(lstm_export.load(path, "c")(x) - exact)
    assert (output["name"], output["unit"]) == ("flow[t+1]", "l/min")
    np.testing.assert_allclose(output["largest"], error.max(), rtol=0.05)
    parts = {(part["name"], part["layer"]) for part in cost["parts"]}
    assert {("inputs", ""), ("weights", "l0"), ("h", ""), ("sigmoid", "")} < parts
    assert "computes in whole numbers" in bundle.files["README.md"].decode()
    metrics = json.loads(bundle.bom)["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]
    told = {entry["type"]: entry["value"] for entry in metrics["performanceMetrics"]}
    largest = told["largest error of c in whole numbers against float64"]
    assert float(largest) == output["largest"]


def test_the_engine_gives_the_bits_of_the_definition(made: Any, model: Model) -> None:
    path, _ = made
    definition = definition_of(open_bundle(path), model)
    for report in lstm_export.verify(path):
        assert report.ok, report.table()
        assert report.must_equal == (report.subject == "c")
    (of_c, _) = lstm_export.verify(path, Checkpoint(model))
    assert of_c.structure == "as defined"
    session = lstm_export.load(path, "c")
    x = np.random.default_rng(1).normal([280, 40], [10, 0.5], (3, 5, 2)).astype(np.float32)
    np.testing.assert_array_equal(session(x), definition(x))
    assert session(x).dtype == session.stream().step(x[0, 0]).dtype == np.float32


def definition_of(bundle: Bundle, model: Model) -> targets.Definition:
    found = targets.definition(targets.get("c"), model, bundle.artifacts["c"])
    assert found is not None
    return found


def packed(bundle: Bundle, data: bytes, path: Path) -> Path:
    """The same bundle with another c artifact."""
    parity = bundle.manifest["artifacts"]["c"]["parity"]
    changed = make_bundle(bundle.model, bundle.golden, [Artifact("c", "_c", data, parity)])
    write_bundle(path, changed)
    return path


def test_no_code_of_the_artifact_runs(made: Any, tmp_path: Path) -> None:
    """Formats alone are taken from it: what stands in the C besides is neither compiled nor kept
    quiet about."""
    bundle = open_bundle(made[0])
    text = bundle.artifacts["c"].decode()
    broken = text.replace("model_step_q", "no C at all (", 1)
    path = packed(bundle, broken.encode(), tmp_path / "m.bundle")
    assert lstm_export.load(path, "c")(bundle.golden[0].x).shape == (4, 1)
    start = text.index("\n    ", text.index("model_layer_0[")) + 5
    changed = f"{text[:start]}7{text[text.index(',', start) :]}"
    (report,) = lstm_export.verify(packed(bundle, changed.encode(), tmp_path / "n.bundle"))
    assert report.structure == "model_layer_0 differs in 1 of 672 values"
    assert not report.ok


@pytest.mark.parametrize(
    ("written", "forged", "said"),
    [
        # Else floats would be judged, whose weights and answers are right.
        (b'{"format": 2', b'{"format": 1', "says that c computes in whole numbers"),
        (b'"input_bits": [', b'"input_bits": [1, ', "formats .* do not fit the model"),
    ],
    ids=["floats", "formats of another model"],
)
def test_a_record_of_something_else_is_refused(
    written: bytes, forged: bytes, said: str, made: Any, tmp_path: Path
) -> None:
    bundle = open_bundle(made[0])
    data = bundle.artifacts["c"].replace(written, forged)
    (report,) = lstm_export.verify(packed(bundle, data, tmp_path / "m.bundle"))
    assert re.search(f"could not be opened: .*{said}", report.error)
    assert not report.ok


def test_a_number_that_is_none_is_refused(made: Any, tmp_path: Path) -> None:
    bundle = open_bundle(made[0])
    data = bundle.artifacts["c"].replace(b"-4194112, -4194112", b"-4194112  -4194112", 1)
    (report,) = lstm_export.verify(packed(bundle, data, tmp_path / "m.bundle"))
    assert report.structure == "model_tanh_table is missing"


def test_what_is_claimed_of_equality_follows_from_the_errors(made: Any, tmp_path: Path) -> None:
    bundle = open_bundle(made[0])
    parity = json.loads(json.dumps(bundle.manifest["artifacts"]["c"]["parity"]))
    parity["sets"][0]["error"] = 0.5
    claimed = [Artifact("c", "_c", bundle.artifacts["c"], parity)]
    path = tmp_path / "m.bundle"
    write_bundle(path, make_bundle(bundle.model, bundle.golden, claimed))
    with pytest.raises(BundleError, match="does not follow from that set"):
        lstm_export.verify(path)


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["numpy"], OPTIONS, "none of numpy takes arithmetic; add the target c"),
        (["c"], {"weights": "int8"}, "by which a device judges c, and --weights rounded them"),
        (["c"], {**OPTIONS, "max_error": "0.0001%"}, "allowed are 0.0001%"),
        (["c"], {**OPTIONS, "input_format": "speed=q:1"}, "'speed', which is no input"),
    ],
)
def test_options_that_do_nothing_or_are_not_kept_leave_no_bundle(
    names: list[str], options: dict[str, str], message: str, model: Model, tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
    with pytest.raises(InputError, match=message):
        lstm_export.package(Checkpoint(model), tmp_path / "m.bundle", names, options=options)
    assert not list(tmp_path.iterdir())


def test_a_report_of_floats_says_nothing_of_a_cost() -> None:
    assert "cost" not in ParityReport("onnx", "identical", ()).to_record()
