"""Write docs/refused_checkpoints.md: each bad file of the tests is made and read.

python -m scripts.docs.make_refused
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from lstm_export.errors import LstmExportError
from lstm_export.reading import read_contents
from tests.kit.bad_files import CASES
from tests.kit.refused_page import PAGE, page


def sentence(what: str) -> str:
    """What reading a file of this kind says, without its path."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        path.write_bytes(CASES[what][0]())
        try:
            read_contents(path)
        except LstmExportError as error:
            return str(error).removeprefix(f"{path}: ")
    raise SystemExit(f"a file that is {what} was read, and should be refused")


def main() -> None:
    """Read all of them, and write the page."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    PAGE.write_text(page(sentence), encoding="utf-8")


if __name__ == "__main__":
    main()
