"""The chart of the golden sets: what is allowed as a bar, the errors as dots on or beyond it."""

from __future__ import annotations

from collections.abc import Sequence

from ...pages import LogAxis, Markup, element, joined, percent, power
from ..set_result import SetResult

TIMES = "\N{MULTIPLICATION SIGN}"
# The class of what has a verdict, which gives it its colour.
CLASSES = {"passed": "good", "failed": "bad", "cannot be judged": "open"}


def sets_chart(sets: Sequence[SetResult]) -> Markup:
    """A row for each golden set."""
    values: list[float] = []
    for result in sets:
        numbers = (result.error, result.reference_error, result.bound)
        values += [value for value in numbers if value]
    axis = LogAxis.of(values)
    rows = [_row(result, axis) for result in sets]
    scale = element("div", element("span", class_="label"), _scale(axis), class_="row scale")
    label = "errors against what is allowed, by set"
    return element("div", *rows, scale, class_="sets", role="img", aria_label=label)


def _row(result: SetResult, axis: LogAxis) -> Markup:
    name = joined(element("b", result.name), element("small", shape(result)))
    label = element("span", name, class_="label")
    return element("div", label, _track(result, axis), class_="row")


def shape(result: SetResult) -> str:
    """Batch and steps."""
    batch, seq, _ = result.shape
    return f"{batch} {TIMES} {seq}"


def _track(result: SetResult, axis: LogAxis) -> Markup:
    bound = axis.at(result.bound)
    kind = CLASSES[result.verdict]
    parts = [_grid_line(place) for _, place in axis.marks()]
    parts.append(_bar(axis.start, bound, "allowed" if result.is_judged else "open"))
    edge = percent(bound)
    parts.append(element("line", x1=edge, x2=edge, y1="15%", y2="85%", class_="bound"))
    parts.append(_dot(axis.at(result.error), kind, f"artifact: {result.error:.2e}", radius=5))
    if result.reference_error is not None:
        title = f"PyTorch: {result.reference_error:.2e}"
        place = axis.at(result.reference_error)
        parts.append(_dot(place, "pytorch", title, radius=8))  # a ring around the other dot
    return element("svg", *parts, width="100%", height="26", class_="track")


def _grid_line(place: float) -> Markup:
    x = percent(place)
    return element("line", x1=x, x2=x, y1="0", y2="100%", class_="grid")


def _bar(start: float, end: float, kind: str) -> Markup:
    x = percent(start)
    width = percent(end - start)
    return element("rect", x=x, y="30%", width=width, height="40%", rx="3", class_=kind)


def _dot(place: float, kind: str, title: str, radius: int) -> Markup:
    text = element("title", title)
    return element("circle", text, cx=percent(place), cy="50%", r=radius, class_=f"dot {kind}")


def _scale(axis: LogAxis) -> Markup:
    marks = []
    for exponent, place in axis.marks(5):
        x = percent(place)
        marks.append(element("text", power(exponent), x=x, y="14", text_anchor="middle"))
    return element("svg", *marks, width="100%", height="20", class_="axis")
