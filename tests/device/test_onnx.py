"""ONNX on a device: what the guard refuses, what the runner says, what no mutated file can do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export.bundle import Artifact, make_bundle
from lstm_export.device import load_onnx, self_test
from lstm_export.device.onnx_guard import check_onnx
from lstm_export.errors import BundleError, InputError, MissingDependency
from lstm_export.model import Model, Signature
from lstm_export.parity import golden_sets

onnx = pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
helper = onnx.helper
numpy_helper = onnx.numpy_helper
FLOAT = onnx.TensorProto.FLOAT


@pytest.fixture(scope="module")
def good(traffic_model: Model) -> bytes:
    from lstm_export.targets.onnx.writer import to_bytes

    return to_bytes(traffic_model, 17)


def foreign(
    nodes: list[Any], initializers: Sequence[Any] = (), inputs: Any = None, **fields: Any
) -> Any:
    """A model of another tool: `nodes` between x (batch, seq, 3) and y (batch, seq, 3)."""
    value = helper.make_tensor_value_info
    inputs = [value("x", FLOAT, ["b", "t", 3])] if inputs is None else inputs
    graph = helper.make_graph(nodes, "g", inputs, [value("y", FLOAT, ["b", "t", 3])], initializers)
    return helper.make_model(
        graph, **{"opset_imports": [helper.make_opsetid("", 17)], "ir_version": 8} | fields
    )


def tanh(**fields: Any) -> Any:
    return foreign([helper.make_node("Tanh", ["x"], ["y"])], **fields)


def weights(**changes: Any) -> Any:
    """`y = x + w`, with fields of w's tensor changed."""
    tensor = numpy_helper.from_array(np.ones(3, np.float32), "w")
    for field, value in changes.items():
        if isinstance(value, list):
            del getattr(tensor, field)[:]
            getattr(tensor, field).extend(value)
        else:
            setattr(tensor, field, value)
    return foreign([helper.make_node("Add", ["x", "w"], ["y"])], [tensor])


def external() -> Any:
    model = weights(raw_data=b"")
    tensor = model.graph.initializer[0]
    tensor.external_data.add(key="location", value="/etc/passwd")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    return model


def location_only() -> Any:
    return weights(data_location=onnx.TensorProto.EXTERNAL)


def function() -> Any:
    body = [helper.make_node("Tanh", ["a"], ["b"])]
    made = helper.make_function("", "Squash", ["a"], ["b"], body, [helper.make_opsetid("", 17)])
    return tanh(functions=[made])


def subgraph() -> Any:
    branch = helper.make_graph([helper.make_node("Tanh", ["x"], ["z"])], "b", [], [])
    return foreign([helper.make_node("Identity", ["x"], ["y"], body=branch)])


def sparse() -> Any:
    model = tanh()
    model.graph.sparse_initializer.add()
    return model


def lstm_of_hidden_size(size: int) -> Any:
    return foreign([helper.make_node("LSTM", ["x", "w", "r"], ["y"], hidden_size=size)])


