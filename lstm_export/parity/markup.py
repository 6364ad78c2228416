"""HTML and SVG out of Python calls, in which every text is escaped unless it is markup already."""

from __future__ import annotations

from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str | float) -> Markup:
    """`<tag attributes>children</tag>`. A trailing `_` of an attribute's name is dropped, other `_` become `-`.

    >>> element("p", "a < b", element("b", "c"), class_="note")
    '<p class="note">a &lt; b<b>c</b></p>'
    """
    named = "".join(
        f' {name.removesuffix("_").replace("_", "-")}="{escape(_text(value))}"' for name, value in attributes.items()
    )
    return Markup(f"<{tag}{named}>{joined(*children)}</{tag}>")


def joined(*children: str) -> Markup:
    """Pieces one after another, those that are plain text escaped."""
    return Markup("".join(child if isinstance(child, Markup) else escape(child, quote=False) for child in children))


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
