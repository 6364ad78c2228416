"""The ort target: what a minimal build of ONNX Runtime reads, and how it is held to its model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lstm_export
from lstm_export import targets
from lstm_export.errors import BundleError, InputError, UnsupportedModel
from lstm_export.model import Model
from lstm_export.targets import ort
from lstm_export.targets.onnx import DEFAULT_OPSET
from lstm_export.targets.onnx.writer import to_bytes
from lstm_export.targets.ort.converting import converted
from lstm_export.targets.ort.flatbuffer import Table
from lstm_export.targets.ort.operators import DEFAULTS, SINCE
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS

onnx = pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
pytest.importorskip("onnxruntime", reason="needs: pip install onnxruntime")
from tests.kit.edited_graphs import with_changed_attribute, with_changed_input  # noqa: E402

PAGE = Path(__file__).parents[2] / "docs" / "device.md"


@pytest.fixture
def exported(seed_model: Model, tmp_path: Path) -> Path:
    folder = tmp_path / "model_ort"
    ort.export(seed_model, folder)
    return folder / ort.FILE


def test_has_the_bits_and_the_operators_of_the_converter(
    seed_model: Model, exported: Path, tmp_path: Path
) -> None:
    targets.get("onnx").export(seed_model, tmp_path / "model.onnx")
    tool = [sys.executable, "-m", "onnxruntime.tools.convert_onnx_models_to_ort", "model.onnx"]
    options = ["--optimization_style", "Fixed"]
    subprocess.run([*tool, *options], cwd=tmp_path, check=True, capture_output=True)
    config = exported.with_name(ort.CONFIG).read_text()
    of_the_tool = (tmp_path / "model.required_operators.config").read_text()
    assert config.splitlines()[1:] == of_the_tool.splitlines()[2:]
    assert config in PAGE.read_text(encoding="utf-8")
    x = drawn(seed_model, 2, 7)
    y = ort.load(exported.read_bytes())(x)
    np.testing.assert_array_equal(y, targets.get("onnx").load(_onnx(tmp_path))(x))
    np.testing.assert_array_equal(y, ort.load((tmp_path / "model.ort").read_bytes())(x))


def test_is_the_same_bytes_every_time(seed_model: Model, exported: Path, tmp_path: Path) -> None:
    """ONNX Runtime alone writes a dozen other files in forty."""
    for turn in range(5):
        ort.export(seed_model, tmp_path / f"{turn}_ort")
        assert (tmp_path / f"{turn}_ort" / ort.FILE).read_bytes() == exported.read_bytes()


def _onnx(folder: Path) -> bytes:
    return (folder / "model.onnx").read_bytes()


def test_another_weight_shows(seed_model: Model, exported: Path) -> None:
    data = bytearray(exported.read_bytes())
    weight = seed_model.arrays["fc.weight"].tobytes()
    at = data.index(weight)
    data[at] ^= 1  # the last bit of a float32
    with pytest.raises(
        UnsupportedModel, match="holds another model than the file's own metadata says"
    ):
        ort.read(bytes(data))
    with pytest.raises(UnsupportedModel, match="not written by lstm-export"):
        ort.read(bytes(data).replace(b"lstm_export.signature", b"lstm_export.signaturf"))
    for cut in (8, 40, 700, len(data) // 2):
        with pytest.raises(BundleError, match="damaged"):
            ort.read(bytes(data[:cut]))


def test_another_graph_shows() -> None:
    """Its weights and what it says of itself are the model's; its nodes are not."""
    model = CHAINS["learned state"]
    correct = to_bytes(model, DEFAULT_OPSET)
    assert ort.read(converted(correct)) == model
    graphs = {kind: data for kind, data, _ in with_changed_input(correct, model)}
    graphs |= dict(with_changed_attribute(correct, model))
    assert len(graphs) >= 7
    for data in graphs.values():
        with pytest.raises(UnsupportedModel, match="expected|takes"):
            ort.read(converted(data))


FIELDS = {
    "another version of an operator": ("node", 3),
    "another order of nodes": ("node", 4),
    "another opset": ("opset", 1),
    "another number in an attribute": ("attribute", 4),
}


@pytest.mark.parametrize("what", FIELDS)
def test_another_number_shows(what: str, exported: Path) -> None:
    """Numbers that an ONNX file does not have, and one that it has."""
    data = bytearray(exported.read_bytes())
    table, field = FIELDS[what]
    data[_table(bytes(data), table)._place(field)] ^= 1
    with pytest.raises((BundleError, UnsupportedModel)):
        ort.read(bytes(data))


def test_another_edge_shows(exported: Path) -> None:
    data = bytearray(exported.read_bytes())
    graph = _graph(bytes(data))
    edges = [entry for entry in graph.tables(4) if entry.count(1)]
    first, _ = edges[0]._vector(1)
    data[first + 4] ^= 1  # of its first end, which output of the node before
    with pytest.raises(BundleError, match="edges are not those of its nodes"):
        ort.read(bytes(data))


def _graph(data: bytes) -> Table:
    return Table.root(data).table(1).table(7)


def _table(data: bytes, kind: str) -> Table:
    """The first that has such a number."""
    node = next(node for node in _graph(data).tables(2) if node.text(5) == "LSTM")
    if kind == "opset":
        return next(entry for entry in Table.root(data).table(1).tables(1) if not entry.text(0))
    if kind == "attribute":
        return next(entry for entry in node.tables(10) if entry.text(0) == "hidden_size")
    return node


def test_operators_and_their_defaults_are_those_of_the_standard() -> None:
    """What ONNX Runtime writes beside a node follows from the operators' schemas."""
    for since, names in SINCE.items():
        for operator in names.split():
            schema = onnx.defs.get_schema(operator, DEFAULT_OPSET)
            assert schema.since_version == since, operator
            given = {name for name, each in schema.attributes.items() if each.default_value.type}
            assert DEFAULTS.get(operator, {}).keys() <= given, operator
            for name, value in DEFAULTS.get(operator, {}).items():
                stored = onnx.helper.get_attribute_value(schema.attributes[name].default_value)
                assert stored == value, f"{operator}.{name}"


def test_vectors_that_overlap_are_not_read_again_and_again(exported: Path) -> None:
    """Many entries of a small file could name the same long string."""
    data = exported.read_bytes()
    model = Table.root(data).table(1)
    with pytest.raises(BundleError, match="its vectors overlap"):
        for _ in range(len(data)):
            assert all(entry.text(1) for entry in model.tables(9))  # of the metadata


def test_a_strangers_file_is_not_opened(exported: Path, tmp_path: Path) -> None:
    """No guard of ours reads the format before ONNX Runtime does."""
    file = tmp_path / "given.ort"
    file.write_bytes(exported.read_bytes())
    with pytest.raises(InputError, match="ONNX Runtime opens it unchecked; if it is yours, add"):
        lstm_export.load(file)
    assert lstm_export.load(exported.parent).signature.input_size == 10


def test_lengths_are_an_input(tmp_path: Path) -> None:
    model = CHAINS["seed"]
    ort.export(model, tmp_path / "m_ort", lengths=True)
    runner = ort.load((tmp_path / "m_ort" / ort.FILE).read_bytes())
    assert runner.takes_lengths
    x = drawn(model, 2, 6)
    x[1, 3:] = 0
    short = runner(x[1:, :3])
    np.testing.assert_allclose(runner(x, np.array([6, 3]))[1:], short, rtol=1e-6)
