"""State_dicts and safetensors files whose weights cannot be used."""

from __future__ import annotations

import json

import torch

from tests.kit.checkpoint_files import (
    Rebuilt,
    checkpoint,
    foreign,
    pickled,
    safetensors,
    saved,
    state,
    tensor,
)

from .case import ZEROS, Case

NAN = torch.tensor([1.0, float("nan")])


TOO_LARGE = torch.tensor([1.0, 1e300], dtype=torch.float64)


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def _quantized_state() -> bytes:
    """The names and objects of a state_dict after torch's quantize_dynamic."""
    packed = foreign("torch.ScriptObject")
    names = (b"lstm._all_weight_values.0.param", b"fc._packed_params._packed_params")
    items = b"".join(b"U" + bytes([len(name)]) + name + packed for name in names)
    return checkpoint(b"\x80\x02}(" + items + b"u.")


def _quantized_module() -> bytes:
    inner = foreign("torch.ao.nn.quantized.dynamic.modules.rnn.LSTM", {"a": 1})
    modules = b"}U\x04lstm" + inner + b"s"
    parts = b"}(U\x0b_parametersNU\x08_modules" + modules + b"u"
    return b"\x80\x02" + foreign("models.LSTMModel") + parts + b"b."


VALUES: list[Case] = [
    (
        "NaN weights",
        lambda: saved(state(**{"fc.bias": NAN})),
        r"fc.bias\[1\] is nan: the training diverged",
    ),
    (
        "infinite weights",
        lambda: saved(state(**{"fc.bias": NAN.nan_to_num(float("inf"))})),
        "is inf",
    ),
    (
        "weights beyond float32",
        lambda: saved(state(**{"fc.bias": TOO_LARGE})),
        "cannot hold",
    ),
    (
        "integer weights",
        lambda: saved(state(**{"fc.bias": torch.zeros(2, dtype=torch.int64)})),
        "'fc.bias' is int64",
    ),
    (
        "complex weights",
        lambda: saved(state(**{"fc.bias": torch.zeros(2, dtype=torch.complex64)})),
        "ComplexFloat",
    ),
    (
        "float8 weights",
        lambda: saved(state(**{"fc.bias": torch.zeros(2).to(torch.float8_e4m3fn)})),
        "float8_e4m3fn",
    ),
    (
        "quantized weights",
        lambda: checkpoint(pickled({"w": Rebuilt(torch._utils._rebuild_qtensor)})),
        "quantized",
    ),
    ("dynamically quantized weights", _quantized_state, "before quantize_dynamic"),
    ("a dynamically quantized module", _quantized_module, "before it was quantized"),
    (
        "sparse weights",
        lambda: saved(state(**{"fc.weight": torch.eye(2, 4).to_sparse()})),
        "sparse",
    ),
    (
        "meta tensors",
        lambda: saved(state(**{"fc.weight": torch.zeros(2, 4, device="meta")})),
        "meta tensor",
    ),
    (
        "expanded tensors",
        lambda: saved(state(**{"fc.weight": torch.zeros(1).expand(2, 4)})),
        "claims 8 values",
    ),
    (
        "tensors that overlap themselves",
        lambda: saved(state(**{"fc.weight": torch.zeros(5).as_strided((2, 4), (1, 1))})),
        "claims 8 values and stores fewer",
    ),
    (
        "2^26 + 1 values claimed",
        lambda: checkpoint(pickled({"w": tensor((2**26 + 1, 1), (0, 1))}), s0=ZEROS),
        "hold 268,435,460 bytes",
    ),
    (
        "one storage under 9,000 names",
        lambda: checkpoint(
            pickled({f"w{index}": tensor((8,), (1,)) for index in range(9000)}), s0=ZEROS
        ),
        "of 32; it was altered",
    ),
    (
        "11,000 tensors",
        lambda: checkpoint(
            pickled(
                {f"w{index}": tensor((), ()) for index in range(11_000)} | {"w": tensor((8,), (1,))}
            )
        ),
        "11,001 tensors, expected at most",
    ),
    (
        "a negative size",
        lambda: checkpoint(pickled({"w": tensor((-8,), (1,))}), s0=ZEROS),
        "no sensible shape",
    ),
    (
        "an offset too far",
        lambda: checkpoint(pickled({"w": tensor((8,), (1,), 1)}), s0=ZEROS),
        "stores fewer",
    ),
    (
        "nine axes",
        lambda: checkpoint(pickled({"w": tensor((1,) * 9, (1,) * 9)}), s0=ZEROS),
        "9 axes",
    ),
    (
        "a tensor without a storage",
        lambda: checkpoint(
            pickled({"w": Rebuilt(torch._utils._rebuild_tensor_v2, 1, 0, (8,), (1,), False, {})})
        ),
        "without a storage",
    ),
]


def _twice() -> bytes:
    entry = json.dumps(ENTRY)
    return f'{{"a": {entry}, "a": {entry}}}'.encode()


SAFETENSORS: list[Case] = [
    (
        "safetensors with a header that is no JSON",
        lambda: safetensors(b"{]"),
        "header is damaged .no JSON",
    ),
    (
        "safetensors with nested brackets",
        lambda: safetensors(b"{" + b'"a":[' * 20_000),
        "header is damaged .no JSON",
    ),
    (
        "safetensors with a header of 3 MB",
        lambda: safetensors(b"{" + b" " * (3 * 2**20)),
        "expected at most",
    ),
    (
        "safetensors with one name twice",
        lambda: safetensors(_twice(), bytes(8)),
        "a name stands there twice",
    ),
    (
        "safetensors that overlap",
        lambda: safetensors({"a": ENTRY, "b": ENTRY}, bytes(8)),
        "overlap, or leave a hole",
    ),
    ("safetensors, cut", lambda: safetensors({"a": ENTRY}, bytes(4)), "cut or altered"),
    (
        "safetensors of other sizes",
        lambda: safetensors({"a": {**ENTRY, "shape": [3]}}, bytes(8)),
        "claims 3 values",
    ),
    (
        "safetensors without types",
        lambda: safetensors({"a": {"shape": [2]}}, bytes(8)),
        "lacks dtype",
    ),
    (
        "safetensors of float8",
        lambda: safetensors({"a": {**ENTRY, "dtype": "F8_E4M3"}}, bytes(8)),
        "type 'F8_E4M3'",
    ),
    ("safetensors without tensors", lambda: safetensors({}, b""), "no tensors"),
    (
        "safetensors with NaN",
        lambda: safetensors({"a": ENTRY}, NAN.numpy().tobytes()),
        r"a\[1\] is nan",
    ),
]
