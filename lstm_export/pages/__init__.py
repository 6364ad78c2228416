"""Pages for people: one HTML file each, in which everything stands and which fetches nothing."""

from .chart import Plot, legend, plain
from .frame import framed
from .linear_axis import LinearAxis
from .log_axis import LogAxis, power
from .markup import Markup, bullets, element, facts, joined, number, percent, row, section, table

__all__ = [
    "LinearAxis",
    "LogAxis",
    "Markup",
    "Plot",
    "bullets",
    "element",
    "facts",
    "framed",
    "joined",
    "legend",
    "number",
    "percent",
    "plain",
    "power",
    "row",
    "section",
    "table",
]
