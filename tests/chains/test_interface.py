"""A model in its user's units: scalers, names, units and window, and data to prove it on.

What docs/checkpoints.md shows of this is tested here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import lstm_export
from lstm_export.chains import ReadingOptions
from lstm_export.cli import app
from lstm_export.errors import InputError
from lstm_export.reading import read_scalers
from lstm_export.verification.subject import read

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')

from tests.kit.checkpoint_files import model  # noqa: E402
from tests.kit.user_graphs import make_graph  # noqa: E402

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "scalers.joblib"
FEATURES = ("temperature", "pressure", "flow")
MEAN = np.array([20.0, 1013.0, 5.0])
SIZE = np.array([5.0, 10.0, 0.1])


def invoke(*args: str | Path) -> Any:
    return CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "m.pt"
    torch.save(model().state_dict(), path)
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """60 rows in raw units, the columns in another order, one more, and an empty cell."""
    x = np.random.default_rng(3).normal(MEAN, SIZE, (60, 3))
    lines = ["flow,id,temperature,pressure"]
    lines += [f"{flow},{row},{t},{p}" for row, (t, p, flow) in enumerate(x)]
    lines[31] = "5.0,30,,1010.0"
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def in_raw_units(x: Any, scaler: Any) -> Any:
    """What the user's own program answers: the scaler, then the module."""
    z = torch.tensor((x - scaler.offset) / scaler.scale, dtype=torch.float32)
    with torch.no_grad():
        return model().eval()(z).numpy()


def test_a_bundle_takes_raw_units_by_name(checkpoint: Path, table: Path) -> None:
    """The scaler of a file of its own, with the names that it was fitted on."""
    done = invoke(
        *("package", checkpoint, "--input-scaler", f"{GOLDEN}:scalers.robust"),
        *("--outputs", "power,heat", "--units", "power=kW,flow=l/min", "--window", "12"),
    )
    assert done.exit_code == 0, done.output
    session = lstm_export.load(checkpoint.with_suffix(".bundle"))
    signature = session.signature
    assert tuple(column.name for column in signature.features) == FEATURES
    assert [column.unit for column in signature.features] == ["", "", "l/min"]
    assert [(column.name, column.unit) for column in signature.targets] == [
        ("power", "kW"),
        ("heat", ""),
    ]
    assert signature.window == 12
    answers = session.predict_table(table, missing="drop")
    raw = np.genfromtxt(table, delimiter=",", names=True)
    x = np.stack([raw[name] for name in FEATURES], axis=1)[:12]
    scaler = next(found for found in read_scalers(GOLDEN) if found.name == "scalers.robust")
    expected = in_raw_units(x[np.newaxis], scaler)[0]
    got = [answers["power"][0], answers["heat"][0]]
    np.testing.assert_allclose(got, expected, atol=1e-5)  # float32 of z up to 5, and of the module


def test_a_table_that_lacks_a_column_is_refused_on_the_device(
    checkpoint: Path, tmp_path: Path
) -> None:
    assert invoke("onnx", checkpoint, "--features", ",".join(FEATURES)).exit_code == 0
    session = lstm_export.load(checkpoint.with_suffix(".onnx"))
    with pytest.raises(InputError, match="no column 'flow'; it has temperature, pressure"):
        session.predict_table({"temperature": [1.0], "pressure": [2.0]})


def test_a_model_without_names_says_that_columns_are_taken_by_place(checkpoint: Path) -> None:
    assert invoke("onnx", checkpoint).exit_code == 0
    session = lstm_export.load(checkpoint.with_suffix(".onnx"))
    with pytest.warns(UserWarning, match="by place: x0 is b, x1 is a, x2 is c"):
        session.predict_table({"b": [1.0], "a": [2.0], "c": [3.0]})


_KINDS = ("StandardScaler", "PowerTransformer")


class _Fitted:
    """What scikit-learn leaves in a pickle: a class's name, and these attributes."""

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


def _save_beside_scalers(path: Path) -> None:
    """`torch.save({"model": ..., "x": StandardScaler, "power": PowerTransformer})`, fitted."""
    import sys
    import types

    name = "sklearn.preprocessing._data"
    package = types.ModuleType(name)
    kinds = {kind: type(kind, (_Fitted,), {"__module__": name}) for kind in _KINDS}
    vars(package).update(kinds)
    with pytest.MonkeyPatch.context() as patch:
        for part in ("sklearn", "sklearn.preprocessing", name):
            patch.setitem(sys.modules, part, package)
        fitted = {"with_mean": True, "with_std": True, "mean_": MEAN, "scale_": SIZE}
        scalers = {"x": kinds["StandardScaler"](**fitted), "power": kinds["PowerTransformer"](a=1)}
        torch.save({"model": model().state_dict(), **scalers}, path)


