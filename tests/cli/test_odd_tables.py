"""Tables that no reader of CSV agrees on end in one printable line, whoever reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from lstm_export.cli import app

pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install onnxruntime")

BUNDLE = Path(__file__).resolve().parents[1] / "golden" / "seed-v1.bundle"
WIDTH = 10
HEADER = ",".join(f"x{index}" for index in range(WIDTH)) + "\n"
ROW = ",".join(["0.5"] * WIDTH) + "\n"
REST = ROW.partition(",")[2]

ROWS = {
    "a cell of 200,000 digits": f"{'1' * 200_000},{REST}",
    "a cell of 200,000 letters": f'"{"a" * 200_000}",{REST}',
    "a carriage return in a cell": f'"1\r2",{REST}',
    "a NUL": f"\0{ROW}",
    "an infinity": f"inf,{REST}",
    "more than float32 holds": f"1e300,{REST}",
    "a quotation without an end": f'"{ROW}',
    "half of a character": f"\udc80,{REST}",
    "a control character": f"\x1b[31m,{REST}",
    "a cell too few": REST,
    "a cell too many": f"0.5,{ROW}",
}
TIMES = {
    "with an offset and without": ("2026-01-01T00:00:00", "2026-01-01T01:00:00+02:00"),
    "a time and a number": ("2026-01-01T00:00:00", "5"),
    "a year that no calendar has": ("2026-01-01", "99999-01-01"),
}
COMMANDS = {
    "run": "run BUNDLE t.csv",
    "stream": "run BUNDLE - --stream --mode window --window 2",
    "stream of a file": "run BUNDLE t.csv --stream --mode window --window 2",
    "train": "train t.csv --target x0 --window 1 --epochs 1 -o m.pt",
    "evaluate": "evaluate BUNDLE t.csv",
}


def assert_refused_in_one_line(
    command: str, text: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """A command refuses a table in one line, and writes nothing: the line."""
    monkeypatch.chdir(folder)
    data = text.encode("utf-8", "surrogateescape")
    Path("t.csv").write_bytes(data)
    words = command.replace("BUNDLE", str(BUNDLE)).split()
    done = CliRunner().invoke(app, words, input=data)
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == 1, done.stdout
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert line.isprintable()
    assert len(line) < 1000
    assert sorted(path.name for path in Path().iterdir()) == ["t.csv"]
    return line


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("command", COMMANDS)
def test_an_odd_row(
    command: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[train]"')
    text = HEADER + 3 * ROW + ROWS[kind] + 3 * ROW
    assert_refused_in_one_line(COMMANDS[command], text, tmp_path, monkeypatch)


@pytest.mark.parametrize("kind", TIMES)
def test_times_of_two_kinds(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[train]"')
    first, second = TIMES[kind]
    text = f"time,{HEADER}{first},{ROW}{second},{ROW}"
    command = "train t.csv --target x0 --time time --window 1 -o m.pt"
    assert "time" in assert_refused_in_one_line(command, text, tmp_path, monkeypatch)
