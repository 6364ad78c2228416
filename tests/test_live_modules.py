"""Live modules: what is exported is proved against the module's own forward."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import lstm_export
from lstm_export.errors import UnsupportedModel
from lstm_export.verification.subject import Subject, read

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
onnx = pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
from tests.kit.seed_module import LSTMModel  # noqa: E402

nn = torch.nn


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_live_module_is_proved_against_its_own_forward(tmp_path: Path) -> None:
    report = lstm_export.export(LSTMModel(), "onnx", tmp_path / "m.onnx")
    assert report.ok, report.table()
    assert Subject.of(LSTMModel()).checkpoint.model.origin == "proved against the module"


@pytest.mark.parametrize("dtype", ["float64", "float16"])
def test_a_module_of_another_type_is_proved_and_left_as_it_is(tmp_path: Path, dtype: str) -> None:
    module = LSTMModel().to(getattr(torch, dtype)).train()
    report = lstm_export.export(module, "onnx", tmp_path / "m.onnx")
    assert report.ok, report.table()
    assert f"{dtype} weights were cast to float32" in report.notes
    assert module.training
    assert module.fc.weight.dtype == getattr(torch, dtype)


def test_a_state_dict_in_memory_is_a_model(tmp_path: Path) -> None:
    assert lstm_export.export(LSTMModel().state_dict(), "onnx", tmp_path / "m.onnx").ok


class Sorted(LSTMModel):
    def forward(self, x: Any) -> Any:
        return super().forward(x).sort(dim=1).values


def test_an_operation_that_no_stage_does_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(
        UnsupportedModel, match=r"sort in Sorted at .*test_live_modules.py:\d+: no stage computes"
    ):
        lstm_export.export(Sorted(), "onnx", tmp_path / "m.onnx")


class Decoder(nn.Module):
    """Feeds the last value, then its own answers, to a second LSTM."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.LSTM(1, 4, batch_first=True)
        self.decoder = nn.LSTM(1, 4, batch_first=True)
        self.fc = nn.Linear(4, 1)

    def forward(self, x: Any) -> Any:
        _, state = self.encoder(x)
        y = x[:, -1:]
        answers = []
        for _ in range(3):
            hidden, state = self.decoder(y, state)
            y = self.fc(hidden)
            answers.append(y)
        return torch.cat(answers, dim=1)[..., 0]


def test_a_decoder_is_refused_with_what_can_take_its_place(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match="as a decoder does.*let a Linear answer all steps"):
        lstm_export.export(Decoder(), "onnx", tmp_path / "m.onnx")


@pytest.mark.parametrize(
    ("hidden", "chain"), [(nn.ReLU(), "lstm, last, relu, fc"), (nn.Tanh(), "lstm, last, tanh, fc")]
)
def test_a_hidden_activation_is_found_by_the_modules_own_forward(
    tmp_path: Path, hidden: Any, chain: str
) -> None:
    module = LSTMModel(hidden)
    assert read(module).model.chain == chain
    assert lstm_export.export(module, "onnx", tmp_path / "m.onnx").ok


def test_a_module_that_no_chain_computes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UnsupportedModel,
        match=r"softmax in hidden \(Softmax\) at .*seed_module.py:\d+: no stage",
    ):
        lstm_export.export(LSTMModel(nn.Softmax(dim=-1)), "onnx", tmp_path / "m.onnx")
    assert not listing(tmp_path)


def test_a_bundle_is_judged_against_the_modules_own_forward(tmp_path: Path) -> None:
    """The weights are the same; the ReLU is not in them."""
    module = LSTMModel(nn.ReLU())
    lstm_export.package(module.state_dict(), tmp_path / "m.bundle")
    (report,) = lstm_export.verify(tmp_path / "m.bundle", module)
    assert report.verdict == "failed"
    start = "lstm LSTM(4, 6, num_layers=2) -> last LastStep"
    found = f"{start} -> fc Linear(6, 2)"
    expected = f"{start} -> relu Activation(relu) -> fc Linear(6, 2)"
    assert report.structure == f"the chain is '{found}', expected '{expected}'"


class Odd(nn.Module):  # type: ignore[misc, name-defined]
    """Answers of a tuple, and state of a fixed batch."""

    def __init__(self, answer: str) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 6, batch_first=True)
        self.fc = nn.Linear(6, 2)
        self.answer = answer

    def forward(self, x: Any) -> Any:
        zeros = torch.zeros(1, 1, 6)
        state = (zeros, zeros) if self.answer == "fixed batch" else None
        y = self.fc(self.lstm(x, state)[0][:, -1])
        return (y, None) if self.answer == "tuple" else y


def test_a_module_that_cannot_be_compared_is_told_why(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match="refused x"):
        lstm_export.export(Odd("fixed batch"), "onnx", tmp_path / "m.onnx")


def test_a_module_that_answers_with_a_tuple_is_compared_by_its_first_tensor(tmp_path: Path) -> None:
    assert lstm_export.export(Odd("tuple"), "onnx", tmp_path / "m.onnx").ok
