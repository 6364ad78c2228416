"""A runtime is told which format it is given, and given nothing that was not parsed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lstm_export.device import load_onnx
from lstm_export.device.onnx_guard import check_onnx
from lstm_export.device.protobuf import count_of_packed, fields, packed_varints
from lstm_export.errors import BundleError

onnx = pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
helper = onnx.helper
FLOAT = onnx.TensorProto.FLOAT
NODE = helper.make_node("Elu", ["x"], ["y"], name="node", alpha=0.5)


def plain(producer: str = "test") -> bytes:
    """`y = elu(x + 1)`, with every kind of field that a plain file has."""
    value = helper.make_tensor_value_info
    ones = helper.make_tensor("one", FLOAT, [3], [1.0, 1.0, 1.0])
    nodes = [helper.make_node("Add", ["x", "one"], ["z"]), helper.make_node("Elu", ["z"], ["y"])]
    ends = [value("x", FLOAT, ["b", "t", 3])], [value("y", FLOAT, ["b", "t", 3])]
    graph = helper.make_graph(nodes, "g", *ends, [ones])
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name=producer)
    helper.set_model_props(model, {"a": "b"})
    return bytes(model.SerializeToString())


def test_a_file_that_begins_as_the_runtimes_own_format_is_read_as_onnx() -> None:
    """Untold, ONNX Runtime goes by bytes 4 to 8: here they are the name of the producer."""
    data = plain("ORTM")
    assert data[4:8] == b"ORTM"
    x = np.array([[[-2.0, 0.0, 1.0]]], np.float32)
    np.testing.assert_allclose(load_onnx(data)(x), [[[np.exp(-1) - 1, 1, 2]]], rtol=1e-6)


def test_the_runtime_would_take_it_for_its_own_format() -> None:
    """The file above is no empty threat: where the format is not told, it is not read as ONNX."""
    ort = pytest.importorskip("onnxruntime")
    options = ort.SessionOptions()
    options.log_severity_level = 4
    with pytest.raises(Exception, match=r"(?i)ort|flatbuffer|verif"):
        ort.InferenceSession(plain("ORTM"), options, providers=["CPUExecutionProvider"])


def key(number: int, wire_type: int) -> bytes:
    return varint(number << 3 | wire_type)


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def nested(number: int, message: bytes) -> bytes:
    return key(number, 2) + varint(len(message)) + message


def in_graph(message: bytes) -> bytes:
    return nested(7, message)


def in_node(message: bytes) -> bytes:
    return in_graph(nested(1, nested(4, b"Elu") + message))


def in_weights(message: bytes) -> bytes:
    return in_graph(nested(5, message))


DAMAGED: dict[str, Callable[[], bytes]] = {
    "a version in two bytes": lambda: b"\x08\x88\x00" + plain()[2:],
    "a key in two bytes": lambda: b"\x88\x00\x08" + plain()[2:],
    "a length in two bytes": lambda: plain() + b"\x72\x80\x00",
    "a number of 65 bits": lambda: b"\x08" + b"\xff" * 9 + b"\x02" + plain()[2:],
    "field 0": lambda: plain() + b"\x02\x00",
    "a group": lambda: plain() + b"\x13\x14",
    "the end of a group": lambda: plain() + b"\x14",
    "wire type 6": lambda: plain() + b"\x16\x00",
    "wire type 7": lambda: plain() + b"\x17\x00",
    "a version of text": lambda: b"\x0a\x01\x08" + plain()[2:],
    "a version of 32 bits": lambda: b"\x0d\x08\0\0\0" + plain()[2:],
    "a name that is a number": lambda: plain() + key(3, 0) + b"\x01",
    "a graph that is a number": lambda: key(7, 0) + b"\x01",
    "metadata that is a number": lambda: plain() + key(14, 0) + b"\x01",
    "metadata with a third field": lambda: plain() + nested(14, nested(3, b"x")),
    "text that is none": lambda: plain() + nested(3, b"\xff"),
    "an input of an unknown field": lambda: in_graph(nested(11, nested(9, b""))),
    "a type that is a sequence": lambda: in_graph(nested(11, nested(2, nested(4, b"")))),
    "an axis of 64 bits": lambda: in_graph(
        nested(11, nested(2, nested(1, nested(2, nested(1, key(1, 1) + bytes(8))))))
    ),
    "a float of 64 bits": lambda: in_node(nested(5, key(2, 1) + bytes(8))),
    "a float that is a number": lambda: in_node(nested(5, key(2, 0) + b"\x01")),
    "floats that are cut": lambda: in_node(nested(5, nested(7, bytes(5)))),
    "numbers that are cut": lambda: in_node(nested(5, nested(8, b"\x01\x80"))),
    "numbers in too many bytes": lambda: in_node(nested(5, nested(8, b"\x81\x00"))),
    "weights of 64 bits that are cut": lambda: in_weights(nested(10, bytes(9))),
    "a shape in too many bytes": lambda: in_weights(nested(1, b"\x81\x00")),
    "bytes after the last field": lambda: plain() + b"\x72",
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_another_spelling_is_refused(kind: str) -> None:
    with pytest.raises(BundleError, match="damaged|unknown field|cut short|no ONNX") as error:
        check_onnx(DAMAGED[kind]())
    assert str(error.value).isprintable()


def test_the_file_itself_passes() -> None:
    (graph,) = check_onnx(plain())[7]
    assert isinstance(graph, dict)
    assert len(graph[1]) == 2
    mixed = check_onnx(in_node(nested(5, key(7, 5) + bytes(4) + nested(8, b"\x01\x81\x01"))))
    assert list(mixed) == [7]


def test_what_the_guard_read_is_what_onnx_reads() -> None:
    """They agree about every byte: written from the guard's parse, the file is the same."""

    def again(message: bytes) -> bytes:
        parts = []
        for field in fields(message):
            head = key(field.number, field.wire_type)
            if isinstance(field.value, int):
                parts.append(head + varint(field.value))
            else:
                size = varint(len(field.value)) if field.wire_type == 2 else b""
                parts.append(head + size + field.value)
        return b"".join(parts)

    data = plain()
    assert again(data) == data
    parsed = onnx.load_model_from_string(data)
    assert [field.number for field in fields(data)].count(14) == len(parsed.metadata_props)


