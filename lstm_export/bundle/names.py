"""Names that came with a stranger's file, in the form in which they may stand in a bundle's texts.

A column, a stage or an artifact can be called anything. Only a form of our own making reaches a
program or a page: nothing in it can end a comment, a table cell or a line, open a link or a tag, or
be too long to read.
"""

from __future__ import annotations

import re

from ..errors import LONGEST_QUOTED, printable

_UNSAFE = re.compile(r"[^A-Za-z0-9_ .-]+")

# What Markdown takes for more than text, and what stands for it. Brackets stay, since outputs are
# called `volume[t+1]`; a link needs them beside a parenthesis.
_MARKDOWN = {
    "<": "(",
    ">": ")",
    "\\": "/",
    "](": "] (",
    "][": "] [",
    "]:": "] :",
    "://": ": //",
}


def in_source(name: str) -> str:
    """A name as it may stand in a comment of a program: letters, digits and `_ .-` alone.

    >>> in_source("temp [°C]")
    'temp _C_'
    """
    return _UNSAFE.sub("_", name[:LONGEST_QUOTED])


def in_code(text: str, longest: int = LONGEST_QUOTED) -> str:
    """A text as it may stand between the backticks of a Markdown page: one printable line."""
    line = printable(" ".join(text.split()), longest)
    return line.replace("`", "'").replace("|", "/")


def in_page(text: str) -> str:
    """A text as it may stand in a table cell of a Markdown page: one printable line.

    >>> in_page("temp | `°C`")
    "temp / '°C'"
    """
    line = in_code(text)
    for active, plain in _MARKDOWN.items():
        line = line.replace(active, plain)
    return line
