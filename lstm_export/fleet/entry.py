"""A model of a fleet: what it is called, what it is made from, and how."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..bundle import Mode
from ..chains import ASSUME, ReadingOptions
from ..errors import InputError, quoted
from ..files import is_file, is_folder, sha256_of
from ..series.table_blocks import SUFFIXES
from ..training import Search, TrainingOptions
from ..version import __version__
from .outcome import SUFFIX

# A letter or a digit first: no name is hidden, or an option, or climbs out of the folder.
_NAME = re.compile(r"[^\W_][\w .,+=@()-]*")
_LONGEST_NAME = 150  # bytes; file systems take 255, and a partial file's name is longer


@dataclass(frozen=True)
class Entry:
    """One model of a fleet.

    Attributes:
        name: the bundle is called NAME.bundle.
        source: its checkpoint; with `training` the table that it is trained on.
        place: where it was named, for messages: `row 3 of fleet.csv`.
        target_names: what it is exported to.
        reading: how its checkpoint is read.
        training: how it is trained; None where it is there already.
        search: which other options training tries.
        mode: how a device is to run it.
        lengths: whether its artifacts also take the lengths of padded rows.
        options: of targets, such as `weights`.

    Raises:
        InputError: the name cannot be that of a file in a folder, on every system.
    """

    name: str
    source: Path
    place: str
    target_names: tuple[str, ...]
    reading: ReadingOptions = ASSUME
    training: TrainingOptions | None = None
    search: Search | None = None
    mode: Mode | None = None
    lengths: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or len(self.name.encode()) > _LONGEST_NAME:
            raise InputError(
                f"the name {quoted(self.name)} cannot be a bundle's: expected "
                "letters, digits, spaces and _ . , + - = @ ( ), a letter or a digit first, at most "
                f"{_LONGEST_NAME} bytes"
            )

    @property
    def file(self) -> str:
        """Its bundle in the fleet's folder."""
        return f"{self.name}{SUFFIX}"

    @property
    def is_told_by_files(self) -> bool:
        """Whether files and options decide the bundle; the code of a class shows in neither."""
        return self.reading.module is None

    def input_sha256(self) -> str:
        """The digest of everything that decides its bundle: files, options, this version.

        Raises:
            InputError: a file cannot be read.
        """
        digest = hashlib.sha256(f"{__version__}\n{self._options()!r}\n".encode())
        for path in self._files():
            digest.update(sha256_of(path, "a model or a table").encode())
        return digest.hexdigest()

    def _options(self) -> tuple[object, ...]:
        how = (self.reading, self.training, self.search)
        return (*how, self.target_names, self.mode, self.lengths, self.options)

    def _files(self) -> Iterator[Path]:
        if self.training and is_folder(self.source):
            files = self.source.iterdir()
            yield from sorted(path for path in files if path.suffix.lower() in SUFFIXES)
        else:
            yield self.source
        for given in (self.reading.reference, self.reading.data):
            if isinstance(given, Path):
                yield given
        if self.options.get("calibrate"):
            yield Path(self.options["calibrate"])
        for scaler in (self.reading.input_scaler, self.reading.output_scaler):
            path = Path(str(scaler or "").partition(":")[0])  # scalers.joblib:NAME
            if is_file(path):
                yield path


def check_names_differ(entries: Sequence[Entry]) -> None:
    """Refuse two names that are one file on some system.

    Raises:
        InputError: a name is there twice, or two differ in case alone.
    """
    seen: dict[str, Entry] = {}
    for entry in entries:
        folded = unicodedata.normalize("NFC", entry.name).casefold()
        first = seen.setdefault(folded, entry)
        if first is not entry:
            but = "" if first.name == entry.name else f", but for case {quoted(first.name)}"
            raise InputError(
                f"{entry.place}: the name {quoted(entry.name)} is that of {first.place}{but}; "
                "give each model a name of its own"
            )
