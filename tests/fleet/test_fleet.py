"""A fleet is made, interrupted, finished, verified, and goes red by the name of what is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import lstm_export
from lstm_export.bundle import open_bundle
from lstm_export.chains import Checkpoint, write_checkpoint
from lstm_export.cli import app
from lstm_export.cli.fleet_table import entries_of
from lstm_export.fleet.checking import verify_fleet
from lstm_export.fleet.fleet_report import FleetReport, read_report, write_report
from lstm_export.fleet.outcome import Outcome
from lstm_export.fleet.packaging import NOT_YET, package_fleet
from lstm_export.fleet.tasks import Sharing
from lstm_export.model import Model
from lstm_export.training import TrainingOptions
from tests.kit.builders import redrawn
from tests.kit.chains import CHAINS

ALONE = Sharing(workers=1)
KEYS = Path(__file__).parents[1] / "golden" / "keys"
TABLE = """\
name,checkpoint,data,target,window,hidden_size,epochs,seed
pump 1,{folder}/a.pt,,,7,,,
pump 2,{folder}/b.pt,,numpy,,,,
mill,,{folder}/load.csv,load,6,4,1,3
gone,{folder}/gone.pt,,,,,,
folder,{folder},,,,,,
"""


def invoke(*args: str | Path) -> Any:
    return CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fleet whose first run was interrupted after its first model, and whose second is done."""
    pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
    folder = tmp_path_factory.mktemp("fleet")
    for name, model in (("a", CHAINS["smallest"]), ("b", redrawn(CHAINS["smallest"]))):
        write_checkpoint(folder / f"{name}.pt", Checkpoint(model))
    load = np.sin(np.arange(120) / 3)
    rows = "\n".join(f"{value:.5f}" for value in load)
    (folder / "load.csv").write_text(f"load\n{rows}\n", encoding="utf-8")
    (folder / "fleet.csv").write_text(TABLE.format(folder=folder), encoding="utf-8")
    entries = entries_of(folder / "fleet.csv", ("onnx",))
    with pytest.raises(KeyboardInterrupt):
        package_fleet(entries, folder / "out", ALONE, interrupt)
    left = read_report(folder / "out" / "fleet.json")
    assert not left.ok
    assert [outcome.name for outcome in left.outcomes if outcome.ok] == ["pump 1"]
    assert {outcome.error for outcome in left.failed} == {NOT_YET}
    with_missing = verify_fleet(folder / "out", ALONE)
    assert "pump 2.bundle is missing" in with_missing.by_name["pump 2"].error
    done = invoke("fleet", folder / "fleet.csv", "-o", folder / "out", "--workers", "1")
    (folder / "said.txt").write_text(f"{done.exit_code}\n{done.stdout}{done.stderr}")
    yield folder


def interrupt(outcome: Outcome, models: int) -> None:
    assert (outcome.name, outcome.ok, models) == ("pump 1", True, 5)
    raise KeyboardInterrupt


@pytest.fixture
def bundles(made: Path, tmp_path: Path) -> Path:
    """A copy of the folder that holds nothing bad."""
    folder = tmp_path / "out"
    shutil.copytree(made / "out", folder)
    report = read_report(folder / "fleet.json")
    good = tuple(outcome for outcome in report.outcomes if outcome.ok)
    write_report(folder / "fleet.json", replace(report, outcomes=good))
    return folder


def test_each_failure_is_told_by_name_and_the_others_are_kept(made: Path) -> None:
    said = (made / "said.txt").read_text()
    assert said.startswith("1\n5 models: 3 passed, 1 of them as an earlier run left them, 2 failed")
    assert f"failed: gone: row 5 of fleet.csv: cannot read {made}/gone.pt: No such file" in said
    assert f"failed: folder: row 6 of fleet.csv: cannot read {made}: Is a directory" in said
    assert said.endswith("error: 2 of 5 models failed: gone, folder\n")
    kept = {path.name for path in (made / "out").iterdir()}
    assert kept == {"pump 1.bundle", "pump 2.bundle", "mill.bundle", "fleet.json", "fleet.html"}


