"""Time reading a checkpoint of 100 MB against torch's own load, and what refusing a bad file takes.

The two ways take turns; the first round does not count. The checkpoint is the state_dict of
LSTM(64, 1440, 2) and Linear(1440, 1), random weights. The bad files are those of
docs/refused_checkpoints.md, read in one process after the other's imports; memory is the growth of
that process's peak.

    python -m scripts.bench.checkpoint_reading     on Linux, which tells the peak of a process
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn

from lstm_export.reading import read_contents
from scripts.bench.timing import alternate, machine, medians, options, report
from tests.kit.bad_files import CASES

ROUNDS = 7
INSPECT = "lstm-export inspect"
LOAD = "import torch; torch.load"
READ = "read_contents"
LOAD_ALONE = "torch.load"
REFUSE_ALL = """
import sys, time
from pathlib import Path
from lstm_export.errors import LstmExportError
from lstm_export.reading import read_contents
def peak():  # kilobytes of this program alone; getrusage counts what it was forked from
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
slowest, before = 0, peak()
for path in Path(sys.argv[1]).iterdir():
    start = time.perf_counter()
    try:
        read_contents(path)
    except LstmExportError:
        slowest = max(slowest, time.perf_counter() - start)
print(slowest, peak() - before)
"""


def run(*command: str) -> None:
    """One process from start to end, its output thrown away; it must succeed."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def large_checkpoint(folder: Path) -> Path:
    """A state_dict of 100 MB."""
    torch.manual_seed(0)
    module = nn.ModuleDict(
        {"lstm": nn.LSTM(64, 1440, 2, batch_first=True), "fc": nn.Linear(1440, 1)}
    )
    torch.save(module.state_dict(), folder / "model.pt")
    return folder / "model.pt"


def refusals(folder: Path) -> tuple[float, float]:
    """Seconds of the slowest refusal, and the megabytes by which memory grows at most."""
    folder.mkdir()
    for index, (make, _) in enumerate(CASES.values()):
        (folder / f"{index}.pt").write_bytes(make())
    done = subprocess.run(
        [sys.executable, "-c", REFUSE_ALL, folder], check=True, capture_output=True, text=True
    )
    seconds, kilobytes = done.stdout.split()
    return float(seconds), int(kilobytes) / 1024


def main() -> None:
    """Run the pairs, then the refusals, and report."""
    given = options(__doc__).parse_args()
    tool = shutil.which("lstm-export", path=sysconfig.get_path("scripts"))
    if tool is None:
        sys.exit("lstm-export is not installed beside this Python; run: pip install -e .")
    with TemporaryDirectory() as name:
        path = large_checkpoint(Path(name))
        size = path.stat().st_size
        load = f"import torch; torch.load({str(path)!r}, weights_only=True)"
        whole = {
            INSPECT: partial(run, tool, "inspect", str(path)),
            LOAD: partial(run, sys.executable, "-c", load),
        }
        inside = {
            READ: partial(read_contents, path),
            LOAD_ALONE: partial(torch.load, path, weights_only=True),
        }
        seconds = medians(alternate(whole, ROUNDS)) | medians(alternate(inside, ROUNDS))
        slowest, megabytes = refusals(Path(name) / "bad")
    lines = [f"a checkpoint of {size:,} bytes, seconds, medians of {ROUNDS} rounds"]
    lines += [f"  {way:28} {took:6.3f}" for way, took in seconds.items()]
    took_most = f"the slowest of {len(CASES)} refusals took {slowest:.2f} s"
    lines.append(f"{took_most}, all of them at most {megabytes:.0f} MB more")
    record = {
        "size_bytes": size,
        "seconds": seconds,
        "slowest_refusal_s": slowest,
        "refusals_mb": megabytes,
    }
    report(lines, record, machine("numpy", "torch"), given)


if __name__ == "__main__":
    main()
