"""Two processes of torchrun train one model, as docs/scale.md says: that of a single process.

The weights file is the same every time.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from lstm_export.errors import InputError
from lstm_export.series import Table
from lstm_export.training import TrainingOptions, fit
from lstm_export.training.ranks import Ranks
from lstm_export.verification.subject import read

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')

# 321 windows to train on: of the last batch, a single window, the second process has none.
ROWS = 466
OPTIONS = TrainingOptions(
    targets=("load",), window=5, hidden_size=6, epochs=4, batch_size=32, device="cpu"
)
ARGUMENTS = "--target load --window 5 --hidden-size 6 --epochs 4 --batch-size 32 --device cpu"

# Trains twice, and then until the second process kills itself in the third epoch.
SCRIPT = """
import os, shutil, signal, sys
from lstm_export.cli import app
from lstm_export.training import loop

data, *arguments = sys.argv[1:]

def train(name, *more):
    app(["train", data, *arguments, "-o", name, *more], standalone_mode=False)

train("first.pt", "--json")
train("second.pt", "--json")
real = loop._pass
passes = []

def dying(*given):
    passes.append(1)
    if len(passes) == 3 and os.environ["RANK"] == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*given)

loop._pass = dying
judging = sys.modules["lstm_export.training.fit"]
judged = judging._judged

def kept(*given):
    if os.environ["RANK"] == "0":
        shutil.copy("third.pt", "before_judging.pt")
    return judged(*given)

judging._judged = kept
train("third.pt", "--predict", "change")
"""


class Launched(NamedTuple):
    folder: Path
    stdout: str
    stderr: str


def waves() -> Table:
    random = np.random.default_rng(8)
    step = np.arange(ROWS)
    load = np.sin(step / 5) + 0.2 * random.standard_normal(ROWS)
    return Table.of({"load": load.round(4), "phase": step % 7})


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Launched:
    folder = tmp_path_factory.mktemp("ranks")
    waves().write_csv(folder / "data.csv")
    (folder / "script.py").write_text(SCRIPT)
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    # torchrun looks this late, in seconds: the first process notices the loss before it is ended
    late = ["--monitor_interval", "2"]
    command = [*run, *late, "script.py", "data.csv", *ARGUMENTS.split()]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    return Launched(folder, done.stdout, done.stderr)


def losses(history: Any) -> list[tuple[float, float]]:
    return [(epoch["train_loss"], epoch["validation_loss"]) for epoch in history]


def test_two_processes_train_what_one_does(launched: Launched) -> None:
    single = fit(launched.folder / "data.csv", OPTIONS)
    record, _ = json.JSONDecoder().raw_decode(launched.stdout)
    # The batch's gradient is summed in another order, in float32, over four epochs.
    wanted = losses([asdict(epoch) for epoch in single.history])
    np.testing.assert_allclose(losses(record["history"]), wanted, rtol=1e-5)
    assert record["best_epoch"] == single.best_epoch
    assert single.choice is not None
    assert record["choice"]["predict"] == single.choice.predict
    shared = read(launched.folder / "first.pt").model
    for stage, other in zip(single.model.stages, shared.stages, strict=True):
        for name, array in stage.arrays.items():
            np.testing.assert_allclose(other.arrays[name], array, atol=1e-5)


def test_the_same_seed_gives_the_same_file(launched: Launched) -> None:
    first = (launched.folder / "first.pt").read_bytes()
    assert first == (launched.folder / "second.pt").read_bytes()


def test_a_process_that_dies_leaves_the_best_epoch_and_a_line(launched: Launched) -> None:
    path = launched.folder / "third.pt"
    (line,) = re.findall(r"^error: .*$", launched.stderr, re.MULTILINE)
    assert line == (
        "error: a process that trained along was lost in epoch 3: it was killed, or its machine is "
        "gone; the best of epoch 2 was kept, and --resume third.pt goes on after epoch 2"
    )
    assert launched.stdout.count("wrote third.pt") == 1  # the first process alone prints
    change = replace(OPTIONS, predict="change")
    whole = fit(launched.folder / "data.csv", change)
    early = launched.folder / "before_judging.pt"
    assert read(early).model == read(path).model
    resumed = fit(launched.folder / "data.csv", change, resume=early)
    again = fit(launched.folder / "data.csv", change, resume=path)
    assert again.model == resumed.model
    wanted = losses([asdict(epoch) for epoch in whole.history])
    got = losses([asdict(epoch) for epoch in resumed.history])
    assert wanted[:2] != got[:2]  # of two processes
    np.testing.assert_allclose(got, wanted, rtol=1e-5)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (400, "the 321 training windows cannot be shared out among 400 processes; start at most"),
        (33, "the 32 windows of a batch cannot be shared out among 33 processes; start at most 32"),
    ],
)
def test_more_processes_than_windows(
    monkeypatch: pytest.MonkeyPatch, size: int, message: str
) -> None:
    monkeypatch.setattr(Ranks, "here", lambda: Ranks(0, size))
    with pytest.raises(InputError, match=message):
        fit(waves(), replace(OPTIONS, predict="level"))