def test_its_bundles_are_those_of_train_and_package(made: Path, tmp_path: Path) -> None:
    """Law: a fleet's bundle is, byte for byte, what the commands of its row write."""
    lstm_export.package(made / "a.pt", tmp_path / "a.bundle", window=7)
    lstm_export.package(made / "b.pt", tmp_path / "b.bundle", ["numpy"])
    options = TrainingOptions(("load",), window=6, hidden_size=4, epochs=1, seed=3)
    lstm_export.train(made / "load.csv", tmp_path / "c.pt", options)
    lstm_export.package(tmp_path / "c.pt", tmp_path / "c.bundle")
    for name, alone in (("pump 1", "a"), ("pump 2", "b"), ("mill", "c")):
        written = (made / "out" / f"{name}.bundle").read_bytes()
        assert written == (tmp_path / f"{alone}.bundle").read_bytes()


def test_the_report_has_every_model(made: Path) -> None:
    record = json.loads((made / "out" / "fleet.json").read_text(encoding="utf-8"))
    assert (record["schema_version"], record["command"], record["ok"]) == (1, "fleet", False)
    assert record["failed"] == ["gone", "folder"]
    models = {model["name"]: model for model in record["models"]}
    assert [model["unchanged"] for model in models.values()] == [True, False, False, False, False]
    bundle = open_bundle(made / "out" / "mill.bundle")
    (artifact,) = models["mill"]["artifacts"]
    for result in bundle.manifest["artifacts"]["onnx"]["parity"]["sets"]:
        expected = result["error"] / result["bound"]
        assert artifact["shares"][result["name"]] == pytest.approx(expected, rel=1e-12)
    scores = {score["predictor"]: score["rmse"] for score in models["mill"]["metrics"]}
    trained = bundle.manifest["training"]["metrics"]
    assert scores == {s["predictor"]: s["rmse"] for s in trained if s["part"] == "test"}
    assert models["mill"]["size_bytes"] == (made / "out" / "mill.bundle").stat().st_size


def test_only_what_changed_is_made_again(bundles: Path, made: Path) -> None:
    """A bundle that was changed is made again, and so is a model whose options changed."""
    lines = (made / "fleet.csv").read_text(encoding="utf-8").splitlines()[:3]
    lines[2] = lines[2].replace("numpy", '"numpy,onnx"')
    table = bundles.parent / "fleet.csv"
    table.write_text("\n".join(lines), encoding="utf-8")
    before = (bundles / "pump 1.bundle").read_bytes()
    (bundles / "pump 1.bundle").write_bytes(before[:-1])
    report = package_fleet(entries_of(table, ("onnx",)), bundles, ALONE)
    assert [outcome.unchanged for outcome in report.outcomes] == [False, False]
    assert (bundles / "pump 1.bundle").read_bytes() == before
    assert [judged.subject for judged in report.outcomes[1].artifacts] == ["numpy", "onnx"]


def with_one_weight_changed(model: Model) -> Model:
    arrays = {name: array.copy() for name, array in model.arrays.items()}
    arrays["fc.weight"].flat[0] += np.float32(0.01)
    return Model.from_record(model.chain_record(), arrays, model.signature)


def test_one_changed_weight_is_told_by_the_name_of_its_bundle(bundles: Path) -> None:
    path = bundles / "pump 2.bundle"
    bundle = open_bundle(path)
    write_checkpoint(bundles / "b.pt", Checkpoint(with_one_weight_changed(bundle.model)))
    lstm_export.package(bundles / "b.pt", path, ["numpy"])  # a good bundle of another model
    done = invoke("fleet", "verify", bundles, "--workers", "1", "--json")
    assert done.exit_code == 1
    assert done.stderr == "error: 1 of 3 models failed: pump 2\n"
    record = json.loads(done.stdout)
    assert record["failed"] == ["pump 2"]
    told = ["failed, was passed", "its bundle is another file"]
    assert record["changes"]["models"] == {"pump 2": told}


