"""A script's block of a page: from `<!-- NAME, by SCRIPT -->` to `<!-- end of NAME -->`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path


def write_block(page: Path, name: str, lines: Iterable[str]) -> None:
    """Put the lines into the page's block."""
    first_mark = rf"<!-- {re.escape(name)}, by \S+ -->\n"
    last_mark = rf"<!-- end of {re.escape(name)} -->"
    block = re.compile(f"({first_mark}).*?({last_mark})", re.DOTALL)
    inner = "".join(f"{line}\n" for line in lines)
    text = page.read_text(encoding="utf-8")
    text, count = block.subn(lambda found: f"{found[1]}{inner}{found[2]}", text)
    if count != 1:
        place = f"<!-- {name}, by SCRIPT --> to <!-- end of {name} -->"
        sys.exit(f"{page} has {count} blocks {place}, not 1")
    page.write_text(text, encoding="utf-8")
