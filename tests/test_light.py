"""What must stay light, seen from fresh processes: help, and everything that a device does."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lstm_export.model import forward
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS

GOLDEN = Path(__file__).parent / "golden"
BUNDLES = sorted(GOLDEN.glob("*.bundle"))
HEAVY = ("torch", "onnx", "onnxruntime", "pyarrow", "matplotlib")

# A device: whatever asks for one of these packages gets ImportError, as if it were not installed.
BLOCK = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(f"{{name}} is blocked")
sys.meta_path.insert(0, Block())
"""
DEVICE = BLOCK.format(blocked=("torch", "onnx", "pyarrow", "matplotlib"))


def run(program: str, *args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, args)],
        capture_output=True,
        text=True,
        check=False,
    )


def loaded(program: str) -> set[str]:
    """Which of the heavy packages a program has imported when it ends."""
    report = f"\nimport sys; print('LOADED', *[name for name in {HEAVY!r} if name in sys.modules])"
    done = run(program + report)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("LOADED")[2].split())


@pytest.mark.parametrize(
    "program",
    [
        "import lstm_export",
        "from lstm_export.cli import app\ntry: app(['--help'])\nexcept SystemExit: pass",
        "from lstm_export.cli import app\ntry: app(['onnx', '--help'])\nexcept SystemExit: pass",
        "from lstm_export.cli import app\ntry: app(['--version'])\nexcept SystemExit: pass",
        "import lstm_export.device, lstm_export.bundle, lstm_export.pipeline, lstm_export.targets",
    ],
)
def test_nothing_heavy_is_imported(program: str) -> None:
    assert loaded(program) == set()


def test_this_check_can_fail() -> None:
    pytest.importorskip("onnxruntime")
    assert loaded("import onnxruntime") == {"onnxruntime"}
    assert run(DEVICE + "import torch").returncode != 0


def test_help_does_not_wait_for_numpy() -> None:
    done = run("from lstm_export.cli import app\nimport sys\nassert 'numpy' not in sys.modules")
    assert done.returncode == 0, done.stderr


def test_there_is_a_bundle_of_every_older_format() -> None:
    from lstm_export.bundle import FORMAT_VERSION

    assert {f"seed-v{version}.bundle" for version in range(1, FORMAT_VERSION)} <= {
        path.name for path in BUNDLES
    }


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.stem)
def test_a_device_verifies_every_released_bundle(bundle: Path) -> None:
    done = run(f"{DEVICE}from lstm_export.cli import app\napp(['verify', sys.argv[1]])", bundle)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "onnx: passed on" in done.stdout


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.stem)
def test_a_device_predicts_what_the_definition_says(bundle: Path, tmp_path: Path) -> None:
    model = CHAINS["seed"]
    x = drawn(model, 5, 8)
    np.save(tmp_path / "x.npy", x)
    program = (
        f"{DEVICE}import numpy as np, lstm_export\n"
        "np.save(sys.argv[3], lstm_export.load(sys.argv[1])(np.load(sys.argv[2])))"
    )
    done = run(program, bundle, tmp_path / "x.npy", tmp_path / "y.npy")
    assert done.returncode == 0, done.stderr
    # 20 roundings of outputs below 1
    np.testing.assert_allclose(
        np.load(tmp_path / "y.npy"), forward(model, x).y, rtol=0, atol=20 * 2.0**-24
    )


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.stem)
def test_a_device_runs_every_released_bundle_on_a_file(bundle: Path, tmp_path: Path) -> None:
    x = drawn(CHAINS["seed"], 5, 8)
    np.save(tmp_path / "x.npy", x)
    program = (
        f"{DEVICE}from lstm_export.cli import app\napp(['run', *sys.argv[1:3], '-o', sys.argv[3]])"
    )
    done = run(program, bundle, tmp_path / "x.npy", tmp_path / "y.npy")
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(
        np.load(tmp_path / "y.npy"), forward(CHAINS["seed"], x).y, rtol=0, atol=20 * 2.0**-24
    )


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.stem)
def test_a_device_measures_every_released_bundle(bundle: Path) -> None:
    program = (
        f"{DEVICE}from lstm_export.bench import process, timing\n"
        "process.STARTS = 1  # a process an engine is enough to see that it starts\n"
        "timing.BLOCK_S = 1e-3\n"
        "short = ['--seconds', '0.01', '--batch', '2', '--seq', '3']\n"
        "from lstm_export.cli import app\napp(['bench', sys.argv[1], *short])"
    )
    done = run(program, bundle)
    assert done.returncode == 0, done.stderr
    assert "passed against float64" in done.stdout


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.stem)
def test_the_example_in_the_bundle_runs(bundle: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        example = archive.read("example.py").decode()
    done = run(f"{DEVICE}{example.replace('from __future__ import annotations', '')}", bundle)
    assert done.returncode == 0, done.stderr


def test_what_needs_onnx_says_how_to_get_it(tmp_path: Path) -> None:
    done = run(
        f"{DEVICE}from lstm_export.cli import app\napp(['onnx', *sys.argv[1:]])",
        BUNDLES[0],
        "-o",
        tmp_path / "m",
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert 'pip install "lstm-export[export]"' in done.stderr
    assert "Traceback" not in done.stderr
