"""The page's charts as SVG. Widths are percentages, so that they fit any window; colours are the page's classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .along_time import AlongTime
from .markup import Markup, element, joined
from .report import SetResult

TIMES = "\N{MULTIPLICATION SIGN}"
SMALLEST = 1e-9  # errors below are drawn there: a hundredth of float32's own resolution


@dataclass(frozen=True)
class LogAxis:
    """Decades from `low` to `high`, as percentages of the width or height that is left beside `start` and `end`.

    Attributes:
        low, high: exponents of ten.
        start, end: percentages where they lie.
    """

    low: int
    high: int
    start: float = 2.0
    end: float = 98.0

    @classmethod
    def of(cls, values: Sequence[float], start: float = 2.0, end: float = 98.0) -> LogAxis:
        """Whole decades around the finite values."""
        finite = [max(value, SMALLEST) for value in values if np.isfinite(value)] or [1.0]
        low, high = int(np.floor(np.log10(min(finite)))), int(np.ceil(np.log10(max(finite))))
        return cls(low, max(high, low + 1), start, end)

    def at(self, value: float) -> float:
        """The percentage of a value; one that is no number lies at the far end."""
        exponent = np.log10(np.clip(value, 10.0**self.low, 10.0**self.high)) if np.isfinite(value) else self.high
        return float(self.start + (exponent - self.low) / (self.high - self.low) * (self.end - self.start))

    def ticks(self, most: int = 8) -> list[int]:
        """Exponents to label."""
        return list(range(self.low, self.high + 1, -(-(self.high - self.low) // most)))


def sets_chart(sets: Sequence[SetResult]) -> Markup:
    """One row a golden set: the allowed range as a bar, the errors as dots on it or beyond it."""
    values = [value for result in sets for value in (result.error, result.reference_error, result.bound) if value]
    axis = LogAxis.of([value for value in values if value is not None])
    rows = [
        element("div", element("span", _label(result), class_="label"), _track(result, axis), class_="row")
        for result in sets
    ]
    scale = element("div", element("span", class_="label"), _scale(axis), class_="row scale")
    return element("div", *rows, scale, class_="sets", role="img", aria_label="errors against what is allowed, by set")


def _label(result: SetResult) -> Markup:
    return joined(element("b", result.name), element("small", shape(result)))


def shape(result: SetResult) -> str:
    """Batch and steps."""
    return f" {TIMES} ".join(map(str, result.shape[:2]))


def _track(result: SetResult, axis: LogAxis) -> Markup:
    judged = result.verdict != "cannot be judged"
    bound = axis.at(result.bound)
    parts = [_grid(axis), _rect(axis.start, bound, "allowed" if judged else "open")]
    parts.append(element("line", x1=_percent(bound), x2=_percent(bound), y1="15%", y2="85%", class_="bound"))
    kind = "good" if result.verdict == "passed" else "bad" if judged else "open"
    parts.append(_dot(axis.at(result.error), kind, "artifact", result.error))
    if result.reference_error is not None:  # a ring, so that one dot does not hide the other
        parts.append(_dot(axis.at(result.reference_error), "pytorch", "PyTorch", result.reference_error))
    return element("svg", *parts, width="100%", height="26", class_="track")


def _grid(axis: LogAxis) -> Markup:
    places = (_percent(axis.at(10.0**exponent)) for exponent in axis.ticks())
    return joined(*(element("line", x1=place, x2=place, y1="0", y2="100%", class_="grid") for place in places))


def _rect(start: float, end: float, kind: str) -> Markup:
    return element("rect", x=_percent(start), y="30%", width=_percent(end - start), height="40%", rx="3", class_=kind)


def _dot(place: float, kind: str, whose: str, value: float) -> Markup:
    title = element("title", f"{whose}: {value:.2e}")
    radius = 8 if kind == "pytorch" else 5
    return element("circle", title, cx=_percent(place), cy="50%", r=radius, class_=f"dot {kind}")


def _scale(axis: LogAxis) -> Markup:
    marks = (
        element("text", power(exponent), x=_percent(axis.at(10.0**exponent)), y="14", text_anchor="middle")
        for exponent in axis.ticks(5)
    )
    return element("svg", *marks, width="100%", height="20", class_="axis")


def power(exponent: int) -> str:
    """`10⁻⁷`."""
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def time_chart(curve: AlongTime) -> Markup:
    """Error and bound over steps. Where there was no answer a dot lies at the top edge."""
    up = LogAxis.of([*curve.error, *curve.bound], start=94.0, end=6.0)
    places = [_across(step, curve.steps) for step in curve.steps]
    bounds = [up.at(value) for value in curve.bound]
    errors = [up.at(value) for value in curve.error]
    lines = element(
        "svg",
        element("polygon", points=_points([*places, places[-1], places[0]], [*bounds, 100, 100]), class_="allowed"),
        element("polyline", points=_points(places, bounds), class_="bound"),
        element("polyline", points=_points(places, errors), class_="error"),
        viewBox="0 0 100 100",
        preserveAspectRatio="none",
        width="100%",
        height="100%",
    )
    grid = (
        element("line", x1="0", x2="100%", y1=place, y2=place, class_="grid")
        for place in (_percent(up.at(10.0**exponent)) for exponent in up.ticks(6))
    )
    dots = (
        _dot_at(place, height, value, bound, step)
        for place, height, value, bound, step in zip(places, errors, curve.error, curve.bound, curve.steps, strict=True)
    )
    plot = element("svg", *grid, lines, *(dots if len(places) <= 80 else ()), width="100%", height="240", class_="time")
    left = (element("span", power(exponent), style=f"top:{up.at(10.0**exponent):.2f}%") for exponent in up.ticks(6))
    below = (element("span", str(step), style=f"left:{_across(step, curve.steps):.2f}%") for step in _few(curve.steps))
    return element(
        "div",
        element("div", *left, class_="y-axis"),
        element("div", plot, element("div", *below, class_="x-axis"), class_="plot"),
        class_="along",
        role="img",
        aria_label="error along time, against what is allowed",
    )


def _dot_at(place: float, height: float, value: float, bound: float, step: int) -> Markup:
    title = element("title", f"step {step}: {value:.2e}, allowed {bound:.2e}")
    kind = "good" if value <= bound else "bad"
    return element("circle", title, cx=_percent(place), cy=_percent(height), r="3.5", class_=f"dot {kind}")


def _across(step: int, steps: Sequence[int]) -> float:
    return 2 + 96 * (step - steps[0]) / max(steps[-1] - steps[0], 1)


def _few(steps: Sequence[int], most: int = 8) -> list[int]:
    """First, last and some steps between."""
    return sorted({steps[round(index)] for index in np.linspace(0, len(steps) - 1, min(most, len(steps)))})


def _points(across: Sequence[float], down: Sequence[float]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in zip(across, down, strict=True))


def _percent(value: float) -> str:
    return f"{value:.2f}%"
