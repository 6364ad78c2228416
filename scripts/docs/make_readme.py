"""Fill the README and the pages in docs with real output: run every command that they show, in order.

    python -m scripts.docs.make_readme                     README.md, run in one fresh folder, and docs/house.md
    python -m scripts.docs.make_readme docs/benchmarks.md  that page, its commands run in this clone: minutes

tests/kit/pages.py says how a page marks what is run.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.kit.pages import HOUSE, README, filled, filled_here


def main() -> None:
    """Rewrite the README and the house, or the pages that are named."""
    for page in [Path(name) for name in sys.argv[1:]] or [HOUSE]:
        page.write_text(filled_here(page.read_text(encoding="utf-8")), encoding="utf-8")
    if len(sys.argv) == 1:
        README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
