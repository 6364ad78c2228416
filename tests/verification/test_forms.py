"""Only graphs that the writer makes reach ONNX Runtime in this process; others have their own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lstm_export
from lstm_export.bundle import Artifact, make_bundle, write_bundle
from lstm_export.errors import BundleError, InputError
from lstm_export.model import Model
from lstm_export.parity import check, golden_sets
from lstm_export.verification.isolated import IsolatedRunner
from lstm_export.verification.opened_file import open_file
from lstm_export.verification.permission import Permission
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS
from tests.kit.edited_graphs import with_changed_attribute, with_changed_input

onnx = pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install onnxruntime")

MODEL = CHAINS["learned state"]  # LSTM(3, 5, num_layers=2) with a learned initial state
BOTH_WAYS = CHAINS["gru both ways"]
Alter = Callable[[Any], Any]


def written(model: Model, **options: Any) -> bytes:
    from lstm_export.targets.onnx.writer import to_bytes

    return to_bytes(model, 17, **options)


def altered(data: bytes, alter: Alter) -> bytes:
    proto = onnx.load_model_from_string(data)
    alter(proto.graph)
    return bytes(proto.SerializeToString())


def reshaped(name: str, *shape: int) -> Alter:
    """Other weights of this shape."""

    def alter(graph: Any) -> None:
        (tensor,) = (tensor for tensor in graph.initializer if tensor.name.endswith(name))
        values = np.ones(shape, np.float32)
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))

    return alter


def hidden_size(size: int) -> Alter:
    def alter(graph: Any) -> None:
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.name == "hidden_size":
                    attribute.i = size

    return alter


SHAPES: dict[str, tuple[Model, Alter]] = {
    "W of more gates": (MODEL, reshaped("lstm/l0/W", 1, 24, 3)),
    "W of a wider input": (MODEL, reshaped("lstm/l0/W", 1, 20, 4)),
    "W of two directions": (MODEL, reshaped("lstm/l0/W", 2, 20, 3)),
    "W of rank 2": (MODEL, reshaped("lstm/l0/W", 20, 3)),
    "W of rank 1": (MODEL, reshaped("lstm/l0/W", 60)),
    "R of another size": (MODEL, reshaped("lstm/l1/R", 1, 20, 6)),
    "R of fewer gates": (MODEL, reshaped("lstm/l1/R", 1, 5, 5)),
    "R of rank 1": (MODEL, reshaped("lstm/l1/R", 100)),
    "B too short": (MODEL, reshaped("lstm/l0/B", 1, 20)),
    "B of rank 1": (MODEL, reshaped("lstm/l0/B", 40)),
    "B of a number": (MODEL, reshaped("lstm/l0/B")),
    "an initial h too wide": (MODEL, reshaped("lstm/l0/initial_h", 1, 1, 50)),
    "an initial c of two directions": (MODEL, reshaped("lstm/l1/initial_c", 2, 1, 5)),
    "an initial h for five rows": (MODEL, reshaped("lstm/l0/initial_h", 1, 5, 5)),
    "an initial h of one direction": (BOTH_WAYS, reshaped("gru/l0/initial_h", 1, 1, 5)),
    "W of one direction": (BOTH_WAYS, reshaped("gru/l0/W", 1, 15, 3)),
    "a smaller hidden_size": (MODEL, hidden_size(4)),
    "a larger hidden_size": (MODEL, hidden_size(500)),
    "a head of another width": (MODEL, reshaped("fc.weight", 2, 6)),
}


@pytest.fixture
def no_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever reaches ONNX Runtime fails the test."""
    from lstm_export.device import onnx_runner

    def reached(*_: Any) -> Any:
        pytest.fail("ONNX Runtime was given the file")

    monkeypatch.setattr(onnx_runner, "new_session", reached)


KINDS_OF_GRAPH = {"plain": {}, "lengths": {"lengths": True}, "stateful": {"stateful": True}}
# A graph with state has no initial values among its weights, and reads forward only.
PAIRS = [
    (kind, graph)
    for kind, (model, _) in SHAPES.items()
    for graph in KINDS_OF_GRAPH
    if graph != "stateful" or not (model is BOTH_WAYS or "initial" in kind)
]


