"""A row is a command: the same options as on its command line, refused before anything starts."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lstm_export.chains import ReadingOptions
from lstm_export.cli import app
from lstm_export.cli.fleet_table import NOT_OF_A_ROW, entries_of
from lstm_export.cli.options.model_reading import OPTIONS
from lstm_export.cli.package import OF_TARGETS, package
from lstm_export.cli.row_command import RowCommand
from lstm_export.cli.train import train
from lstm_export.cli.training_arguments import NAMES
from lstm_export.errors import InputError
from lstm_export.training import Search, TrainingOptions


def table(folder: Path, *lines: str) -> Path:
    path = folder / "fleet.csv"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def test_a_row_means_what_its_command_line_means(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "name,checkpoint,data,target,window,hidden_size,features,step,exclude-past,batch-first,"
        "forward,mode,time,units,weights,trials",
        'a,a.pt,,"onnx, c",6,,"x,y",,,no,"lstm, last, fc",state,,x=mm,,',
        "b,,b.csv,load,12,8,,5min,yes,,,window,t,load=kW,int8,7",
        "c,c.pt,real.csv,,,,,,,yes,,,,,,",
    )
    a, b, c = entries_of(path, ("numpy",))
    reading = ReadingOptions(
        forward="lstm, last, fc",
        batch_first=False,
        features=("x", "y"),
        units={"x": "mm"},
        window=6,
    )
    assert (a.source, a.target_names, a.mode, a.training) == (
        Path("a.pt"),
        ("onnx", "c"),
        "state",
        None,
    )
    assert a.reading == reading
    assert b.training == TrainingOptions(
        ("load",),
        exclude_past=True,
        window=12,
        hidden_size=8,
        time="t",
        step=300.0,
        units={"load": "kW"},
    )
    assert (b.source, b.target_names, b.mode) == (Path("b.csv"), ("numpy",), "window")
    assert (b.options, b.search, a.search) == ({"weights": "int8"}, Search(trials=7), None)
    assert b.reading == ReadingOptions()
    # Beside a checkpoint, data is package's --data.
    assert c.reading == ReadingOptions(data=Path("real.csv"), batch_first=True)


def test_files_options_and_this_version_decide_whether_a_model_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.pt").write_bytes(b"a")
    (tmp_path / "scaler.joblib").write_bytes(b"scaler")
    path = table(
        tmp_path,
        "name,checkpoint,window,input-scaler,module",
        f"a,{tmp_path}/a.pt,6,{tmp_path}/scaler.joblib:x,",
        f"b,{tmp_path}/a.pt,7,{tmp_path}/scaler.joblib:x,",
        f"c,{tmp_path}/a.pt,6,{tmp_path}/scaler.joblib:x,my.models:Net",
    )
    a, b, c = entries_of(path, ("onnx",))
    seen = {a.input_sha256(), b.input_sha256(), replace(a, name="d", lengths=True).input_sha256()}
    assert replace(a, name="e").input_sha256() in seen
    (tmp_path / "seen.csv").write_bytes(b"x")
    calibrated = replace(a, options={"calibrate": f"{tmp_path}/seen.csv"})
    seen.add(calibrated.input_sha256())
    (tmp_path / "seen.csv").write_bytes(b"y")
    seen.add(calibrated.input_sha256())
    for file in ("a.pt", "scaler.joblib"):
        (tmp_path / file).write_bytes(b"other")
        seen.add(a.input_sha256())
    monkeypatch.setattr("lstm_export.fleet.entry.__version__", "99")
    seen.add(a.input_sha256())
    assert len(seen) == 8
    trained = replace(a, source=tmp_path, reading=ReadingOptions(), training=TrainingOptions("y"))
    before = trained.input_sha256()
    (tmp_path / "part.csv").write_bytes(b"y")
    assert trained.input_sha256() != before
    assert (a.is_told_by_files, c.is_told_by_files) == (True, False)  # the code of Net may change


def test_every_option_of_a_row_reaches_its_model() -> None:
    """What the two commands do otherwise with their parameters, the fleet has to do or refuse."""
    trained = {NAMES.get(field.name, field.name) for field in fields(TrainingOptions)}
    searched = {"budget", "trials", "search"}
    packaged = {"target", "mode", "lengths", *OF_TARGETS, *OPTIONS}
    for command, known in ((train, trained | searched), (package, packaged)):
        columns = {option.name for option in RowCommand(command, NOT_OF_A_ROW).options.values()}
        assert columns <= known


REFUSED = {
    ("name,checkpoint,hiden-size", "a,a.pt,8"): (
        "row 1, column hiden-size of fleet.csv is no option of package or train; "
        "expected hidden-size"
    ),
    ("name,checkpoint,trust", "a,a.pt,yes"): "column trust of fleet.csv is no option",
    ("name,checkpoint,output", "a,a.pt,x"): "column output of fleet.csv is no option",
    ("name,checkpoint,help", "a,a.pt,yes"): "column help of fleet.csv is no option",
    ("name,data,hidden_size,hidden-size", "a,d.csv,8,8"): "two columns hidden-size",
    ("checkpoint,window", "a.pt,8"): "fleet.csv has no column name",
    ("name,checkpoint,window", "a,a.pt,6", "b,b.pt,six"): (
        "row 3, column window of fleet.csv is 'six': expected a valid integer\n"
    ),
    ("name,checkpoint,colour", "a,a.pt,red"): "expected name, checkpoint, data and the options of",
    ("name,checkpoint,mode", "a,a.pt,x"): "mode of fleet.csv is 'x': expected one of 'window', ",
    ("name,checkpoint,lengths", "a,a.pt,maybe"): (
        "row 2, column lengths of fleet.csv is 'maybe': expected yes or no"
    ),
    ("name,checkpoint,target", "a,a.pt,tflite"): (
        "row 2, column target of fleet.csv is 'tflite': unknown target 'tflite'"
    ),
    ("name,data,target,window", "a,d.csv,load,0"): "row 2 of fleet.csv: window is 0, expected 1",
    (
        "name,data,target,horizon",
        "a,d.csv,load,six",
    ): "row 2, column horizon of fleet.csv is 'six': ",
    ("name,data,window", "a,d.csv,6"): (
        "row 2 of fleet.csv: column target is missing, and the row needs it\n"
    ),
    ("name,data,target,step,time", "a,d.csv,load,5 parsec,t"): (
        "row 2 of fleet.csv: --step is '5 parsec'"
    ),
    ("name,checkpoint,epochs", "a,a.pt,6"): (
        "row 2 of fleet.csv: column epochs is given, but a row with a checkpoint takes"
    ),
    ("name,data,target,forward", "a,d.csv,load,lstm"): (
        "row 2 of fleet.csv: column forward is given, but a row with data takes"
    ),
    ("name,checkpoint,units", "a,a.pt,mm"): "row 2 of fleet.csv: --units has 'mm'",
    ("name,checkpoint,data", "a,,"): "row 2 of fleet.csv: neither checkpoint nor data is given",
    ("name,checkpoint", "a,a.pt", "b,b.pt", "a,c.pt"): (
        "row 4 of fleet.csv: the name 'a' is that of row 2 of fleet.csv"
    ),
    ("name,checkpoint", "Pump,a.pt", "pump,b.pt"): (
        "row 3 of fleet.csv: the name 'pump' is that of row 2 of fleet.csv, but for case 'Pump'"
    ),
    ("name,checkpoint", "stra\u00dfe,a.pt", "STRASSE,b.pt"): "the name 'STRASSE' is that of row 2",
    ("name,checkpoint", ",a.pt"): "row 2 of fleet.csv: the name '' cannot be a bundle's",
    ("name,checkpoint",): "holds a header and no rows",
}
REFUSED |= {
    ("name,checkpoint", f"{name},a.pt"): "row 2 of fleet.csv: the name "
    for name in ("../a", "a/b", "a\\b", "/a", ".a", "-o", "C:a", "a\x07b", "a*", "\u00fc" * 90)
}


@pytest.mark.parametrize(("lines", "said"), REFUSED.items(), ids=lambda value: str(value)[:60])
def test_a_bad_row_is_refused_before_anything_starts(
    lines: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    arguments = ["fleet", str(table(tmp_path, *lines)), "-o", str(output)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1, done.output
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
    assert not output.exists()


def test_what_is_no_table_and_what_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        entries_of(tmp_path / "none.csv", ())
    good = table(tmp_path, "name,checkpoint", "a,a.pt")
    for output, said in (
        (good, "is a file, expected a folder"),
        (tmp_path / "no" / "out", "does not exist; create it first"),
    ):
        done = CliRunner().invoke(app, ["fleet", str(good), "-o", str(output)])
        assert done.exit_code == 1
        assert said in done.stderr
    done = CliRunner().invoke(
        app, ["fleet", str(good), "-o", str(tmp_path / "o"), "--workers", "0"]
    )
    assert done.exit_code == 2
    assert "--workers" in done.stderr
