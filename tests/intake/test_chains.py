"""Recognition: from the weights of modules as users write them to a chain, and what it may not keep quiet about."""

from __future__ import annotations

import re

import pytest

from lstm_export.intake import from_state_dict

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')

from .user_modules import MODULES, make  # noqa: E402


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
