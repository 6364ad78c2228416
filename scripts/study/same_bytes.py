"""Do two checkouts write the same artifacts, bundles, JSON reports and predictions?

    python -m scripts.study.same_bytes OLD NEW [--chains seed,scalers] [--keep FOLDER]

OLD and NEW are checkouts. Files are compared byte by byte; archives entry by entry; reports value
by value, without the times in them; generated C by what it computes: its answers' bits, compiled
without contraction and with it. Prints every difference and ends with 1 where there are any.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lstm_export.chains import Checkpoint, write_checkpoint
from tests.kit.builders import drawn, redrawn
from tests.kit.chains import CHAINS
from tests.kit.emulate import HOST, Case, emulate

WRITER = Path(__file__).with_name("write_everything.py")
WEIGHTS = ("float32", "int16", "int8")
BUILDS = {
    "-O2": (),
    "-O3 -march=native": ("-O3", "-march=native", "-ffp-contract=fast"),
}
TIMES = ("seconds", "_s", "_us", "_ms")  # ends of the keys of what differs from run to run
# Ends of the keys of what follows from files that are compared themselves.
FOLLOWING = ("sha256", "size_bytes")
# What TorchScript keeps of the lines of the source that it was made from.
OF_THE_SOURCE = (".debug_pkl", "serialization_id")
LONGEST = 90  # characters of a value that are shown


def main() -> None:
    """Write with both, compare, and say what differs."""
    options = parsed()
    with tempfile.TemporaryDirectory() as scratch:
        place = options.keep or Path(scratch)
        sides = {"old": options.old.resolve(), "new": options.new.resolve()}
        for side, checkout in sides.items():
            inputs(place / side, options.chains)
            write(checkout, place / side)
        found: dict[str, list[str]] = {}
        for chain in options.chains:
            for line in compared(place / "old", place / "new", chain):
                found.setdefault(line, []).append(chain)
        for line in differing_answers(place / "old", place / "new", options.chains):
            found.setdefault(line, [])
    for line, chains in found.items():
        print(f"{line}  [{', '.join(chains)}]")
    print(f"{len(found)} kinds of differences over {len(options.chains)} chains")
    sys.exit(bool(found))


def parsed() -> argparse.Namespace:
    """The command line's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old", type=Path, metavar="OLD")
    parser.add_argument("new", type=Path, metavar="NEW")
    parser.add_argument("--chains", type=lambda text: text.split(","), default=list(CHAINS))
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave what was written there")
    return parser.parse_args()


def folder_of(chain: str) -> str:
    """A chain's name as a folder and a C prefix have it."""
    return chain.replace(" ", "_")


def inputs(place: Path, chains: list[str]) -> None:
    """The files that the commands read, the same for both checkouts."""
    for chain in chains:
        folder = place / folder_of(chain)
        folder.mkdir(parents=True)
        model = CHAINS[chain]
        write_checkpoint(folder / "model.pt", Checkpoint(model))
        write_checkpoint(folder / "other.pt", Checkpoint(redrawn(model)))
        np.save(folder / "x.npy", drawn(model, 3, 5))


def write(checkout: Path, place: Path) -> None:
    """Every command of the command line, run by one checkout."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(checkout),
        "COLUMNS": "100",
        "PYTHONHASHSEED": "0",
    }
    subprocess.run([sys.executable, WRITER, place], env=environment, check=True)


def compared(old: Path, new: Path, chain: str) -> Iterator[str]:
    """What differs between the files of one chain."""
    name = folder_of(chain)
    folders = (old / name, new / name)
    before, after = (files_below(folder) for folder in folders)
    for path in sorted(before ^ after):
        yield f"{path} is written by {'the old' if path in before else 'the new'} checkout alone"
    for path in sorted(before & after):
        contents = [(folder / path).read_bytes() for folder in folders]
        for line in differences(path, *contents):
            yield f"{path}: {line}"


def files_below(folder: Path) -> set[str]:
    """Their paths within the folder."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix() for path in paths}