@pytest.mark.usefixtures("no_runtime")
@pytest.mark.parametrize(("kind", "graph"), PAIRS)
def test_no_shape_reaches_the_runtime_that_does_not_fit(
    kind: str, graph: str, tmp_path: Path
) -> None:
    model, alter = SHAPES[kind]
    path = tmp_path / "m.onnx"
    path.write_bytes(altered(written(model, **KINDS_OF_GRAPH[graph]), alter))
    with pytest.raises(BundleError) as caught:
        lstm_export.load(path)
    assert str(caught.value).isprintable()


@pytest.mark.usefixtures("no_runtime")
def test_no_other_graph_reaches_the_runtime(tmp_path: Path) -> None:
    """Other inputs, attributes and order of operators, alone and in a bundle."""
    data = written(MODEL)
    graphs = [edited for _, edited, _ in with_changed_input(data, MODEL)]
    graphs += [edited for _, edited in with_changed_attribute(data, MODEL)]
    assert len(graphs) >= 7
    path = tmp_path / "m.onnx"
    golden = golden_sets(MODEL)
    for edited in graphs:
        path.write_bytes(edited)
        with pytest.raises(BundleError, match="only what lstm-export writes is run"):
            lstm_export.load(path)
    path = tmp_path / "m.bundle"
    write_bundle(path, make_bundle(MODEL, golden, [Artifact("onnx", ".onnx", graphs[0])]))
    with pytest.raises(BundleError, match="only what lstm-export writes is run"):
        lstm_export.load(path)
    (report,) = lstm_export.verify(path)
    assert "only what lstm-export writes is run" in report.error
    assert not report.ok


@pytest.mark.usefixtures("no_runtime")
def test_what_a_file_says_of_its_chain_must_be_what_its_graph_holds(tmp_path: Path) -> None:
    proto = onnx.load_model_from_string(written(MODEL))
    (chain,) = (entry for entry in proto.metadata_props if entry.key == "lstm_export.chain")
    chain.value = chain.value.replace('"last"', '"first"')
    path = tmp_path / "m.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(BundleError, match="another model than the file's own metadata says"):
        lstm_export.load(path)


def test_a_file_of_another_tool_is_judged_by_its_numbers_in_a_process_of_its_own(
    tmp_path: Path,
) -> None:
    """Renamed nodes compute the same; a reversed input does not, and neither is taken for ours."""

    def renamed(graph: Any) -> None:
        for node in graph.node:
            node.name = ""

    edits = with_changed_input(written(MODEL), MODEL)
    reversed_time = next(data for kind, data, _ in edits if kind == "time reversed")
    path = tmp_path / "m.onnx"
    for data, verdict in ((altered(written(MODEL), renamed), "passed"), (reversed_time, "failed")):
        path.write_bytes(data)
        artifact = open_file(path, Permission(names_model=True)).artifact
        runner = artifact.runner()
        assert isinstance(runner, IsolatedRunner)
        assert runner.signature == MODEL.signature
        assert check(runner, golden_sets(MODEL), subject="onnx").verdict == verdict
        assert artifact.conditions() is None
        assert artifact.probes() is None


def test_an_isolated_file_takes_lengths_and_says_what_it_refuses() -> None:
    runner = IsolatedRunner("onnx", written(MODEL, lengths=True))
    assert runner.takes_lengths
    x = drawn(MODEL, 2, 6)
    y = runner(x, np.array([6, 3]))
    np.testing.assert_array_equal(y[1:], runner(x[1:, :3]))
    with pytest.raises(InputError, match="ONNX Runtime refused x"):
        runner(x[..., :2])
    with pytest.raises(BundleError, match="cut short"):
        IsolatedRunner("onnx", written(MODEL)[:-9])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no signals")
def test_a_runtime_that_ends_its_process_ends_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nkill -SEGV $$\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(BundleError, match="the process that runs the file ended"):
        IsolatedRunner("onnx", written(MODEL))
