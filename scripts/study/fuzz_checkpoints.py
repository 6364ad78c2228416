"""Read thousands of damaged and forged checkpoints: each ends in a model or a sentence.

    python -m scripts.study.fuzz_checkpoints --count 20000 --seed 0

Children are forked from a process that has torch imported, as a program that uses this package has,
so that every module of torch lies ready for a pickle that wants it. Fails on a crash, a traceback,
more than 10 seconds for a file, more than 1 GiB of memory, an import of anything but this package
and onnx, a started process, or a file opened for writing. Needs a system with fork: Linux or macOS.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lstm_export.errors import LstmExportError
from lstm_export.verification.subject import read
from tests.kit import bad_files, checkpoint_files
from tests.kit.byte_changes import PLAIN_SNIPPETS, Random, changed
from tests.kit.chains import CHAINS

ROOT = Path(__file__).resolve().parents[2]

BATCH = 100  # files a child
MOST_SECONDS = 10
MOST_MEMORY = 2**30  # bytes, beside what the parent has
LARGEST_SEED = 2**16  # bytes
ALLOWED = {"lstm_export", "onnx", "google", "ml_dtypes", "numpy", *sys.stdlib_module_names}
FORBIDDEN = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "subprocess.Popen",
    "socket.connect",
    "shutil.",
    "os.remove",
)

SNIPPETS = [
    *PLAIN_SNIPPETS,
    b"cos\nsystem\n",
    b"cbuiltins\neval\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ctorch.nn.modules.rnn\nLSTM\n",
    b"(lp0\n",
    b"\x8a\xff" + bytes(255),
    b"nan",
    b'"shape":[99999999999]',
]


def seeds() -> list[bytes]:
    """Good files of every kind, and the bad ones that are small."""
    state = checkpoint_files.state()
    good = [
        checkpoint_files.saved(state),
        checkpoint_files.old(state),
        checkpoint_files.saved(
            {"model": state, "epoch": 3, "losses": [0.5] * 9, "net": checkpoint_files.model()}
        ),
        checkpoint_files.saved(
            {name: tensor.bfloat16() for name, tensor in state.items()}, pickle_protocol=4
        ),
        *(path.read_bytes() for path in sorted((ROOT / "tests" / "golden").glob("foreign.*"))),
        *_written(),
    ]
    made = [make() for make, _ in bad_files.CASES.values()]
    return good * 8 + [data for data in made if 0 < len(data) <= LARGEST_SEED]


def _written() -> list[bytes]:
    """What this package writes: checkpoints, TorchScript and ONNX."""
    from lstm_export import targets
    from lstm_export.chains import Checkpoint, write_checkpoint

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        found = []
        for write in (
            lambda: write_checkpoint(path, Checkpoint(CHAINS["scalers"])),
            lambda: targets.get("onnx").export(CHAINS["seed"], path),
            lambda: targets.get("torchscript").export(CHAINS["seed"], path),
        ):
            try:
                write()
            except LstmExportError as error:  # TorchScript on Python 3.14
                print(f"left out: {error}")
                continue
            found.append(path.read_bytes())
        return found


def mutated(data: bytes, random: Random, others: list[bytes]) -> bytes:
    """The file with a few changes; of a zip archive often the content, with checksums that fit
    again.
    """
    entries = _entries(data) if random.random() < 0.7 else {}
    if not entries:
        return changed(data, random, others, SNIPPETS)
    likely = [name for name in entries if name.endswith("data.pkl")] * 6 + list(entries)
    name = likely[random.integers(len(likely))]
    return checkpoint_files.zipped(
        entries | {name: changed(entries[name], random, others, SNIPPETS)}
    )


def _entries(data: bytes) -> dict[str, bytes]:
    """The content of a zip archive; nothing where it is none, or a bad one."""
    try:
        return checkpoint_files.unzipped(data) if data.startswith(b"PK") else {}
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError):
        return {}


def read_all(first: int, count: int, seed: int, known: list[bytes], report: int) -> None:
    """What a child does: read `count` files; on the first that fails, write why to `report` and
    end.
    """
    resource.setrlimit(resource.RLIMIT_AS, (_memory() + MOST_MEMORY,) * 2)
    opened: list[str] = []
    sys.addaudithook(lambda event, args: _watch(event, args, opened))
    with tempfile.TemporaryDirectory() as folder:
        for index in range(first, first + count):
            random = np.random.default_rng((seed, index))
            path = Path(folder) / "model.pt"
            os.write(report, f"at {index}\n".encode())
            path.write_bytes(mutated(known[random.integers(len(known))], random, known))
            fault = _fault(path, opened)
            if fault:
                kept = Path(tempfile.gettempdir()) / f"fuzz-{seed}-{index}.pt"
                kept.write_bytes(path.read_bytes())
                os.write(report, f"file {index}, kept as {kept}: {fault}\n".encode())


def _fault(path: Path, events: list[str]) -> str:
    """What is wrong with how this file is read; empty if nothing is."""
    before = set(sys.modules)
    events.clear()
    signal.alarm(MOST_SECONDS)
    try:
        read(path)
        outcome = "model"
    except LstmExportError as error:
        text = str(error)
        outcome = type(error).__name__
        if "\n" in text or len(text) > 1000:
            return f"its sentence is no sentence: {text[:300]!r}"
    except BaseException:  # whatever it is, the file goes into the report
        return " / ".join(traceback.format_exc().splitlines())
    finally:
        signal.alarm(0)
    OUTCOMES[outcome] += 1
    foreign = {name for name in set(sys.modules) - before if name.partition(".")[0] not in ALLOWED}
    return f"imported {sorted(foreign)}" if foreign else ", ".join(events)


OUTCOMES: Counter[str] = Counter()


def _watch(event: str, args: tuple[Any, ...], found: list[str]) -> None:
    writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if event.startswith(FORBIDDEN) or (writes and "__pycache__" not in str(args[0])):
        found.append(f"{event}{args[:2]!r}"[:200])


def _memory() -> int:
    """Bytes of address space of this process."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[0]) * resource.getpagesize() if status.exists() else 2**36


