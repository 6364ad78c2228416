"""Running a C compiler, whichever it is: bounded in time, without input, what it says kept."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from ....errors import InputError

PATIENCE_S = 600


def first_error(said: str) -> str:
    """The first line of what a compiler said that tells of an error, else the first at all."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line]
    return (errors or lines or ["it said nothing"])[0]


def run_compiler(command: Sequence[str], name: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the compiler that messages call `name`.

    Raises:
        InputError: it cannot be started, or does not end.
    """
    try:
        return subprocess.run(  # noqa: S603 - the user's own compiler, asked for by the user
            list(command),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"the compiler {name} does not run: {error}") from error
