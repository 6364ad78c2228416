"""ONNX of other tools is judged by its numbers; of ours, edited, it is told what differs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lstm_export.child_process import ChildProcess
from lstm_export.cli import app
from lstm_export.errors import InputError

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
onnx = pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
ort = pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install onnxruntime")

from lstm_export.targets.onnx.graph_bugs import broken  # noqa: E402
from tests.kit.checkpoint_files import model  # noqa: E402

CHAIN = "lstm, last, fc"


def verified(file: Path, *options: str) -> Any:
    path = file.with_name("m.pt")
    return CliRunner().invoke(app, ["verify", str(file), str(path), "--forward", CHAIN, *options])


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Our own export of the model beside it."""
    torch.save(model().state_dict(), tmp_path / "m.pt")
    done = CliRunner().invoke(app, ["onnx", str(tmp_path / "m.pt"), "--forward", CHAIN])
    assert done.exit_code == 0, done.output
    return tmp_path / "m.onnx"


def without_names(proto: Any) -> None:
    """As another tool would write it: the same graph, and nothing of ours in the metadata."""
    del proto.metadata_props[:]
    proto.producer_name = "othertool"


def fixed(proto: Any) -> None:
    """As torch's exporter leaves it that was told of no dynamic axes."""
    without_names(proto)
    for end, sizes in ((proto.graph.input[0], (2, 6)), (proto.graph.output[0], (2,))):
        for axis, size in enumerate(sizes):
            end.type.tensor_type.shape.dim[axis].dim_value = size


def time_first(proto: Any) -> None:
    without_names(proto)
    for node in proto.graph.node:
        node.input[:] = ["x_turned" if name == "x" else name for name in node.input]
    turned = onnx.helper.make_node("Transpose", ["x"], ["x_turned"], perm=[1, 0, 2])
    proto.graph.node.insert(0, turned)


def twice_negative(proto: Any) -> None:
    """With operators that this package does not write, one of ONNX Runtime's own."""
    without_names(proto)
    proto.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    for node in proto.graph.node:
        node.output[:] = ["before" if name == "y" else name for name in node.output]
    for source, result in (("before", "negative"), ("negative", "y")):
        proto.graph.node.append(onnx.helper.make_node("Neg", [source], [result]))


def more_weights(proto: Any) -> None:
    """Another head: every answer is off."""
    without_names(proto)
    _change(proto, "fc.weight", lambda array: 1.01 * array)


def first_step(proto: Any) -> None:
    """As Keras on PyTorch exports a model whose time axis is open, in findings/."""
    edited = broken(proto.SerializeToString(), "only the first step of the input read")
    assert edited is not None
    proto.ParseFromString(edited)
    without_names(proto)


def _change(proto: Any, name: str, change: Callable[[Any], Any]) -> None:
    for tensor in proto.graph.initializer:
        if tensor.name == name:
            array = change(onnx.numpy_helper.to_array(tensor).copy()).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(array, name))
            return
    raise AssertionError([tensor.name for tensor in proto.graph.initializer])


@pytest.mark.parametrize(
    ("edit", "code", "said"),
    [
        (without_names, 0, "as ONNX of othertool"),
        (fixed, 0, "it takes 6 steps and no others"),
        (time_first, 0, "the ONNX file takes (seq, batch, input_size)"),
        (twice_negative, 0, "a device of it does not run: Neg (2); it was run in a process"),
        (more_weights, 1, "failed on "),
        (first_step, 1, "it behaves like: only the first step of the input read"),
    ],
)
def test_a_file_of_another_tool_is_judged_by_its_numbers(
    edit: Callable[[Any], None], code: int, said: str, own: Path
) -> None:
    proto = onnx.load(own)
    edit(proto)
    onnx.save(proto, own)
    done = verified(own)
    assert (done.exit_code, said in done.output) == (code, True), done.output
    assert "judged by its numbers alone" in done.output


