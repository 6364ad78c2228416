"""The process behind an IsolatedRunner: opens the file, which is its first question, and answers.

Run as `python -m lstm_export.verification.isolated_child TARGET`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping

import numpy as np

from ..child_process import limit_memory, packed, serve, unpacked
from ..model import Array, Runner
from ..model.runner import takes_lengths
from ..targets import ArtifactRunner
from .artifact import ArtifactFile


def _open_up() -> tuple[bytes, Callable[[bytes], bytes]]:
    limit_memory()
    opened: ArtifactRunner | None = None

    def answer(question: bytes) -> bytes:
        nonlocal opened
        if opened is None:
            file = ArtifactFile("the file", sys.argv[1], question, is_any_form=True)
            opened = file.runner()
            record = opened.signature.to_record()
            takes = takes_lengths(opened)
            return json.dumps({"signature": record, "takes_lengths": takes}).encode()
        return packed({"y": _answer(opened, unpacked(question))})

    return b"ready", answer


def _answer(runner: Runner, asked: Mapping[str, Array]) -> Array:
    if "lengths" in asked and takes_lengths(runner):
        return runner(asked["x"], asked["lengths"])
    return np.asarray(runner(asked["x"]))


if __name__ == "__main__":
    serve(_open_up)
