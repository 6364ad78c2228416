"""Sizes of the wasm target's files, and times in Node and Chromium beside ONNX Runtime's.

    python -m scripts.bench.wasm_steps MODEL.pt [--peers FOLDER]

FOLDER is where npm installed onnxruntime-web and, to be told of, onnxruntime-node; by default what
scripts/install_web_engines.sh installed. Rounds take turns, the least time counts.
`floats` is the usual export, `int16` and `int8` are in whole numbers, `C` is the generated C with
vectors of four, as WebAssembly has them, compiled for this machine by clang. `multiply-adds alone`
is WebAssembly that does no more than those of a step, in fours, with weights that stay in the first
cache. `step` of ONNX Runtime is a sequence of one step, which carries no state. Its
calls are awaited, and ours too. `first` is from before the import to the first answer in a new
process, the best of 7.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TypeAlias

from lstm_export import export
from lstm_export.bench.machine import machine, machine_text
from lstm_export.targets.wasm.compiler import compiled
from tests.kit.browser import BROWSER, reported
from tests.kit.integer_models import UNTRAINED
from tests.kit.web_engines import PACKAGES

Times: TypeAlias = dict[str, dict[str, float]]

WHOLE = ("int16", "int8")  # weights of exports in whole numbers
# x86-64 alone has vectors of four floats and no fused multiply-add, as WebAssembly.
C_FLAGS = ("-std=c99", "-O3", "-ffp-contract=off", "-march=x86-64", "-Imodel_c")
ALONE = 4 * 6 * 32  # multiply-adds of wasm_products.c before it begins anew, in 32 rows
RUNTIMES = ("onnxruntime-web", "onnxruntime-node")
WEB_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
IN_NODE = """
import { candidates, timed } from './wasm_steps.mjs';
import { load as floats } from './model_wasm/model.mjs';
import { load as int16 } from './int16_wasm/model.mjs';
import { load as int8 } from './int8_wasm/model.mjs';
const loads = { floats, int16, int8 };
const runtimes = {};
for (const name of @RUNTIMES@) runtimes[name] = await import(name).then((m) => m.default ?? m);
const calls = await candidates(loads, runtimes, './model.onnx', @PRODUCTS@);
console.log(JSON.stringify(await timed(calls)));
"""
IN_A_PAGE = """<!doctype html>
<script type="module">
  import { candidates, timed } from './wasm_steps.mjs';
  import { load as floats } from './model_wasm/model.mjs';
  import { load as int16 } from './int16_wasm/model.mjs';
  import { load as int8 } from './int8_wasm/model.mjs';
  const loads = { floats, int16, int8 };
  const runtimes = {};
  if (@HAS_WEB@) runtimes['onnxruntime-web'] = await import('./ort.wasm.bundle.min.mjs');
  const calls = await candidates(loads, runtimes, './model.onnx', @PRODUCTS@);
  const seen = await timed(calls, 40, 4);
  fetch('/seen', { method: 'POST', body: JSON.stringify(seen) });
</script>
"""
FIRST = {
    "floats, vectors": """
const start = performance.now();
const { load } = await import('./model_wasm/model.mjs');
(await load()).stream({ window: 0 }).step(new Float32Array(@WIDTH@));
console.log(performance.now() - start);
""",
    "onnxruntime-web": """
const start = performance.now();
const ort = await import('onnxruntime-web').then((m) => m.default ?? m);
ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create('./model.onnx');
const x = new ort.Tensor('float32', new Float32Array(@WIDTH@), [1, 1, @WIDTH@]);
await session.run({ [session.inputNames[0]]: x });
console.log(performance.now() - start);
""",
}


def main() -> None:
    """Export, time, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--peers", type=Path, default=PACKAGES.parent)
    chosen = parser.parse_args()
    peers = (chosen.peers / "node_modules").resolve()
    runtimes = [name for name in RUNTIMES if (peers / name).exists()]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export(chosen.model, "wasm", folder / "model_wasm")
        for weights in WHOLE:
            export(chosen.model, "wasm", folder / f"{weights}_wasm", weights=weights, **UNTRAINED)
        export(chosen.model, "onnx", folder / "model.onnx")
        shutil.copy(Path(__file__).with_suffix(".mjs"), folder)
        if runtimes:
            (folder / "node_modules").symlink_to(peers)
        version = _said(["node", "--version"], folder)
        print(f"{machine_text(machine())}, Node {version.strip()}")
        _print_sizes(folder)
        products = json.dumps(_products(folder))
        in_node = _in_node(folder, runtimes, products)
        in_node["C, vectors of four"] = _in_c(chosen.model, folder)
        in_page = _in_page(folder, "onnxruntime-web" in runtimes, products) if BROWSER else {}
        first = _first(folder, runtimes)
    _print_times(in_node, in_page, first)


