"""A TorchScript archive in a process of its own: opening one runs what is in it.

The child is `python -m lstm_export.chains.archive_child ARCHIVE`. It says what the archive is made
of, then answers inputs one by one: frames of an 8-byte length and a body over its stdin and stdout.
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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import InputError, UnsupportedModel
from ..model import Array, Stage
from ..model.model import STAGES
from .following import Followed
from .parts import Part

NAME = "the archive's own code"
START_S = 120
ANSWER_S = 60
LARGEST_FRAME = 2**31


class ArchiveProcess:
    """The running archive; calling it gives everything that it answers with for x in its own
    layout.

    Attributes:
        batch_first: of its recurrent modules; None where that is not known.

    Raises:
        InputError: it cannot be opened, refuses x, ends, or does not answer in time.
    """

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-m", __name__, str(path)]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._stop = weakref.finalize(self, _stop, self._process)
        self.batch_first: bool | None = json.loads(self._receive(START_S))["batch_first"]

    def __call__(self, x: Array) -> list[Array]:
        return self._answers(np.asarray(x, np.float32))

    def exact(self, x: Array) -> list[Array]:
        """The same in float64."""
        return self._answers(np.asarray(x, np.float64))

    def follow(self, layouts: Sequence[bool]) -> Followed:
        """What the archive computes, given the layouts that it may take.

        Raises:
            UnsupportedModel: it does something that has no translation.
        """
        _write(self._pipe(self._process.stdin), _packed({"layouts": np.array(layouts)}))
        with np.load(io.BytesIO(self._receive(ANSWER_S)), allow_pickle=False) as file:
            return unpacked({name: file[name] for name in file.files})

    def _answers(self, x: Array) -> list[Array]:
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
            raise InputError(
                f"the archive's process ended without an answer, or took longer than {limit_s} s"
            )
        if frame[:1] == b"E":
            raise InputError(frame[1:].decode(errors="replace"))
        if frame[:1] == b"U":
            raise UnsupportedModel(frame[1:].decode(errors="replace"))
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
    """The child: whatever the archive prints goes to stderr, so that it cannot disturb the
    answers."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        module = _opened(path)
    except Exception as error:  # the archive's own code may raise anything
        _write(answers, f"Etorch cannot open the archive: {type(error).__name__}".encode())
        return
    from .live import exact_call, reads_batch_first

    exact = exact_call(module)
    _write(answers, b"Y" + json.dumps({"batch_first": reads_batch_first(module)}).encode())
    while (frame := _read(sys.stdin.buffer)) is not None:
        with np.load(io.BytesIO(frame), allow_pickle=False) as file:
            asked = dict(file)
        try:
            answer = _answered(module, exact, asked)
        except InputError as error:
            answer = b"E" + str(error).encode()
        except UnsupportedModel as error:
            answer = b"U" + str(error).encode()
        _write(answers, answer)


def _answered(
    module: Any, exact: Callable[[Array], list[Array]] | None, asked: Mapping[str, Array]
) -> bytes:
    """The answer to a question: what the archive computes, or what it answers for x."""
    from .following import follow
    from .live import call
    from .script_graph import run_script

    if "layouts" in asked:
        layouts = [bool(layout) for layout in asked["layouts"]]
        found = follow(NAME, module, layouts, lambda x, recorder: run_script(module, x, recorder))
        return b"Y" + _packed(packed(found))
    x = asked["x"]
    if x.dtype == np.float64:
        if exact is None:
            raise InputError("the archive cannot be cast to float64")
        found_y = exact(x)
    else:
        found_y = call(module, x)
    return b"Y" + _packed({f"{index:04d}": array for index, array in enumerate(found_y)})


def packed(found: Followed) -> dict[str, Array]:
    """What was followed, as arrays; `unpacked` is the inverse."""
    arrays: dict[str, Array] = {}
    chain: list[Any] = []
    for number, item in enumerate(found.chain):
        if isinstance(item, str):
            chain.append(item)
            continue
        stages = [
            {"stage": stage.kind, "name": stage.name, **stage.options} for stage in item.stages
        ]
        chain.append({"prefix": item.prefix, "kind": item.kind, "stages": stages})
        for place, stage in enumerate(item.stages):
            arrays |= {f"{number}/{place}/{key}": array for key, array in stage.arrays.items()}
    record = {
        "chain": chain,
        "pick": found.pick,
        "time_first": found.time_first,
        "used": sorted(found.used),
    }
    return {"record": np.array(json.dumps(record)), **arrays}


def unpacked(arrays: Mapping[str, Array]) -> Followed:
    """The inverse of `packed`."""
    record = json.loads(str(arrays["record"]))
    chain = tuple(
        item if isinstance(item, str) else _part(number, item, arrays)
        for number, item in enumerate(record["chain"])
    )
    return Followed(chain, record["pick"], record["time_first"], frozenset(record["used"]))


def _part(number: int, record: Mapping[str, Any], arrays: Mapping[str, Array]) -> Part:
    stages: list[Stage] = []
    for place, own in enumerate(record["stages"]):
        start = f"{number}/{place}/"
        weights = {
            key[len(start) :]: array for key, array in arrays.items() if key.startswith(start)
        }
        options = {key: value for key, value in own.items() if key not in ("stage", "name")}
        stages.append(STAGES[own["stage"]].build(own["name"], weights, options))
    return Part(record["prefix"], record["kind"], tuple(stages))


def _opened(path: str) -> Any:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that TorchScript is deprecated
        module: Any = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
        return module.float().eval()


if __name__ == "__main__":
    _serve(sys.argv[1])
