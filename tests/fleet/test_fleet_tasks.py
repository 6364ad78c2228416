"""Whatever a model does, it is an outcome by name, and the others have theirs; and how all read."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from lstm_export.cli.show_fleet import fleet_lines
from lstm_export.fleet.changes import Changes
from lstm_export.fleet.fleet_page import page
from lstm_export.fleet.fleet_report import FleetReport, read_report, write_report
from lstm_export.fleet.outcome import Judged, Outcome
from lstm_export.fleet.tasks import Sharing, outcomes
from tests.kit.fleet_tasks import NamedTask
from tests.kit.html_reader import Reader, assert_fetches_nothing

EVIL = "<script>alert('1')</script>&\"x\""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_model_that_ends_its_process_fails_by_name() -> None:
    names = ("a", "refused", "be killed", "bug", "b")
    found = outcomes([NamedTask(name) for name in names], Sharing(workers=1))
    errors = {outcome.name: outcome.error for outcome in found}
    assert errors == {
        "a": "",
        "refused": "row 3 of fleet.csv: it is refused",
        "be killed": "row 3 of fleet.csv: its process was ended by SIGKILL, which is what a system "
        "does that runs out of memory",
        "bug": "row 3 of fleet.csv: ZeroDivisionError: division\\nby zero",
        "b": "",
    }


def scores(target: str, **rmse: float) -> tuple[dict[str, object], ...]:
    common = {"part": "test", "target": target, "mae": 1.0, "windows": 9}
    return tuple({**common, "predictor": name, "rmse": value} for name, value in rmse.items())


def fleet() -> FleetReport:
    """A model that failed with NaN, one better than its baselines, one of two targets, one bare."""
    good = Judged("onnx", "passed", "identical", {"nominal": 0.25, "edges": 0.5})
    bad = Judged("c", "failed", "not checked", {"nominal": float("inf")})
    return FleetReport(
        (
            Outcome(EVIL, f"it is {EVIL}", artifacts=(good, bad)),
            Outcome(
                "better", artifacts=(good,), metrics=scores("y", model=1.0, ridge=2.0, same=4.0)
            ),
            Outcome(
                "of two",  # trained by an earlier version
                size_bytes=10,
                metrics=(*scores("y", lstm=1.0, ridge=4.0), *scores("z", lstm=3.0, ridge=2.0)),
                warnings=(EVIL,),
            ),
            Outcome("bare", unchanged=True),
        ),
        {"processor": EVIL, "cores": 2, "system": EVIL, "python": EVIL, "versions": {EVIL: EVIL}},
        Sharing("ray", 2),
        1.5,
        Changes({EVIL: (None, "2")}, {EVIL: (EVIL,)}),
    )


def test_a_report_reads_back_as_it_was(tmp_path: Path) -> None:
    write_report(tmp_path / "fleet.json", fleet())
    assert read_report(tmp_path / "fleet.json") == fleet()
    assert "Infinity" not in (tmp_path / "fleet.json").read_text(encoding="utf-8")


def test_the_worst_target_beside_its_best_baseline_stands_for_a_model() -> None:
    by_name = fleet().by_name
    assert by_name["better"].rmse == (1.0, 2.0)
    assert by_name["of two"].rmse == (3.0, 2.0)
    assert by_name["bare"].rmse is None
    assert fleet().to_record()["worst"] == {"name": EVIL, "subject": "c", "share": "inf"}


def test_the_page_has_every_model_and_fetches_nothing() -> None:
    data = page(fleet(), EVIL, f"lstm-export fleet {EVIL}")
    assert_fetches_nothing(data)
    read = Reader(data)
    assert read.text.startswith(f"Failed {EVIL} 3 of 4 models passed; 10 bytes.")
    for told in (f"it is {EVIL}", f"{EVIL}: 2, was not installed", "better passed 0.500 1 2"):
        assert told in read.text
    bars = [attributes for tag, attributes in read.tags if tag == "rect"]
    assert len(bars) == 2 * 20  # of two charts
    assert not re.search("nan|None", read.text)


def test_the_text_names_what_failed_and_what_changed() -> None:
    lines = list(fleet_lines(fleet()))
    assert lines[0] == "4 models: 3 passed, 1 of them as an earlier run left them, 1 failed"
    assert lines[1] == "1.5 s, 2 processes on Ray"
    assert f"failed: {EVIL}: it is {EVIL}" in lines
    assert "RMSE at most that of the best baseline: 1 of 2 models" in lines
    assert f"changed: {EVIL}: {EVIL}" in lines
