"""The chart of error and bound over steps. Where there was no answer a dot lies at the top edge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...pages import LogAxis, Markup, element, percent, power
from ..along_time import AlongTime

MOST_DOTS = 80
MARKS = 6


def time_chart(curve: AlongTime) -> Markup:
    """Steps go across, errors and what is allowed up."""
    up = LogAxis.of([*curve.error, *curve.bound], start=94.0, end=6.0)
    plot = element("svg", *_plot(curve, up), width="100%", height="240", class_="time")
    left = [
        element("span", power(exponent), style=f"top:{place:.2f}%")
        for exponent, place in up.marks(MARKS)
    ]
    below = [
        element("span", str(step), style=f"left:{_across(step, curve.steps):.2f}%")
        for step in _few(curve.steps)
    ]
    x_axis = element("div", *below, class_="x-axis", data_label="steps")
    return element(
        "div",
        element("div", *left, class_="y-axis"),
        element("div", plot, x_axis, class_="plot"),
        class_="along",
        role="img",
        aria_label="error along time, against what is allowed",
    )


def _plot(curve: AlongTime, up: LogAxis) -> list[Markup]:
    parts = []
    for _, place in up.marks(MARKS):
        y = percent(place)
        parts.append(element("line", x1="0", x2="100%", y1=y, y2=y, class_="grid"))
    parts.append(_lines(curve, up))
    if len(curve.steps) <= MOST_DOTS:
        parts += [_dot(curve, up, index) for index in range(len(curve.steps))]
    return parts


def _lines(curve: AlongTime, up: LogAxis) -> Markup:
    places = [_across(step, curve.steps) for step in curve.steps]
    bounds = [up.at(value) for value in curve.bound]
    errors = [up.at(value) for value in curve.error]
    corners = [places[-1], places[0]]  # the area goes on along the lower edge, back to its start
    area = _points([*places, *corners], [*bounds, 100, 100])
    return element(
        "svg",
        element("polygon", points=area, class_="allowed"),
        element("polyline", points=_points(places, bounds), class_="bound"),
        element("polyline", points=_points(places, errors), class_="error"),
        viewBox="0 0 100 100",
        preserveAspectRatio="none",
        width="100%",
        height="100%",
    )


def _dot(curve: AlongTime, up: LogAxis, index: int) -> Markup:
    step = curve.steps[index]
    error = curve.error[index]
    bound = curve.bound[index]
    title = element("title", f"step {step}: {error:.2e}, allowed {bound:.2e}")
    kind = "good" if error <= bound else "bad"
    x = percent(_across(step, curve.steps))
    y = percent(up.at(error))
    return element("circle", title, cx=x, cy=y, r="3.5", class_=f"dot {kind}")


def _across(step: int, steps: Sequence[int]) -> float:
    """The place of a step in percent, with 2 % left free at both edges."""
    span = max(steps[-1] - steps[0], 1)
    return 2 + 96 * (step - steps[0]) / span


def _few(steps: Sequence[int], most: int = 8) -> list[int]:
    """First, last and some steps between."""
    count = min(most, len(steps))
    indices = np.linspace(0, len(steps) - 1, count)
    return sorted({steps[round(index)] for index in indices})


def _points(across: Sequence[float], down: Sequence[float]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in zip(across, down, strict=True))