def tensor_attribute() -> Any:
    huge = helper.make_tensor("v", FLOAT, [3], [1.0, 2.0, 3.0])
    huge.dims[0] = 2**40
    return foreign([helper.make_node("Constant", [], ["y"], value=huge)])


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "external data": (external, "external data"),
    "external by location alone": (location_only, "external data"),
    "function": (function, "functions"),
    "subgraph": (subgraph, "subgraph"),
    "sparse weights": (sparse, "sparse"),
    "another domain's node": (
        lambda: foreign([helper.make_node("FastGelu", ["x"], ["y"], domain="com.microsoft")]),
        "uses an operator of the domain b'com.m",
    ),
    "another domain imported": (
        lambda: tanh(opset_imports=[helper.make_opsetid("my.ops", 1)]),
        "imports the operator set b'my.ops'",
    ),
    "unlisted operator": (
        lambda: foreign([helper.make_node("Loop", ["x"], ["y"])]),
        "operator 'Loop'",
    ),
    "hostile operator": (
        lambda: foreign([helper.make_node("a\nb", ["x"], ["y"])]),
        r"operator 'a\\nb'",
    ),
    "hidden_size 0": (lambda: lstm_of_hidden_size(0), "hidden_size"),
    "hidden_size -1": (lambda: lstm_of_hidden_size(-1), "hidden_size"),
    "hidden_size 2^31": (lambda: lstm_of_hidden_size(2**31), "hidden_size"),
    "more weights than bytes": (lambda: weights(dims=[10**6]), "does not hold the bytes"),
    "fewer weights than bytes": (lambda: weights(dims=[2]), "does not hold the bytes"),
    "a negative dimension": (lambda: weights(dims=[-3]), "absurd"),
    "a dimension of 0": (lambda: weights(dims=[0]), "absurd"),
    "dimensions that overflow": (
        lambda: weights(dims=[2**20, 2**20, 2**24]),
        "does not hold the bytes",
    ),
    "nine dimensions": (lambda: weights(dims=[1] * 9), "absurd"),
    "unknown element type": (lambda: weights(data_type=99), "does not hold the bytes"),
    "typed weights that are not there": (
        lambda: weights(raw_data=b"", float_data=[1.0], dims=[100]),
        "does not hold",
    ),
    "a huge constant": (tensor_attribute, "absurd"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_the_guard_refuses(kind: str) -> None:
    make, reason = REFUSED[kind]
    with pytest.raises(BundleError, match=reason) as error:
        load_onnx(make().SerializeToString())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x08",
        b"text\n",
        b"PK\x03\x04",
        b"\x08\x08",
        b"\x3a\x7f",
        b"\xff" * 40,
        b"\x0b\x0b",
        b"\x3a\x00\x3a\x00",
    ],
)
def test_the_guard_refuses_what_is_no_onnx(data: bytes) -> None:
    with pytest.raises(BundleError) as error:
        check_onnx(data)
    assert "\n" not in str(error.value)


def test_the_guard_passes_a_plain_model(good: bytes) -> None:
    opsets = [helper.make_opsetid("ai.onnx", 17)]
    typed = weights(raw_data=b"", float_data=[1.0, 2.0, 3.0], data_location=0)
    for model in (tanh(), tanh(opset_imports=opsets), typed):
        (graph,) = check_onnx(model.SerializeToString())[7]
        assert isinstance(graph, dict)
        assert len(graph[1]) == len(model.graph.node)
    assert 7 in check_onnx(good)


def test_every_cut_is_refused(good: bytes) -> None:
    for length in [*range(0, len(good) - 1, 97), len(good) - 1]:
        with pytest.raises(BundleError):
            load_onnx(good[:length])


