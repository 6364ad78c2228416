"""Every model of a fleet packaged: read or trained, exported, verified, one bundle each."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from .. import pipeline
from ..bench.machine import machine
from ..chains import Checkpoint
from ..files import check_folder, check_output, sha256_of
from ..verification.page import PACKAGES
from ..verification.subject import read
from .entry import Entry, check_names_differ
from .fleet_report import REPORT, FleetReport, read_report, write_report
from .outcome import Judged, Outcome, latest_metrics
from .tasks import HERE, Progress, Sharing, outcomes

_SAVE_EVERY_S = 10.0  # the report, so that a process that is killed loses no more
NOT_YET = "the run ended before it; start the same command again, which goes on there"


@dataclass(frozen=True)
class _Packaging:
    """A task: a model, the folder, and what an earlier run made of it."""

    entry: Entry
    folder: Path
    known: Outcome | None

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def place(self) -> str:
        return self.entry.place

    def done(self) -> Outcome:
        entry = self.entry
        input_sha256 = entry.input_sha256()
        if self.known and self._is_made_of(self.known, input_sha256):
            return replace(self.known, unchanged=True)
        path = self.folder / entry.file
        checkpoint = _checkpoint(entry)
        reports = pipeline.package(
            checkpoint,
            path,
            entry.target_names,
            mode=entry.mode,
            lengths=entry.lengths,
            options=entry.options,
        )
        data = path.read_bytes()
        return Outcome(
            name=entry.name,
            path=entry.file,
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            input_sha256=input_sha256 if entry.is_told_by_files else "",
            artifacts=tuple(map(Judged.of, reports)),
            metrics=latest_metrics(checkpoint.facts),
            warnings=(*checkpoint.warnings, *_told_by_training(entry, checkpoint)),
        )

    def _is_made_of(self, known: Outcome, input_sha256: str) -> bool:
        """Whether an earlier run's bundle is there as it was, and was made of the same."""
        path = self.folder / self.entry.file
        if not known.ok or known.input_sha256 != input_sha256 or not path.is_file():
            return False
        return sha256_of(path, "a bundle") == known.sha256


class _Ledger:
    """What is known of the models so far, which is in the folder however a run ends."""

    def __init__(self, entries: Sequence[Entry], path: Path, sharing: Sharing) -> None:
        self.outcomes = read_report(path).by_name if path.exists() else {}
        self._entries = entries
        self._path = path
        self._sharing = sharing
        self._start = time.perf_counter()
        self._saved = self._start

    def add(self, outcome: Outcome) -> None:
        self.outcomes[outcome.name] = outcome
        if time.perf_counter() - self._saved > _SAVE_EVERY_S:
            self.save()

    def save(self) -> FleetReport:
        """Write the report; a model that was not come to is in it as an earlier run left it, and
        as failed where there was none."""
        known = tuple(
            self.outcomes.get(entry.name) or Outcome(entry.name, NOT_YET, path=entry.file)
            for entry in self._entries
        )
        self._saved = time.perf_counter()
        seconds = self._saved - self._start
        report = FleetReport(known, machine(*PACKAGES), self._sharing, seconds)
        write_report(self._path, report)
        return report


def package_fleet(
    entries: Sequence[Entry],
    folder: Path,
    sharing: Sharing = HERE,
    progress: Progress | None = None,
) -> FleetReport:
    """Package every model into `folder`, which is made where it is missing, and write the report.

    A model whose files, options and bundle are those of the report in the folder is left as it is.
    What was done is kept where the run is interrupted: the next one goes on from there.

    Args:
        entries: the models.
        folder: where the bundles go, and the report.
        sharing: which processes share the work.
        progress: called once a model.

    Raises:
        InputError: two names are one file, or the folder cannot be written.
        MissingDependency: the engine of `sharing` is not installed.
    """
    check_names_differ(entries)
    _make_folder(folder)
    ledger = _Ledger(entries, folder / REPORT, sharing)
    tasks = [_Packaging(entry, folder, ledger.outcomes.get(entry.name)) for entry in entries]
    try:
        for outcome in outcomes(tasks, sharing):
            ledger.add(outcome)
            if progress:
                progress(outcome, len(tasks))
    finally:
        report = ledger.save()
    return report


def _make_folder(folder: Path) -> None:
    """Make it, once it is known that it can be written.

    Raises:
        InputError: it cannot.
    """
    check_folder(folder, "the bundles")
    folder.mkdir(exist_ok=True)
    check_output(folder / REPORT)


def _checkpoint(entry: Entry) -> Checkpoint:
    """The model as `train` writes it and `package` reads it."""
    if entry.training is None:
        return read(entry.source, entry.reading)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        pipeline.train(entry.source, path, entry.training, search=entry.search)
        return read(path)


def _told_by_training(entry: Entry, checkpoint: Checkpoint) -> tuple[str, ...]:
    return () if entry.training is None else tuple(checkpoint.facts["warnings"])
