"""Pickled sessions: the path or the bytes of the file, and the digest that tells a change."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..device import Nonfinite, Session
from ..errors import InputError
from .engine import engine_of, session_of
from .opened_file import OpenedFile, bytes_of, opened_bytes
from .permission import Permission

MOST_OPEN = 16  # sessions that a process keeps for the next pickle of the same file


@dataclass(frozen=True)
class Reopening:
    """How to open the same file with the same options; called, it does so once in a process.

    No key travels: the digest is that of the bytes whose signature was checked.

    Attributes:
        path: the file or the folder, absolute; what messages call it where its bytes are carried.
        sha256: of the bytes that were opened.
        engine: which target of a bundle is run.
        providers: execution providers of ONNX Runtime in order of preference.
        nonfinite: what happens to rows that hold NaN or infinity.
        trust: whether code that is in the file is run.
        data: the bytes, where they are carried.
    """

    path: Path
    sha256: str
    engine: str | None
    providers: tuple[str, ...]
    nonfinite: Nonfinite
    trust: bool
    data: bytes | None = field(default=None, compare=False, repr=False)

    def __call__(self) -> Session:
        """The session, opened once in a process, and anew in one that was forked.

        Raises:
            InputError: the file is not here, or has changed.
            LstmExportError: it cannot be opened here.
        """
        return _opened(self, os.getpid())

    @property
    def identity(self) -> Mapping[str, Any]:
        """Everything that the answers depend on, except the input."""
        return {
            "sha256": self.sha256,
            "engine": self.engine,
            "providers": list(self.providers),
            "nonfinite": self.nonfinite,
        }

    def session(self, opened: OpenedFile) -> Session:
        """A session on the opened file, which comes back here wherever it is unpickled."""
        return session_of(opened, self.engine, self.providers, self.nonfinite, self)

    def read(self) -> bytes:
        """The file's bytes, which are those that were opened first.

        Raises:
            InputError: they cannot be read here, or have changed.
        """
        if self.data is None:
            data, _ = bytes_of(self.path)
        else:
            data = self.data
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 != self.sha256:
            raise InputError(
                f"{self.path} is not the file that the session was opened from: its sha256 is "
                f"{sha256}, expected {self.sha256}; copy it again, or load it anew"
            )
        return data


def travelling_session(  # noqa: PLR0913, PLR0917 - what a session is opened with
    opened: OpenedFile,
    engine: str | None,
    providers: tuple[str, ...],
    nonfinite: Nonfinite,
    trust: bool,
    carry: bool,
) -> Session:
    """A session on an opened file that can be pickled; `carry` puts the file's bytes into it."""
    reopening = Reopening(
        opened.path.absolute(),
        hashlib.sha256(opened.data).hexdigest(),
        engine_of(opened, engine, providers),
        providers,
        nonfinite,
        trust,
        opened.data if carry else None,
    )
    return reopening.session(opened)


@lru_cache(maxsize=MOST_OPEN)
def _opened(reopening: Reopening, _process: int) -> Session:
    """The session, cached for each process: a runtime's threads and locks do not survive a fork."""
    permission = Permission(reopening.trust)
    return reopening.session(opened_bytes(reopening.path, reopening.read(), permission))
