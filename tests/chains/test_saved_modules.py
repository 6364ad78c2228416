"""Every module saved in every way: the chain, the artifact, and the module's own answers."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lstm_export import pipeline
from lstm_export.chains import from_state_dict, read_checkpoint
from lstm_export.chains.parts import unwrapped
from lstm_export.cli import app

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')

from tests.kit.saving import WAYS  # noqa: E402
from tests.kit.user_modules import MODULES, NOT_TRACED, make  # noqa: E402


def plain(chain: str) -> str:
    """Without wrappers in front of names, and without what changes no number."""
    return ", ".join(
        unwrapped(token) for token in chain.split(", ") if token not in ("dropout", "squeeze")
    )


def ways_of(name: str) -> list[str]:
    return [way for way in WAYS if not (way == "TorchScript" and name in NOT_TRACED)]


def saved(name: str, way: str, folder: Path) -> Path:
    file, save = WAYS[way]
    save(make(name), folder / file)
    return folder / file


@pytest.mark.parametrize("name", MODULES)
def test_every_way_of_saving_leads_to_the_same_model(name: str, tmp_path: Path) -> None:
    expected = from_state_dict(make(name).state_dict())
    for way in ways_of(name):
        found = read_checkpoint(saved(name, way, tmp_path))
        told = way == "TorchScript" and found.contents is not None and found.contents.modules
        if not told or plain(found.forward) == plain(expected.forward):
            assert plain(found.forward) == plain(expected.forward), way
        else:  # an archive tells of activations that a state_dict does not show
            assert plain(found.forward) == plain(MODULES[name].forward) or found.doubts, way
        if way != "float16":
            arrays = {unwrapped(key): array for key, array in found.model.arrays.items()}
            for key, array in expected.model.arrays.items():
                np.testing.assert_array_equal(arrays[unwrapped(key)], array, err_msg=f"{way} {key}")


@pytest.mark.parametrize(("index", "name"), list(enumerate(MODULES)))
def test_a_saved_module_and_its_artifact_answer_alike(
    index: int, name: str, tmp_path: Path
) -> None:
    """A file of one of the ways, exported and verified on the command line, against the user's own
    forward.
    """
    ways = ways_of(name)
    assert_answers_alike(name, ways[index % len(ways)], tmp_path)


def assert_answers_alike(name: str, way: str, folder: Path) -> None:
    """`lstm-export onnx FILE --forward CHAIN`, then the artifact's answers beside the module's."""
    module = make(name)
    path = saved(name, way, folder)
    arrays = read_checkpoint(path).contents.arrays  # type: ignore[union-attr]
    prefixes = {key.removesuffix(unwrapped(key)) for key in arrays}
    prefix = (
        min(prefixes, key=len) if way in ("Lightning", "DataParallel", "compiled", "both") else ""
    )
    owners = {key.rpartition(".")[0] for key in module.state_dict()}
    tokens = MODULES[name].forward.split(", ")
    forward = ", ".join(prefix + token if token in owners else token for token in tokens)
    done = invoke("onnx", path, "--forward", forward, "-o", folder / "m.onnx")
    assert done.exit_code == 0, done.output
    session = pipeline.load(folder / "m.onnx")
    x = np.random.default_rng(0).normal(size=(4, 9, session.input_size)).astype(np.float32)
    y = session(x)
    expected = answered(name, module, x).reshape(y.shape)
    # float16 weights: 2**-11 each, over a few dozen terms; otherwise some roundings of float32
    atol = 2e-2 if way == "float16" else 100 * 2.0**-24
    np.testing.assert_allclose(y, expected, rtol=0, atol=atol * max(1.0, float(np.abs(y).max())))


def answered(name: str, module: Any, x: Any) -> Any:
    """The module's own answer to x `(batch, seq, input_size)`, called as its user calls it."""
    tensor = torch.from_numpy(x)
    time_first = "time first" in name
    state = (torch.zeros(1, 4, 6), torch.zeros(1, 4, 6))
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, about the speed of projections
        y = module(
            tensor.transpose(0, 1) if time_first else tensor,
            *([state] if name in NOT_TRACED else []),
        )
    y = y[0] if isinstance(y, tuple) else y
    return (y.transpose(0, 1) if time_first and y.ndim == 3 else y).numpy()


RUNNER = CliRunner()


def invoke(*args: str | Path) -> Any:
    return RUNNER.invoke(app, [str(arg) for arg in args])


@pytest.mark.parametrize(
    ("name", "way", "options"),
    [
        ("seed", "nested", ()),
        ("bidirectional hidden", "Lightning", ("--readout", "hidden")),
        ("Sequential with gap", "safetensors", ()),
        ("relu between", "DataParallel", ("--forward", "module.lstm, last, relu, module.fc")),
        ("every step, time first", "float64", ("--readout", "all", "--no-batch-first")),
        ("audio skip", "bare", ("--forward", "rec, lin, skip(0)")),
        ("tanh head", "nested", ("--module", "tests.kit.user_modules:TanhHead")),
        ("tanh head", "TorchScript", ("--trust",)),
    ],
)
def test_the_command_line_takes_the_file(
    name: str, way: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    path = saved(name, way, tmp_path)
    shown = json.loads(invoke("inspect", path, *options, "--json").stdout)
    assert plain(shown["forward"]) == plain(MODULES[name].forward)
    done = invoke("onnx", path, "-o", tmp_path / "m.onnx", *options)
    assert done.exit_code == 0, done.output
    if "--trust" in options:  # a process of its own each time
        return
    assert invoke("verify", tmp_path / "m.onnx", path, *options).exit_code == 0
    assert invoke("package", path, "-o", tmp_path / "m.bundle", *options).exit_code == 0
    assert invoke("verify", tmp_path / "m.bundle").exit_code == 0


def test_recognition_without_hints() -> None:
    """Of the one-LSTM one-head layouts that leave no doubt, at least 9 of 10 are recognised."""
    named = [name for name, module in MODULES.items() if module.plain]
    right = [
        name
        for name in named
        if from_state_dict(make(name).state_dict()).forward == MODULES[name].forward
    ]
    assert len(named) >= 10
    assert len(right) >= 0.9 * len(named), set(named) - set(right)


def test_no_wrong_chain_keeps_quiet() -> None:
    """Wherever the assumed chain is not the module's, a doubt names the place."""
    for name, module in MODULES.items():
        found = from_state_dict(make(name).state_dict())
        if found.forward != module.forward:
            assert module.doubt and found.doubts and found.model.origin == "assumed", name