def _said(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def _products(folder: Path) -> dict[str, object]:
    """The module of multiply-adds in base64, and how many rows of them a step has."""
    from lstm_export.targets import wasm

    source = Path(__file__).with_name("wasm_products.c")
    built = compiled({source.name: source.read_text()}, True, 0, "multiply_add")
    arrays = wasm.read((folder / "model_wasm" / "model.wasm").read_bytes()).arrays
    products = sum(array.size for key, array in arrays.items() if "weight" in key)
    return {"module": base64.b64encode(built).decode(), "rows": products // ALONE * 32}


def _in_node(folder: Path, runtimes: list[str], products: str) -> Times:
    script = IN_NODE.replace("@RUNTIMES@", json.dumps(runtimes)).replace("@PRODUCTS@", products)
    (folder / "node.mjs").write_text(script)
    found: Times = json.loads(_said(["node", "node.mjs"], folder))
    return found


def _in_c(model: Path, folder: Path) -> dict[str, float]:
    export(model, "c", folder / "model_c", name="model")
    sources = [str(Path(__file__).with_name("wasm_native.c")), "model_c/model.c"]
    _said(["clang", *C_FLAGS, *sources, "-o", "native", "-lm"], folder)
    found: dict[str, float] = json.loads(_said(["./native"], folder))
    return found


def _in_page(folder: Path, has_web: bool, products: str) -> Times:
    if has_web:
        for file in WEB_FILES:
            shutil.copy(folder / "node_modules" / "onnxruntime-web" / "dist" / file, folder)
    page = IN_A_PAGE.replace("@HAS_WEB@", json.dumps(has_web)).replace("@PRODUCTS@", products)
    (folder / "page.html").write_text(page)
    found: Times = reported(folder, "page.html", patience_s=300)
    return found


def _first(folder: Path, runtimes: list[str]) -> dict[str, float]:
    """Milliseconds to the first answer."""
    from lstm_export.targets import wasm

    width = wasm.read((folder / "model_wasm" / "model.wasm").read_bytes()).signature.input_size
    found = {}
    for name, script in FIRST.items():
        if name in ("floats, vectors", *runtimes):
            (folder / "first.mjs").write_text(script.replace("@WIDTH@", str(width)))
            found[name] = min(float(_said(["node", "first.mjs"], folder)) for _ in range(7))
    return found


def _print_sizes(folder: Path) -> None:
    files = ["model_wasm/model.wasm", "model_wasm/model.plain.wasm", "model_wasm/model.mjs"]
    files += [f"{weights}_wasm/model.wasm" for weights in WHOLE]
    for file in files:
        data = (folder / file).read_bytes()
        print(f"{file:<27} {len(data):>7,} bytes, {len(gzip.compress(data, 9)):>7,} gzipped")


def _print_times(in_node: Times, in_page: Times, first: dict[str, float]) -> None:
    print(f"{'':<20} {'Node':>17} {'Chromium':>17}")
    columns = ("step", "(1,100)", "step", "(1,100)", "first, ms")
    print(f"{'us':<20}", *(f"{column:>8}" for column in columns))
    for name, times in in_node.items():
        page = in_page.get(name, {})
        cells = [times["step"], times["sequence"], page.get("step"), page.get("sequence")]
        cells.append(first.get(name))
        print(f"{name:<20}", *map(_cell, cells))


def _cell(value: float | None) -> str:
    if value is None:
        return f"{'-':>8}"
    return f"{value:>8.2f}" if value < 100 else f"{value:>8.0f}"


if __name__ == "__main__":
    main()
