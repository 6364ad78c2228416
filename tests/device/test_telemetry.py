"""No word leaves a device unasked: nothing of ours lets ONNX Runtime write into the user's home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

BUNDLE = Path(__file__).parents[1] / "golden" / "seed-v1.bundle"
SWITCH = "ORT_DISABLE_TELEMETRY"

PROGRAMS = {
    "load": "import lstm_export, sys; lstm_export.load(sys.argv[1])",
    "run": "import sys; sys.argv[1:] = ['run', *sys.argv[1:], '-o', 'y.npy']; {main}",
    "verify": "import sys; sys.argv[1:2] = ['verify', sys.argv[1]]; del sys.argv[3:]; {main}",
    "bench": (
        "import sys; from lstm_export.bench import process; process.STARTS = 1; "
        "sys.argv[1:] = ['bench', sys.argv[1], '--engine=onnx', '--seconds=0.01']; {main}"
    ),
    "doctor": "import sys; sys.argv[1:] = ['doctor']; {main}",
}


def run(program: str, folder: Path, **environment: str) -> set[str]:
    """What a program writes into an empty home folder."""
    home = folder / "home"
    home.mkdir()
    np.save(folder / "x.npy", np.zeros((1, 3, 10), np.float32))
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("XDG", "ORT"))
    }
    command = [sys.executable, "-c", program, str(BUNDLE), str(folder / "x.npy")]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**kept, "HOME": str(home), "USERPROFILE": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {str(path.relative_to(home)) for path in home.rglob("*")}


@pytest.mark.parametrize("command", PROGRAMS)
def test_nothing_is_written_into_the_home_folder(command: str, tmp_path: Path) -> None:
    main = "import runpy; runpy.run_module('lstm_export', run_name='__main__')"
    written = run(PROGRAMS[command].format(main=main), tmp_path)
    assert not any("onnxruntime" in name or "deviceid" in name for name in written), written


def test_what_the_user_set_stays(tmp_path: Path) -> None:
    program = (
        "import os; from lstm_export.device.runtime import onnxruntime; onnxruntime(); "
        f"assert os.environ['{SWITCH}'] == os.environ['EXPECTED'], os.environ['{SWITCH}']"
    )
    run(program, tmp_path, EXPECTED="1")
    (tmp_path / "home").rename(tmp_path / "before")
    run(program, tmp_path, EXPECTED="0", **{SWITCH: "0"})


def test_nothing_is_changed_by_an_import_of_ours(tmp_path: Path) -> None:
    program = f"import os, lstm_export, lstm_export.device; assert '{SWITCH}' not in os.environ"
    run(program, tmp_path)
