"""Every activation: torch's equation, in every target or refused by name, and a token of
`--forward`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export import targets
from lstm_export.chains.outline import TOKENS
from lstm_export.chains.tokens import stage_of
from lstm_export.errors import UnsupportedModel
from lstm_export.model import Activation, LastStep, Model, Signature, forward
from lstm_export.model.stages import ACTIVATIONS
from lstm_export.parity import check, golden_sets
from lstm_export.verification.opened_file import own_artifact
from lstm_export.verification.subject import read
from tests.kit.builders import drawn, linear, lstm
from tests.kit.targets_here import TARGETS_HERE

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')


@pytest.fixture
def model(function: str) -> Model:
    random = np.random.default_rng(0)
    positive = [Activation("positive", "softplus")] if function == "sqrt" else []
    stages = (
        lstm("lstm", 2, 5, 1, random),
        LastStep("last"),
        linear("fc", 5, 4, random, gain=8.0),  # so that both bends of a function are reached
        *positive,
        Activation(function, function),
    )
    return Model(stages, Signature(2, 4))


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_the_equation_is_torchs(model: Model) -> None:
    from lstm_export.model.torch_module import to_module

    x = drawn(model, 7, 6).astype(np.float64)
    with torch.no_grad():
        y = to_module(model).double()(torch.from_numpy(x)).numpy()
    # A hundred roundings of float64, and answers below 10.
    np.testing.assert_allclose(forward(model, x).y, y, rtol=0, atol=1e-13)


@pytest.mark.parametrize("target", TARGETS_HERE)
@pytest.mark.parametrize("function", ACTIVATIONS)
def test_a_target_writes_it_or_names_it(model: Model, target: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{targets.get(target).suffix}"
    try:
        targets.get(target).export(model, path)
    except UnsupportedModel as error:
        assert model.stages[-1].name in str(error)
        return
    artifact = own_artifact(target, path)
    report = check(artifact.runner(), golden_sets(model), subject=target)
    assert report.ok, report.table()
    if isinstance(artifact.module, targets.CanRead):
        assert artifact.read_back() == model


@pytest.mark.parametrize("target", ["c", "onnx", "onnx-stream"])
@pytest.mark.parametrize("function", ["sine"])
def test_a_target_names_what_it_has_no_words_for(
    function: str, target: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ACTIVATIONS, function, None)  # type: ignore[arg-type]
        model = request.getfixturevalue("model")
    with pytest.raises(UnsupportedModel, match=f"cannot express {function}"):
        targets.get(target).export(model, tmp_path / "model")


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_a_live_module_shows_it(function: str) -> None:
    checkpoint = read(UsersModule(_activation(function)))
    stage = checkpoint.model.stages[-1]
    assert isinstance(stage, Activation)
    assert (stage.function, stage.parameter) == (function, Activation("a", function).parameter)
    assert "proved" in checkpoint.model.origin


def _activation(function: str) -> Any:
    """What computes it in torch."""
    classes = {token: name for name, token in TOKENS.items()}
    if function == "gelu_tanh":
        return torch.nn.GELU(approximate="tanh")
    if function == "sqrt":  # no module, and for positive values
        return lambda x: torch.nn.functional.softplus(x).sqrt()
    return getattr(torch.nn, classes[function])()


class UsersModule(torch.nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self, activation: Any) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.lstm = torch.nn.LSTM(2, 5, batch_first=True)
        self.fc = torch.nn.Linear(5, 4)
        self.activation = activation

    def forward(self, x: Any) -> Any:
        return self.activation(self.fc(self.lstm(x)[0][:, -1]))


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_it_is_a_token_of_forward(function: str) -> None:
    stage = stage_of(function, set())
    assert isinstance(stage, Activation)
    assert stage.function == function
