"""Tables that are read in blocks give what they give in memory, as docs/scale.md says."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export.errors import InputError
from lstm_export.series import LargeTable, Table, table_blocks
from lstm_export.training import TrainingOptions, fit, scratch, tensors
from lstm_export.training.answers import spread_rmse
from lstm_export.training.data_report import data_report
from lstm_export.training.moments import moments_of
from lstm_export.training.option_values import Predict
from lstm_export.training.ranks import Ranks
from lstm_export.training.roles import input_signature, read_for_training
from lstm_export.training.samples import Samples
from lstm_export.training.windowing import build_samples

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
pyarrow = pytest.importorskip("pyarrow", reason='needs pyarrow: pip install "lstm-export[train]"')

OPTIONS = TrainingOptions(
    targets=("load",),
    features=("load", "temp"),
    categorical=("weather",),
    window=6,
    horizon=2,
    time="time",
    calendar=("hour",),
    group="site",
    missing="drop",
    hidden_size=6,
    epochs=1,
    predict="change",
    device="cpu",
)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few rows, and every array in a file."""
    monkeypatch.setattr(scratch, "VALUES_AT_ONCE", 96)
    monkeypatch.setattr(scratch, "BLOCK_MULTIPLE", 1)
    monkeypatch.setattr(scratch, "IN_MEMORY_BYTES", 1)
    monkeypatch.setattr(table_blocks, "BLOCK_ROWS", 37)
    monkeypatch.setattr(table_blocks, "LARGE_TEXT_BYTES", 0)
    monkeypatch.setattr(table_blocks, "LARGE_PARQUET_BYTES", 0)


def measured(rows: int = 700) -> dict[str, Any]:
    """Three sites that take turns, with gaps in time and cells missing here and there."""
    random = np.random.default_rng(4)
    site = random.integers(0, 3, rows)
    hour = np.zeros(rows, np.int64)
    for number in range(3):
        own = site == number
        hour[own] = np.cumsum(random.choice([1, 3], own.sum(), p=[0.97, 0.03]))
    load = 5000 + 300 * np.sin(hour / 4) + 30 * random.standard_normal(rows)
    temp = np.where(random.random(rows) < 0.02, np.nan, 10 + random.standard_normal(rows))
    return {
        "time": np.datetime64("2024-01-01", "s") + hour * np.timedelta64(3600, "s"),
        "site": np.array(["north", "south", "east"], object)[site],
        "weather": np.array(["dry", "wet"], object)[random.integers(0, 2, rows)],
        "load": np.where(random.random(rows) < 0.01, np.nan, load),
        "temp": temp,
        "note": np.array(["12 ok"] * rows, object),
    }


def write_parquet(columns: dict[str, Any], path: Path) -> None:
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), path)


def csv_file(columns: dict[str, Any], folder: Path) -> Path:
    path = folder / "table.csv"
    Table.of(columns).write_csv(path)
    return path


def parquet_file(columns: dict[str, Any], folder: Path) -> Path:
    path = folder / "table.parquet"
    write_parquet(columns, path)
    return path


def parquet_folder(columns: dict[str, Any], folder: Path) -> Path:
    path = folder / "parts"
    path.mkdir()
    bounds = [0, 100, 350, len(columns["time"])]
    for number in range(3):
        part = slice(bounds[number], bounds[number + 1])
        rows = {name: column[part] for name, column in columns.items()}
        write_parquet(rows, path / f"part-{number}.parquet")
    return path


def samples_of(source: Any, options: TrainingOptions) -> tuple[Samples, Any]:
    table = read_for_training(source, options)
    signature = input_signature(table, options)
    samples = build_samples(table, signature, options)
    return samples, data_report(table, signature, options, samples)


