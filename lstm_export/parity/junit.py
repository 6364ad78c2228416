"""Parity reports as JUnit XML, which CI servers show.

A test suite for each artifact, a case for each golden set and condition. Format: the schema that
Jenkins and GitLab read, github.com/testmoapp/junitxml.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from .conditions import Condition
from .parity_report import GOOD_STRUCTURE, ParityReport
from .set_result import SetResult


def to_junit(reports: Sequence[ParityReport]) -> bytes:
    """A UTF-8 XML document; times are seconds."""
    root = ElementTree.Element("testsuites", name="lstm-export")
    suites = [_suite(report) for report in reports]
    root.extend(suites)
    root.set("time", _time(sum(_seconds(report) for report in reports)))
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _suite(report: ParityReport) -> ElementTree.Element:
    cases = [_first_case(report)]
    cases += [_set(report.subject, result) for result in report.sets]
    cases += [_condition(report.subject, condition) for condition in report.conditions]
    suite = ElementTree.Element(
        "testsuite",
        name=report.subject,
        tests=str(len(cases)),
        failures=_count("failure", cases),
        errors=_count("error", cases),
        skipped=_count("skipped", cases),
        time=_time(_seconds(report)),
    )
    suite.extend(cases)
    ElementTree.SubElement(suite, "system-out").text = report.table()
    return suite


def _seconds(report: ParityReport) -> float:
    sets = sum(result.seconds for result in report.sets)
    conditions = sum(condition.seconds for condition in report.conditions)
    return sets + conditions


def _time(seconds: float) -> str:
    return f"{seconds:.6f}"


def _count(kind: str, cases: Sequence[ElementTree.Element]) -> str:
    return str(sum(case.find(kind) is not None for case in cases))


def _case(subject: str, name: str, seconds: float = 0.0) -> ElementTree.Element:
    return ElementTree.Element("testcase", classname=subject, name=name, time=_time(seconds))


def _first_case(report: ParityReport) -> ElementTree.Element:
    """The structure, or why nothing could be judged, which is not a pass."""
    if report.error:
        case = _case(report.subject, "opening")
        ElementTree.SubElement(case, "error", message=report.error)
        return case
    case = _case(report.subject, "structure")
    if report.verdict == "cannot be judged" and report.sets:
        ElementTree.SubElement(case, "failure", message="no golden set could be judged")
    elif report.structure not in GOOD_STRUCTURE:
        ElementTree.SubElement(case, "failure", message=report.structure)
    elif report.structure == "not checked":
        ElementTree.SubElement(case, "skipped", message=GOOD_STRUCTURE[report.structure])
    return case


def _set(subject: str, result: SetResult) -> ElementTree.Element:
    case = _case(subject, result.name, result.seconds)
    if result.verdict == "failed":
        numbers = f"error {result.error:.1e}, allowed {result.bound:.1e}"
        message = result.reason or f"{numbers}, at output {result.worst}"
        ElementTree.SubElement(case, "failure", message=message)
    elif not result.is_judged:
        message = f"noise floor {result.noise_floor:.1e}: {result.verdict}"
        ElementTree.SubElement(case, "skipped", message=message)
    return case


def _condition(subject: str, condition: Condition) -> ElementTree.Element:
    name = f"under other conditions: {condition.name}"
    case = _case(subject, name, condition.seconds)
    if condition.verdict == "failed":
        largest = f"largest error {condition.share:.3g} times what is allowed"
        ElementTree.SubElement(case, "failure", message=condition.reason or largest)
    return case
