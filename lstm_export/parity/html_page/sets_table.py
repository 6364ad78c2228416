"""The golden sets of a report: legend, chart and table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ...model import Array, Column
from ...pages import Markup, element, number, section, table
from ..parity_report import ParityReport
from ..set_result import SetResult
from .sets_chart import CLASSES, TIMES, sets_chart, shape

_TESTED = {
    "t1": "a single step",
    "t2": "two steps",
    "nominal": "a usual window",
    "saturating": "inputs 30 times as far from their mean as usual",
    "constant": "every step the same, one row at the mean",
    "edges": "every input three standard deviations out",
    "many windows": "several windows on end",
    "stuck channels": "a sensor in every row that never changes",
    "denormals": "numbers too small for float32's full precision",
    "unequal lengths": "rows that end early",
    "real windows": "windows of the training data",
}


def golden_sets_of(
    report: ParityReport, scales: Mapping[str, Array], outputs: Sequence[Column]
) -> Iterator[Markup]:
    """The section, where there are sets.

    Args:
        report: what was found.
        scales: S `(output_size,)` by golden set, where the error is to be told in its own unit.
        outputs: names and units of the outputs.
    """
    if report.sets:
        rows = _Rows(report, scales, outputs)
        parts = (_legend(report), sets_chart(report.sets), rows.table())
        yield section("How far apart", *parts)


def _legend(report: ParityReport) -> Markup:
    """The meaning of the dots."""
    kinds = {
        "passed": "error of the artifact, allowed",
        "failed": "error of the artifact, too large",
        "cannot be judged": "error of the artifact, not judged",
    }
    verdicts = {result.verdict for result in report.sets}
    items = []
    for kind, text in kinds.items():
        if kind in verdicts:
            items.append(_key(CLASSES[kind], text))
    if any(result.reference_error is not None for result in report.sets):
        items.append(_key("pytorch", "error of PyTorch"))
    items.append(_key("allowed", "what rounding explains"))
    return element("ul", *items, class_="legend")


def _key(kind: str, text: str) -> Markup:
    return element("li", element("i", class_=f"key {kind}"), text)


class _Rows:
    """The table: the verdict stands beside the name, so that a narrow window shows both."""

    def __init__(
        self, report: ParityReport, scales: Mapping[str, Array], outputs: Sequence[Column]
    ) -> None:
        self._sets = report.sets
        self._scales = scales
        self._outputs = outputs
        self._has_pytorch = any(entry.reference_error is not None for entry in report.sets)

    def table(self) -> Markup:
        heads = ["golden set", "verdict", f"batch {TIMES} steps", "allowed", "error", "of allowed"]
        if self._has_pytorch:
            heads.append("PyTorch")
        if self._scales:
            heads.append("the worst output")
        return table(heads, [self._row(result) for result in self._sets])

    def _row(self, result: SetResult) -> Markup:
        return element("tr", *self._cells(result), class_=CLASSES[result.verdict])

    def _cells(self, result: SetResult) -> Iterator[Markup]:
        yield element("td", result.name, element("small", _TESTED.get(result.name, "")))
        yield element("td", result.reason or result.verdict, class_="verdict")
        yield element("td", shape(result))
        yield number(f"{result.bound:.1e}")
        yield number(f"{result.error:.1e}")
        yield number(_of_allowed(result))
        if self._has_pytorch:
            error = result.reference_error
            yield number("-" if error is None else f"{error:.1e}")
        if self._scales:
            yield self._in_own_unit(result)

    def _in_own_unit(self, result: SetResult) -> Markup:
        """The error of the worst output and what is allowed there, as the output is measured."""
        scale = self._scales.get(result.name)
        if scale is None or not result.worst or result.worst[-1] >= len(scale):
            return number("")
        index = result.worst[-1]
        column = Column(f"y{index}")
        if index < len(self._outputs):
            column = self._outputs[index]
        unit = f" {column.unit}" if column.unit else ""
        allowed = element("small", f"{column.name}, may be {result.bound * scale[index]:.1e}")
        return number(f"{result.error * scale[index]:.1e}{unit}", allowed)


def _of_allowed(result: SetResult) -> str:
    if not np.isfinite(result.share):
        return "-"
    return f"{result.share:.1%}" if result.share < 10 else f"{result.share:,.0f} {TIMES}"
