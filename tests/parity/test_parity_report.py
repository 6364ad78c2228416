"""A report tells what matters first, of an artifact that cannot be opened, too."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np

from lstm_export.model import Array, forward
from lstm_export.parity import (
    Condition,
    Diagnosis,
    all_ok,
    check,
    could_not_be_opened,
    golden_sets,
    to_junit,
)
from lstm_export.parity.html_page import Page, to_html
from tests.kit.chains import CHAINS

MODEL = CHAINS["smallest"]
GOLDEN = golden_sets(MODEL)


def right(x: Array) -> Array:
    return forward(MODEL, x).y.astype(np.float32)


def wrong(x: Array) -> Array:
    return right(x) * np.float32(1.5)


def test_the_diagnosis_stands_before_the_list_of_sets() -> None:
    report = check(wrong, GOLDEN, subject="onnx", notes=("seen",))
    told = replace(report, diagnosis=Diagnosis("t1", 1, 1, "", "bias_hh lost", "lstm_l0"))
    lines = told.table().splitlines()
    assert lines[1:3] == [
        "diagnosis: first wrong at step 1 of 1 (golden set t1)",
        "diagnosis: it behaves like: bias_hh lost in lstm_l0",
    ]
    assert lines[4].startswith("golden set")
    assert lines[-1] == "note: seen"
    assert told.table().count("it behaves like") == 1


def test_what_could_not_be_opened_is_an_error_everywhere() -> None:
    report = could_not_be_opened("onnx", "it ends after 3 bytes")
    said = "could not be opened: it ends after 3 bytes"
    good = check(right, GOLDEN, subject="c")
    assert (report.verdict, report.table(), report.summary()) == ("failed", said, f"onnx: {said}")
    assert not all_ok([good, report])
    assert report.to_record()["error"] == said
    assert "error" not in good.to_record()

    suite, other = ElementTree.fromstring(to_junit([report, good]))
    assert (suite.get("tests"), suite.get("errors"), suite.get("failures")) == ("1", "1", "0")
    (error,) = suite.iter("error")
    assert error.get("message") == said
    assert (other.get("errors"), other.get("failures")) == ("0", "0")

    page = to_html(Page("a.onnx", "model.pt", (report,), {}, "lstm-export verify a.onnx model.pt"))
    assert b">Failed<" in page
    assert page.count(b"ould not be opened: it ends after 3 bytes") == 2  # banner and section
    assert b"golden sets agree" not in page


def test_junit_times_add_up_and_stay_out_of_the_record() -> None:
    report = check(right, GOLDEN[:3], subject="onnx")
    seconds = (1.5, 0.25, 0.125)
    pairs = zip(report.sets, seconds, strict=True)
    sets = tuple(replace(result, seconds=second) for result, second in pairs)
    condition = Condition("2 threads", 0.0, 0.1, "passed", seconds=2.0)
    timed = replace(report, sets=sets, conditions=(condition,))
    suites = ElementTree.fromstring(to_junit([timed, timed]))
    assert suites.get("time") == "7.750000"
    assert [suite.get("time") for suite in suites] == ["3.875000"] * 2
    cases = [case.get("time") for case in suites[0].iter("testcase")]
    assert cases == ["0.000000", "1.500000", "0.250000", "0.125000", "2.000000"]
    assert "seconds" not in str(timed.to_record())
    assert replace(timed, sets=report.sets) == replace(report, conditions=(condition,))


def test_the_verdict_stands_beside_the_name_of_its_set() -> None:
    """Where a narrow window shows it."""
    page = Page("a.onnx", "model.pt", (check(wrong, GOLDEN, subject="onnx"),), {}, "")
    html = to_html(page).decode()
    for head in html.split("<thead>")[1:]:
        assert head.startswith("<tr><th>golden set</th><th>verdict</th>")
    for result in page.reports[0].sets:
        row = html.split(f"<td>{result.name}<small>")[1]
        assert row.split("</small></td>")[1].startswith('<td class="verdict">failed</td>')