@pytest.mark.parametrize("write", [csv_file, parquet_file, parquet_folder])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"missing": "ffill", "horizon": 0, "features": ("temp",), "predict": "level"},
        {"pad": True, "window": 12, "step": 3600.0},
        {"time": None, "calendar": (), "group": None},
    ],
)
def test_windows_are_those_of_the_table_in_memory(
    small_blocks: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write: Any,
    changes: dict[str, Any],
) -> None:
    options = replace(OPTIONS, **changes)
    path = write(measured(), tmp_path)
    in_blocks, report = samples_of(path, options)
    monkeypatch.undo()
    in_memory, expected = samples_of(measured(), options)
    for field in fields(Samples):
        wanted = getattr(in_memory, field.name)
        if isinstance(wanted, np.ndarray):
            np.testing.assert_array_equal(getattr(in_blocks, field.name), wanted)
    for part, starts in in_memory.parts.items():
        np.testing.assert_array_equal(in_blocks.parts[part], starts)
    assert in_blocks.group_names == in_memory.group_names
    assert report.parts == expected.parts or options.time is None
    assert report.groups == expected.groups


@pytest.mark.parametrize("predict", ["change", "correction"])
def test_training_is_that_of_the_table_in_memory(
    small_blocks: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, predict: Predict
) -> None:
    options = replace(OPTIONS, predict=predict)
    in_blocks = fit(parquet_folder(measured(), tmp_path), options)
    monkeypatch.undo()
    in_memory = fit(measured(), options)
    assert in_blocks.model.signature == in_memory.model.signature
    for stage, wanted in zip(in_blocks.model.stages, in_memory.model.stages, strict=True):
        for name, array in wanted.arrays.items():
            # Scalers are merged from those of blocks.
            np.testing.assert_allclose(stage.arrays[name], array, rtol=1e-5, atol=1e-6)
    for got, score in zip(in_blocks.metrics, in_memory.metrics, strict=True):
        assert (got.part, got.predictor, got.windows) == (
            score.part,
            score.predictor,
            score.windows,
        )
        np.testing.assert_allclose([got.rmse, got.mae], [score.rmse, score.mae], rtol=1e-5)
    assert len(in_blocks.warnings) == len(in_memory.warnings)


def test_moments_of_blocks_are_numpys() -> None:
    values = 1e8 + np.random.default_rng(1).standard_normal((1000, 3))  # a sum of squares is lost
    got = moments_of(np.split(values, [1, 400, 401, 950]))
    np.testing.assert_allclose(got.mean, values.mean(axis=0), rtol=1e-14)
    # Eight of sixteen digits go to the mean.
    np.testing.assert_allclose(got.deviation, values.std(axis=0), rtol=1e-7)
    whole = moments_of([values])
    np.testing.assert_array_equal(whole.deviation, values.std(axis=0))
    assert (got.count, got.low.tolist()) == (1000, values.min(axis=0).tolist())


def test_an_error_of_blocks_is_that_of_all_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(2)
    true = 1e4 + random.standard_normal((500, 3, 2)) * [[1.0], [0.0], [50.0]]  # one never changes
    predicted = true + random.standard_normal(true.shape)
    scale = np.where(true.std(axis=(0, 2)) > 0, true.std(axis=(0, 2)), 1.0)
    squares = np.square(predicted - true).mean(axis=(0, 2)) / np.square(scale)
    assert spread_rmse(predicted, true) == np.sqrt(squares.mean())
    monkeypatch.setattr(scratch, "VALUES_AT_ONCE", 96)
    monkeypatch.setattr(scratch, "BLOCK_MULTIPLE", 1)
    np.testing.assert_allclose(spread_rmse(predicted, true), np.sqrt(squares.mean()), rtol=1e-12)


