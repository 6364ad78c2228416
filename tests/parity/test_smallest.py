"""The smallest failing input still fails, is small, and comes back from its file as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lstm_export.bundle import read_golden, write_golden
from lstm_export.bundle.arrays import pack_arrays
from lstm_export.errors import InputError
from lstm_export.model import Array, Runner, forward
from lstm_export.parity import GoldenSet, check, golden_sets, smallest_failing
from tests.kit.chains import CHAINS

MODEL = CHAINS["scalers"]
GOLDEN = golden_sets(MODEL)


def broken(when: float) -> Runner:
    """Wrong in rows whose first feature is ever beyond `when` standard deviations."""
    mean = MODEL.stages[0].arrays["offset"][0]
    std = MODEL.stages[0].arrays["scale"][0]

    def run(x: Array) -> Array:
        wrong = np.abs((x[..., 0] - mean) / std).max(axis=1) > when
        return forward(MODEL, x).y * (1 + 1e-3 * wrong[:, np.newaxis])

    return run


@pytest.mark.parametrize(("when", "steps"), [(0.0, 1), (20.0, 1)])
def test_it_still_fails_and_is_small(when: float, steps: int) -> None:
    runner = broken(when)
    failing = smallest_failing(runner, MODEL, GOLDEN)
    assert failing is not None
    assert failing.x.shape[:2] == (1, steps)
    assert check(runner, [failing], subject="broken").verdict == "failed"
    centred = failing.x[0, 0] == MODEL.stages[0].arrays["offset"].round(3)
    assert not centred[0]


def test_what_passes_has_none() -> None:
    assert smallest_failing(lambda x: forward(MODEL, x).y, MODEL, GOLDEN) is None


def test_the_file_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "failing.npz"
    lengths = np.array([3, 1], np.int64)
    golden_set = GoldenSet.of("one", MODEL, GOLDEN[2].x[:2, :3], lengths)
    write_golden(path, golden_set)
    x, again = read_golden(path)
    assert x.tobytes() == golden_set.x.tobytes()
    assert again is not None
    assert again.tolist() == [3, 1]
    with np.load(path) as arrays:  # what anyone can read
        np.testing.assert_array_equal(arrays["y"], golden_set.y)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"format_version": np.array(2)}, "has the format version 2, this lstm-export reads 1"),
        ({"x": np.zeros((1, 1, 3), np.float32)}, "has the format version none"),
        (
            {"format_version": np.array(1), "x": np.zeros(3, np.float32)},
            "holds no finite float32 x",
        ),
    ],
)
def test_other_files_are_refused(tmp_path: Path, arrays: dict[str, Array], message: str) -> None:
    path = tmp_path / "other.npz"
    path.write_bytes(pack_arrays(arrays))
    with pytest.raises(InputError, match=message):
        read_golden(path)
    path.write_bytes(b"PK nothing")
    with pytest.raises(InputError, match="is no golden set"):
        read_golden(path)