@pytest.mark.parametrize("command", ["onnx", "package"])
def test_scalers_that_are_not_used_are_said_loudly(command: str, tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    _save_beside_scalers(path)
    done = invoke(command, path, "--json")
    assert done.exit_code == 0, done.output
    said = done.stderr
    assert "warning: not used is the scaler x, a StandardScaler of 3 columns" in said
    assert "--input-scaler x" in said
    assert "warning: not used is the scaler power, a PowerTransformer, takes powers" in said
    reports = json.loads(done.stdout)["reports"]
    assert any("--input-scaler x" in note for note in reports[0]["notes"])
    done = invoke(command, path, "--input-scaler", "x")
    assert done.exit_code == 0, done.output
    assert "scaler x," not in done.stderr


def test_a_live_module_takes_scaler_names_units_and_window(tmp_path: Path) -> None:
    report = lstm_export.export(
        model().eval(),
        "onnx",
        tmp_path / "m.onnx",
        input_scaler=(MEAN, SIZE),
        output_scaler=(0.0, 100.0),
        features=FEATURES,
        units={"pressure": "hPa"},
        window=24,
        opset=18,
    )
    assert report.ok
    session = lstm_export.load(tmp_path / "m.onnx")
    assert session.signature.window == 24
    assert [column.unit for column in session.signature.features] == ["", "hPa", ""]
    x = np.random.default_rng(0).normal(MEAN, SIZE, (4, 24, 3)).astype(np.float32)
    with torch.no_grad():
        z = torch.tensor((x - MEAN) / SIZE, dtype=torch.float32)
        expected = 100 * model().eval()(z).numpy()
    # 2**-24 of pressures near 1013 is 6e-6 of their deviation of 10, times 100
    np.testing.assert_allclose(session(x), expected, atol=2e-3)


def test_a_live_module_is_proved_on_its_users_data(table: Path) -> None:
    options = ReadingOptions(data=table, features=FEATURES, window=10, input_scaler=(MEAN, SIZE))
    found = read(model().eval(), options)
    assert found.proof.endswith("and on 41 windows of 10 steps of your data")
    assert found.windows is not None
    assert abs(found.windows[:, :, 1].mean() - 1013) < 5  # raw


def test_other_data_are_one_clear_line(checkpoint: Path, table: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", x=np.zeros((4, 5, 2)))
    np.savez(tmp_path / "nan.npz", x=np.full((4, 5, 3), np.nan))
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04")
    named = ("--features", ",".join(FEATURES))
    cases: list[tuple[tuple[str | Path, ...], str]] = [
        (("--data", table), "has 4 columns (flow, id, temperature, pressure), and x 3; say which"),
        (("--data", table, "--features", "a,flow,temperature"), "table.csv lacks a; it has flow"),
        (("--data", table, *named, "--window", "40"), "no window of 40 rows"),
        (("--data", tmp_path / "two.npz"), "holds x (4, 5, 2), expected (n, seq, 3)"),
        (("--data", tmp_path / "nan.npz"), "no finite float32 numbers"),
        (("--data", tmp_path / "none.npz"), "is no .npz with an array x"),
        (("--data", tmp_path / "x.npy"), "ending in .csv, .csv.gz, .parquet or .npz"),
        (("--data", tmp_path / "cut.npz"), "is no .npz with an array x"),
        (("--features", "a,b"), "--features has 2 names (a, b), and x 3 columns"),
        (("--features", "a,b,a"), "names that differ"),
        (("--outputs", "a"), "--outputs has 1 names (a), and y 2 columns"),
        (("--units", "a=m"), "--units names a, which is no column"),
        (("--input-scaler", GOLDEN), "it holds the scalers scalers.robust"),
        (("--input-scaler", f"{GOLDEN}:scalers.powers"), "which takes powers of its columns"),
        (("--input-scaler", "no.pkl"), "there is no file no.pkl"),
        (("--output-scaler", f"{GOLDEN}:scalers.robust"), "of 3 columns, expected 2"),
    ]
    for options, message in cases:
        done = invoke("inspect", checkpoint, *options)
        said = " ".join(done.stderr.replace("│", " ").split())
        assert done.exit_code in (1, 2), options
        assert message in said, said


def test_names_that_a_file_stores_are_not_overruled(tmp_path: Path, checkpoint: Path) -> None:
    assert invoke("onnx", checkpoint, "--features", ",".join(FEATURES)).exit_code == 0
    done = invoke("inspect", checkpoint.with_suffix(".onnx"), "--features", "a,b,c")
    assert "the file names its columns itself, temperature, pressure, flow" in done.stderr


def test_heads_of_a_dict_name_the_outputs(tmp_path: Path) -> None:
    """In the bundle, and in the columns that a device writes."""
    bundle = tmp_path / "m.bundle"
    lstm_export.package(make_graph("heads in a dict"), bundle, ("onnx",))
    np.save(tmp_path / "x.npy", np.zeros((2, 5, 4), np.float32))
    done = invoke("run", bundle, tmp_path / "x.npy", "-o", tmp_path / "y.csv")
    assert done.exit_code == 0, done.stderr
    first_line = (tmp_path / "y.csv").read_text().splitlines()[0]
    assert first_line.endswith("rul,fault[0],fault[1],fault[2]")


def test_names_of_targets_go_to_every_step_ahead(tmp_path: Path) -> None:
    """A module that answers `(batch, horizon, targets)` has its outputs step by step."""
    found = read(make_graph("horizon of targets"), ReadingOptions(outputs=("load", "wind")))
    names = [column.name for column in found.model.signature.outputs]
    assert names[:3] == ["load[t+1]", "wind[t+1]", "load[t+2]"]
    assert len(names) == 24
    with pytest.raises(InputError, match="--outputs has 3 names"):
        read(make_graph("horizon of targets"), ReadingOptions(outputs=("a", "b", "c")))
