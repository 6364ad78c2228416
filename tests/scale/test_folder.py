"""A folder of tables is answered as `run` answers each of them, whatever becomes of the others."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import lstm_export
from lstm_export.cli import app
from lstm_export.device import Session
from lstm_export.errors import InputError, MissingDependency
from lstm_export.model import Column, Signature
from lstm_export.scale import answer, folder, run_folder
from lstm_export.scale.on_dask import KEEPING_FREED_MEMORY
from lstm_export.scale.sharing import Engine, ask_on
from lstm_export.series import Missing, Table, read_table
from lstm_export.workers import Died
from tests.kit.meters import WINDOW, readings

pytest.importorskip("pyarrow", reason='needs pyarrow: pip install "lstm-export[train]"')


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["run", *map(str, arguments)])


def fields(*arguments: object) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(run(*arguments, "--json").stdout)
    return found


def statuses(found: Mapping[str, Any]) -> dict[str, str]:
    return {partition["name"]: partition["status"] for partition in found["partitions"]}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three tables, one in a folder of its own; and files that are none."""
    data = tmp_path / "data"
    (data / "site=b").mkdir(parents=True)
    (data / "_SUCCESS.csv").write_text("")
    (data / "notes.txt").write_text("no table")
    readings(("a", "b"), 20).write_csv(data / "1.csv")
    readings(("c",), 30, seed=1).write_parquet(data / "2.parquet")
    readings(("d", "e", "f"), 9, seed=2).write_parquet(data / "site=b" / "3.parquet")
    return data


def same_columns(found: Table, expected: Table) -> None:
    """Bit for bit; times and texts as they are written."""
    assert found.names == expected.names
    for name in expected.names:
        column = expected[name]
        read = found[name]
        if column.dtype.kind == "f":
            np.testing.assert_array_equal(read.astype(np.float32), column, name)
        else:
            as_read = read.astype(column.dtype) if column.dtype.kind == "M" else read
            np.testing.assert_array_equal(as_read.astype(str), column.astype(str), name)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_table_is_answered_as_alone(
    bundle: Path, data: Path, tmp_path: Path, workers: int
) -> None:
    done = run(bundle, data, "-o", tmp_path / "out", "--workers", workers)
    assert done.exit_code == 0, done.output
    assert done.stderr == (
        f"3 partitions, 3 answered: 97 rows, 67 predictions, 0 gaps -> {tmp_path / 'out'}\n"
    )
    session = lstm_export.load(bundle)
    for name in ("1.csv", "2.parquet", "site=b/3.parquet"):
        expected = session.predict_table(data / name)
        same_columns(read_table(tmp_path / "out" / name), expected)


