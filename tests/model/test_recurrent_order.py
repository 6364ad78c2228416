"""The order of a file's arrays changes nothing: equal models are rounded and packaged alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lstm_export.model import Model, Stage
from lstm_export.model.recurrent import Recurrent
from lstm_export.parity import golden_sets
from tests.kit.chains import CHAINS


def turned(stage: Stage) -> Stage:
    """The same stage from a file with its arrays in the reverse order."""
    if not isinstance(stage, Recurrent):
        return stage
    return replace(stage, weights=dict(reversed(stage.weights.items())))


@pytest.mark.parametrize("name", ["seed", "projected both ways", "learned state"])
def test_the_order_of_the_arrays_changes_no_bit(name: str) -> None:
    model = CHAINS[name]
    other = Model(tuple(map(turned, model.stages)), model.signature, model.origin)
    assert list(other.arrays) == list(model.arrays)
    for before, after in zip(golden_sets(model), golden_sets(other), strict=True):
        assert before.noise_floor == after.noise_floor
        assert before.y.tobytes() == after.y.tobytes()


def test_they_stand_as_in_torch() -> None:
    torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
    lstm = torch.nn.LSTM(2, 5, num_layers=11, bidirectional=True, proj_size=3)
    names = list(lstm.state_dict())
    arrays = {name: tensor.numpy() for name, tensor in lstm.state_dict().items()}
    stage = replace(CHAINS["smallest"].recurrent[0], weights=dict(sorted(arrays.items())))
    assert list(stage.arrays) == names
