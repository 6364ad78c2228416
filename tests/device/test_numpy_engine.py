"""The engine of numpy alone: lengths, streams, threads, and a device without onnxruntime.

Parity of every chain is in tests/targets/test_every_target.py.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import lstm_export
from lstm_export.bundle import make_bundle, write_bundle
from lstm_export.device import numpy_runner
from lstm_export.model.runner import is_stateful
from lstm_export.parity import check, check_streaming, golden_sets, unequal_lengths
from lstm_export.verification.engine import EngineWarning
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS, MODELS
from tests.test_light import BLOCK, GOLDEN, run

SEED_BUNDLE = GOLDEN / "seed-v1.bundle"
STREAMED = [name for name, model in MODELS.items() if is_stateful(numpy_runner(model))]
NO_RUNTIME = BLOCK.format(blocked=("torch", "onnx", "onnxruntime", "pyarrow", "matplotlib"))


@pytest.mark.parametrize("name", MODELS)
def test_padding_is_never_read(name: str) -> None:
    model = MODELS[name]
    golden = unequal_lengths(model)
    assert golden.lengths is not None
    is_padding = np.arange(golden.x.shape[1]) >= golden.lengths[:, np.newaxis]
    runner = numpy_runner(model)

    def with_poison(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        poisoned = np.where(is_padding[..., np.newaxis], np.float32(np.nan), x)
        return runner(poisoned, lengths)

    with_poison.takes_lengths = True  # type: ignore[attr-defined]
    report = check(with_poison, [golden], subject=name)
    assert report.ok, report.table()


@pytest.mark.parametrize("name", STREAMED)
def test_every_way_to_stream_agrees(name: str) -> None:
    model = MODELS[name]
    proofs = check_streaming(numpy_runner(model), golden_sets(model), model)
    assert {proof.verdict for proof in proofs} == {"passed"}, proofs


def test_what_reads_forward_streams_but_for_what_takes_its_window_as_a_whole() -> None:
    both_ways = {name for name, model in MODELS.items() if model.recurrent[0].bidirectional}
    assert set(STREAMED) == set(MODELS) - both_ways - {"window", "deviation"}


def test_threads_share_an_engine() -> None:
    runner = numpy_runner(CHAINS["seed"])
    batches = [drawn(CHAINS["seed"], 3, 40, seed) for seed in range(8)]
    alone = [runner(x) for x in batches]
    with ThreadPoolExecutor(8) as threads:
        for x, y in zip(batches * 8, threads.map(runner, batches * 8), strict=True):
            np.testing.assert_array_equal(y, alone[[x is other for other in batches].index(True)])


def test_a_bound_step_is_the_sequence_step_by_step() -> None:
    """With the state set from outside and read back, as a Stream does it."""
    model = CHAINS["learned state"]
    runner = numpy_runner(model)
    x = drawn(model, 2, 6)
    steps = runner.bind(2)
    for t in range(6):
        steps.x[...] = x[:, t : t + 1]
        y = steps.run()
    _, state = runner.advance(x, runner.initial_state(2))
    np.testing.assert_allclose(y, runner(x), rtol=0, atol=4 * 2.0**-24)
    for kept, expected in zip(steps.state, state, strict=True):
        np.testing.assert_allclose(kept, expected, rtol=0, atol=4 * 2.0**-24)
        kept[...] = 0.25
    y, _ = runner.advance(x[:, -1:], steps.state)
    np.testing.assert_array_equal(steps.run(), y)


def test_a_state_goes_from_one_engine_to_the_other(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    from lstm_export.bundle import Artifact
    from lstm_export.targets.onnx.writer import to_bytes

    model = CHAINS["seed"]
    data = to_bytes(model, 17, stateful=True)
    artifacts = [Artifact("onnx-stream", ".stream.onnx", data)]
    write_bundle(tmp_path / "b", make_bundle(model, golden_sets(model), artifacts, mode="state"))
    x = drawn(model, 1, 9)[0]
    streams = [
        lstm_export.load(tmp_path / "b", engine).stream() for engine in ("onnx-stream", "numpy")
    ]
    streams[0].push(x[:5])
    streams[1].restore(streams[0].state())
    np.testing.assert_allclose(streams[1].push(x[5:]), streams[0].push(x[5:]), rtol=0, atol=2e-6)


def command(*args: str | Path) -> str:
    """What a command says on a device without onnxruntime; it must end well."""
    program = f"{NO_RUNTIME}from lstm_export.cli import app\napp(sys.argv[1:])"
    done = run(program, *args)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_device_without_onnxruntime_verifies_and_runs_a_bundle(tmp_path: Path) -> None:
    verdict = command("verify", SEED_BUNDLE)
    assert "onnx: not run here" in verdict
    assert "numpy: passed on" in verdict
    np.save(tmp_path / "x.npy", drawn(CHAINS["seed"], 5, 8))
    said = command("run", SEED_BUNDLE, tmp_path / "x.npy", "-o", tmp_path / "y.npy")
    assert "runs with numpy: " in said
    assert "install it with: pip install onnxruntime" in said
    with_runtime = lstm_export.load(SEED_BUNDLE, "numpy")(np.load(tmp_path / "x.npy"))
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), with_runtime)
    assert "numpy:" in command("doctor")


def test_an_engine_or_a_provider_that_was_named_is_never_replaced(tmp_path: Path) -> None:
    for choice in ("engine='onnx'", "providers=['cuda']"):
        program = f"{NO_RUNTIME}import lstm_export\nlstm_export.load(sys.argv[1], {choice})"
        done = run(program, SEED_BUNDLE)
        assert "MissingDependency" in done.stderr, done.stderr


def test_a_bundle_without_onnx_runs_and_compiles_nothing(tmp_path: Path) -> None:
    model = CHAINS["smallest"]
    write_bundle(tmp_path / "b", make_bundle(model, golden_sets(model), []))
    x = drawn(model, 2, 3)
    with pytest.warns(EngineWarning, match="runs with numpy: it holds no onnx; name another .*: c"):
        session = lstm_export.load(tmp_path / "b")
    np.testing.assert_array_equal(session(x), lstm_export.load(tmp_path / "b", "numpy")(x))
