"""Time a fleet: 200 small models packaged and verified by one worker, by two, and by a loop.

The models have the shape of the README's, LSTM(10, 50, num_layers=2) and Linear(50, 1). Both fleets
run as a user runs them, `lstm-export fleet` and `lstm-export fleet verify`, with the start-up of
everything. One worker takes the models one after the other in one process, so that it, too, starts
torch once. The loop starts a process a model, `package` and then `verify`, for a few of them. With
`--page` the figures become a block of docs/fleet.md.

    python -m scripts.bench.fleet
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from lstm_export.bench.machine import machine_text
from lstm_export.chains import Checkpoint, write_checkpoint
from lstm_export.fleet.fleet_report import REPORT, read_report
from lstm_export.model import LastStep
from scripts.bench.timing import Times, alternate, machine, options, ratio, report
from scripts.docs.block import write_block
from tests.kit.builders import linear, lstm, model_of

PAGE = Path(__file__).parents[2] / "docs" / "fleet.md"
LOOPED = 5
ONE = "1 worker"
TWO = "2 workers"
LOOP = "a process a model"


def run(*arguments: str | Path) -> None:
    """A command of this package from start to end; it must succeed."""
    command = [sys.executable, "-m", "lstm_export", *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def write_models(folder: Path, count: int) -> list[Path]:
    """The checkpoints, and the table that names them."""
    paths = []
    for index in range(count):
        random = np.random.default_rng(index)
        stages = (lstm("lstm", 10, 50, 2, random), LastStep("last"), linear("fc", 50, 1, random))
        path = folder / f"{index}.pt"
        write_checkpoint(path, Checkpoint(model_of(10, 1, *stages)))
        paths.append(path)
    rows = "\n".join(f"{path.stem},{path}" for path in paths)
    (folder / "fleet.csv").write_text(f"name,checkpoint\n{rows}\n", encoding="utf-8")
    return paths


def fleet(folder: Path, workers: int) -> None:
    """All models packaged into a new folder, and verified there."""
    bundles = folder / f"{workers}"
    shutil.rmtree(bundles, ignore_errors=True)
    run("fleet", folder / "fleet.csv", "-o", bundles, "--workers", str(workers))
    run("fleet", "verify", bundles, "--workers", str(workers))


def loop(paths: Sequence[Path]) -> None:
    """Some models as a shell's loop packages and verifies them."""
    for path in paths:
        run("package", path)
        run("verify", path.with_suffix(".bundle"))


def slowest_and_others(bundles: Path, workers: int) -> tuple[list[float], float]:
    """Seconds of as many models as there are workers, the first of each as a rule, and the median
    of the others."""
    found = read_report(bundles / REPORT)
    seconds = sorted(outcome.seconds for outcome in found.outcomes)
    return seconds[-workers:], statistics.median(seconds[:-workers])


def main() -> None:
    """Take turns, so that a busy machine slows all of them."""
    parser = options(__doc__)
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--page", action="store_true", help="write the figures there, too")
    given = parser.parse_args()
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        paths = write_models(folder, given.models)
        ways = {
            ONE: partial(fleet, folder, 1),
            TWO: partial(fleet, folder, 2),
            LOOP: partial(loop, paths[:LOOPED]),
        }
        times = alternate(ways, given.rounds)
        slowest, others = slowest_and_others(folder / "2", 2)
    times[LOOP] = [seconds * given.models / LOOPED for seconds in times[LOOP]]
    what = f"{given.models} models packaged and verified, seconds, medians of {given.rounds} rounds"
    record = {"seconds": times, "slowest_s": slowest, "others_s": others}
    found = machine("numpy", "torch", "onnx", "onnxruntime")
    lines = [what, *told(times, slowest, others)]
    report(lines, record, found, given)
    if given.page:
        write_block(PAGE, "fleet", ["```text", *lines, "", machine_text(found), "```"])


def told(times: Times, slowest: Sequence[float], others: float) -> list[str]:
    """The figures for people."""
    lines = [f"  {name:18} {statistics.median(seconds):7.1f}" for name, seconds in times.items()]
    lines += [
        f"  (the last from {LOOPED} models)",
        f"2 workers are {ratio(times, ONE, TWO):.2f} times as fast as 1, "
        f"{ratio(times, LOOP, TWO):.1f} times as fast as {LOOP}",
        f"packaging by 2 workers: {', '.join(f'{seconds:.1f}' for seconds in slowest)} s for the "
        f"slowest models, {others:.2f} s for each of the others",
    ]
    return lines


if __name__ == "__main__":
    main()