def differences(name: str, old: bytes, new: bytes) -> Iterator[str]:
    """What differs between two files of one name."""
    if old == new or name.endswith((".c", *OF_THE_SOURCE)):  # C is compared by what it computes
        return
    if zipfile.is_zipfile(io.BytesIO(old)) and zipfile.is_zipfile(io.BytesIO(new)):
        yield from differing_entries(old, new)
        return
    try:
        yield from differing_values(json_of(old), json_of(new))
    except ValueError:
        yield from differing_lines(old, new)


def differing_entries(old: bytes, new: bytes) -> Iterator[str]:
    """What differs between the entries of two archives, or only in how they are laid out."""
    found = []
    before, after = (zipfile.ZipFile(io.BytesIO(data)) for data in (old, new))
    if before.namelist() != after.namelist():
        found.append(f"entries {before.namelist()} and {after.namelist()}")
    for name in set(before.namelist()) & set(after.namelist()):
        lines = differences(name, before.read(name), after.read(name))
        found += [f"{name}: {line}" for line in lines]
    yield from sorted(found)


def json_of(data: bytes) -> Any:
    """What a command printed, or a JSON file; the exit code is a line of its own."""
    text, _, code = data.decode().partition("exit code ")
    return {"printed": json.loads(text), "exit code": code.strip()}


def differing_values(old: Any, new: Any, where: str = "") -> Iterator[str]:
    """Value by value; keys that name a time, a size or a checksum are left out."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if not str(key).endswith(TIMES + FOLLOWING):
                yield from differing_values(old.get(key), new.get(key), f"{where}.{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new, strict=True)):
            yield from differing_values(*pair, f"{where}[{index}]")
    elif old != new:
        yield f"{where}: {shown(old)} became {shown(new)}"


def differing_lines(old: bytes, new: bytes) -> Iterator[str]:
    """The first line of two texts that differs, or how many bytes two other files have."""
    try:
        before, after = (data.decode().splitlines() for data in (old, new))
    except UnicodeDecodeError:
        yield f"{len(old)} bytes became {len(new)} others"
        return
    for pair in zip([*before, "(end)"], [*after, "(end)"], strict=False):
        if pair[0] != pair[1]:
            yield f"{shown(pair[0])} became {shown(pair[1])}"
            return


def shown(value: object) -> str:
    """A value, cut where it is long."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def differing_answers(old: Path, new: Path, chains: list[str]) -> Iterator[str]:
    """All generated C, compiled and run here: bit for bit, as a step, a sequence and a batch."""
    for weights in WEIGHTS:
        for build, flags in BUILDS.items():
            before = answers(old, weights, chains, flags)
            after = answers(new, weights, chains, flags)
            for chain in chains:
                if before[chain] != after[chain]:
                    which = f"C with {weights} weights, built with {build}"
                    yield f"{chain}: {which}, answers otherwise"


def answers(
    place: Path, weights: str, chains: list[str], flags: tuple[str, ...]
) -> dict[str, dict[str, list[str]]]:
    """What the C of every chain answers, as bits: by chain, and by step, run and batch."""
    cases = [case(chain, place / folder_of(chain) / f"c_{weights}") for chain in chains]
    with tempfile.TemporaryDirectory() as scratch:
        found = emulate(HOST, cases, Path(scratch), ("-Wno-unused-function", *flags))
    return {chain: found[folder_of(chain)].answers for chain in chains}


def case(chain: str, folder: Path) -> Case:
    """A folder of C with the inputs that it is run on."""
    model = CHAINS[chain]
    return Case(
        folder_of(chain),
        folder,
        drawn(model, 3, 5),
        model.signature.output_size,
        every_step=model.returns_every_step,
        streams=not any(stage.bidirectional for stage in model.recurrent),
    )


if __name__ == "__main__":
    main()