def test_many_windows_are_shuffled_by_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(3)
    few = torch.cat([*tensors._shuffled(1000, 32)])
    torch.manual_seed(3)
    assert torch.equal(few, torch.randperm(1000))
    monkeypatch.setattr(tensors, "SHUFFLED_AT_ONCE", 256)
    monkeypatch.setattr(tensors, "SHUFFLE_BLOCK", 16)
    pieces = [*tensors._shuffled(1000, 30)]
    assert sorted(torch.cat(pieces).tolist()) == list(range(1000))
    assert [len(piece) % 30 for piece in pieces] == [0, 0, 0, 0, 10]
    first = pieces[0].tolist()
    assert len({number // 16 for number in first}) <= 16  # blocks
    assert first != sorted(first)
    assert torch.cat(pieces).tolist() != torch.cat([*tensors._shuffled(1000, 30)]).tolist()


def test_processes_with_other_random_numbers_shuffle_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    def take_from_first(ranks: Ranks, tensor: Any) -> None:
        if ranks.rank:
            tensor.copy_(sent.pop(0))
        else:
            sent.append(tensor.clone())

    monkeypatch.setattr(Ranks, "take_from_first", take_from_first)
    monkeypatch.setattr(tensors, "SHUFFLED_AT_ONCE", 8)
    monkeypatch.setattr(tensors, "SHUFFLE_BLOCK", 4)
    orders = []
    for rank in range(2):
        torch.manual_seed(2 - rank)  # the smaller last block comes in another place
        orders.append(torch.cat([*tensors._shuffled(22, 2, Ranks(rank, 2))]).tolist())
    assert orders[0] == orders[1]
    assert not sent


def lacks_a_column(folder: Path) -> None:
    write_parquet({"time": [1, 2], "v": [1.0, 2.0]}, folder / "a.parquet")
    write_parquet({"time": [3, 4]}, folder / "b.parquet")


def goes_back(folder: Path) -> None:
    write_parquet({"time": [1, 2, 3], "v": [1.0, 2.0, 3.0]}, folder / "a.parquet")
    write_parquet({"time": [3, 4], "v": [1.0, 2.0]}, folder / "b.parquet")


def mixes_kinds(folder: Path) -> None:
    write_parquet({"time": [1, 2], "v": [1.0, 2.0]}, folder / "a.parquet")
    (folder / "b.csv").write_text("time,v\n1,2\n")


def has_a_short_row(folder: Path) -> None:
    (folder / "a.csv").write_text("time,v\n1,1\n2,2\n")
    (folder / "b.csv").write_text("time,v\n3,1\n4\n")


def has_a_word(folder: Path) -> None:
    (folder / "a.csv").write_text("time,v\n1,1\n2,2\n")
    (folder / "b.csv").write_text("time,v\n3,1\n4,off\n\n")


def names_a_column_twice(folder: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.Table.from_arrays([[1.0], [2.0]], names=["v", "v"])
    parquet.write_table(table, folder / "a.parquet")


def is_no_text(folder: Path) -> None:
    (folder / "a.csv").write_bytes(b"\xff\xfe\x00")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (names_a_column_twice, "a.parquet has two columns named 'v'; rename one"),
        (is_no_text, "a.csv, row 1 cannot be read: .* invalid start byte; save it as UTF-8 text"),
        (lambda _: None, "holds no table, expected files of one kind, .csv or .parquet"),
        (lacks_a_column, "b.parquet lacks v: its columns are time, expected time, v as in"),
        (goes_back, "row 1, column time of b.parquet is 3.0, which repeats the row before it"),
        (mixes_kinds, "holds .csv and .parquet, expected files of one kind"),
        (has_a_short_row, "b.csv, row 3 has 1 cell, expected 2 as in the header"),
        (has_a_word, "row 3, column v of b.csv is 'off', expected a number"),
    ],
)
def test_bad_folders_name_the_file(tmp_path: Path, write: Any, message: str) -> None:
    write(tmp_path)
    options = replace(
        OPTIONS, targets=("v",), features=("v",), categorical=(), calendar=(), group=None, window=1
    )
    with pytest.raises(InputError, match=message):
        fit(tmp_path, options)


def test_a_full_disk_is_told_before_it_is_written_to(
    small_blocks: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scratch, "_take_room", full)
    path = parquet_file(measured(), tmp_path)
    with pytest.raises(InputError, match="folder of temporary files .*: No space left on device;"):
        fit(path, OPTIONS)


def test_a_backtest_needs_the_table_in_memory(small_blocks: None, tmp_path: Path) -> None:
    path = parquet_file(measured(), tmp_path)
    assert isinstance(read_for_training(path, OPTIONS), LargeTable)
    with pytest.raises(InputError, match="is read in blocks, and a backtest cuts a table in"):
        fit(path, replace(OPTIONS, backtest=1))
