"""A live module is translated: right numbers, or a refusal that names operation and line."""

from __future__ import annotations

import copy
import inspect
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lstm_export
from lstm_export.chains import ReadingOptions, read_checkpoint
from lstm_export.chains.units import inputs_of
from lstm_export.errors import LstmExportError, UnsupportedModel
from lstm_export.model import forward
from lstm_export.verification.subject import read

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
nn = torch.nn

from tests.kit.graph_forwards import KINDS, attended, module_of  # noqa: E402

# Kinds whose weights are not, as they are used, those of modules in the state_dict.
NOT_OF_MODULES = (
    "tied",
    "weight_norm",
    "spectral_norm",
    "a matrix of one's own",
    "einsum with a matrix",
)


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if not kind.refused])
def test_what_is_translated_has_the_modules_numbers(name: str) -> None:
    """At every size of input, against the module in float64."""
    module = module_of(name)
    found = read(module)
    assert found.model.origin == "proved against the module"
    assert set(KINDS[name].holds) <= {stage.name for stage in found.model.stages}
    exact = copy.deepcopy(module).double()
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    for size in (1e-3, 1.0, 300.0, 1e5):
        x = size * np.random.default_rng(0).normal(size=(5, 9, 3)).astype(np.float32)
        with torch.no_grad():
            expected = side_by_side(exact(torch.from_numpy(x).double()), len(x))
        # constants and effective weights are kept in float32: 2**-24 each, over a dozen terms
        y = forward(found.model, x).y
        np.testing.assert_allclose(
            y.reshape(expected.shape), expected, rtol=2e-6, atol=2e-6 * np.abs(expected).max()
        )
    torch.set_default_dtype(default)


def side_by_side(answer: Any, batch: int) -> Any:
    """A module's answers `(batch, n)`, heads beside each other; a state behind them is none."""
    answers = list(answer.values()) if isinstance(answer, dict) else answer
    answers = answers if isinstance(answers, list | tuple) else [answers]
    heads = [each for each in answers if isinstance(each, torch.Tensor)]
    return np.concatenate([head.numpy().reshape(batch, -1) for head in heads], axis=1)


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.refused])
def test_what_has_no_translation_is_named_with_its_line(name: str) -> None:
    with pytest.raises(UnsupportedModel, match=KINDS[name].refused) as caught:
        read(module_of(name))
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert "; " in sentence, "there is no next step"
    about_calls = "asked twice" in sentence or "another batch" in sentence or "one row" in sentence
    assert about_calls or re.search(r"forwards\.py:\d+", sentence), sentence


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if not kind.refused])
def test_the_text_of_what_was_translated_is_accepted_back(name: str) -> None:
    module = module_of(name)
    found = read(module)
    if name in NOT_OF_MODULES:
        assert found.forward == ""
        return
    again = read(module, ReadingOptions(forward=found.forward))
    assert again.model == found.model
    assert again.forward == found.forward


def test_the_line_is_the_users_own() -> None:
    with pytest.raises(UnsupportedModel) as caught:
        read(module_of("attention"))
    lines, start = inspect.getsourcelines(attended)
    number = start + next(index for index, line in enumerate(lines) if "softmax" in line)
    assert f"graph_forwards.py:{number}" in str(caught.value)


def test_inputs_are_found_at_the_bounds_of_every_clamp() -> None:
    model = read(module_of("clamp")).model
    inputs = inputs_of(model)
    clamp = model.stages.index(next(stage for stage in model.stages if stage.kind == "Clamp"))
    unclamped = replace(model, stages=model.stages[:clamp])
    for name, bound in (("low of clamp", -0.1), ("high of clamp", 0.2)):
        y = forward(unclamped, inputs[name]).y
        assert np.abs(y[1] - bound).min() < 1e-4


def test_what_the_forward_does_not_use_is_listed() -> None:
    found = read(module_of("unused Linear"))
    assert found.contents is not None
    assert "spare.weight (8, 8), not used by the forward" in found.contents.ignored


def test_a_head_that_has_no_translation_is_left_out_with_its_reason() -> None:
    module = module_of("unused Linear")
    module.answer = lambda m, x: (m.fc(m.last(x)), torch.exp(m.spare(m.last(x))))
    found = read(module)
    assert found.text == "lstm, last, fc"
    (note,) = (note for note in found.notes if note.startswith("answer 2 is left out"))
    assert re.search(r"exp in Net at .*test_translation.py:\d+: no stage computes it; ", note)


def test_the_report_says_on_what_it_was_proved(tmp_path: Path) -> None:
    report = lstm_export.export(module_of("x / 100"), "onnx", tmp_path / "m.onnx")
    assert any(
        note.startswith("proved operation by operation, then in float64 on ")
        for note in report.notes
    )


# Torch's, that TorchScript is deprecated and that a trace keeps no Python
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", [torch.jit.script, None], ids=["scripted", "traced"])
def test_an_archive_is_translated_in_its_own_process(make: Any, tmp_path: Path) -> None:
    class Plain(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, end: Any) -> None:
            super().__init__()
            self.lstm = nn.LSTM(3, 8, batch_first=True)
            self.head = nn.Sequential(nn.Linear(8, 4), nn.GELU(), nn.Linear(4, 1), end)

        def forward(self, x):  # type: ignore[no-untyped-def]
            out, _ = self.lstm(x / 10)
            return self.head(out[:, -1])

    torch.manual_seed(0)
    for end, refused in ((nn.Tanh(), ""), (nn.Hardshrink(), r"head\.3 \(Hardshrink\)")):
        module = Plain(end).eval()
        archive = make(module) if make else torch.jit.trace(module, torch.zeros(2, 3, 3))
        archive.save(str(tmp_path / "m.pt"))
        if refused:
            with pytest.raises(LstmExportError, match=refused):
                read_checkpoint(tmp_path / "m.pt", ReadingOptions(trust=True))
            continue
        found = read_checkpoint(tmp_path / "m.pt", ReadingOptions(trust=True))
        assert found.model.chain == "normalize, lstm, last, head.0, gelu, head.2, tanh"
        assert found.model.origin == "proved against the archive's own code"
