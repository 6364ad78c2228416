"""Rewrite what the pages show: tables, help texts, the navigation, what commands print.

    python -m scripts.docs.make_pages                      tables, help texts, navigation: a second
    python -m scripts.docs.make_pages --run [PAGE ...]     also what commands print: minutes
    python -m scripts.docs.make_pages --by-hand PAGE ...   also benchmarks: many minutes

tests/kit/pages.py says how a page marks what is run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.kit import page_tables, pages


def main() -> None:
    """Rewrite the pages that are named, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="*", type=Path, metavar="PAGE")
    parser.add_argument("--run", action="store_true", help="run what the pages show")
    parser.add_argument("--by-hand", action="store_true", help="run benchmarks too")
    chosen = parser.parse_args()
    add_missing_commands()
    page_tables.MKDOCS.write_text(page_tables.navigation(), encoding="utf-8")
    for page in [path.resolve() for path in chosen.pages] or pages.all_pages():
        if chosen.run or chosen.by_hand:
            rewrite(page, by_hand=chosen.by_hand)
        else:
            page.write_text(pages.with_generated_parts(page), encoding="utf-8")


def rewrite(page: Path, *, by_hand: bool) -> None:
    """Run a page, and keep it as it was if a command fails."""
    print(page.relative_to(pages.ROOT), flush=True)
    try:
        text = pages.filled(page, by_hand=by_hand)
    except pages.PageError as error:
        sys.exit(str(error))
    page.write_text(text, encoding="utf-8")


def add_missing_commands() -> None:
    """A page for every command, such as a new target's, that has none."""
    for name, what in page_tables.commands().items():
        page = page_tables.command_page(name)
        if not page.exists():
            help_block = f"<!-- help: {name} -->\n<!-- end -->\n"
            page.write_text(f"# lstm-export {name}\n\n{what}\n\n{help_block}", encoding="utf-8")


if __name__ == "__main__":
    main()