def test_damage_and_absence_are_told_by_name(bundles: Path) -> None:
    path = bundles / "pump 1.bundle"
    data = bytearray(path.read_bytes())
    data[data.index(b"weights.npz") + 2000] ^= 1
    path.write_bytes(data)
    (bundles / "mill.bundle").unlink()
    failed = {outcome.name: outcome.error for outcome in verify_fleet(bundles, ALONE).failed}
    assert set(failed) == {"pump 1", "mill"}
    assert str(path) in failed["pump 1"]
    assert "mill.bundle is missing; copy it again" in failed["mill"]


def test_a_bump_says_which_versions_verdicts_and_errors_moved(bundles: Path) -> None:
    """The earlier report is edited: as if another ONNX Runtime had computed otherwise."""
    report = read_report(bundles / "fleet.json")
    first = report.outcomes[0]
    judged = first.artifacts[0]
    shares = {**judged.shares, "nominal": judged.shares["nominal"] + 0.25}
    edited = replace(first, artifacts=(replace(judged, shares=shares),))
    versions = {**report.machine["versions"], "onnxruntime": "1.15.1"}
    earlier = FleetReport((edited, *report.outcomes[1:]), {**report.machine, "versions": versions})
    write_report(bundles.parent / "earlier.json", earlier)
    html = bundles.parent / "page.html"
    done = invoke(
        "fleet", "verify", bundles, "--against", bundles.parent / "earlier.json", "--html", html
    )
    assert done.exit_code == 0, done.output
    assert "\nonnxruntime is " in done.stdout
    assert ", was 1.15.1\n" in done.stdout
    assert "changed since the earlier report: 1 of 3 models\n" in done.stdout
    assert "changed: pump 1: onnx: error on 1 of 13 golden sets moved, furthest on nominal: " in (
        done.stdout
    )
    assert "1 of 3 models changed." in html.read_text(encoding="utf-8")


def test_every_bundle_has_to_be_signed_by_the_key(bundles: Path) -> None:
    pytest.importorskip(
        "cryptography", reason='needs cryptography: pip install "lstm-export[sign]"'
    )
    assert invoke("sign", bundles / "mill.bundle", "--key", KEYS / "minisign.key").exit_code == 0
    report = verify_fleet(bundles, ALONE, key=KEYS / "minisign.pub")
    assert [outcome.name for outcome in report.failed] == ["pump 1", "pump 2"]
    assert all("is not signed by" in outcome.error for outcome in report.failed)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is no report of a fleet"),
        (b'{"schema_version": 1, "models": [{}]}', "is no report of a fleet"),
        (b'{"schema_version": 1, "models": [{"name": "a", "size_bytes": "x"}]}', "is no report of"),
        (
            b'{"schema_version": 1, "models": [], "engine": "local", "workers": 1, "seconds": 1, '
            b'"machine": {"versions": [1]}}',
            "is no report of a fleet",
        ),
        (b'{"schema_version": 9}', "has schema version 9, expected 1"),
    ],
)
def test_a_damaged_report_is_refused_and_kept(content: bytes, said: str, bundles: Path) -> None:
    (bundles / "fleet.json").write_bytes(content)
    done = invoke("fleet", "verify", bundles)
    assert done.exit_code == 1
    assert said in done.stderr
    assert (bundles / "fleet.json").read_bytes() == content


def test_a_folder_without_bundles_is_refused(tmp_path: Path) -> None:
    for folder, said in ((tmp_path, "holds no .bundle"), (tmp_path / "x", "is no folder")):
        done = invoke("fleet", "verify", folder)
        assert (done.exit_code, said in done.stderr) == (1, True)
