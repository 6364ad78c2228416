"""A module of this package as a process of its own, which is asked and answers in frames.

A frame is an 8-byte length and a body, over the child's stdin and stdout. The first byte of an
answer says what follows: `Y` the answer, `E` or `U` a sentence, an `InputError` or an
`UnsupportedModel`. Whatever else the child prints goes to stderr, so that it disturbs no answer.
"""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import IO, TYPE_CHECKING, Any

from .errors import InputError, LstmExportError, UnsupportedModel

if TYPE_CHECKING:
    import numpy as np

    Arrays = Mapping[str, np.ndarray[Any, Any]]

LARGEST_FRAME = 2**31  # bytes
MOST_MEMORY = 4 * 2**30  # bytes of address space, of which a runtime reserves more than it uses


class ChildProcess:
    """The running child.

    Args:
        module: what is run, `python -m MODULE`; it calls `serve`.
        arguments: of the module.
        name: what the process is, for people: `the archive's process`.
    """

    def __init__(self, module: str, arguments: tuple[str, ...], name: str) -> None:
        command = [sys.executable, "-m", module, *arguments]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._name = name
        self._stop = weakref.finalize(self, _stop, self._process)

    def ask(self, question: bytes, limit_s: float) -> bytes:
        """The answer to a question.

        Raises:
            InputError: the child says so, ends, or does not answer in time.
            UnsupportedModel: the child says so.
        """
        try:
            _write(self._pipe(self._process.stdin), question)
        except OSError as error:
            raise InputError(f"{self._name} ended") from error
        return self.receive(limit_s)

    def receive(self, limit_s: float) -> bytes:
        """What the child says next; see `ask`."""
        timer = threading.Timer(limit_s, self._process.kill)
        timer.start()
        try:
            frame = _read(self._pipe(self._process.stdout))
        finally:
            timer.cancel()
        if frame is None:
            raise InputError(
                f"{self._name} ended without an answer, or took longer than {limit_s} s"
            )
        if frame[:1] == b"E":
            raise InputError(frame[1:].decode(errors="replace"))
        if frame[:1] == b"U":
            raise UnsupportedModel(frame[1:].decode(errors="replace"))
        return frame[1:]

    def _pipe(self, pipe: IO[bytes] | None) -> IO[bytes]:
        if pipe is None or pipe.closed:
            raise InputError(f"{self._name} was ended")
        return pipe


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()


def serve(open_up: Callable[[], tuple[bytes, Callable[[bytes], bytes]]]) -> None:
    """The child's side, until its stdin ends.

    Args:
        open_up: makes ready; returns what is said first, and what answers questions. What it
            raises is said in place of the first answer, and nothing follows.
    """
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        first, answer = open_up()
    except LstmExportError as error:
        _write(answers, _refusal(error))
        return
    _write(answers, b"Y" + first)
    while (question := _read(sys.stdin.buffer)) is not None:
        try:
            said = b"Y" + answer(question)
        except LstmExportError as error:
            said = _refusal(error)
        _write(answers, said)


def limit_memory() -> None:
    """Let this process, a child that opens a stranger's file, take `MOST_MEMORY` and no more."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


def _refusal(error: LstmExportError) -> bytes:
    kind = b"U" if isinstance(error, UnsupportedModel) else b"E"
    return kind + str(error).encode()


def _write(pipe: IO[bytes], body: bytes) -> None:
    pipe.write(struct.pack("<Q", len(body)) + body)
    pipe.flush()


def _read(pipe: IO[bytes]) -> bytes | None:
    """One frame's body; None where the stream ends, be it within the frame."""
    head = pipe.read(8)
    if len(head) < 8:
        return None
    (length,) = struct.unpack("<Q", head)
    if length > LARGEST_FRAME:
        return None
    body = pipe.read(length)
    return body if body and len(body) == length else None


def packed(arrays: Arrays) -> bytes:
    """Arrays by name as a frame's body; `unpacked` is the inverse."""
    import numpy as np

    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def unpacked(body: bytes) -> Arrays:
    """The arrays in a frame's body, in their order."""
    import numpy as np

    with np.load(io.BytesIO(body), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