def test_computes_what_the_model_defines(good: bytes, traffic_model: Model, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(good)
    bundle = make_bundle(
        traffic_model, golden_sets(traffic_model), [Artifact("onnx", ".onnx", good)]
    )
    runner = load_onnx(tmp_path / "model.onnx")
    report = self_test(bundle, runner)
    assert report.ok, report.table()
    broken = self_test(bundle, lambda x: runner(x) * np.float32(1.001))
    assert not broken.ok, broken.table()
    # big-endian bytes would be read as if they were little-endian
    np.testing.assert_array_equal(
        runner(bundle.golden[0].x.astype(">f4")), runner(bundle.golden[0].x)
    )


def test_knows_its_interface(good: bytes, traffic_model: Model) -> None:
    runner = load_onnx(good)
    assert runner.signature == traffic_model.signature
    assert runner.metadata["lstm_export.weights_sha256"] == traffic_model.weights_sha256
    assert runner.providers == ("CPUExecutionProvider",)
    unknown = load_onnx(tanh().SerializeToString())
    assert unknown.signature == Signature(3, 3)


def test_damaged_metadata_is_refused() -> None:
    for text in (
        "{",
        "[]",
        '{"input_size": "x"}',
        '{"input_size": -1, "output_size": 1}',
        "[" * 100_000,
    ):
        model = tanh()
        helper.set_model_props(model, {"lstm_export.signature": text})
        with pytest.raises(BundleError, match="own signature is damaged"):
            _ = load_onnx(model.SerializeToString()).signature


VALUE = helper.make_tensor_value_info
INTERFACES = {
    "two inputs": [VALUE("x", FLOAT, ["b", "t", 3]), VALUE("h", FLOAT, ["b", 3])],
    "float64": [VALUE("x", onnx.TensorProto.DOUBLE, ["b", "t", 3])],
    "rank 2": [VALUE("x", FLOAT, ["b", 3])],
    "no input": [],
}


@pytest.mark.parametrize("kind", INTERFACES)
def test_a_foreign_interface_is_refused_in_one_line(kind: str) -> None:
    constant = numpy_helper.from_array(np.ones((1, 1, 3), np.float32), "x")
    model = (
        tanh(inputs=INTERFACES[kind])
        if INTERFACES[kind]
        else foreign([helper.make_node("Tanh", ["x"], ["y"])], [constant])
    )
    if not INTERFACES[kind]:
        del model.graph.input[:]
    if kind == "float64":
        model.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.DOUBLE
    if kind == "rank 2":
        model.graph.output[0].type.tensor_type.shape.dim.pop(0)
    with pytest.raises(BundleError, match="expected one float input") as error:
        load_onnx(model.SerializeToString())
    assert "\n" not in str(error.value)


def test_errors_of_the_runtime_become_one_line(good: bytes, tmp_path: Path) -> None:
    runner = load_onnx(good)
    for shape in ((0, 5, 3), (1, 0, 3), (1, 5, 4), (5, 3)):
        with pytest.raises(InputError) as error:
            runner(np.zeros(shape, np.float32))
        assert "\n" not in str(error.value)
    with pytest.raises(BundleError, match="cannot load"):
        load_onnx(tanh(ir_version=127).SerializeToString())
    with pytest.raises(BundleError, match="cannot load"):
        load_onnx(tanh(opset_imports=[helper.make_opsetid("", 99)]).SerializeToString())
    with pytest.raises(InputError, match="No such file"):
        load_onnx(tmp_path / "no.onnx")


def test_providers(good: bytes) -> None:
    with pytest.raises(InputError, match=r"Banana.*choose from .*CPUExecutionProvider"):
        load_onnx(good, ["Banana"])
    assert load_onnx(good, ["cpu"]).providers == ("CPUExecutionProvider",)


def test_a_missing_runtime_is_named_with_its_command(
    good: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependency, match="pip install onnxruntime"):
        load_onnx(good)


# In a process of its own, which answers with how often which outcome came.
FUZZ = """
import collections, json, sys
import numpy as np
from lstm_export.device import Session, load_onnx
from lstm_export.errors import LstmExportError
good = open(sys.argv[1], "rb").read()
random = np.random.default_rng(int(sys.argv[2]))
outcomes = collections.Counter()
x = np.zeros((2, 5, 3), np.float32)
for turn in range(int(sys.argv[3])):
    broken = bytearray(good)
    for at in random.integers(len(good) if turn % 2 else 900, size=random.integers(1, 4)):
        broken[at] = random.integers(256)
    try:
        runner = load_onnx(bytes(broken))
        y = Session(runner, runner.signature)(x)
        outcomes["answered"] += 1
    except LstmExportError as error:
        assert "\\n" not in str(error), str(error)
        outcomes[type(error).__name__] += 1
print(json.dumps(outcomes))
"""


def test_a_mutated_file_is_answered_or_refused_in_one_line(good: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(good)
    command = [sys.executable, "-W", "ignore", "-c", FUZZ, str(tmp_path / "model.onnx"), "0", "400"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    # ONNX Runtime 1.15 prints a banner before it gives up
    outcomes = json.loads(done.stdout.splitlines()[-1])
    assert outcomes["BundleError"] > 50
    assert sum(outcomes.values()) == 400
