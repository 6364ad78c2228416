"""Charts with two linear axes: lines, a band, bars and dots."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .linear_axis import LinearAxis
from .markup import Markup, element, percent

MARKS = 5


def plain(value: float) -> str:
    """A number beside an axis.

    >>> plain(1500.0), plain(0.25)
    ('1,500', '0.25')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


@dataclass(frozen=True)
class Plot:
    """Two axes, and the shapes drawn between them.

    Attributes:
        across: from left to right.
        up: from the bottom to the top.
        label: what goes across, below it.
        said: what the chart shows, for those who do not see it.
        text: how a mark of `across` is written.
        marks: the values that are marked on `across`; round ones by default.
    """

    across: LinearAxis
    up: LinearAxis
    label: str
    said: str
    text: Callable[[float], str] = plain
    marks: Sequence[float] | None = None

    def line(self, x: Sequence[float], y: Sequence[float], kind: str) -> Markup:
        """A line through points; `kind` is its class."""
        return self._stretched(element("polyline", points=self._points(x, y), class_=kind))

    def band(self, x: Sequence[float], low: Sequence[float], high: Sequence[float]) -> Markup:
        """The area between two lines."""
        points = self._points([*x, *reversed(x)], [*low, *reversed(high)])
        return self._stretched(element("polygon", points=points, class_="allowed"))

    def bars(self, edges: Sequence[float], heights: Sequence[float]) -> Markup:
        """A bar between every two edges, from zero up."""
        floor = self.up.at(0.0)
        shapes = []
        for left, right, height in zip(edges, edges[1:], heights, strict=False):
            x = self.across.at(left)
            y = self.up.at(height)
            wide = max(self.across.at(right) - x - 0.3, 0.1)  # a gap between bars, in percent
            shapes.append(element("rect", x=x, y=y, width=wide, height=floor - y, class_="series0"))
        return self._stretched(*shapes)

    def dots(self, x: Sequence[float], y: Sequence[float]) -> Markup:
        """A dot a point."""
        shapes = []
        for right, high in zip(x, y, strict=True):
            cx = percent(self.across.at(right))
            cy = percent(self.up.at(high))
            shapes.append(element("circle", cx=cx, cy=cy, r="2.5", class_="point"))
        return element("g", *shapes)

    def drawn(self, *shapes: Markup) -> Markup:
        """The chart."""
        grid = [self._grid_line(value) for value in self.up.marks(MARKS)]
        left = [
            element("span", plain(value), style=f"top:{percent(self.up.at(value))}")
            for value in self.up.marks(MARKS)
        ]
        marks = self.across.marks(MARKS) if self.marks is None else self.marks
        below = [
            element("span", self.text(value), style=f"left:{percent(self.across.at(value))}")
            for value in marks
        ]
        plot = element("svg", *grid, *shapes, width="100%", height="240", class_="time")
        x_axis = element("div", *below, class_="x-axis", data_label=self.label)
        return element(
            "div",
            element("div", *left, class_="y-axis wide"),
            element("div", plot, x_axis, class_="plot"),
            class_="along",
            role="img",
            aria_label=self.said,
        )

    def _grid_line(self, value: float) -> Markup:
        y = percent(self.up.at(value))
        return element("line", x1="0", x2="100%", y1=y, y2=y, class_="grid")

    def _points(self, x: Sequence[float], y: Sequence[float]) -> str:
        pairs = zip(x, y, strict=True)
        return " ".join(f"{self.across.at(a):.2f},{self.up.at(b):.2f}" for a, b in pairs)

    def _stretched(self, *shapes: Markup) -> Markup:
        return element(
            "svg",
            *shapes,
            viewBox="0 0 100 100",
            preserveAspectRatio="none",
            width="100%",
            height="100%",
        )


def legend(names: Mapping[str, str]) -> Markup:
    """What each line is: names by the classes of the lines."""
    items = [
        element("li", element("i", class_=f"key {kind}"), name) for kind, name in names.items()
    ]
    return element("ul", *items, class_="legend")