def test_no_changed_byte_gets_past_the_guard_unless_onnx_reads_it_too() -> None:
    data = plain()
    from google.protobuf.message import DecodeError

    for at in range(len(data)):
        for flip in (0x01, 0x10, 0x80, 0xFF):
            changed = data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :]
            try:
                check_onnx(changed)
            except BundleError:
                continue
            try:
                parsed = onnx.load_model_from_string(changed)
            except DecodeError as error:
                raise AssertionError(f"byte {at} ^ {flip} passed the guard") from error
            assert len(parsed.SerializeToString()) == len(changed)  # nothing skipped or shortened


@pytest.mark.parametrize(
    ("packed", "values"), [(b"", []), (b"\x00", [0]), (b"\x01\x80\x01", [1, 128])]
)
def test_packed_numbers(packed: bytes, values: list[int]) -> None:
    assert packed_varints(packed) == values
    assert count_of_packed(packed) == len(values)


FEW_BYTES_EACH = {
    "nodes": lambda n: in_graph(nested(1, nested(4, b"Elu")) * n),
    "attributes": lambda n: in_node(nested(5, b"") * n),
    "inputs of a node": lambda n: in_node(nested(1, b"") * n),
    "described values": lambda n: in_graph(nested(13, b"") * n),
    "operator sets": lambda n: nested(8, b"") * n,
}


@pytest.mark.parametrize("kind", FEW_BYTES_EACH)
def test_a_file_of_many_small_fields_is_refused_before_it_costs(kind: str) -> None:
    """Whatever they are: what was counted was parsed, and each takes microseconds."""
    with pytest.raises(BundleError, match="more than 50,000 fields"):
        check_onnx(FEW_BYTES_EACH[kind](50_001))


def test_more_nodes_than_any_model_has_are_refused() -> None:
    node = nested(1, nested(4, b"Elu"))
    check_onnx(in_graph(node * 100))
    with pytest.raises(BundleError, match="has 20001 nodes, at most 20000"):
        check_onnx(in_graph(node * 20_001))
