"""HTML and SVG out of Python calls, in which every text is escaped unless it is markup already."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape

_DIGEST = re.compile("[0-9a-f]{64}")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str | float) -> Markup:
    """`<tag attributes>children</tag>`.

    A trailing `_` of an attribute's name is dropped, other `_` become `-`.

    >>> element("p", "a < b", element("b", "c"), class_="note")
    '<p class="note">a &lt; b<b>c</b></p>'
    """
    named = ""
    for key, value in attributes.items():
        name = key.removesuffix("_").replace("_", "-")
        named += f' {name}="{escape(_text(value))}"'
    return Markup(f"<{tag}{named}>{joined(*children)}</{tag}>")


def joined(*children: str) -> Markup:
    """Pieces one after another, those that are plain text escaped."""
    pieces = []
    for child in children:
        pieces.append(child if isinstance(child, Markup) else escape(child, quote=False))
    return Markup("".join(pieces))


def section(heading: str, *children: Markup) -> Markup:
    """A part of the page under its heading."""
    return element("section", element("h3", heading), *children)


def bullets(items: Iterable[str]) -> Markup:
    """A list."""
    return element("ul", *(element("li", item) for item in items))


def table(heads: Iterable[str], rows: Iterable[Markup]) -> Markup:
    """A table, scrolled sideways where it is wider than the window."""
    head = element("tr", *(element("th", text) for text in heads))
    whole = element("table", element("thead", head), element("tbody", *rows))
    return element("div", whole, class_="scroll")


def row(*cells: str, **attributes: str | float) -> Markup:
    """A row of a table; plain text becomes a cell.

    >>> row("rmse", number("0.5"))
    '<tr><td>rmse</td><td class="number">0.5</td></tr>'
    """
    marked = [cell if isinstance(cell, Markup) else element("td", cell) for cell in cells]
    return element("tr", *marked, **attributes)


def number(text: str, *more: Markup) -> Markup:
    """A cell whose digits stand under each other."""
    return element("td", text, *more, class_="number")


def facts(heading: str, values: Mapping[str, str]) -> Markup:
    """Names and what they are, a line each; digests in small letters of one width."""
    rows = []
    for name, value in values.items():
        kind = "digest" if _DIGEST.fullmatch(value) else "fact"
        rows.append(joined(element("dt", name), element("dd", value, class_=kind)))
    return element("div", element("h4", heading), element("dl", *rows))


def percent(value: float) -> str:
    """`12.50%`."""
    return f"{value:.2f}%"


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
