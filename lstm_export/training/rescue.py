"""The best epoch written before it is judged, which may take longer than torchrun waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..chains import Checkpoint, write_checkpoint
from .fitting import Fitted
from .ranks import Ranks
from .unfinished import UNFINISHED


def rescue(fitted: Fitted, facts: Mapping[str, Any], path: Path) -> None:
    """Write what an interrupted run of several processes has reached; by the first of them.

    The checkpoint lacks what judging adds: errors, intervals and windows of the table.

    Raises:
        InputError: it cannot be written.
    """
    ranks = Ranks.here()
    if not fitted.is_interrupted or ranks.size == 1 or ranks.rank:
        return
    trained = fitted.best
    told = {
        **facts,
        "metrics": [],
        "history": [asdict(epoch) for epoch in trained.history],
        "best_epoch": trained.best_epoch,
        "interrupted": True,
        "warnings": list(fitted.warnings),
    }
    more = {UNFINISHED: fitted.unfinished} if fitted.unfinished else {}
    write_checkpoint(path, Checkpoint(fitted.model, None, told), more)
