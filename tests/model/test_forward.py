"""The float64 definition against PyTorch, and against the gate equations scalar by scalar."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lstm_export.model import Model, forward, initial_state, state_layout
from lstm_export.model.forward import advance, begin
from lstm_export.model.state import not_for_streams
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS
from tests.kit.graphs import GRAPHS


@pytest.mark.parametrize(("batch", "seq"), [(1, 1), (3, 7), (2, 40)])
def test_agrees_with_torch_in_float64(model: Model, batch: int, seq: int) -> None:
    torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
    from lstm_export.model.torch_module import to_module

    x = drawn(model, batch, seq)
    expected = to_module(model).double()(torch.tensor(x, dtype=torch.float64)).detach().numpy()
    y = forward(model, x).y
    assert y.shape == expected.shape
    # Two float64 evaluations differ by their order of summation alone.
    np.testing.assert_allclose(
        y, expected, rtol=1e-12, atol=1e-12 * max(1.0, np.abs(expected).max())
    )


def test_agrees_with_the_gate_equations_one_scalar_at_a_time() -> None:
    model = CHAINS["smallest"]
    w = {
        name: float(array.reshape(-1)[0]) for name, array in model.arrays.items() if array.size == 1
    }
    gates = {
        name: array.reshape(-1).astype(float)
        for name, array in model.arrays.items()
        if array.size == 4
    }
    x = drawn(model, 1, 6)
    h = c = 0.0
    for value in x.reshape(-1).astype(float):
        a = gates["lstm.weight_ih_l0"] * value + gates["lstm.bias_ih_l0"]
        i, f, g, o = a + gates["lstm.weight_hh_l0"] * h + gates["lstm.bias_hh_l0"]
        c = c / (1 + math.exp(-f)) + math.tanh(g) / (1 + math.exp(-i))
        h = math.tanh(c) / (1 + math.exp(-o))
    assert forward(model, x).y.item() == pytest.approx(w["fc.weight"] * h + w["fc.bias"], abs=1e-14)


def test_terms_bound_the_output_and_show_cancellation() -> None:
    model = CHAINS["scalers"]
    output = forward(model, drawn(model, 8, 5))
    assert (output.terms >= np.abs(output.y) - 1e-12).all()
    assert output.terms.shape == output.y.shape


def test_padding_counts_for_nothing(model: Model) -> None:
    """Each row with a length is what it is alone, cut there; what follows is never read."""
    x = drawn(model, 4, 9)
    lengths = np.array([9, 1, 4, 6])
    padded = x.copy()
    for row, length in enumerate(lengths):
        padded[row, length:] = 1e6
    y = forward(model, padded, lengths=lengths)
    for row, length in enumerate(lengths):
        alone = forward(model, x[row : row + 1, :length])
        steps = slice(length) if model.returns_every_step else slice(None)
        np.testing.assert_allclose(y.y[row][steps], alone.y[0], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(y.terms[row][steps], alone.terms[0], rtol=1e-12, atol=1e-12)
        if model.returns_every_step:
            assert not y.y[row][length:].any()


def test_chunks_with_the_state_carried_are_the_whole(model: Model) -> None:
    if not_for_streams(model) is not None:
        pytest.skip("it reads the future: it has no state to carry")
    x = drawn(model, 3, 8)
    whole = forward(model, x)
    first = forward(model, x[:, :5])
    rest = forward(model, x[:, 5:], state=first.state)
    layout = [(tensor.num_layers, 3, tensor.size) for tensor in state_layout(model)]
    assert [tensor.shape for tensor in first.state] == layout
    assert [tensor.shape for tensor in initial_state(model, batch=3)] == layout
    expected = whole.y[:, 5:] if model.returns_every_step else whole.y
    np.testing.assert_allclose(rest.y, expected, rtol=1e-12, atol=1e-12)
    for got, expected in zip(rest.state, whole.state, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", GRAPHS)
def test_stage_by_stage_gives_what_the_whole_gives(name: str) -> None:
    """Also where a stage takes the state of a recurrent one that is not right before it."""
    model = GRAPHS[name]
    x = drawn(model, 2, 5)
    partway = begin(x)
    for stage in model.stages:
        partway = advance(partway, stage)
    y = np.moveaxis(partway.y, 0, -2) if model.returns_every_step else partway.y
    np.testing.assert_array_equal(y, forward(model, x).y)
