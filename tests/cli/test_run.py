"""`lstm-export run`: a file in, a file out, and everything else on stderr."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from lstm_export.bundle import Artifact, make_bundle, write_bundle
from lstm_export.cli import app
from lstm_export.model import Array, Column, Model, forward

pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
pytest.importorskip("onnxruntime")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["run", *map(str, arguments)])


@pytest.fixture
def named_model(seed_model: Model) -> Model:
    features = tuple(Column(f"f{k}", "V", -3.0, 3.0) for k in range(10))
    signature = replace(
        seed_model.signature,
        features=features,
        targets=(Column("load", "kW"),),
        window=4,
        horizon=1,
    )
    return replace(seed_model, signature=signature)


@pytest.fixture
def bundle(named_model: Model, tmp_path: Path) -> Path:
    from lstm_export.targets.onnx.writer import to_bytes

    artifact = Artifact("onnx", ".onnx", to_bytes(named_model, 17))
    write_bundle(tmp_path / "model.bundle", make_bundle(named_model, [], [artifact]))
    return tmp_path / "model.bundle"


@pytest.fixture
def x() -> Array:
    return np.random.default_rng(3).uniform(-2, 2, (9, 10)).astype(np.float32)


@pytest.fixture
def table(x: Array, tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([f"f{k}" for k in range(10)])
        writer.writerows(x.tolist())
    return path


def test_slides_over_a_table_and_names_the_outputs(
    bundle: Path, table: Path, x: Array, named_model: Model
) -> None:
    done = run(bundle, table)
    assert done.exit_code == 0, done.output
    rows = list(csv.reader(io.StringIO(done.stdout)))
    assert rows[0] == ["row", "load[t+1]"]
    expected = forward(named_model, np.stack([x[k : k + 4] for k in range(6)])).y
    np.testing.assert_allclose(
        np.array(rows[1:], float), np.column_stack([range(3, 9), expected]), rtol=1e-5
    )
    assert done.stderr == "6 predictions of load[t+1] (kW)\n"


def test_writes_files_and_says_so(bundle: Path, table: Path, tmp_path: Path) -> None:
    done = run(bundle, table, "-o", tmp_path / "y.csv")
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    assert done.stderr == f"6 predictions of load[t+1] (kW) -> {tmp_path / 'y.csv'}\n"
    assert (tmp_path / "y.csv").read_text() == run(bundle, table).stdout
    assert run(bundle, table, "-o", tmp_path / "y.npy", "--window", 9).exit_code == 0
    assert np.load(tmp_path / "y.npy").shape == (1, 1)


def test_warnings_go_to_stderr_as_one_line(bundle: Path, table: Path) -> None:
    header, first, *rest = table.read_text().splitlines()
    table.write_text("\n".join([header, "55" + first[first.index(",") :], *rest]))
    done = run(bundle, table)
    assert done.exit_code == 0, done.output
    assert "warning: f0 is 55" in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_json_holds_the_predictions_or_where_they_went(
    bundle: Path, table: Path, tmp_path: Path
) -> None:
    found = json.loads(run(bundle, table, "--json").stdout)
    assert found["predictions"] == 6
    assert found["outputs"] == [{"name": "load[t+1]", "unit": "kW"}]
    assert found["columns"]["row"] == [3, 4, 5, 6, 7, 8]
    assert found["schema_version"] == 1
    written = json.loads(run(bundle, table, "--json", "-o", tmp_path / "y.csv").stdout)
    assert written["path"] == str(tmp_path / "y.csv")
    assert written["columns"] is None


def test_refuses_with_one_line_and_leaves_nothing(
    bundle: Path, table: Path, tmp_path: Path
) -> None:
    before = table.read_bytes()
    refused = [
        (bundle, table, "-o", table),
        (bundle, table, "-o", bundle),
        (bundle, table, "-o", tmp_path / "y.txt"),
        (bundle, table, "-o", tmp_path / "no" / "y.csv"),
        (bundle, table, "-o", tmp_path / "y.csv", "--window", 10),
        (bundle, table, "-o", tmp_path / "y.csv", "--engine", "torchscript"),
        (bundle, table, "-o", tmp_path / "y.csv", "--provider", "Banana"),
        (bundle, tmp_path / "no.csv", "-o", tmp_path / "y.csv"),
        (tmp_path / "no.bundle", table, "-o", tmp_path / "y.csv"),
        (table, table, "-o", tmp_path / "y.csv"),
    ]
    for arguments in refused:
        done = run(*arguments)
        assert done.exit_code == 1, arguments
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert not (tmp_path / "y.csv").exists()
    assert table.read_bytes() == before
    unknown = run(bundle, table, "--missing", "guess")
    assert unknown.exit_code == 2
    assert "'--missing': 'guess' is not one of 'refuse'" in unknown.stderr


def test_nan_is_placed_and_the_commands_own_option_named(
    bundle: Path, table: Path, x: Array, tmp_path: Path
) -> None:
    header, first, second, *rest = table.read_text().splitlines()
    table.write_text("\n".join([header, first, second.rpartition(",")[0] + ",", *rest]))
    x[1, 9] = np.nan
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "batch.npy", x[np.newaxis])
    places = {
        table: "row 3, column f9 of data.csv is empty or NaN",
        tmp_path / "x.npy": "x.npy: row 0, step 1, feature 9 (f9) is nan",
        tmp_path / "batch.npy": "batch.npy: row 0, step 1, feature 9 (f9) is nan",
    }
    for data, place in places.items():
        done = run(bundle, data)
        assert done.exit_code == 1
        assert place in done.stderr
        assert "--missing" in done.stderr
        assert "nonfinite" not in done.stderr
    assert run(bundle, table, "--missing", "ffill").exit_code == 0
    assert (
        "is for the cells of a table"
        in run(bundle, tmp_path / "x.npy", "--missing", "ffill").stderr
    )


def test_doctor_speaks_text_and_json() -> None:
    assert "ONNX Runtime: " in CliRunner().invoke(app, ["doctor"]).stdout
    found = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)
    assert found["command"] == "doctor"
    assert {target["name"] for target in found["targets"]} >= {"onnx"}