def reset_early(proto: Any) -> None:
    """As torch.onnx writes a GRU with onnxscript up to 0.6.2, in findings/."""
    without_names(proto)
    (node,) = [node for node in proto.graph.node if node.op_type == "GRU"]
    for attribute in node.attribute:
        if attribute.name == "linear_before_reset":
            attribute.i = 0


@pytest.mark.parametrize("shape", [without_names, fixed])
def test_a_gru_that_resets_early_is_named(shape: Callable[[Any], None], tmp_path: Path) -> None:
    layers = torch.nn.ModuleDict({"gru": torch.nn.GRU(3, 4), "fc": torch.nn.Linear(4, 1)})
    torch.save(layers.state_dict(), tmp_path / "m.pt")
    chain = ("--forward", "gru, last, fc")
    done = CliRunner().invoke(app, ["onnx", str(tmp_path / "m.pt"), *chain])
    assert done.exit_code == 0, done.output
    proto = onnx.load(tmp_path / "m.onnx")
    reset_early(proto)
    shape(proto)
    onnx.save(proto, tmp_path / "m.onnx")
    failed = verified(tmp_path / "m.onnx", *chain)
    assert failed.exit_code == 1
    assert "diagnosis: it behaves like: linear_before_reset=0" in failed.output
    assert ("first wrong at step" in failed.output) == (shape is without_names)


def test_what_onnx_runtime_saves_is_judged_by_its_numbers_when_asked(own: Path) -> None:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(own.with_name("optimized.onnx"))
    ort.InferenceSession(str(own), options, providers=["CPUExecutionProvider"])
    refused = verified(own.with_name("optimized.onnx"))
    assert "judge it by its numbers alone: --numbers-only" in refused.stderr
    done = verified(own.with_name("optimized.onnx"), "--numbers-only")
    assert done.exit_code == 0, done.output


def external(proto: Any) -> None:
    without_names(proto)
    onnx.external_data_helper.set_external_data(proto.graph.initializer[0], "weights.bin")
    proto.graph.initializer[0].ClearField("raw_data")


def another_input(proto: Any) -> None:
    without_names(proto)
    proto.graph.input.append(onnx.helper.make_tensor_value_info("mask", 9, ["batch", "seq"]))


def other_width(proto: Any) -> None:
    without_names(proto)
    proto.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 4


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (external, "keeps weights in another file (external data)"),
        (another_input, "also takes mask tensor(bool)"),
        (other_width, "takes 4 features, the model 3"),
    ],
)
def test_what_cannot_be_judged_gets_its_sentence(
    edit: Callable[[Any], None], said: str, own: Path
) -> None:
    proto = onnx.load(own)
    edit(proto)
    own.write_bytes(proto.SerializeToString())
    done = verified(own)
    assert (done.exit_code, said in done.stderr) == (1, True), done.output


@pytest.mark.parametrize("options", [("--self-check",), ("--streaming",), ("--failing", "f.npz")])
def test_what_needs_the_structure_is_not_asked_of_numbers(
    options: tuple[str, ...], own: Path
) -> None:
    assert verified(own, "--numbers-only", *options).exit_code == 2


def test_an_edited_file_of_ours_is_told_layer_gate_and_values(own: Path) -> None:
    def changed(array: Any) -> Any:
        array[0, 13, 2] = 0.5  # ONNX's gates are i, o, f, c, of 4 units each: row 1 of the cell
        return array

    proto = onnx.load(own)
    _change(proto, "lstm/l0/W", changed)
    onnx.save(proto, own)
    done = verified(own)
    assert done.exit_code == 1
    said = "lstm.weight_ih_l0 differs in 1 of 48 values, in the cell gate"
    assert said in done.output
    assert "lstm.weight_ih_l0[9, 2] is 0.5, the model's is" in done.output


def test_a_process_that_ends_is_one_clear_line() -> None:
    child = ChildProcess("lstm_export.version", (), "the process")
    with pytest.raises(InputError, match="the process ended without an answer"):
        child.receive(60)
