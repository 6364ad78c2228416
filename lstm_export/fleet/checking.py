"""Every bundle of a folder verified by itself, and compared with an earlier report."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..bench.machine import machine
from ..errors import InputError
from ..files import is_folder
from ..parity import ParityReport, all_ok
from ..signing import read_public_key
from ..verification.judge import judge_file
from ..verification.opened_file import open_file
from ..verification.page import PACKAGES
from ..verification.permission import NO_PERMISSION, Permission
from .changes import changes_between
from .fleet_report import REPORT, FleetReport, read_report
from .outcome import SUFFIX, Judged, Outcome, latest_metrics
from .tasks import HERE, Progress, Sharing, outcomes


@dataclass(frozen=True)
class _Checking:
    """A task: a bundle, the user's permission, and what the earlier report says of it."""

    path: Path
    permission: Permission
    key: Path | None
    known: Outcome | None
    place: str = ""  # what is wrong with a file is said with its path

    @property
    def name(self) -> str:
        return _name(self.path)

    def done(self) -> Outcome:
        if self.known and not self.path.exists():
            raise InputError(f"{self.path} is missing; copy it again, or package the fleet again")
        opened = open_file(self.path, self.permission, self.key)
        reports = judge_file(opened, None)
        sha256 = hashlib.sha256(opened.data).hexdigest()
        facts = opened.bundle.manifest["training"] if opened.bundle else {}
        return Outcome(
            name=self.name,
            error=self._error(sha256, reports),
            path=self.path.name,
            size_bytes=len(opened.data),
            sha256=sha256,
            artifacts=tuple(map(Judged.of, reports)),
            metrics=latest_metrics(facts),
        )

    def _error(self, sha256: str, reports: Sequence[ParityReport]) -> str:
        """Why it fails; empty where it does not."""
        if not all_ok(reports):
            return _first_error(reports)
        if self.known and self.known.sha256 not in ("", sha256):
            return (
                "it is another file than that of the report, its sha256 differs; copy it again, or "
                "package the fleet again"
            )
        return ""


def verify_fleet(  # noqa: PLR0913 - where, how, and what it is compared with
    folder: Path,
    sharing: Sharing = HERE,
    *,
    permission: Permission = NO_PERMISSION,
    key: Path | None = None,
    against: Path | None = None,
    progress: Progress | None = None,
) -> FleetReport:
    """Verify every bundle of a folder, as a device does, and tell what changed.

    A bundle fails, too, where an earlier report has it and it is missing, or is another file.

    Args:
        folder: where the bundles are; nothing is written there.
        sharing: which processes share the work.
        permission: what the user said that lets code in a bundle run.
        key: the public key that must have signed every bundle.
        against: the earlier report; by default the folder's own, where it has one.
        progress: called once a bundle.

    Raises:
        InputError: there is no such folder, no bundle in it, or a report or key cannot be read.
    """
    earlier = _earlier(folder, against)
    if key:
        read_public_key(key)  # refused once, before any work
    known = earlier.by_name if earlier else {}
    paths = _bundles(folder, known)
    tasks = [_Checking(path, permission, key, known.get(_name(path))) for path in paths]
    start = time.perf_counter()
    found = {}
    for outcome in outcomes(tasks, sharing):
        found[outcome.name] = outcome
        if progress:
            progress(outcome, len(tasks))
    in_order = tuple(found[task.name] for task in tasks)
    seconds = time.perf_counter() - start
    report = FleetReport(in_order, machine(*PACKAGES), sharing, seconds)
    return replace(report, changes=changes_between(earlier, report)) if earlier else report


def _earlier(folder: Path, against: Path | None) -> FleetReport | None:
    if not is_folder(folder):
        raise InputError(f"{folder} is no folder; name one that fleet wrote bundles to")
    path = folder / REPORT
    return read_report(against or path) if against or path.exists() else None


def _bundles(folder: Path, known: Mapping[str, Outcome]) -> list[Path]:
    """Those that are there, and those that should be."""
    there = set(folder.glob(f"*{SUFFIX}"))
    expected = {folder / f"{outcome.name}{SUFFIX}" for outcome in known.values() if outcome.path}
    if not there | expected:
        raise InputError(f"{folder} holds no {SUFFIX}; name one that fleet wrote bundles to")
    return sorted(there | expected)


def _name(path: Path) -> str:
    return path.name.removesuffix(SUFFIX)


def _first_error(reports: Sequence[ParityReport]) -> str:
    """The summary of the first that failed, or why nothing was judged."""
    bad = [report for report in reports if report.was_examined and not report.ok]
    if bad:
        return bad[0].summary()
    notes = [note for report in reports for note in report.notes]
    return notes[0] if notes else "nothing of it was judged here"
