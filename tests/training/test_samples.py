"""Windows with their targets, and their parts, against a loop over one window at a time."""

import numpy as np
import pytest

from lstm_export.errors import InputError
from lstm_export.series import Table
from lstm_export.training import TrainingOptions
from lstm_export.training.option_values import PARTS
from lstm_export.training.roles import input_signature
from lstm_export.training.samples import Samples
from lstm_export.training.windowing import build_samples

HOUR = np.timedelta64(3600, "s")


def gappy(rows: int = 150) -> Table:
    """Hours with a few gaps; column `row` tells which row a number came from, and `u` is `v` once
    more.
    """
    random = np.random.default_rng(5)
    v = random.standard_normal(rows)
    times = (
        np.datetime64("2024-01-01", "s")
        + np.cumsum(random.choice([1, 2], rows, p=[0.95, 0.05])) * HOUR
    )
    return Table.of({"time": times, "row": np.arange(rows) * 1.0, "v": v, "u": v})


def build(table: Table, **options: object) -> Samples:
    chosen = TrainingOptions(
        **{"targets": ("v", "row"), "features": ("v", "row"), "time": "time"} | options
    )  # type: ignore[arg-type]
    return build_samples(table, input_signature(table, chosen), chosen)


@pytest.mark.parametrize(("window", "horizon"), [(5, 3), (1, 1), (4, 0)])
def test_windows_and_targets_agree_with_a_naive_loop(window: int, horizon: int) -> None:
    table = gappy()
    samples = build(
        table, window=window, horizon=horizon, features=("u", "row") if horizon else ("u",)
    )
    bounds = [0, round(0.7 * len(table)), round(0.85 * len(table)), len(table)]
    naive: dict[str, list[int]] = {part: [] for part in PARTS}
    for begin in range(len(table) - window - horizon + 1):
        rows = range(begin, begin + window + horizon)
        ahead = [rows[window - 1]] if horizon == 0 else list(rows[window:])
        whole = all(table["time"][row + 1] - table["time"][row] == HOUR for row in rows[:-1])
        for part, low, high in zip(PARTS, bounds[:-1], bounds[1:], strict=True):
            if whole and low <= ahead[0] and ahead[-1] < high:
                naive[part].append(begin)
    assert {part: starts.tolist() for part, starts in samples.parts.items()} == naive
    starts = samples.parts["train"]
    for begin, x, y in zip(starts, samples.inputs(starts), samples.targets(starts), strict=True):
        ahead = (
            [begin + window - 1]
            if horizon == 0
            else list(range(begin + window, begin + window + horizon))
        )
        np.testing.assert_array_equal(
            x[:, 0], table["v"][begin : begin + window].astype(np.float32)
        )
        np.testing.assert_array_equal(y, [*table["v"][ahead], *ahead])  # target by target


def test_no_target_row_is_shared_and_groups_stay_whole() -> None:
    by_time = build(gappy(), window=5, horizon=3)
    engines = Table.of(
        {"engine": np.repeat(np.arange(20), 15), "v": np.arange(300.0), "row": np.arange(300.0)}
    )
    by_group = build(engines, window=5, horizon=2, time=None, group="engine", split_by="group")
    for samples in (by_time, by_group):
        rows = [set(np.concatenate([*samples.target_rows(part)])) for part in PARTS]
        assert all(rows) and not (rows[0] & rows[1] or rows[1] & rows[2] or rows[0] & rows[2])
    rows = [np.concatenate([*by_group.rows(part)]) for part in PARTS]
    groups = [set(by_group.group[of_part]) for of_part in rows]
    assert [len(group) for group in groups] == [14, 3, 3]
    assert set.union(*groups) == set(range(20))
    for starts in by_group.parts.values():
        inside = by_group.group[starts[:, np.newaxis] + np.arange(7)]
        assert (inside == inside[:, :1]).all()
    other = build(engines, window=5, horizon=2, time=None, group="engine", split_by="group", seed=1)
    assert set(other.group[other.parts["test"]]) != groups[2]


