"""What became of each window, against a loop that looks at one window at a time."""

import numpy as np
import pytest
from numpy import datetime64, timedelta64

from lstm_export.model import Signature
from lstm_export.series import Table
from lstm_export.training import DataReport, TrainingOptions
from lstm_export.training.data_report import FATES, data_report, lost_windows
from lstm_export.training.option_values import PARTS
from lstm_export.training.roles import input_signature
from lstm_export.training.windowing import build_samples

HOUR = timedelta64(3600, "s")
WINDOW = 4
HORIZON = 2


def machines(rows: int = 240) -> Table:
    """Three machines, interleaved, with gaps and empty cells; the third has too few rows."""
    random = np.random.default_rng(11)
    machine = random.choice(["a", "b"], rows)
    machine[[5, 9, 30]] = "c"
    steps = random.choice([1, 5], rows, p=[0.96, 0.04])
    hours = np.zeros(rows, np.int64)
    for name in ("a", "b", "c"):
        own = machine == name
        hours[own] = np.cumsum(steps[own])
    v = random.standard_normal(rows)
    u = random.standard_normal(rows)
    v[[20, 21, 90]] = np.nan
    u[[60, 150]] = np.nan
    times = datetime64("2024-01-01", "s") + hours * HOUR
    return Table.of({"time": times, "machine": machine, "v": v, "u": u})


def report_of(table: Table, **options: object) -> DataReport:
    chosen = TrainingOptions(
        **{
            "targets": ("v",),
            "features": ("u",),
            "window": WINDOW,
            "horizon": HORIZON,
            "time": "time",
            "missing": "drop",
        }
        | options  # type: ignore[arg-type]
    )
    signature = input_signature(table, chosen)
    return data_report(table, signature, chosen, build_samples(table, signature, chosen))


def naive(table: Table, own: np.ndarray) -> dict[str, int]:
    """Windows of one series, in time: used or at an edge, to a gap, or to a missing cell."""
    kept = [row for row in own if not np.isnan(table["u"][row])]
    low = round(0.7 * len(kept))
    high = round(0.85 * len(kept))
    part = {row: (k >= low) + (k >= high) for k, row in enumerate(kept)}
    found = dict.fromkeys(FATES, 0)
    for begin in range(len(own) - WINDOW - HORIZON + 1):
        rows = own[begin : begin + WINDOW + HORIZON]
        targets = rows[WINDOW:]
        times = table["time"][rows]
        if (np.diff(times) != HOUR).any():
            found["lost_to_gaps"] += 1
        elif np.isnan(table["u"][rows]).any() or np.isnan(table["v"][targets]).any():
            found["lost_to_missing_cells"] += 1
        elif part[targets[0]] != part[targets[-1]]:
            found["lost_at_edges"] += 1
        else:
            found["used"] += 1
    return found


def test_every_window_is_accounted_for() -> None:
    table = machines()
    report = report_of(table, group="machine")
    assert [group.group for group in report.groups] == list(dict.fromkeys(table["machine"]))
    for group in report.groups:
        own = np.flatnonzero(table["machine"] == group.group)
        assert group.rows == len(own)
        assert group.gaps == int((np.diff(table["time"][own]) != HOUR).sum())
        assert group.windows == naive(table, own)
        assert sum(group.parts.values()) == group.windows["used"]
    assert report.rows == len(table)
    for fate in FATES:
        assert sum(part.windows[fate] for part in report.parts) == report.count(fate) > 0


def test_parts_tell_the_dates_that_they_predict() -> None:
    table = machines()
    machine = Table({name: table[name][table["machine"] == "a"] for name in ("time", "u", "v")})
    report = report_of(machine)
    kept = machine["time"][~np.isnan(machine["u"])]
    bounds = [0, round(0.7 * len(kept)), round(0.85 * len(kept)), len(kept)]
    assert [part.part for part in report.parts] == list(PARTS)
    for part, low, high in zip(report.parts, bounds[:-1], bounds[1:], strict=True):
        assert kept[low] <= datetime64(part.first) < datetime64(part.last) <= kept[high - 1]
    first = int(np.flatnonzero(np.diff(machine["time"]) != HOUR)[0])
    after = f"{machine['time'][first + 1]} follows {machine['time'][first]}"
    assert report.first_gap == f"row {first + 2}, column time of the table: {after}"
    assert (report.first, report.last) == (str(machine["time"][0]), str(machine["time"][-1]))


@pytest.mark.parametrize("every", [12, 60])
def test_many_windows_lost_to_missing_cells_are_warned_of(every: int) -> None:
    """A cell costs six windows, which is half of them or a tenth."""
    u = np.arange(240.0)
    u[::every] = np.nan
    report = report_of(Table.of({"u": u, "v": np.arange(240.0)}), time=None)
    told = [*lost_windows(report, Signature(1, 1), None, "drop")]
    assert len(told) == (every == 12)
    assert all("--missing ffill takes the cell above" in text for text in told)


@pytest.mark.parametrize("split_by", ["time", "group"])
def test_each_part_has_rows_of_every_group_or_whole_groups(split_by: str) -> None:
    table = Table.of({"g": np.repeat(list("abcd"), 40), "u": np.arange(160.0)})
    chosen = {"targets": ("u",), "time": None, "group": "g"}
    report = report_of(table, **chosen, split_by=split_by)
    used = [[group.parts[part] > 0 for part in PARTS] for group in report.groups]
    if split_by == "time":
        assert used == [[True] * 3] * 4
    else:
        assert sorted(used) == sorted(
            [[True, False, False]] * 2 + [[False, True, False], [False, False, True]]
        )
    assert report.count("lost_at_edges") == (2 * 4 if split_by == "time" else 0)
    assert report.count("lost_to_gaps") == report.count("lost_to_missing_cells") == 0


def test_padded_windows_are_counted_where_they_are_used() -> None:
    lengths = [3, 40, 5, 40, 4, 40]
    table = Table.of({"g": np.repeat(list("abcdef"), lengths), "u": np.arange(132.0)})
    report = report_of(table, targets=("u",), time=None, group="g", pad=True)
    whole = 40 - WINDOW - HORIZON + 1
    assert [group.windows["used"] for group in report.groups] == [1, whole, 1, whole, 1, whole]
