"""What each chain of the study gave, as lines of JSON: a stopped run goes on where it was."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def run(path: Path, judge: Callable[[int], Record], count: int, jobs: int) -> list[Record]:
    """The records of chains 0 to `count` in `path`; those that are missing are computed now and
    added as they come.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    done = {record["index"]: record for record in map(json.loads, _lines(path))}
    missing = [index for index in range(count) if index not in done]
    with path.open("a", encoding="utf-8") as file:
        for record in _computed(judge, missing, jobs):
            file.write(json.dumps(record) + "\n")
            file.flush()
            done[record["index"]] = record
            if sys.stderr.isatty():
                print(f"\r{path.stem}: {len(done)} of {count}", end="", file=sys.stderr)
    return [done[index] for index in sorted(done) if index < count]


def _lines(path: Path) -> list[str]:
    """The whole lines of a file: the last one may have been cut."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if text and not text.endswith("\n"):
        text = text[: text.rfind("\n") + 1]
        path.write_text(text, encoding="utf-8")
    return text.splitlines()


def _computed(judge: Callable[[int], Record], indices: list[int], jobs: int) -> Iterator[Record]:
    if jobs == 1:
        yield from map(judge, indices)
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(judge, indices)
