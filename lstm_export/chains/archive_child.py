"""A TorchScript archive in a process of its own: opening one runs what is in it, so only a user's word gets it here.

The child is `python -m lstm_export.chains.archive_child ARCHIVE`. It says what the archive is made of, then answers
inputs one by one: frames of an 8-byte length and a body over its stdin and stdout.
"""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import threading
import warnings
import weakref
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import InputError
from ..model import Array
from .live import Hints

START_S, ANSWER_S = 120, 60
LARGEST_FRAME = 2**31


class ArchiveProcess:
    """The running archive; calling it gives everything that it answers with for x in its own layout.

    Attributes:
        hints: what the archive tells beyond its weights.

    Raises:
        InputError: it cannot be opened, refuses x, ends, or does not answer in time.
    """

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-m", __name__, str(path)]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._stop = weakref.finalize(self, _stop, self._process)
        hints = json.loads(self._receive(START_S))
        self.hints = Hints(hints["eps"], hints["modules"], hints["batch_first"])

    def __call__(self, x: Array) -> list[Array]:
        _write(self._pipe(self._process.stdin), _packed({"x": x}))
        with np.load(io.BytesIO(self._receive(ANSWER_S)), allow_pickle=False) as file:
            return [file[name] for name in sorted(file.files)]

    def _receive(self, limit_s: float) -> bytes:
        timer = threading.Timer(limit_s, self._process.kill)
        timer.start()
        try:
            frame = _read(self._pipe(self._process.stdout))
        finally:
            timer.cancel()
        if frame is None:
            raise InputError(f"the archive's process ended without an answer, or took longer than {limit_s} s")
        if frame[:1] == b"E":
            raise InputError(frame[1:].decode(errors="replace"))
        return frame[1:]

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        if pipe is None or pipe.closed:
            raise InputError("the archive's process was ended")
        return pipe


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()


def _packed(arrays: Mapping[str, Array]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _write(pipe: IO[bytes], body: bytes) -> None:
    try:
        pipe.write(struct.pack("<Q", len(body)) + body)
        pipe.flush()
    except OSError as error:
        raise InputError("the archive's process ended") from error


def _read(pipe: IO[bytes]) -> bytes | None:
    """One frame's body; None at the end of the stream."""
    head = pipe.read(8)
    if len(head) < 8 or struct.unpack("<Q", head)[0] > LARGEST_FRAME:
        return None
    body = pipe.read(struct.unpack("<Q", head)[0])
    return body or None


def _serve(path: str) -> None:
    """The child: whatever the archive prints goes to stderr, so that it cannot disturb the answers."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        module = _opened(path)
    except Exception as error:  # the archive's own code may raise anything
        _write(answers, f"Etorch cannot open the archive: {type(error).__name__}".encode())
        return
    from .live import call, hints

    _write(answers, b"Y" + json.dumps(asdict(hints(module))).encode())
    while (frame := _read(sys.stdin.buffer)) is not None:
        with np.load(io.BytesIO(frame), allow_pickle=False) as file:
            x = file["x"]
        try:
            found = call(module, x)
        except InputError as error:
            _write(answers, b"E" + str(error).encode())
            continue
        _write(answers, b"Y" + _packed({f"{index:04d}": array for index, array in enumerate(found)}))


def _opened(path: str) -> Any:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that TorchScript is deprecated
        return torch.jit.load(path, map_location="cpu").float().eval()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    _serve(sys.argv[1])