def test_windows_that_touch_an_empty_cell_are_dropped() -> None:
    v = np.arange(40.0)
    v[[10, 20]] = np.nan
    table = Table.of({"v": v, "u": np.arange(40.0)})
    options = {"targets": ("v",), "time": None, "window": 3, "horizon": 2, "split": (1, 0, 0)}
    dropped = build(table, **options, features=("v",), missing="drop").parts["train"]
    assert [begin for begin in range(36) if not {10, 20} & set(range(begin, begin + 5))] == [
        int(build_row) for build_row in np.delete(np.arange(40), [10, 20])[dropped]
    ]
    # Only targets may be empty: they are never made up, not even where inputs are filled.
    target_only = build(table, **options, features=("u",), missing="ffill").parts["train"]
    assert target_only.tolist() == [
        begin for begin in range(36) if not {10, 20} & {begin + 3, begin + 4}
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"window": 200},
            "longest stretch without a gap has .* window 200 with horizon 1 needs 201",
        ),
        ({"horizon": 200}, "window 24 with horizon 200 needs 224"),
        ({"targets": ("w",)}, "the table has no column 'w'; it has time, row, v, u"),
        ({"features": ("w",)}, "the table has no column 'w'"),
        ({"units": {"w": "m"}}, "the table has no column 'w'"),
        (
            {"window": 20, "horizon": 5, "split": (0.98, 0.01, 0.01)},
            "the validation part .1%. holds no window",
        ),
        ({"group": "u"}, "no series holds two rows"),
        ({"group": "u", "time": None}, r"in the \d+ series that --group u makes, window 24 with"),
        (
            {"targets": ("row", "v", "u"), "features": None, "exclude_past": True},
            "no numeric column besides the targets",
        ),
    ],
)
def test_what_leaves_no_windows_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(gappy(), **options)


def test_too_few_groups_for_the_parts_are_refused() -> None:
    table = Table.of({"g": np.repeat(["x", "y"], 10), "v": np.arange(20.0), "row": np.arange(20.0)})
    with pytest.raises(InputError, match="3 parts need as many groups with a window, got 2"):
        build(table, window=2, time=None, group="g", split_by="group")
    two = build(table, window=2, time=None, group="g", split_by="group", split=(0.5, 0.5, 0.0))
    assert [len(starts) for starts in two.parts.values()] == [8, 8, 0]


def test_empty_targets_are_refused_by_default() -> None:
    table = Table.of({"v": [1.0, np.nan, 3], "u": [1.0, 2, 3], "row": [1.0, 2, 3]})
    with pytest.raises(
        InputError, match="row 2, column v of the table is empty or NaN, expected a target"
    ):
        build(table, features=("u",), time=None, window=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"targets": ()}, "no target is named"),
        ({"targets": ("v", "v")}, "target 'v' is named twice"),
        ({"targets": ("v",), "split_by": "group"}, "no column tells groups apart"),
        ({"targets": ("v",), "split_by": "row"}, "split_by is 'row', expected one of time, group"),
        ({"targets": ("v",), "features": ("u",), "exclude_past": True}, "exclude-past is for"),
        ({"targets": ("v",), "features": ()}, "no feature is named"),
        ({"targets": ("v",), "features": ("v",), "horizon": 0}, "the input would be the answer"),
        ({"targets": ("v",), "time": "v"}, "cannot be a target and the time"),
        ({"targets": ("v",), "calendar": ("hour",)}, "need a time column"),
        ({"targets": ("v",), "calendar_step": "month"}, "--step is about .*; name it with --time"),
        ({"targets": ("v",), "time_format": "%d.%m.%Y"}, "--time-format is about a time column"),
        ({"targets": ("v",), "calendar": ("moon",), "time": "t"}, "of hour, weekday, yearday"),
        ({"targets": ("v",), "split": (0.7, 0.2, 0.2)}, "three shares that add up to 1"),
        ({"targets": ("v",), "split": (0, 0.5, 0.5)}, "the first above 0"),
        ({"targets": ("v",), "missing": "ignore"}, "expected one of refuse, drop, ffill"),
        ({"targets": ("v",), "window": 0}, "window is 0, expected 1 to"),
        ({"targets": ("v",), "hidden_size": 10**8}, "hidden_size is 100000000, expected 1 to 8192"),
        ({"targets": ("v",), "num_layers": 10**5}, "num_layers is 100000, expected 1 to 64"),
        (
            {"targets": ("v",), "hidden_size": 8192, "num_layers": 9},
            "makes .* weights, expected at most",
        ),
        ({"targets": ("v",), "seed": 2**64}, "seed is .*, expected 0 to"),
        ({"targets": ("v",), "horizon": -1}, "horizon is -1, expected 0 to"),
        ({"targets": ("v",), "dropout": 1.0}, "dropout is 1.0"),
        ({"targets": ("v",), "learning_rate": float("nan")}, "learning_rate is nan"),
    ],
)
def test_options_that_contradict_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TrainingOptions(**options)  # type: ignore[arg-type]


def test_lists_and_single_names_are_taken() -> None:
    split = [0.8, 0.1, 0.1]
    features = ["a", "b"]
    times = {"time": "t", "calendar": "hour"}
    loose = TrainingOptions("v", features, **times, split=split)  # type: ignore[arg-type]
    assert loose == TrainingOptions(
        ("v",), ("a", "b"), time="t", calendar=("hour",), split=(0.8, 0.1, 0.1)
    )
