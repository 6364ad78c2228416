"""The files around the modules: what calls them, and what tells a reader and npm about them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from ...model import Model
from ...version import __version__
from ..c.emit.interface import described
from ..c.emit.names import plain
from .module import web_file

_ENDINGS = (".wasm", ".plain.wasm", ".mjs", ".d.mts")  # TypeScript looks for .d.mts beside .mjs
_OTHERS = ("package.json", "README.md", "index.html")


@dataclass(frozen=True)
class Modules:
    """A model compiled with vectors and without, and a sentence on how both store weights."""

    simd: bytes
    plain: bytes
    weights: str


def file_names(name: str) -> set[str]:
    """All files of an export called `name`."""
    return {f"{name}{ending}" for ending in _ENDINGS} | set(_OTHERS)


def folder_files(model: Model, name: str, modules: Modules, single_file: bool) -> dict[str, bytes]:
    """The contents of every file. Names of a stranger come in a form of our own."""
    texts = {
        f"{name}.mjs": _script(name, modules, single_file),
        f"{name}.d.mts": web_file("model.d.mts"),
        "index.html": web_file("index.html").replace("./model.mjs", f"./{name}.mjs"),
        "package.json": _package(model, name),
        "README.md": _readme(model, name, modules),
    }
    files = {file: text.encode("ascii") for file, text in texts.items()}
    return files | {f"{name}.wasm": modules.simd, f"{name}.plain.wasm": modules.plain}


def _script(name: str, modules: Modules, single_file: bool) -> str:
    """NAME.mjs: web/model.mjs, minified."""
    text = web_file("model.min.mjs")
    for ending, module in ((".wasm", modules.simd), (".plain.wasm", modules.plain)):
        beside = f'new URL("./model{ending}",import.meta.url)'
        named = f'new URL("./{name}{ending}",import.meta.url)'
        text = text.replace(beside, f'decoded("{_base64(module)}")' if single_file else named)
    return text + web_file("embedded.mjs") if single_file else text


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii").rstrip("=")


def _package(model: Model, name: str) -> str:
    """package.json."""
    exported = {"types": f"./{name}.d.mts", "default": f"./{name}.mjs"}
    facts = {
        "name": name.lower(),
        "version": "1.0.0",
        "description": f"{described(model)}; written by lstm-export {__version__}",
        "type": "module",
        "exports": {".": exported, "./*": "./*"},
        "types": f"./{name}.d.mts",
        "files": sorted(file_names(name) - {"package.json"}),
    }
    return json.dumps(facts, indent=2) + "\n"


def _readme(model: Model, name: str, modules: Modules) -> str:
    """README.md."""
    signature = model.signature
    columns = [plain(column.name) or f"input_{k}" for k, column in enumerate(signature.features)]
    is_stream = not any(stage.bidirectional for stage in model.recurrent)
    text = _README + (_STREAM if is_stream or signature.window else "") + _END
    values = {
        "NAME": name,
        "DESCRIPTION": described(model),
        "SIMD": f"{len(modules.simd):,}",
        "PLAIN": f"{len(modules.plain):,}",
        "WEIGHTS": modules.weights,
        "INPUT_SIZE": str(signature.input_size),
        "INPUTS": ", ".join(columns) or "in the order of training",
        "ANSWERS": "an answer a step"
        if model.returns_every_step
        else "the answer to the last step",
        "WINDOW": _WINDOW.format(signature.window) if signature.window else "",
    }
    for word, value in values.items():
        text = text.replace(f"@{word}@", value)
    return text


_README = """# @NAME@ in WebAssembly

`@DESCRIPTION@`

Written by lstm-export. No dependency: `@NAME@.mjs` runs in browsers, workers, AudioWorklets, Node,
Deno and Bun. It takes `@NAME@.wasm` (@SIMD@ bytes) where the engine has vectors, else
`@NAME@.plain.wasm` (@PLAIN@ bytes); both give the same bits everywhere.
@WEIGHTS@ The script is minified; `@NAME@.d.mts` says what it takes and gives.

`index.html` is a page that tests the model, streams a CSV and plots the answers: run
`python -m http.server` in this folder and open http://localhost:8000/.

Inputs of a step, in the model's own units: @INPUT_SIZE@ numbers, @INPUTS@.

```js
import { load } from './@NAME@.mjs';

const model = await load();          // or load(url), load(bytes), load(await fetch(url))
console.log(model.selfTest());       // { passed: true, ... }: vectors that came with the model
const y = model.run(x, { batch, seq });   // x: batch * seq * @INPUT_SIZE@ numbers; @ANSWERS@
```
"""

_STREAM = """
Sample by sample, each stream with a state of its own:

```js
const stream = model.stream();@WINDOW@
const y = stream.step(sample);       // @INPUT_SIZE@ numbers
stream.push(chunk);                  // many samples at once
const saved = stream.state();        // plain data: restore(saved) goes on from there
stream.reset();
```
"""

_WINDOW = "       // keeps {} samples, as in training; stream({{ window: 0 }}) keeps the state"

_END = """
Inputs are checked: `InputError` says what was expected and got, and nothing has changed then.
Inputs outside the range of training are answered with a warning; `load(source, { warn })` takes it.
Other errors: `LoadError`, `MemoryError`; all are a `ModelError`.
"""
