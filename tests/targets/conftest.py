"""One cache of compiled C for all tests of targets."""

from __future__ import annotations

import os
from collections.abc import Iterator

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
