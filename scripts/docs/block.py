"""A script's block of a page: what stands between `<!-- NAME -->` and `<!-- end of NAME -->`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path


def write_block(page: Path, name: str, lines: Iterable[str]) -> None:
    """Put the lines into the page's block; its first mark may name the script that writes it."""
    first_mark = rf"<!-- {re.escape(name)}(?:, by \S+)? -->\n"
    last_mark = rf"<!-- end of {re.escape(name)} -->"
    block = re.compile(f"({first_mark}).*?({last_mark})", re.DOTALL)
    inner = "".join(f"{line}\n" for line in lines)
    text = page.read_text(encoding="utf-8")
    text, count = block.subn(lambda found: f"{found[1]}{inner}{found[2]}", text)
    if count != 1:
        sys.exit(f"{page} has {count} blocks <!-- {name} --> to <!-- end of {name} -->, not 1")
    page.write_text(text, encoding="utf-8")
