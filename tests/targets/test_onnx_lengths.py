"""ONNX that takes the lengths of a padded batch: what follows a row's end is not read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export import targets
from lstm_export.device import load_onnx
from lstm_export.errors import BundleError, InputError, UnsupportedModel
from lstm_export.model import Activation, Model, Pool, forward
from lstm_export.model.lowering import lower_projections
from lstm_export.model.wiring import INPUT
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS, MODELS
from tests.kit.graphs import FORECASTS

onnx = pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
from lstm_export.targets.onnx import reader, writer  # noqa: E402

helper = onnx.helper
numpy_helper = onnx.numpy_helper
LENGTHS = np.array([3, 1, 9, 5, 8])
# Of the terms that an output is summed from; every chain stays below 20 of them
ROUNDINGS = 40 * 2.0**-24
# Written with Elu, Celu, Selu or Softplus: findings/onnxruntime_elu_bits_follow_place.sh.
FOLLOW_THE_PLACE = {"elu", "celu", "selu", "softplus", "mish"}
# The operator RNN multiplies all rows at once, by other code for one than for several.
FOLLOW_THE_PLACE |= {"RNN"}
# Steps of x itself, batch first, are added in another order for one row than for several.
FOLLOW_THE_PLACE |= {"mean", "sum"}


def exported(model: Model, opset: int = 17) -> bytes:
    return writer.to_bytes(model, opset, lengths=True)


def test_answers_at_each_rows_own_length(model: Model) -> None:
    x = drawn(model, 5, 9)
    y = load_onnx(exported(model))(x, LENGTHS)
    expected = forward(model, x, lengths=LENGTHS)
    assert y.shape == expected.y.shape
    scale = expected.terms.reshape(-1, y.shape[-1]).max(axis=0)
    assert (np.abs(y - expected.y) <= ROUNDINGS * scale).all()
    if model.returns_every_step:
        assert not y[np.arange(9) >= LENGTHS[:, np.newaxis]].any()


@pytest.mark.parametrize("padding", [np.nan, np.inf, 3e38, 0.0])
def test_padding_and_neighbours_change_no_bit_of_a_row(model: Model, padding: float) -> None:
    """Each row as it is alone and unpadded; beside it stand others, after it what is not read."""
    runner = load_onnx(exported(model))
    x = drawn(model, 5, 9)
    padded = np.where(
        np.arange(9)[:, np.newaxis] < LENGTHS[:, np.newaxis, np.newaxis], x, np.float32(padding)
    )
    y = runner(padded, LENGTHS)
    scale = forward(model, x, lengths=LENGTHS).terms.reshape(-1, y.shape[-1]).max(axis=0)
    # ONNX Runtime computes the end of a tensor by other code, where these give other last bits.
    allowed = ROUNDINGS * scale if functions_of(model) & FOLLOW_THE_PLACE else 0.0
    for row, length in enumerate(LENGTHS):
        alone = runner(x[row : row + 1, :length])[0]
        beside_others = y[row, :length] if model.returns_every_step else y[row]
        assert (np.abs(beside_others - alone) <= allowed).all()


def functions_of(model: Model) -> set[str]:
    functions = {stage.function for stage in model.stages if isinstance(stage, Activation)}
    pooled = {stage.mode for stage in model.readers_of(INPUT) if isinstance(stage, Pool)}
    return functions | {stage.kind for stage in model.recurrent} | pooled


def test_reading_is_the_inverse_of_writing(model: Model) -> None:
    assert reader.from_bytes(exported(model)) == lower_projections(model)
    onnx.checker.check_model(onnx.load_model_from_string(exported(model)), full_check=True)


@pytest.mark.parametrize("opset", [13, 14, 18, 21])
@pytest.mark.parametrize("name", ["bidirectional", "skip", "gru both ways"])
def test_other_opsets(name: str, opset: int) -> None:
    assert reader.from_bytes(exported(CHAINS[name], opset)) == CHAINS[name]


def test_the_file_says_that_it_takes_lengths(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    targets.get("onnx").export(CHAINS["seed"], path, lengths=True)
    runner = load_onnx(path)
    assert runner.takes_lengths
    assert runner.metadata["lstm_export.takes_lengths"] == "lengths"
    assert not load_onnx(writer.to_bytes(CHAINS["seed"], 17)).takes_lengths


def test_without_lengths_every_step_counts(model: Model) -> None:
    x = drawn(model, 3, 6)
    np.testing.assert_array_equal(
        load_onnx(exported(model))(x), load_onnx(writer.to_bytes(model, 17))(x)
    )


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([1, 0], "lengths is 0 at row 1, expected 1 to 4"),
        ([5, 1], "lengths is 5 at row 0, expected 1 to 4"),
        ([-1, 2], "lengths is -1 at row 0"),
        ([1], r"lengths has the shape \(1,\), expected \(2,\), one a row of x"),
        ([[1], [2]], r"lengths has the shape \(2, 1\)"),
        ([1.0, 2.0], "lengths is of type float64, expected whole numbers such as int32"),
        ([True, True], "lengths is of type bool"),
        (["1", "2"], "lengths is of type str"),
        ([[1], [1, 2]], "lengths is no array"),
        ([2**40, 1], "lengths is 1099511627776 at row 0"),
    ],
)
def test_lengths_that_mean_nothing_are_refused(lengths: Any, message: str) -> None:
    runner = load_onnx(exported(CHAINS["seed"]))
    x = drawn(CHAINS["seed"], 2, 4)
    with pytest.raises(InputError, match=message):
        runner(x, lengths)


def test_a_file_that_takes_none_says_so() -> None:
    runner = load_onnx(writer.to_bytes(CHAINS["seed"], 17))
    x = drawn(CHAINS["seed"], 2, 4)
    with pytest.raises(InputError, match="takes no lengths; export it with --lengths"):
        runner(x, np.array([1, 2]))


def test_another_second_input_is_refused() -> None:
    proto = onnx.load_model_from_string(exported(CHAINS["seed"]))
    proto.graph.input[1].type.tensor_type.elem_type = 7
    with pytest.raises(
        BundleError, match=r"lengths tensor\(int64\) .* at most int32 lengths \(batch,\)"
    ):
        load_onnx(proto.SerializeToString())


def _weights(graph: Any, name: str, value: int) -> None:
    (tensor,) = (tensor for tensor in graph.initializer if tensor.name == name)
    tensor.CopyFrom(
        numpy_helper.from_array(np.full_like(numpy_helper.to_array(tensor), value), name)
    )


def _without_lengths(graph: Any) -> None:
    for node in _recurrent(graph):
        node.input[4] = ""


def _recurrent(graph: Any) -> list[Any]:
    return [node for node in graph.node if node.op_type in ("LSTM", "GRU")]


def _node(graph: Any, op: str, takes: str = "") -> Any:
    nodes = (node for node in graph.node if node.op_type == op)
    return next(node for node in nodes if not takes or takes in node.input)


def _steps_of_no_lengths(graph: Any) -> None:
    """The first step of every row, by a constant of the name of what lengths are made into."""
    ours = ("lengths/wide", "lengths/column", "lengths/last_3")
    kept = [node for node in graph.node if not node.output[0].startswith(ours)]
    del graph.node[:]
    graph.node.extend(kept)
    taken = {name for node in kept for name in node.input}
    held = [tensor for tensor in graph.initializer if tensor.name in taken]
    steps = numpy_helper.from_array(np.zeros((1, 3, 1), np.int64), "lengths/last_3")
    del graph.initializer[:]
    graph.initializer.extend([*held, steps])


# Each graph reads padding, ignores lengths or is no longer what its metadata says.
ALTERED: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "lengths ignored": ("bidirectional", _without_lengths),
    "lengths ignored by one layer": (
        "bidirectional",
        lambda g: _recurrent(g)[1].input.__setitem__(4, ""),
    ),
    "a state however long rows are": ("cell states", _without_lengths),
    "the state of another layer": (
        "lower layer",
        lambda g: _node(g, "Transpose", "gru/l1/steps").input.__setitem__(0, "gru/l2/steps"),
    ),
    "other steps of a forecast": ("last steps", lambda g: _weights(g, "back_3", -1)),
    "steps that a row does not have": ("last steps", lambda g: _weights(g, "beyond", 0)),
    "steps of no lengths": ("last steps", _steps_of_no_lengths),
    "first step": ("bidirectional", lambda g: _weights(g, "one", 0)),
    "other batch": ("bidirectional", lambda g: _node(g, "GatherND").attribute.pop()),
    "other lengths": ("bidirectional", lambda g: _node(g, "Cast").input.__setitem__(0, "x")),
    "padding kept": ("every step", lambda g: _weights(g, "scalar_0", -9)),
    "padding not 0": (
        "every step",
        lambda g: g.initializer[-1].CopyFrom(numpy_helper.from_array(np.float32(1), "zero")),
    ),
    "padding swapped": ("every step", lambda g: _node(g, "Less").input.reverse()),
    "nothing cleared": ("every step", lambda g: g.node.pop()),
    "last of all": ("skips", lambda g: setattr(_node(g, "GatherND"), "op_type", "Gather")),
    "lengths not declared": ("seed", lambda g: g.input.pop()),
    "lengths of another type": (
        "seed",
        lambda g: setattr(g.input[1].type.tensor_type, "elem_type", 7),
    ),
}


@pytest.mark.parametrize("kind", ALTERED)
def test_an_altered_graph_is_not_the_model(kind: str) -> None:
    name, alter = ALTERED[kind]
    model = {**MODELS, **FORECASTS}[name]
    proto = onnx.load_model_from_string(exported(model))
    assert reader.from_bytes(proto.SerializeToString()) == model
    alter(proto.graph)
    with pytest.raises(UnsupportedModel):
        assert reader.from_bytes(proto.SerializeToString()) == model


def test_a_name_of_many_steps_takes_no_memory() -> None:
    """A number in a name of a few bytes, of which nothing is made before the file holds as much."""
    proto = onnx.load_model_from_string(exported(FORECASTS["last steps"]))
    for node in proto.graph.node:
        for names in (node.input, node.output):
            names[:] = [name.replace("last_3", "last_99999999") for name in names]
        node.name = node.name.replace("last_3", "last_99999999")
    with pytest.raises(UnsupportedModel, match=r"expected \[range\(-99999999, 0\)\]$"):
        reader.from_bytes(proto.SerializeToString())


@pytest.mark.parametrize("name", FORECASTS)
def test_the_last_steps_are_those_of_each_row(name: str) -> None:
    model = FORECASTS[name]
    x = drawn(model, 3, 9)
    lengths = np.array([4, 9, 7])
    y = load_onnx(exported(model))(x, lengths)
    expected = forward(model, x, lengths=lengths)
    scale = expected.terms.max(axis=0)
    assert (np.abs(y - expected.y) <= ROUNDINGS * scale).all()
    assert reader.from_bytes(exported(model)) == model


def test_a_row_that_is_too_short_for_its_forecast_is_refused() -> None:
    model = FORECASTS["last steps"]
    with pytest.raises(InputError, match="refused"):
        load_onnx(exported(model))(drawn(model, 3, 9), np.array([9, 2, 5]))


BY = {"seed": "gathering", "gru": "gathering", "both ends": "sequence_lens"}
BY |= {"lower layer": "gathering"}
BY |= {"cell states": "sequence_lens", "running pools": "gathering"}


@pytest.mark.parametrize("name", BY)
def test_the_file_says_how_it_obeys_lengths(name: str) -> None:
    """By `sequence_lens` only where padding or a state needs it; another word is refused."""
    data = exported(MODELS[name])
    proto = onnx.load_model_from_string(data)
    (entry,) = (each for each in proto.metadata_props if each.key == "lstm_export.lengths_by")
    assert entry.value == BY[name]
    given = [len(node.input) > 4 and node.input[4] == "lengths" for node in _recurrent(proto.graph)]
    assert any(given) == (BY[name] == "sequence_lens")
    entry.value = "chance"
    with pytest.raises(UnsupportedModel, match="obeys lengths by"):
        reader.from_bytes(proto.SerializeToString())


def test_older_files_gave_the_lengths_to_every_layer() -> None:
    """They are read as they were written, and answer the same bits."""
    model = CHAINS["every step"]
    data = exported(model)
    proto = onnx.load_model_from_string(data)
    for node in _recurrent(proto.graph):
        node.input.append("lengths")
    (entry,) = (each for each in proto.metadata_props if each.key == "lstm_export.lengths_by")
    proto.metadata_props.remove(entry)
    older = proto.SerializeToString()
    assert reader.from_bytes(older) == model
    x = drawn(model, 5, 9)
    np.testing.assert_array_equal(load_onnx(older)(x, LENGTHS), load_onnx(data)(x, LENGTHS))


@pytest.mark.parametrize("lengths", [True, False])
def test_metadata_and_graph_must_agree_about_lengths(lengths: bool) -> None:
    proto = onnx.load_model_from_string(writer.to_bytes(CHAINS["seed"], 17, lengths=lengths))
    if lengths:
        (entry,) = (
            entry for entry in proto.metadata_props if entry.key == "lstm_export.takes_lengths"
        )
        proto.metadata_props.remove(entry)
    else:
        proto.metadata_props.add(key="lstm_export.takes_lengths", value="lengths")
    with pytest.raises(UnsupportedModel):
        reader.from_bytes(proto.SerializeToString())
