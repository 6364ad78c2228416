"""What runs JavaScript here, and packages that scripts/install_web_engines.sh puts into .npm."""

from __future__ import annotations

import shutil
from pathlib import Path

PACKAGES = Path(__file__).resolve().parents[2] / ".npm" / "node_modules"
NOT_INSTALLED = "run scripts/install_web_engines.sh"


def commands() -> dict[str, list[str] | None]:
    """How each engine runs a script; None where it is not installed."""
    node = shutil.which("node")
    deno = _program("@deno/*/deno*")
    bun = _program("@oven/*/bin/bun*")
    return {
        "node": [node] if node else None,
        "deno": [deno, "run", "--allow-read", "--allow-write"] if deno else None,
        "bun": [bun] if bun else None,
    }


def _program(pattern: str) -> str | None:
    """The program of an installed package, whichever system it is for."""
    found = sorted(PACKAGES.glob(pattern))
    return str(found[0]) if found else None
