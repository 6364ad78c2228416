"""The wasm target: the bits of the C, weights read back out of the module's memory, and a sandbox
that nothing leaves.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("wasmtime", reason='needs wasmtime: pip install "lstm-export[wasm]"')

from lstm_export.errors import BundleError, InputError, MissingDependency
from lstm_export.model import Activation, Column, Model, Pool, Signature, Slice
from lstm_export.targets import wasm
from lstm_export.targets.c.emit.interface import Interface
from lstm_export.targets.c.emit.layout import BITS, cell_arrays, rounded
from lstm_export.targets.c.emit.source import write
from lstm_export.targets.c.host.compiler import library
from lstm_export.targets.c.host.runner import CRunner, CStream
from lstm_export.targets.wasm import compiler, module, record, sandbox, sections
from tests.kit.builders import drawn, lstm
from tests.kit.chains import CHAINS, MODELS

needs_compiler = pytest.mark.skipif(
    bool(compiler.unavailable()), reason="needs a compiler for WebAssembly"
)
EVERY_CHARACTER = "".join(chr(code) for code in (*range(1, 0x250), 0x2028, 0x2029, 0xFEFF, 0x1F600))


@cache
def made(chain: str, simd: bool = True, weights: str = "float32") -> bytes:
    return module.module_of(MODELS[chain], simd, weights)


@pytest.fixture
def host_c(monkeypatch: pytest.MonkeyPatch) -> type[CRunner]:
    """The C, compiled here without contraction."""
    monkeypatch.setenv("CFLAGS", "-ffp-contract=off")
    return CRunner


def c_runner(model: Model, weights: str = "float32") -> CRunner:
    interface = Interface.of(model, "model", self_test=False)
    source = write(model, interface, weights)
    place = library({"model.c": source.c, "model.h": source.h})
    return (CStream if interface.streams else CRunner)(place, interface, model.signature)


@needs_compiler
@pytest.mark.parametrize("simd", [True, False], ids=["simd", "plain"])
@pytest.mark.parametrize("chain", [*CHAINS, "running pools", "rnn"])
def test_has_the_bits_of_the_c_and_the_weights_of_the_model(
    chain: str, simd: bool, host_c: type[CRunner]
) -> None:
    model = MODELS[chain]
    ours = wasm.load(made(chain, simd))
    theirs = c_runner(model)
    for batch, seq in ((1, 1), (1, 70), (33, 5)):
        x = drawn(model, batch, seq)
        np.testing.assert_array_equal(ours(x), theirs(x))
    if isinstance(theirs, CStream):
        assert isinstance(ours, sandbox.WasmStream)
        x = drawn(model, 2, 9)
        steps = [bound.bind(2) for bound in (ours, theirs)]
        for t in range(9):
            for bound in steps:
                bound.x[...] = x[:, t : t + 1]
            np.testing.assert_array_equal(*(bound.run() for bound in steps))
            for got, expected in zip(*(bound.state for bound in steps), strict=True):
                np.testing.assert_array_equal(got, expected)
                got[...] = got * np.float32(0.5)
                expected[...] = got
        (y, state), (c_y, c_state) = (
            runner.advance(x, runner.initial_state(2)) for runner in (ours, theirs)
        )
        for got, expected in zip((y, *state), (c_y, *c_state), strict=True):
            np.testing.assert_array_equal(got, expected)
    assert wasm.read(made(chain, simd)) == model


@needs_compiler
@pytest.mark.parametrize("simd", [True, False], ids=["simd", "plain"])
@pytest.mark.parametrize(
    ("chain", "weights"),
    [("seed", "int16"), ("gru", "int8"), ("both ends", "int16"), ("projected", "int8")],
)
def test_rounded_weights_have_the_bits_of_the_c(
    chain: str, weights: str, simd: bool, host_c: type[CRunner]
) -> None:
    model = CHAINS[chain]
    data = made(chain, simd, weights)
    ours = wasm.load(data)
    theirs = c_runner(model, weights)
    for batch, seq in ((1, 1), (1, 70), (33, 5)):
        x = drawn(model, batch, seq)
        np.testing.assert_array_equal(ours(x), theirs(x))
    assert wasm.read(data) == wasm.held(model, data) == rounded(model, BITS[weights])


@needs_compiler
def test_a_changed_word_shows() -> None:
    """Words are not made again, but every bit of them is in the model."""
    model = CHAINS["seed"]
    data = bytearray(made("seed", True, "int8"))
    words = cell_arrays(model.recurrent[0], next(model.recurrent[0].layers())[0], 8).weights[0]
    data[data.index(words[1, :4].tobytes())] ^= 1
    assert wasm.read(bytes(data)).differences(rounded(model, 8))


@needs_compiler
@pytest.mark.parametrize("simd", [True, False], ids=["simd", "plain"])
def test_the_smallest_numbers_are_read_back(simd: bool) -> None:
    """Half of them cannot be told from zero."""
    model = CHAINS["smallest"]
    arrays = dict(model.arrays)
    arrays["lstm.weight_ih_l0"] = np.full((4, 1), 1.4e-45, np.float32)
    tiny = Model.from_record(model.chain_record(), arrays, model.signature)
    assert wasm.read(module.module_of(tiny, simd)) == tiny


@needs_compiler
@pytest.mark.parametrize("name", ["lstm.weight_hh_l1", "lstm.bias_ih_l0", "fc.weight"])
def test_a_changed_weight_shows(name: str) -> None:
    """Be it in the data or beside them."""
    value = CHAINS["seed"].arrays[name].ravel()[3]
    halved = np.float32(value * np.float32(0.5))
    data = made("seed")
    changed = bytearray(data)
    wanted = value.tobytes() if value.tobytes() in data else halved.tobytes()
    changed[data.index(wanted) + 1] ^= 1
    try:
        found = wasm.read(bytes(changed))
    except BundleError as error:
        assert "differs from its record" in str(error)
    else:
        assert found.differences(CHAINS["seed"])


@needs_compiler
def test_a_folder_holds_both_modules_and_replaces_only_its_like(tmp_path: Path) -> None:
    model = CHAINS["smallest"]
    folder = tmp_path / "gate_wasm"
    wasm.export(model, folder, name="gate", single_file=True)
    wasm.export(model, folder, name="gate")
    assert wasm.main_file(folder) == folder / "gate.wasm"
    assert json.loads((folder / "package.json").read_text())["types"] == "./gate.d.mts"
    (folder / "mine.txt").touch()
    with pytest.raises(InputError, match=r"holds other files \(README.md, gate.d.mts"):
        wasm.export(model, folder, name="gate")


@needs_compiler
def test_names_of_strangers_stay_out_of_the_text(tmp_path: Path) -> None:
    column = Column(EVERY_CHARACTER, EVERY_CHARACTER, 0.0, 1.0)
    model = CHAINS["smallest"]
    signature = Signature(1, 1, (column,), (column,), time=EVERY_CHARACTER)
    named = Model(model.stages, signature)
    wasm.export(named, tmp_path / "a_wasm")
    wasm.export(model, tmp_path / "b_wasm")
    for name in ("model.mjs", "model.d.mts", "package.json", "index.html"):
        assert (tmp_path / "a_wasm" / name).read_bytes() == (
            tmp_path / "b_wasm" / name
        ).read_bytes()
    text = (tmp_path / "a_wasm" / "README.md").read_text("ascii")
    inputs = next(line for line in text.splitlines() if line.startswith("Inputs of a step"))
    assert inputs.endswith("1 numbers, 0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghij.")
    data = (tmp_path / "a_wasm" / "model.wasm").read_bytes()
    held = sections.custom_section(data, record.RECORD)
    assert held is not None
    assert all(0x20 <= byte < 0x7F for byte in held)
    assert wasm.read(data) == named


def foreign(*, imported: bool = False, start: bool = False) -> bytes:
    """A module of one function that never ends, with the record of a model."""
    types = b"\x01\x04\x01\x60\x00\x00"
    imports = b"\x02\x07\x01\x01a\x01b\x00\x00" if imported else b""
    functions = b"\x03\x02\x01\x00"
    started = b"\x08\x01\x00" if start else b""
    code = b"\x0a\x09\x01\x07\x00\x03\x40\x0c\x00\x0b\x0b"  # loop: br 0
    bare = sections.MAGIC + types + imports + functions + started + code
    return record.with_record(bare, CHAINS["smallest"], simd=False)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (foreign(imported=True), "imports functions or memory"),
        (foreign(start=True), "has a start function"),
        (foreign(), "cannot be opened"),
        (foreign()[:-5], "is cut off"),
        (sections.MAGIC, "was not written by lstm-export"),
        (b"", "no WebAssembly module"),
    ],
)
def test_a_foreign_module_is_refused(data: bytes, fault: str) -> None:
    with pytest.raises(BundleError, match=fault):
        wasm.load(data)


@needs_compiler
@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (b'"format":1', b'"format":3', "is of format 3, known is 1"),
        (b'"weights":"float32"', b'"weights":"float64"', "is damaged"),
        (b'"chain":[{', b'"chain":[ ', "is damaged"),
        (b'"shapes":{', b'"shapes":[', "is damaged"),
        (b'"input_size":1,', b'"input_size":7,', "describes no model"),
    ],
)
def test_a_damaged_record_is_refused(old: bytes, new: bytes, fault: str) -> None:
    data = made("smallest")
    assert old in data
    with pytest.raises(BundleError, match=fault):
        wasm.read(data.replace(old, new, 1))


def test_more_numbers_than_a_module_can_hold_are_refused() -> None:
    """Before an array is made of them."""
    data = foreign()
    text = sections.custom_section(data, record.RECORD)
    numbers = sections.custom_section(data, record.NUMBERS)
    assert text is not None
    assert numbers is not None
    large = text.replace(b'"fc.weight":[1,1]', b'"fc.weight":[9999999,9999999]')
    forged = sections.with_custom_section(sections.MAGIC, record.RECORD, large)
    forged = sections.with_custom_section(forged, record.NUMBERS, numbers)
    with pytest.raises(BundleError, match=r"99,999,980,000,018 numbers, more than its .* can hold"):
        wasm.load(forged)


@needs_compiler
def test_a_module_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too much work for the model that it says it is."""
    monkeypatch.setattr(sandbox, "FUEL", 10_000)
    monkeypatch.setattr(sandbox, "FUEL_PER_WEIGHT", 0)
    monkeypatch.setattr(sandbox, "FUEL_PER_VALUE", 0)
    with pytest.raises(InputError, match=r"failed in run: .*fuel"):
        wasm.load(made("seed"))(drawn(CHAINS["seed"], 1, 5))


