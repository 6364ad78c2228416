"""The targets that can be written and run on this machine."""

from __future__ import annotations

import importlib.util
import sys

from lstm_export import targets


def _works(name: str) -> bool:
    if name == "torchscript":
        return sys.version_info < (3, 14)
    target = targets.get(name)
    if isinstance(target, targets.MayNotExport):
        return not target.cannot_export() and importlib.util.find_spec(target.needs) is not None
    return True


TARGETS_HERE = [name for name in targets.names() if _works(name)]