def main() -> int:
    """Fork children over all files, and count how they end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    known = seeds()
    started = time.monotonic()
    faults = 0
    outcomes: Counter[str] = Counter()
    for first in range(0, options.count, BATCH):
        said, ended = in_child(first, min(BATCH, options.count - first), options.seed, known)
        outcomes += ended
        faults += len(said)
        print("\n".join(said), end="\n" * bool(said), flush=True)
    seconds = time.monotonic() - started
    tried = f"{options.count} files of {len(known)} seeds (torch {torch.__version__})"
    print(f"{tried}, seed {options.seed}: {faults} faults")
    print(f"{dict(outcomes)}, {1000 * seconds / options.count:.1f} ms a file")
    return 1 if faults else 0


def in_child(
    first: int, count: int, seed: int, known: list[bytes]
) -> tuple[list[str], Counter[str]]:
    """What a child finds wrong with these files, and how the others ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            read_all(first, count, seed, known, writing)
            os.write(writing, f"outcomes {json.dumps(OUTCOMES)}\n".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8", errors="replace") as pipe:
        lines = pipe.read().split("\n")
    _, status = os.waitpid(child, 0)
    faults = [line for line in lines if line.startswith("file ")]
    ends = [line.removeprefix("outcomes ") for line in lines if line.startswith("outcomes ")]
    if not ends:
        last = next(line for line in reversed(lines) if line.startswith("at "))
        faults.append(
            f"the child of file {last.removeprefix('at ')} crashed or hung: wait status {status}"
        )
    return faults, Counter(json.loads(ends[0])) if ends else Counter()


if __name__ == "__main__":
    sys.exit(main())
