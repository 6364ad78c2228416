"""`lstm-export run BUNDLE - --stream`: a line in, a line out; ended by signals, resumed."""

from __future__ import annotations

import csv
import io
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from lstm_export import load
from lstm_export.bundle import Artifact, make_bundle, write_bundle
from lstm_export.cli import app
from lstm_export.model import Column, Model, TableFormat
from tests.kit.chains import CHAINS

pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
pytest.importorskip("onnxruntime")


def written(model: Model, path: Path) -> Path:
    from lstm_export.targets.onnx.writer import to_bytes

    artifacts = [
        Artifact("onnx", ".onnx", to_bytes(model, 17)),
        Artifact("onnx-stream", ".stream.onnx", to_bytes(model, 17, stateful=True)),
    ]
    write_bundle(path, make_bundle(model, [], artifacts))
    return path


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Three inputs, two of them derived from the hour; two series in one table."""
    features = (
        Column("load", "kW", -3, 3),
        Column("hour_sin", "", -1, 1),
        Column("hour_cos", "", -1, 1),
    )
    columns = {"features": features, "targets": (Column("load", "kW"), Column("peak", "kW"))}
    where = {"time": "at", "time_step": 3600.0, "calendar": ("hour",), "group": "site"}
    model = CHAINS["learned state"]
    return written(
        replace(model, signature=replace(model.signature, **columns, **where, window=4, horizon=1)),
        tmp_path / "b",
    )


HOURS = np.arange("2026-03-01T20", "2026-03-02T08", dtype="M8[h]")
VALUES = np.random.default_rng(1).uniform(-2, 2, (2, len(HOURS))).round(3)


def lines(
    stop: int = len(HOURS), start: int = 0, sites: tuple[str, ...] = ("north", "south")
) -> str:
    """The header, then the hours of both sites in turn."""
    rows = [
        f"{HOURS[t]},{site},{VALUES[k, t]}"
        for t in range(start, stop)
        for k, site in enumerate(("north", "south"))
        if site in sites
    ]
    return "\n".join(["at,site,load", *rows]) + "\n"


def stream(bundle: Path, text: str, *options: object) -> Result:
    return CliRunner().invoke(
        app, ["run", str(bundle), "-", "--stream", *map(str, options)], input=text
    )


def answers(done: Result) -> list[list[str]]:
    return list(csv.reader(io.StringIO(done.stdout)))


def test_gives_what_run_gives_for_the_whole_table(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(lines())
    whole = answers(CliRunner().invoke(app, ["run", str(bundle), str(tmp_path / "t.csv")]))
    done = stream(bundle, lines())
    assert done.exit_code == 0, done.output
    header, *rows = answers(done)
    assert header == whole[0] == ["at", "site", "load[t+1]", "peak[t+1]"]
    assert len(rows) == 2 * len(HOURS)  # a line for every line
    full = [row for row in rows if row[2] != "nan"]
    assert sorted(full) == sorted([row[0].replace(" ", "T"), *row[1:]] for row in whole[1:])
    assert done.stderr == ""
    assert (
        stream(bundle, lines()).stdout
        == CliRunner().invoke(app, ["run", str(bundle), str(tmp_path / "t.csv"), "--stream"]).stdout
    )


def test_the_form_of_the_training_table_is_that_of_the_rows(bundle: Path, tmp_path: Path) -> None:
    """Of a file with its lines before the header, of other sources without, be there a header."""
    model = CHAINS["learned state"]
    table_format = TableFormat(decimal=",", skip_rows=1)
    signature = replace(load(bundle).signature, table_format=table_format)
    other = written(replace(model, signature=signature), tmp_path / "other")
    rows = lines().replace(",", ";").replace(".", ",")
    expected = stream(bundle, lines()).stdout
    assert stream(other, rows).stdout == expected
    (tmp_path / "t.csv").write_text(f"Station 7\n{rows}")
    of_file = CliRunner().invoke(app, ["run", str(other), str(tmp_path / "t.csv"), "--stream"])
    assert of_file.stdout == expected
    cells = zip(HOURS, VALUES[0], strict=True)
    alone = "\n".join(f"{hour};{load}".replace(".", ",") for hour, load in cells)
    headed = stream(other, f"at;load\n{alone}").stdout
    assert stream(other, alone).stdout == headed != ""


@pytest.mark.parametrize("mode", ["state", "window"])
def test_goes_on_from_its_file_as_if_never_ended(bundle: Path, tmp_path: Path, mode: str) -> None:
    whole = answers(stream(bundle, lines(), "--mode", mode))
    options = ("--mode", mode, "--state", tmp_path / "s")
    first = answers(stream(bundle, lines(7), *options))
    rest = answers(stream(bundle, lines(start=7), *options))
    assert [*first, *rest[1:]] == whole
    restarted = stream(bundle, lines(start=9), "--mode", mode, "--state", tmp_path / "s")
    assert restarted.exit_code == 1
    assert "is earlier than" in restarted.stderr


def test_state_is_the_definition_over_all_rows(bundle: Path) -> None:
    rows = answers(stream(bundle, lines(sites=("south",)), "--mode", "state"))[1:]
    session = load(bundle)
    angle = 2 * np.pi * ((HOURS - HOURS.astype("M8[D]")) / np.timedelta64(1, "D"))
    x = np.stack([VALUES[1], np.sin(angle), np.cos(angle)], axis=1).astype(np.float32)
    expected = session(x[np.newaxis])
    np.testing.assert_allclose(np.array([rows[-1][2:]], float), expected, rtol=1e-6)


def test_a_gap_starts_anew(bundle: Path) -> None:
    text = lines(5, sites=("north",)) + lines(start=8, sites=("north",)).partition("\n")[2]
    done = stream(bundle, text, "--mode", "state")
    assert (
        done.stderr
        == "note: line 7: 4 h since the row of north before, expected 1 h; starting anew\n"
    )
    fresh = answers(stream(bundle, lines(start=8, sites=("north",)), "--mode", "state"))
    assert answers(done)[6:] == fresh[1:]


def test_empty_cells_are_refused_held_or_skipped(bundle: Path) -> None:
    text = lines(6, sites=("north",)).splitlines()
    text[4] = text[4].rpartition(",")[0] + ","
    bad = "\n".join(text)
    refused = stream(bundle, bad, "--mode", "state")
    assert refused.exit_code == 1
    assert refused.stderr.count("\n") == 1
    assert "line 5" in refused.stderr
    assert "column load is empty, expected a number; " in refused.stderr
    assert "--missing drop" in refused.stderr
    assert len(answers(refused)) == 4
    skipped = answers(stream(bundle, bad, "--mode", "state", "--missing", "drop"))
    assert skipped[4][2:] == ["nan", "nan"]
    held = stream(bundle, bad, "--mode", "state", "--missing", "ffill")
    from_the_start = "\n".join([text[0], text[4]])
    assert (
        "no good value came before" in stream(bundle, from_the_start, "--missing", "ffill").stderr
    )
    text[4] = text[4] + text[3].rpartition(",")[2]
    assert held.stdout == stream(bundle, "\n".join(text), "--mode", "state").stdout


def test_ranges_are_said_on_stderr(bundle: Path) -> None:
    done = stream(
        bundle,
        "at,site,load\n2026-03-01T20,a,50\n2026-03-01T21,a,60\n2026-03-01T22,a,0\n",
        "--mode",
        "state",
    )
    assert done.exit_code == 0
    assert done.stderr == "warning: load is 50 kW, outside the training range -3 to 3\n"
    assert len(answers(done)) == 4


def test_needs_no_header(tmp_path: Path) -> None:
    bundle = written(CHAINS["every step"], tmp_path / "b")
    x = np.random.default_rng(2).normal(size=(5, 5)).astype(np.float32)
    text = "".join(",".join(map(str, row)) + "\n" for row in x.tolist())
    done = stream(bundle, text)
    header, *rows = answers(done)
    assert header == ["row", "y0", "y1"]
    np.testing.assert_allclose(
        np.array(rows, float)[:, 1:], load(bundle)(x[np.newaxis])[0], atol=1e-6
    )
    named = stream(bundle, "a;b;c;d;e\n\n" + text.replace(",", ";"))
    assert named.stdout == done.stdout


def rows_of(*rows: tuple[int, float]) -> str:
    """Hours of HOURS and loads, of one site."""
    return "\n".join(["at,site,load", *(f"{HOURS[t]},a,{load}" for t, load in rows)]) + "\n"


PLAIN = [(t, VALUES[0, t]) for t in range(8)]


@pytest.mark.parametrize("mode", ["state", "window"])
def test_late_and_repeated_rows_are_dropped_as_if_they_had_not_come(
    bundle: Path, mode: str
) -> None:
    whole = stream(bundle, rows_of(*PLAIN), "--mode", mode)
    mixed = [*PLAIN[:4], (3, 9.0), (1, 9.0), *PLAIN[4:], (0, 9.0)]
    options = ("--late", "drop", "--duplicate", "drop", "--mode", mode)
    done = stream(bundle, rows_of(*mixed), *options)
    assert done.exit_code == 0, done.output
    assert done.stdout == whole.stdout
    known = sum("nan" not in line for line in whole.stdout.splitlines()[1:])
    told = f"note: {known} rows answered, 2 late, 1 of a time that had come before\n"
    assert done.stderr == told


@pytest.mark.parametrize("mode", ["state", "window"])
def test_the_last_of_a_time_takes_the_place_of_the_row_before(bundle: Path, mode: str) -> None:
    whole = answers(stream(bundle, rows_of(*PLAIN), "--mode", mode))
    mixed = [*PLAIN[:5], *PLAIN[5:]]
    mixed.insert(4, (4, 1.75))
    done = stream(bundle, rows_of(*mixed), "--duplicate", "last", "--mode", mode)
    got = answers(done)
    del got[5]  # the answer to the row that was replaced
    assert got == whole


def test_a_saved_state_drops_what_it_has_seen(bundle: Path, tmp_path: Path) -> None:
    options = ("--mode", "state", "--state", tmp_path / "s", "--late", "drop")
    whole = answers(stream(bundle, lines(), "--mode", "state"))
    first = answers(stream(bundle, lines(7), *options))
    rest = answers(stream(bundle, lines(start=4), *options, "--duplicate", "drop"))
    assert [*first, *rest[1:]] == whole
    taken_back = stream(bundle, lines(start=11), *options, "--duplicate", "last")
    assert taken_back.exit_code == 1
    assert "repeats a row from before the saved state" in taken_back.stderr


def test_a_stream_that_answers_little_ends_with_an_error(bundle: Path) -> None:
    """Every second hour is a gap: no window ever fills again."""
    text = rows_of(*[(t, 0.5) for t in (*range(4), 5, 7, 9, 11)])
    options = ("--mode", "window", "--window", 4)
    done = stream(bundle, text, *options)
    assert done.exit_code == 1
    assert len(answers(done)) == 9
    *_, told, error = done.stderr.splitlines()
    assert told == "note: 1 rows answered, 4 unanswered after gaps in time"
    assert "80% of the rows went unanswered, more than 50%" in error
    assert stream(bundle, text, *options, "--most-unanswered", 0.8).exit_code == 0


REFUSED = {
    "the header lacks load": "at,site\n2026-03-01T20,a\n",
    "the header has a column twice": "at,site,load,load\n",
    "line 2 has 2 cells, expected 3": "at,site,load\n2026-03-01T20,a\n",
    "expected a number": "at,site,load\n2026-03-01T20,a,high\n",
    "ISO 8601": "at,site,load\nnoon,a,1\n",
    "repeats": "at,site,load\n2026-03-01T20,a,1\n2026-03-01T20,a,1\n",
    "characters": "at,site,load\n" + "x" * 2**21,
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_bad_line_ends_it_with_one_line(reason: str, bundle: Path) -> None:
    done = stream(bundle, REFUSED[reason], "--mode", "state")
    assert done.exit_code == 1, done.output
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_state_of_the_last_good_line_is_saved(bundle: Path, tmp_path: Path) -> None:
    options = ("--mode", "state", "--state", tmp_path / "s")
    assert stream(bundle, lines(5) + "nonsense\n", *options).exit_code == 1
    rest = answers(stream(bundle, lines(start=5), *options))
    assert rest[1:] == answers(stream(bundle, lines(), "--mode", "state"))[11:]


def test_a_state_of_another_is_refused_and_kept(bundle: Path, tmp_path: Path) -> None:
    options = ("--state", tmp_path / "s")
    assert stream(bundle, lines(5), *options, "--mode", "state").exit_code == 0
    state = (tmp_path / "s").read_bytes()
    assert "the other mode" in stream(bundle, lines(5), *options, "--mode", "window").stderr
    (tmp_path / "t").write_bytes(state[:-9])
    done = stream(bundle, lines(5), "--mode", "state", "--state", tmp_path / "t")
    assert (done.exit_code, done.stdout) == (1, "")
    assert (tmp_path / "s").read_bytes() == state
    assert (tmp_path / "t").read_bytes() == state[:-9]


def test_wrong_usage(bundle: Path, tmp_path: Path) -> None:
    for arguments in (
        ["-"],
        ["t.csv", "--state", "s"],
        ["-", "--stream", "-o", "y.csv"],
        ["-", "--stream", "--json"],
        ["x.npy", "--stream"],
    ):
        assert CliRunner().invoke(app, ["run", str(bundle), *arguments]).exit_code == 2
    plain = tmp_path / "plain"
    model = CHAINS["seed"]
    from lstm_export.targets.onnx.writer import to_bytes

    write_bundle(plain, make_bundle(model, [], [Artifact("onnx", ".onnx", to_bytes(model, 17))]))
    done = stream(plain, "1,2\n")
    assert done.exit_code == 1
    assert "-t onnx-stream" in done.stderr


def started(bundle: Path, *options: object) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "lstm_export",
        "run",
        str(bundle),
        "-",
        "--stream",
        *map(str, options),
    ]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, text=True, bufsize=1, stdin=pipe, stdout=pipe, stderr=pipe)


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no signals that a program can end cleanly on"
)
@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 0), ("SIGINT", 130)])
def test_answers_at_once_and_ends_cleanly(
    bundle: Path, tmp_path: Path, number: str, code: int
) -> None:
    expected = answers(stream(bundle, lines(), "--mode", "state"))
    header, *rows = lines().splitlines()
    process = started(bundle, "--mode", "state", "--state", tmp_path / "s")
    assert process.stdin
    assert process.stdout
    process.stdin.write(header + "\n")
    assert process.stdout.readline().strip() == ",".join(expected[0])
    for row, answer in zip(rows[:5], expected[1:6], strict=True):
        process.stdin.write(row + "\n")
        assert process.stdout.readline().strip() == ",".join(answer)  # before the next line is sent
    process.send_signal(getattr(signal, number))
    rest, errors = process.communicate(timeout=60)
    assert (process.returncode, rest) == (code, "")
    assert errors == ("interrupted\n" if code else "")
    again = answers(
        stream(bundle, "\n".join([header, *rows[5:]]), "--mode", "state", "--state", tmp_path / "s")
    )
    assert again[1:] == expected[6:]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows closes pipes otherwise")
def test_a_reader_that_goes_away_is_no_error(bundle: Path) -> None:
    process = started(bundle, "--mode", "state")
    assert process.stdout
    process.stdout.close()
    assert process.stdin
    process.stdin.write(lines())
    process.stdin.close()
    assert process.wait(timeout=60) == 0
    assert process.stderr
    assert process.stderr.read() == ""
    process.stderr.close()
