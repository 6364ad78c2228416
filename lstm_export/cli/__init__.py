"""The command line: parse, one call into the library, print, exit code.

Exit codes: 0 good; 1 the check failed or the input was refused (one line on stderr); 2 wrong
usage; 130 interrupted; 143 terminated.
"""

import os
import sys
from pathlib import Path

from .app import app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line; a closed standard output is one that nobody reads."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end
    app()
