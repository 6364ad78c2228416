"""How a model came to be, for its checkpoint."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..files import sha256_of
from ..series import LargeTable, RowSource
from ..version import __version__
from .options import TrainingOptions


def facts_of(table: RowSource, options: TrainingOptions) -> dict[str, Any]:
    """Seed, the file and its sha256, options, versions; JSON-ready."""
    import torch

    data: dict[str, Any] = {"rows": len(table)}
    if table.path:
        data["file"] = table.path.name
        files = table.files if isinstance(table, LargeTable) else (table.path,)
        data["sha256"] = _digest(files)
    versions = {
        "lstm_export": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": str(torch.__version__),
    }
    return {
        "seed": options.seed,
        "data": data,
        "options": options.to_record(),
        "versions": versions,
    }


def _digest(files: Sequence[Path]) -> str:
    """The sha256 of a file; of several that of their digests, one after the other."""
    digests = [sha256_of(path, "a table") for path in files]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(digests).encode()).hexdigest()
