"""The ONNX graph: its form, its bytes, and a reader that takes what the writer writes alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export import doctor, targets
from lstm_export.device.onnx_file import read_onnx
from lstm_export.errors import BundleError, InputError, UnsupportedModel
from lstm_export.model import Array, LastHidden, Model, Pool
from lstm_export.model.lowering import lower_projections
from tests.kit.chains import CHAINS

onnx = pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
from lstm_export.targets.onnx import reader, settings, writer  # noqa: E402

helper = onnx.helper
numpy_helper = onnx.numpy_helper
SEED = writer.to_bytes(CHAINS["seed"], 17)
SCALED = writer.to_bytes(CHAINS["scalers"], 17)
EVERY = writer.to_bytes(CHAINS["every step"], 17)


def test_the_form_that_every_runtime_takes() -> None:
    proto = onnx.load_model_from_string(SEED)
    assert proto.ir_version == 8
    assert [(entry.domain, entry.version) for entry in proto.opset_import] == [("", 17)]
    ops = [node.op_type for node in proto.graph.node]
    assert ops == ["Transpose", "LSTM", "Squeeze", "LSTM", "Squeeze", "Gemm"]
    inputs = [len(node.input) for node in proto.graph.node if node.op_type == "LSTM"]
    assert inputs == [4, 4]  # no initial state
    assert not any(tensor.data_location for tensor in proto.graph.initializer)
    scaled = [node.op_type for node in onnx.load_model_from_string(SCALED).graph.node]
    assert (scaled[:2], scaled[-2:]) == (["Sub", "Div"], ["Mul", "Add"])


def test_checks_and_infers_its_own_shapes(model: Model) -> None:
    proto = onnx.load_model_from_string(writer.to_bytes(model, 17))
    onnx.checker.check_model(proto, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(proto, strict_mode=True)
    known = {value.name for value in (*inferred.graph.value_info, *inferred.graph.output)}
    assert {name for node in proto.graph.node for name in node.output if name} <= known


def test_small(model: Model) -> None:
    model = lower_projections(model)  # a square recurrent weight takes more than two narrow ones
    weights = sum(array.nbytes for array in model.arrays.values())
    metadata = sum(len(key) + len(value) for key, value in writer.metadata(model).items())
    # Each further read-out of a state takes nodes of its own.
    states = sum(isinstance(stage, LastHidden) for stage in model.stages)
    nodes = 2048 + 256 * max(states - 1, 0)
    assert len(writer.to_bytes(model, 17)) <= weights + metadata + nodes


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_a_pool_is_told_by_what_it_computes_not_by_its_name(mode: str) -> None:
    stages = CHAINS["seed"].stages
    pooled = Model((stages[0], Pool("a/sum", mode), stages[-1]), CHAINS["seed"].signature)
    for stateful in (False, True):
        data = writer.to_bytes(pooled, 17, stateful=stateful)
        assert reader.from_bytes(data, stateful=stateful) == pooled


def test_the_same_bytes_every_time(model: Model) -> None:
    again = Model.from_record(model.chain_record(), model.arrays, model.signature)
    assert writer.to_bytes(model, 17) == writer.to_bytes(again, 17)


@pytest.mark.parametrize("opset", [13, 14, 17, 18, 21])
def test_other_opsets(opset: int, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    targets.get("onnx").export(CHAINS["scalers"], path, opset=opset)
    read = targets.get("onnx").read  # type: ignore[attr-defined]
    assert read(path.read_bytes()) == CHAINS["scalers"]
    if opset <= (doctor.examine().onnxruntime.newest_opset or 0):
        targets.get("onnx").load(path.read_bytes())


@pytest.mark.parametrize("opset", [12, 0, -1, 999])
def test_opsets_that_cannot_be_written(opset: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"opset {opset} cannot be written; choose 13 to \d+"):
        targets.get("onnx").export(CHAINS["seed"], tmp_path / "m.onnx", opset=opset)
    assert not list(tmp_path.iterdir())


def _attribute(node: Any, name: str, value: Any) -> None:
    node.attribute.append(helper.make_attribute(name, value))


def _weights(graph: Any, name: str, change: Callable[[Array], Array]) -> None:
    (tensor,) = (tensor for tensor in graph.initializer if tensor.name == name)
    tensor.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(tensor).copy()), name))


def _last_layer_reads_y(graph: Any) -> None:
    """The last step taken from Y as if it were the first."""
    node = graph.node[3]
    del node.output[:]
    node.output.append("lstm/l1/Y_h")


def _fixed_axis(graph: Any) -> None:
    graph.input[0].type.tensor_type.shape.dim[1].dim_value = 5


ALTERED: dict[str, tuple[bytes, Callable[[Any], Any]]] = {
    "activation": (
        SEED,
        lambda g: _attribute(g.node[1], "activations", ["HardSigmoid", "Tanh", "Tanh"]),
    ),
    "input_forget": (SEED, lambda g: _attribute(g.node[1], "input_forget", 1)),
    "direction": (SEED, lambda g: _attribute(g.node[1], "direction", "reverse")),
    "clip": (SEED, lambda g: _attribute(g.node[3], "clip", 1.0)),
    "alpha": (SEED, lambda g: _attribute(g.node[5], "alpha", 2.0)),
    "initial state": (SEED, lambda g: g.node[1].input.extend(["", "lstm/l0/B"])),
    "no bias": (SEED, lambda g: g.node[1].input.pop()),
    "other output": (SEED, _last_layer_reads_y),
    "domain": (SEED, lambda g: setattr(g.node[5], "domain", "com.microsoft")),
    "extra node": (
        SEED,
        lambda g: g.node.append(helper.make_node("Relu", ["y"], ["z"], name="relu")),
    ),
    "layers swapped": (SCALED, lambda g: g.node[0].input.reverse()),
    "fixed sequence": (SEED, _fixed_axis),
    "fixed output": (
        SEED,
        lambda g: setattr(g.output[0].type.tensor_type.shape.dim[0], "dim_value", 1),
    ),
    "node dropped": (SEED, lambda g: g.node.pop()),
    "transpose": (EVERY, lambda g: g.node[0].attribute[0].ints.reverse()),
    "unused weights": (
        SEED,
        lambda g: g.initializer.append(numpy_helper.from_array(np.ones(3), "extra")),
    ),
    "names stripped": (SEED, lambda g: [setattr(node, "name", "") for node in g.node]),
    "transposed at the end": (
        SEED,
        lambda g: g.node.append(helper.make_node("Transpose", ["y"], ["z"], perm=[1, 0, 2])),
    ),
    "sequence_lens": (SEED, lambda g: g.node[1].input.append("axis_0")),
    "one bit": (SEED, lambda g: _weights(g, "fc.bias", lambda a: np.nextafter(a, np.float32(9)))),
    "gates swapped": (SEED, lambda g: _weights(g, "lstm/l0/W", lambda a: np.roll(a, 50, axis=1))),
    "squeeze axis": (SEED, lambda g: _weights(g, "axis_0", lambda a: a + 1)),
    "affine order": (SCALED, lambda g: setattr(g.node[0], "op_type", "Add")),
    "graph input": (
        SEED,
        lambda g: g.input.append(helper.make_tensor_value_info("fc.bias", 1, [1])),
    ),
}


@pytest.mark.parametrize("kind", ALTERED)
def test_an_altered_graph_is_not_the_model(kind: str) -> None:
    data, alter = ALTERED[kind]
    original = reader.from_bytes(data)
    proto = onnx.load_model_from_string(data)
    alter(proto.graph)
    with pytest.raises(UnsupportedModel):
        assert reader.from_bytes(proto.SerializeToString()) == original


def test_metadata_must_agree_with_the_graph() -> None:
    proto = onnx.load_model_from_string(SEED)
    (entry,) = (
        entry for entry in proto.metadata_props if entry.key == "lstm_export.weights_sha256"
    )
    entry.value = "0" * 64
    with pytest.raises(UnsupportedModel, match="another model than the file's own metadata"):
        reader.from_bytes(proto.SerializeToString())


@pytest.mark.parametrize(
    ("key", "value"),
    [("signature", "{"), ("signature", "[]"), ("signature", "{}"), ("chain", "nonsense")],
)
def test_damaged_metadata_is_refused(key: str, value: str) -> None:
    proto = onnx.load_model_from_string(SEED)
    (entry,) = (entry for entry in proto.metadata_props if entry.key == f"lstm_export.{key}")
    entry.value = value
    with pytest.raises(UnsupportedModel):
        reader.from_bytes(proto.SerializeToString())


def test_a_name_that_stands_twice_is_refused() -> None:
    """Which of the two counts, one reader may take otherwise than the next."""
    proto = onnx.load_model_from_string(SEED)
    proto.metadata_props.append(proto.metadata_props[0])
    with pytest.raises(BundleError, match="the file names metadata 'lstm_export.*' twice; "):
        read_onnx(proto.SerializeToString())


def test_files_of_other_tools_are_refused_in_words() -> None:
    proto = onnx.load_model_from_string(SEED)
    del proto.metadata_props[:]
    with pytest.raises(UnsupportedModel, match="was not written by lstm-export"):
        reader.from_bytes(proto.SerializeToString())
    with pytest.raises(UnsupportedModel, match=re.escape("no ONNX file")):
        reader.from_bytes(b"\x08\xff\xff")


def in_float16(data: bytes) -> bytes:
    """A file as converters to float16 leave it: float32 outside, float16 in every node."""
    proto = onnx.load_model_from_string(data)
    graph = proto.graph
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32:
            tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float16), tensor.name))
    inner = {"x": "inner/x", "y": "inner/y"}
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [inner.get(name, name) for name in names]
    enter = helper.make_node("Cast", ["x"], ["inner/x"], to=onnx.TensorProto.FLOAT16)
    leave = helper.make_node("Cast", ["inner/y"], ["y"], to=onnx.TensorProto.FLOAT)
    graph.node.insert(0, enter)
    graph.node.append(leave)
    return proto.SerializeToString()


def test_looks_into_a_file_that_was_converted_to_float16() -> None:
    pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install onnxruntime")
    x = np.random.default_rng(1).normal(size=(2, 7, 10)).astype(np.float32)
    layers = list(settings.probes(SEED))
    converted = list(settings.probes(in_float16(SEED)))
    assert len(layers) == 2
    for layer, other in zip(layers, converted, strict=True):
        y = other(x)
        assert y.dtype == np.float32
        # Outputs are below 1, float16 keeps 11 bits of each, and 7 steps add up.
        np.testing.assert_allclose(y, layer(x), rtol=0, atol=7 * 2**-11)
        assert not np.array_equal(y, layer(x))
