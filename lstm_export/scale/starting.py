"""An engine that does not start, or is not found, told in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import MissingDependency, printable

_LONGEST_REASON = 300


@contextmanager
def starting(engine: str, next_step: str) -> Iterator[None]:
    """Around what starts an engine, whose exceptions differ between versions.

    Raises:
        MissingDependency: it does not start; with the first line of what it says.
    """
    try:
        yield
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        reason = printable(lines[0], _LONGEST_REASON)
        raise MissingDependency(f"{engine} does not start here ({reason}); {next_step}") from error
