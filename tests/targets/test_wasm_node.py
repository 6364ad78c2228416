"""NAME.mjs in Node, Deno and Bun, called as docs/web.md shows: the bits of Python, the errors."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("wasmtime", reason='needs wasmtime: pip install "lstm-export[wasm]"')

from lstm_export.device import Session
from lstm_export.model import Column, Model, Signature
from lstm_export.targets import wasm
from lstm_export.targets.wasm import compiler
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS
from tests.kit.integer_models import ALL, UNTRAINED, drifting
from tests.kit.web_engines import NOT_INSTALLED, commands

ENGINES = commands()
pytestmark = pytest.mark.skipif(
    bool(compiler.unavailable()) or not ENGINES["node"],
    reason="needs a compiler for WebAssembly, and node",
)
NAMED = Signature(
    3,
    6,
    tuple(Column(name, "K", -1.0, 1.0) for name in ("inside", "outside", "\u2028'\"</script>")),
    window=4,
)


def node(folder: Path, script: str, engine: str = "node") -> Any:
    """What a script puts into `out`, with `x` and `load` at hand."""
    text = f"""
        import {{ readFileSync, writeFileSync }} from 'node:fs';
        import * as api from './model.mjs';
        const {{ load, loadSync }} = api;
        const bytes = (name) => readFileSync(new URL(name, import.meta.url));
        const x = new Float32Array(Uint8Array.from(bytes('./x.bin')).buffer);
        const said = (call) => {{
          try {{ call(); return 'nothing'; }} catch (error) {{
            return `${{error instanceof api.ModelError}} ${{error.name}}: ${{error.message}}`;
          }}
        }};
        let out;
        {script}
        writeFileSync(new URL('./out.json', import.meta.url), JSON.stringify(out));
    """
    (folder / "test.mjs").write_text(text, encoding="utf-8")
    command = ENGINES[engine]
    assert command
    done = subprocess.run(
        [*command, str(folder / "test.mjs")],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "out.json").read_text())


def exported(model: Model, folder: Path, x: Any, **options: Any) -> Path:
    wasm.export(model, folder / "model_wasm", **options)
    copied = folder / "run"
    shutil.copytree(folder / "model_wasm", copied)
    (copied / "x.bin").write_bytes(np.ascontiguousarray(x, "<f4").tobytes())
    return copied


# Whole, in a batch, by steps, in chunks, restored; two streams and two models in turns.
EVERY_WAY = """
const model = await load();
const plain = await load(undefined, { simd: false });
out = { tests: [model.selfTest(), plain.selfTest()], simd: [model.simd, plain.simd] };
out.batch = Array.from(model.run(x, { batch: 33 }));
out.plain = Array.from(plain.run(x, { batch: 33, seq: 6 }));
if (model.streams) {
  const row = x.subarray(0, 6 * model.inputSize);
  const sample = (t) => row.subarray(t * model.inputSize, (t + 1) * model.inputSize);
  const streams = [model.stream(), plain.stream(), model.stream()];
  out.steps = streams.map(() => []);
  for (let t = 0; t < 6; t++) {
    streams.forEach((stream, k) => out.steps[k].push(...stream.step(sample(t))));
    if (t === 2) {
      streams[2].step(sample(5));
      streams[2].restore(JSON.parse(JSON.stringify(streams[0].state())));
    }
  }
  streams[0].reset();
  streams[0].push(row.subarray(0, model.inputSize));
  out.chunk = Array.from(streams[0].push(row.subarray(model.inputSize)));
}
"""


def has(engine: str) -> pytest.MarkDecorator:
    """Leave a case out where its engine is not installed."""
    return pytest.mark.skipif(not ENGINES[engine], reason=f"needs {engine}; {NOT_INSTALLED}")


@pytest.mark.parametrize(
    ("engine", "chain"),
    [
        ("node", "seed"),
        ("node", "every step"),
        ("node", "both ends"),
        ("node", "learned state"),
        ("node", "skips"),
        pytest.param("deno", "every step", marks=has("deno")),
        pytest.param("deno", "skips", marks=has("deno")),
        pytest.param("bun", "every step", marks=has("bun")),
        pytest.param("bun", "skips", marks=has("bun")),
    ],
)
def test_has_the_bits_of_python(engine: str, chain: str, tmp_path: Path) -> None:
    model = CHAINS[chain]
    x = drawn(model, 33, 6)
    folder = exported(model, tmp_path, x, single_file=chain == "skips")
    out = node(
        folder,
        EVERY_WAY,
        engine,
    )
    session = Session(wasm.load((folder / "model.wasm").read_bytes()), model.signature)
    expected = session(x)
    assert [test["passed"] for test in out["tests"]] == [True, True]
    assert out["simd"] == [True, False]
    for key in ("batch", "plain"):
        np.testing.assert_array_equal(np.float32(out[key]), expected.ravel())
    if "steps" in out:
        stream = session.stream()
        steps = np.concatenate([stream.step(sample) for sample in x[0]])
        for taken in out["steps"]:
            np.testing.assert_array_equal(np.float32(taken), steps)
        last = steps[-model.signature.output_size :]
        np.testing.assert_array_equal(np.float32(out["chunk"])[-len(last) :], last)


@pytest.mark.parametrize(
    ("engine", "chain", "weights"),
    [
        ("node", "seed", "int16"),
        ("node", "every step", "int8"),
        ("node", "change", "int16"),
        pytest.param("deno", "every step", "int16", marks=has("deno")),
        pytest.param("bun", "every step", "int16", marks=has("bun")),
    ],
)
def test_whole_numbers_have_the_bits_of_their_definition(
    engine: str, chain: str, weights: str, tmp_path: Path
) -> None:
    """In a batch, step by step, and from a state that went through JSON; the self-test takes
    nothing but equality."""
    model = ALL[chain]
    x = drifting(33)[:, :6].astype(np.float32) if chain == "change" else drawn(model, 33, 6)
    folder = exported(model, tmp_path, x, weights=weights, **UNTRAINED)
    out = node(folder, EVERY_WAY, engine)
    definition = wasm.definition(model, (folder / "model.wasm").read_bytes())
    assert definition is not None
    assert [test["passed"] for test in out["tests"]] == [True, True]
    assert [test["worst"] for test in out["tests"]] == [0, 0]
    for key in ("batch", "plain"):
        np.testing.assert_array_equal(np.array(out[key]), definition(x).ravel())
    for taken in out.get("steps", []):
        last = np.array(taken)[-model.signature.output_size :]
        np.testing.assert_array_equal(last, definition(x[:1]).ravel()[-len(last) :])


def test_windows_and_warnings_are_those_of_python(tmp_path: Path) -> None:
    model = Model(CHAINS["scalers"].stages, NAMED)
    x = drawn(model, 1, 9)
    x[0, 3:5, 1] = (5.5, 6.5)
    x[0, 7, 1:] = (-2.25, 3.0)
    folder = exported(model, tmp_path, x)
    out = node(
        folder,
        """
        const told = [];
        const model = await load(undefined, { warn: (text) => told.push(text) });
        const stream = model.stream();
        const steps = [];
        for (let t = 0; t < 9; t++) steps.push(...stream.step(x.subarray(3 * t, 3 * t + 3)));
        const count = stream.outOfRangeCount;
        const chunk = model.stream().push(x);
        model.run(x);
        const names = model.features.map((column) => column.name);
        const found = { told, names, count, window: model.window };
        out = { ...found, steps: steps.map(String), chunk: Array.from(chunk) };
        """,
    )
    session = Session(wasm.load((folder / "model.wasm").read_bytes()), NAMED)
    stream = session.stream()
    with pytest.warns(UserWarning) as warned:
        steps = np.concatenate([stream.step(sample) for sample in x[0]])
    np.testing.assert_array_equal(np.float32(out["steps"]), steps)
    np.testing.assert_array_equal(np.float32(out["chunk"]), steps[-6:])
    assert out["names"] == [column.name for column in NAMED.features]
    assert out["count"] == stream.out_of_range_count
    assert out["window"] == 4
    with pytest.warns(UserWarning) as of_chunk:
        session.stream().push(x[0])
    with pytest.warns(UserWarning) as of_all:
        session(x)
    assert out["told"] == [str(each.message) for each in [*warned, *of_chunk, *of_all]]


def test_inputs_are_refused_in_one_sentence(tmp_path: Path) -> None:
    folder = exported(CHAINS["scalers"], tmp_path, drawn(CHAINS["scalers"], 1, 4))
    out = node(
        folder,
        """
        const model = await load();
        const stream = model.stream();
        const before = JSON.stringify(stream.state());
        out = [
          said(() => model.run([1, 2])),
          said(() => model.run(null)),
          said(() => model.run('abc')),
          said(() => model.run([[1, 2, 3]])),
          said(() => model.run(x, { batch: 3 })),
          said(() => model.run(x, { batch: 1, seq: 2 })),
          said(() => model.run([])),
          said(() => stream.step([1, NaN, 3])),
          said(() => stream.step([1, 2, 1e39])),
          said(() => stream.step([1, 2])),
          said(() => stream.push([1, 2, 3, 4])),
          said(() => stream.step(new BigInt64Array(3))),
          said(() => stream.restore({ ...stream.state(), window: 3 })),
          said(() => stream.restore({ ...stream.state(), values: [1] })),
          said(() => model.stream({ window: 1.5 })),
          said(() => loadSync(new Uint8Array(9))),
          said(() => loadSync(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))),
          said(() => loadSync()),
          await load('file:///nowhere.wasm').catch((error) => error.name),
          before === JSON.stringify(stream.state()),
        ];
        """,
    )
    kinds = [sentence.split(": ")[0] for sentence in out[:18]]
    assert kinds == ["true InputError"] * 15 + ["true LoadError"] * 3
    assert out[18:] == ["LoadError", True]
    sentence = "x_t at row 0, step 0, feature 1 is NaN, expected a finite number of float32"
    assert out[7].endswith(sentence)
    assert out[5].endswith("x has 12 numbers, expected 6")
    assert out[9].endswith("x_t has 2 numbers, expected 3")


def test_a_stream_of_both_directions_and_too_much_memory_are_refused(tmp_path: Path) -> None:
    folder = exported(CHAINS["both ends"], tmp_path, drawn(CHAINS["both ends"], 1, 4))
    out = node(
        folder,
        """
        const model = await load();
        const steps = model.stream({ window: 4 });
        out = [said(() => model.stream()), Array.from(steps.push(x)), Array.from(model.run(x))];
        const { buffer } = new WebAssembly.Memory({ initial: 1 });
        WebAssembly.Memory.prototype.grow = () => { throw new RangeError(String(buffer)); };
        out.push(said(() => model.run(new Float32Array(4e6))));
        out.push(said(() => model.stream({ window: 1e12 })));
        """,
    )
    assert out[0].startswith("true InputError: the model looks ahead in its sequence")
    assert out[1] == out[2]
    for told in out[3:]:
        assert told.startswith("true MemoryError: this needs ")
