"""Pages for people: one HTML file each, in which everything stands and which fetches nothing."""

from .frame import framed
from .log_axis import LogAxis, power
from .markup import Markup, bullets, element, facts, joined, number, percent, section, table

__all__ = [
    "LogAxis",
    "Markup",
    "bullets",
    "element",
    "facts",
    "framed",
    "joined",
    "number",
    "percent",
    "power",
    "section",
    "table",
]