@needs_compiler
@pytest.mark.parametrize(("batch", "seq"), [(1, 2**26), (2**26, 1)])
def test_more_than_the_memory_holds_is_refused(batch: int, seq: int) -> None:
    x = np.broadcast_to(np.float32(0), (batch, seq, 10))
    with pytest.raises(InputError, match=r"bytes of memory for this x|more than 32 bits address"):
        wasm.load(made("seed"))(x)


def test_without_a_compiler_one_line_names_both_ways(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"apt install clang lld.*pip install ziglang"):
        wasm.export(CHAINS["smallest"], tmp_path / "model_wasm")
    assert "pip install ziglang" in wasm.cannot_export()
    assert not list(tmp_path.iterdir())


@needs_compiler
def test_stages_without_weights_have_time_for_what_they_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few weights, and 2,000 values a step that each go through an activation."""
    monkeypatch.setattr(sandbox, "FUEL", 0)
    stages = (
        lstm("lstm", 1, 2, 1, np.random.default_rng(9)),
        Slice("wide", (0, 1) * 1_000),
        Activation("gelu", "gelu"),
        Pool("mean", "mean"),
        Slice("narrow", (0,)),
    )
    model = Model(stages, Signature(1, 1))
    y = wasm.load(module.module_of(model, simd=False))(drawn(model, 1, 30))
    assert np.isfinite(y).all()
