"""Recognition: from weights as users write them to a chain, and what it must not conceal."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lstm_export.chains import from_state_dict
from lstm_export.chains.find_parts import find_parts
from lstm_export.reading import contents_of

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')

from tests.kit.named_differences import unnamed_differences  # noqa: E402
from tests.kit.user_modules import MODULES, make  # noqa: E402


@pytest.mark.parametrize("name", MODULES)
def test_the_chain_that_weights_suggest(name: str) -> None:
    wanted = MODULES[name]
    found = from_state_dict(make(name).state_dict())
    assert found.forward == (wanted.assumed or wanted.forward)
    assert found.model.origin == "assumed"
    assert re.search(wanted.doubt, "\n".join(found.doubts)), found.doubts
    assert wanted.doubt or not wanted.assumed, "a wrong chain needs its doubt"


@pytest.mark.parametrize("name", MODULES)
def test_the_doubts_name_where_the_true_chain_differs(name: str) -> None:
    state = make(name).state_dict()
    found = from_state_dict(state)
    prefixes = {part.token for part in find_parts(contents_of(state).arrays).known}
    true = MODULES[name].forward
    assert not unnamed_differences(found.forward, true, found.doubts, prefixes)


@pytest.mark.parametrize(
    ("true", "word", "unnamed"),
    [
        ("lstm, last, fc, skip(0)", "no skip", ["skip(0)"]),
        ("lstm, fc", "read out", ["read-out every step"]),
        ("lstm, last, tanh, fc", "no activation", ["('tanh',) at ('lstm', 'fc')"]),
    ],
)
def test_a_doubt_that_is_missing_would_be_seen(true: str, word: str, unnamed: list[str]) -> None:
    found = from_state_dict(make("seed").state_dict())
    doubts = tuple(doubt for doubt in found.doubts if word not in doubt)
    assert len(doubts) < len(found.doubts)
    assert unnamed_differences(found.forward, true, doubts, {"lstm", "fc"}) == unnamed


@pytest.mark.parametrize("name", MODULES)
def test_a_live_module_is_proved(name: str) -> None:
    found = from_state_dict(make(name).state_dict(), module=make(name))
    assert found.forward.replace(" dropout,", "") == MODULES[name].forward.replace(" dropout,", "")
    assert found.model.origin == "proved against the module"


class Stepped(torch.nn.Module):  # type: ignore[misc, name-defined]
    """A cell stepped by hand, and a PReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = torch.nn.LSTMCell(3, 6)
        self.act = torch.nn.PReLU(init=0.3)
        self.out = torch.nn.Linear(6, 2)

    def forward(self, x: Any) -> Any:
        h = x.new_zeros(len(x), 6)
        c = x.new_zeros(len(x), 6)
        for t in range(x.shape[1]):
            h, c = self.cell(x[:, t], (h, c))
        return self.out(self.act(h))


def test_a_cell_and_a_prelu_are_understood_and_proved() -> None:
    torch.manual_seed(0)
    module = Stepped()
    assumed = from_state_dict(module.state_dict())
    assert assumed.forward == "cell, last, act, out"
    assert any(
        "`cell` is a cell, taken as stepped over the sequence once" in doubt
        for doubt in assumed.doubts
    )
    assert (
        from_state_dict(module.state_dict(), module=module).model.origin
        == "proved against the module"
    )