def test_what_was_answered_is_skipped_and_what_changed_is_not(
    bundle: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = fields(bundle, data, "-o", out)
    again = fields(bundle, data, "-o", out)
    assert set(statuses(again).values()) == {"skipped"}
    assert [again[key] for key in ("rows", "predictions")] == [97, 67]
    assert first["predictions"] == again["predictions"]
    readings(("a", "b"), 21).write_csv(data / "1.csv")
    (out / "2.parquet").write_bytes((out / "2.parquet").read_bytes()[:-1])
    changed = fields(bundle, data, "-o", out)
    assert statuses(changed) == {
        "1.csv": "answered",
        "2.parquet": "answered",
        "site=b/3.parquet": "skipped",
    }
    for options in (("--missing", "drop"), ("--engine", "numpy")):
        assert set(statuses(fields(bundle, data, "-o", out, *options)).values()) == {"answered"}
    assert not list(out.rglob("*.partial"))


def test_a_partition_that_fails_costs_the_others_nothing(
    bundle: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert run(bundle, data, "-o", out).exit_code == 0
    answer_before = (out / "2.parquet").read_bytes()
    whole = readings(("g",), 12)
    backwards = {name: column[::-1] for name, column in whole.columns.items()}
    Table(backwards).write_csv(data / "backwards.csv")
    without = {name: column for name, column in whole.columns.items() if name != "temp_c"}
    Table(without).write_csv(data / "lacks.csv")
    readings(("h",), WINDOW - 1).write_csv(data / "short.csv")
    (data / "2.parquet").write_bytes(b"PAR1 no more")
    done = run(bundle, data, "-o", out, "--workers", 2)
    assert done.exit_code == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error")]
    for line, words in zip(
        errors,
        (
            "error: 2.parquet: ",
            "error: backwards.csv: row 3, column time of backwards.csv is 2024-01-01T10:00:00, "
            "which is earlier than the row before it",
            "error: lacks.csv: lacks.csv has no column 'temp_c'",
            "error: short.csv: short.csv holds no window of 6 rows",
        ),
        strict=True,
    ):
        assert line.startswith(words)
        assert line.endswith("the answer of an earlier run is still there") == ("2.parquet" in line)
    assert "6 partitions, 2 skipped, 4 failed: 67 rows" in done.stderr
    left = {path.relative_to(out).as_posix() for path in out.rglob("*.*") if path.is_file()}
    kept = ("1.csv", "2.parquet", "site=b/3.parquet")
    assert (out / "2.parquet").read_bytes() == answer_before
    assert left == {*kept, *(f"_records/{name}.json" for name in kept)}


def test_what_an_interrupted_run_answered_stays_where_the_next_fails(
    bundle: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert run(bundle, data, "-o", out).exit_code == 0
    readings(("a", "b"), 21).write_csv(data / "1.csv")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_folder(lstm_export.load(bundle), data, out, progress=interrupt)
    latest = (out / "1.csv").read_bytes()
    assert len(read_table(out / "1.csv")) == 2 * (21 - WINDOW + 1)
    (data / "1.csv").write_text("no,table\n")
    assert "1.csv: " in run(bundle, data, "-o", out).stderr
    assert (out / "1.csv").read_bytes() == latest


def test_a_series_in_two_partitions_is_refused_unless_time_jumps(
    bundle: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    readings(("a", "b"), 10).write_csv(data / "1.csv")
    readings(("b", "c"), 10, start=10).write_csv(data / "2.csv")
    readings(("a",), 10, start=11).write_csv(data / "3.csv")
    out = tmp_path / "out"
    for _ in range(2):  # an earlier answer is no excuse
        done = run(bundle, data, "-o", out)
        assert done.exit_code == 1
        assert "error: 2.csv: a series goes on from 1.csv" in done.stderr
        assert "add --carry" in done.stderr
        assert (out / "3.csv").exists()
        assert not (out / "2.csv").exists()
    assert run(bundle, data, "-o", out, "--carry").exit_code == 0
    carried = {path: path.read_bytes() for path in out.rglob("2.*")}
    assert "2.csv: a series goes on from 1.csv" in run(bundle, data, "-o", out).stderr
    assert {path: path.read_bytes() for path in out.rglob("2.*")} == carried
    assert not list(out.rglob("*.earlier*"))
    readings(("c",), 7, start=12).write_csv(data / "4.csv")  # among the rows of 2.csv
    readings(("b",), 60, start=40).write_csv(data / "5.csv")
    for number, start in ((6, 42), (7, 60)):  # both among the rows of 5.csv
        readings(("b",), 9, start=start).write_csv(data / f"{number}.csv")
    said = run(bundle, data, "-o", out).stderr
    for later, earlier in ((4, 2), (6, 5), (7, 5)):
        assert f"{later}.csv: a series goes on from {earlier}.csv" in said


def in_order(tables: list[Table]) -> Table:
    """By series and time."""
    names = tables[0].names
    columns = {name: np.concatenate([table[name] for table in tables]) for name in names}
    order = np.lexsort((columns["time"], columns["meter"].astype(str)))
    return Table({name: column[order] for name, column in columns.items()})


@pytest.mark.parametrize("missing", ["refuse", "drop", "ffill"])
def test_carried_series_are_answered_as_if_nothing_parted_them(
    bundle: Path, tmp_path: Path, missing: Missing
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    whole = readings(("a", "b", "c"), 40)
    if missing != "refuse":  # before, at and after the cuts, for longer than a window
        for rows in (slice(3, 22), slice(48, 50), slice(81, 90)):
            whole.columns["kwh"][rows] = np.nan
        whole.columns["temp_c"][49] = np.nan
    hours = np.tile(np.arange(40), 3)
    for number, (start, stop) in enumerate(
        [(0, 4), (4, 10), (10, 10 + WINDOW), (16, 39), (39, 40)]
    ):
        is_in = (hours >= start) & (hours < stop) & ~((whole["meter"] == "c") & (hours == 4))
        part = {name: column[is_in] for name, column in whole.columns.items()}
        Table(part).write_parquet(data / f"{number}.parquet")
    rows = ~((whole["meter"] == "c") & (hours == 4))
    one_table = Table({name: column[rows] for name, column in whole.columns.items()})
    expected = lstm_export.load(bundle).predict_table(one_table, missing=missing)
    out = tmp_path / "out"
    options = ("-o", out, "--carry", "--missing", missing)
    for again in (False, True):
        done = run(bundle, data, *options)
        assert done.exit_code == 0, done.output
        found = [read_table(path) for path in sorted(out.glob("*.parquet")) if rows_of(path)]
        same_columns(in_order(found), in_order([expected]))
        if not again:
            (out / "3.parquet").unlink()
    assert "5 partitions, 1 answered, 4 skipped" in done.stderr


def test_without_a_time_rows_follow_each_other_from_table_to_table() -> None:
    features = (Column("v"),)
    signature = Signature(1, 1, features, features, window=3)
    session = Session(lambda x: x.sum(axis=1), signature)
    found = answer(session, {"v": [1.0, 2.0, 4.0, 8.0]}, carried={})
    assert found.predictions["row"].tolist() == [2, 3]
    found = answer(session, {"v": [16.0, 32.0]}, carried=found.carried)
    assert found.predictions["row"].tolist() == [0, 1]
    assert found.predictions["v"].tolist() == [28.0, 56.0]
    with pytest.raises(InputError, match="column v of the table holds text, and numbers"):
        answer(session, {"v": ["64"]}, carried=found.carried)
    with pytest.raises(InputError, match="row 2, column v of the table is empty or NaN"):
        answer(session, {"v": [64.0, np.nan]}, carried=found.carried)
    with pytest.raises(InputError, match="the model has no window"):
        answer(Session(session, replace(signature, window=None)), {"v": [1.0]}, carried={})


class Summing:
    """Opens a model of a column without a time: the sum of three rows."""

    identity: Mapping[str, Any] = {"sha256": "none"}

    def __call__(self) -> Session:
        signature = Signature(1, 1, (Column("v"),), (Column("v"),), window=3)
        return Session(lambda x: x.sum(axis=1), signature, reopen=self)


def test_rows_without_a_time_do_not_go_on_over_a_table_that_failed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    whole = np.arange(9.0) ** 2
    for number, values in enumerate(np.split(whole, 3)):
        Table({"v": values}).write_csv(data / f"{number}.csv")
    middle = (data / "1.csv").read_bytes()
    (data / "1.csv").write_text("v\noff\n")
    found = []
    for _ in range(2):
        report = run_folder(Summing()(), data, tmp_path / "out", carry=True)
        found.append([(outcome.status, outcome.predictions) for outcome in report.outcomes])
        (data / "1.csv").write_bytes(middle)
    assert found[0] == [("answered", 1), ("failed", 0), ("answered", 1)]
    assert found[1] == [("skipped", 1), ("answered", 3), ("answered", 3)]
    written = [read_table(tmp_path / "out" / f"{number}.csv").numbers("v") for number in range(3)]
    expected = np.convolve(whole, np.ones(3), "valid")
    np.testing.assert_array_equal(np.concatenate(written), expected)


def rows_of(path: Path) -> int:
    from pyarrow import parquet

    rows: int = parquet.read_metadata(path).num_rows
    return rows


def test_a_bundle_that_changes_under_way_is_named_with_its_worker(
    bundle: Path, data: Path, tmp_path: Path
) -> None:
    session = lstm_export.load(bundle)
    with bundle.open("ab") as file:
        file.write(b"0")
    report = run_folder(session, data, tmp_path / "out", workers=2)
    assert [outcome.name for outcome in report.failed] == [
        "1.csv",
        "2.parquet",
        "site=b/3.parquet",
    ]
    for outcome in report.failed:
        assert ", process " in outcome.error
        assert "model.bundle is not the file that the session was opened from" in outcome.error
    assert not (tmp_path / "out").exists()


def test_what_does_not_go_with_a_folder(bundle: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    out = tmp_path / "out"
    refused = {
        (tmp_path / "empty", "-o", out): (1, "holds no table"),
        (data, "-o", data / "out"): (1, "lie in each other"),
        (data, "-o", data): (1, "lie in each other"),
        (data, "-o", bundle): (1, "is a file; name a folder"),
        (data, "-o", tmp_path / "no" / "out"): (1, "create it first"),
        (data, "-o", out, "--carry", "--workers", 2): (1, "one partition after another"),
        (data,): (2, "add -o"),
        (data, "-o", out, "--workers", 0): (2, "--workers"),
        (data / "1.csv", "-o", out, "--carry"): (2, "is no folder"),
    }
    for arguments, (exit_code, words) in refused.items():
        done = run(bundle, *arguments)
        assert (done.exit_code, words in done.stderr) == (exit_code, True), done.stderr
        assert not out.exists()
    (data / "1.csv.gz").write_bytes(b"")
    assert "1.csv and 1.csv.gz would both" in run(bundle, data, "-o", out).stderr
    (data / "1.csv.gz").unlink()
    with pytest.raises(InputError, match="was made on a runner in memory"):
        run_folder(in_memory(bundle), data, out)


def in_memory(bundle: Path) -> Session:
    session = lstm_export.load(bundle)
    return Session(session._runner, session.signature)


PACKAGES = {"ray": "ray", "spark": "pyspark", "dask": "distributed"}


@pytest.mark.parametrize("engine", PACKAGES)
def test_the_extra_of_an_engine_is_named_where_it_is_not_installed(
    bundle: Path, data: Path, tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, PACKAGES[engine], None)  # importing it fails
    done = run(bundle, data, "-o", tmp_path / "out", "--on", engine)
    assert done.exit_code == 1
    assert f'pip install "lstm-export[{engine}]"' in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_worker_that_dies_costs_its_partition_alone(
    bundle: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dying(
        engine: str, job: Callable[[Any], Any], questions: Sequence[Any], workers: int | None
    ) -> Iterator[tuple[int, Any]]:
        yield 1, Died("its process was ended by SIGKILL")
        yield from ((index, job(questions[index])) for index in (2, 0))

    monkeypatch.setattr(folder, "ask_on", dying)
    report = run_folder(lstm_export.load(bundle), data, tmp_path / "out")
    assert report.counts == {"answered": 2, "skipped": 0, "failed": 1}
    assert [outcome.error for outcome in report.failed] == ["its process was ended by SIGKILL"]
    assert report.failed[0].name == "2.parquet"


@pytest.mark.parametrize("engine", ["ray", "dask", "spark"])
def test_an_engine_that_does_not_start_is_told_in_one_line(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines = {name: MagicMock() for name in ("ray", "dask", "distributed", "pyspark")}
    engines["ray"].is_initialized.return_value = False
    engines["distributed"].default_client.side_effect = ValueError
    context = engines["pyspark"].SparkContext.getOrCreate
    for start in (engines["ray"].init, engines["distributed"].Client, context):
        start.side_effect = RuntimeError("timed out\nat line 7")
    for name, module in engines.items():
        monkeypatch.setitem(sys.modules, name, module)
    with pytest.raises(MissingDependency, match=r"does not start here \(timed out\); [^\n]+$"):
        list(ask_on(engine, str, [0], 2))


def test_the_page_shows_what_lets_workers_of_dask_keep_freed_memory() -> None:
    page = Path(__file__).parents[2] / "docs" / "scale.md"
    ((option, value),) = KEEPING_FREED_MEMORY.items()
    assert value is None  # null in YAML
    keys = [f"{'  ' * depth}{key}:" for depth, key in enumerate(option.split("."))]
    assert "\n".join(["```yaml", *keys]) + " null\n```" in page.read_text(encoding="utf-8")
