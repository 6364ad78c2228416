"""Recognition: from the weights of modules as users write them to a chain, and what it may not keep quiet about."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lstm_export.chains import from_state_dict

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')

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
        h, c = x.new_zeros(len(x), 6), x.new_zeros(len(x), 6)
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
