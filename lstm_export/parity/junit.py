"""Parity reports as JUnit XML, which CI servers show: a test suite an artifact, a case a golden set or condition.

Format: the schema that Jenkins and GitLab read, github.com/testmoapp/junitxml.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from .conditions import Condition
from .report import GOOD_STRUCTURE, ParityReport, SetResult


def to_junit(reports: Sequence[ParityReport]) -> bytes:
    """A UTF-8 XML document."""
    root = ElementTree.Element("testsuites", name="lstm-export")
    for report in reports:
        cases = [_structure(report), *(_case(report.subject, result) for result in report.sets)]
        cases += [_condition(report.subject, condition) for condition in report.conditions]
        counts = {kind: str(sum(case.find(kind) is not None for case in cases)) for kind in ("failure", "skipped")}
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=report.subject,
            tests=str(len(cases)),
            failures=counts["failure"],
            skipped=counts["skipped"],
        )
        suite.extend(cases)
        ElementTree.SubElement(suite, "system-out").text = report.table()
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _structure(report: ParityReport) -> ElementTree.Element:
    """The first case: the structure, or that nothing could be judged, which is not a pass."""
    case = ElementTree.Element("testcase", classname=report.subject, name="structure")
    if report.verdict == "cannot be judged" and report.sets:
        ElementTree.SubElement(case, "failure", message="no golden set could be judged")
    elif report.structure not in GOOD_STRUCTURE:
        ElementTree.SubElement(case, "failure", message=report.structure)
    elif report.structure == "not checked":
        ElementTree.SubElement(case, "skipped", message=GOOD_STRUCTURE[report.structure])
    return case


def _case(subject: str, result: SetResult) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=subject, name=result.name)
    message = result.reason or f"error {result.error:.1e}, allowed {result.bound:.1e}, at output {result.worst}"
    if result.verdict == "failed":
        ElementTree.SubElement(case, "failure", message=message)
    elif result.verdict == "cannot be judged":
        ElementTree.SubElement(case, "skipped", message=f"noise floor {result.noise_floor:.1e}: {result.verdict}")
    return case


def _condition(subject: str, condition: Condition) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=subject, name=f"under other conditions: {condition.name}")
    if condition.verdict == "failed":
        message = condition.reason or f"largest error {condition.share:.3g} times what is allowed"
        ElementTree.SubElement(case, "failure", message=message)
    return case
