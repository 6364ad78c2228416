"""Time whole processes: the help against importing typer, a verified export against torch.

The commands take turns, so that a busy machine slows all of them; the first round, which fills the
disk's cache, does not count. The export is of the README's model, LSTM(10, 50, num_layers=2) and
Linear(50, 1), with random weights.

    python -m scripts.bench.startup
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import sysconfig
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn

from scripts.bench.timing import alternate, machine, medians, options, ratio, report

ROUNDS_OF_HELP = 25
ROUNDS_OF_EXPORT = 9
HELP = "lstm-export --help"
TYPER = "import typer"
EXPORT = "lstm-export onnx model.pt"
TORCH = "import torch"


def run(*command: str) -> None:
    """One process from start to end, its output thrown away; it must succeed."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def seed_checkpoint(folder: Path) -> Path:
    """The state_dict of the README's model, as its user saves it."""
    torch.manual_seed(0)
    module = nn.ModuleDict({"lstm": nn.LSTM(10, 50, 2, batch_first=True), "fc": nn.Linear(50, 1)})
    torch.save(module.state_dict(), folder / "model.pt")
    return folder / "model.pt"


def main() -> None:
    """Run both pairs of commands and report."""
    given = options(__doc__).parse_args()
    tool = shutil.which("lstm-export", path=sysconfig.get_path("scripts"))
    if tool is None:
        sys.exit("lstm-export is not installed beside this Python; run: pip install -e .")
    python = partial(run, sys.executable, "-c")
    helps = alternate(
        {HELP: partial(run, tool, "--help"), TYPER: partial(python, TYPER)}, ROUNDS_OF_HELP
    )
    with TemporaryDirectory() as folder:
        export = partial(run, tool, "onnx", str(seed_checkpoint(Path(folder))))
        exports = alternate({EXPORT: export, TORCH: partial(python, TORCH)}, ROUNDS_OF_EXPORT)

    times = ratio(helps, HELP, TYPER)
    more_s = statistics.median(a - b for a, b in zip(exports[EXPORT], exports[TORCH], strict=True))
    lines = [f"whole processes, seconds, medians of {ROUNDS_OF_HELP} and {ROUNDS_OF_EXPORT} rounds"]
    lines += [
        f"  {name:27} {seconds:6.3f}"
        for name, seconds in {**medians(helps), **medians(exports)}.items()
    ]
    lines += [f"the help takes {times:.2f} times as long as {TYPER}"]
    lines += [f"a verified export takes {more_s:.2f} s longer than {TORCH}"]
    record = {
        "seconds": medians(helps) | medians(exports),
        "help_ratio": times,
        "export_more_s": more_s,
    }
    report(lines, record, machine("numpy", "typer", "torch", "onnx", "onnxruntime"), given)


if __name__ == "__main__":
    main()
