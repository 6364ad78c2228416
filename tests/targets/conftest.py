"""One cache of compiled C for all tests of targets, and the emulated machines."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from lstm_export.targets.c.host import compiler


@pytest.fixture(scope="session", autouse=True)
def cache_of_compiled_c(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A folder of this run's own, shared by its processes: the same C is compiled once."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # each process has a folder of its own in that of all
        base = base.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(base / "cache"))
        compiler._cache.cache_clear()
        yield


@pytest.fixture(scope="session")
def emulate() -> Any:
    """tests/kit/emulate.py, which the table of docs/c_targets.md is made with, too."""
    if not shutil.which("gcc") or sys.platform == "win32":
        pytest.skip("needs gcc and a POSIX system")
    from tests.kit import emulate

    return emulate
