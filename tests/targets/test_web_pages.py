"""The pages that docs/web.md tells a reader to make, made from its blocks and run in Chromium."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("wasmtime", reason='needs wasmtime: pip install "lstm-export[wasm]"')

from lstm_export.device import Session
from lstm_export.model import Model, Signature
from lstm_export.parity import GoldenSet
from lstm_export.parity.rule import bound
from lstm_export.targets import onnx, wasm
from lstm_export.targets.wasm import compiler
from tests.kit import pages
from tests.kit.browser import BROWSER, NO_BROWSER, reported
from tests.kit.builders import drawn, linear, lstm
from tests.kit.chains import CHAINS
from tests.kit.web_engines import NOT_INSTALLED, PACKAGES

pytestmark = pytest.mark.skipif(not BROWSER, reason=NO_BROWSER)
PAGE = pages.ROOT / "docs" / "web.md"
RUNTIME = PACKAGES / "onnxruntime-web" / "dist"
RATE = 48_000
BLOCK = 128

# The first sound goes straight through the node, the second through the page, as a file.
AUDIO = """<!doctype html>
<iframe src="audio.html"></iframe>
<script type="module">
  import { play } from './audio.mjs';
  const bytes = await (await fetch('model.wasm')).arrayBuffer();
  const x = new Float32Array(await (await fetch('x.bin')).arrayBuffer());
  const sound = new AudioBuffer({ length: x.length, sampleRate: @RATE@ });
  sound.copyToChannel(x, 0);
  const context = new OfflineAudioContext(1, x.length, @RATE@);
  await play(context, sound, bytes);
  const made = await context.startRendering();
  const find = (id) => document.querySelector('iframe').contentDocument.getElementById(id);
  const until = async (is) => {
    while (!is()) await new Promise((done) => setTimeout(done, 10));
  };
  await until(() => find('file')?.onchange);
  const data = new DataTransfer();
  data.items.add(new File([await (await fetch('x.wav')).arrayBuffer()], 'x.wav'));
  find('file').files = data.files;
  find('file').dispatchEvent(new Event('change'));
  await until(() => !find('play').disabled);
  const seen = { y: Array.from(made.getChannelData(0)), report: find('report').textContent };
  fetch('/seen', { method: 'POST', body: JSON.stringify(seen) });
</script>
"""
ONNX = """<!doctype html>
<iframe src="onnx.html"></iframe>
<script type="module">
  const page = () => document.querySelector('iframe').contentDocument;
  const until = async (is) => {
    while (!is()) await new Promise((done) => setTimeout(done, 10));
  };
  await until(() => page()?.body?.dataset.ready);
  const seen = [];
  for (const texts of @BATCHES@) {
    const data = new DataTransfer();
    texts.forEach((text, k) => data.items.add(new File([text], `${k}.csv`)));
    page().getElementById('answers').replaceChildren();
    page().getElementById('files').files = data.files;
    page().getElementById('files').dispatchEvent(new Event('change'));
    await until(() => page().querySelector('li'));
    seen.push(Array.from(page().querySelectorAll('li'), (item) => item.textContent));
  }
  fetch('/seen', { method: 'POST', body: JSON.stringify(seen) });
</script>
"""


def made(folder: Path, driver: str) -> Any:
    """What the driver reports of the pages of docs/web.md in a folder."""
    pages.write_files(PAGE, folder)
    (folder / "driver.html").write_text(driver, encoding="utf-8")
    return reported(folder, "driver.html")


def as_wav(x: Any) -> bytes:
    """One channel of float32."""
    data = np.asarray(x, "<f4").tobytes()
    form = np.array([3, 1], "<u2").tobytes() + np.array([RATE, 4 * RATE], "<u4").tobytes()
    form += np.array([4, 32], "<u2").tobytes()
    sizes = [np.array(size, "<u4").tobytes() for size in (36 + len(data), len(form), len(data))]
    return b"RIFF" + sizes[0] + b"WAVEfmt " + sizes[1] + form + b"data" + sizes[2] + data


@pytest.mark.skipif(bool(compiler.unavailable()), reason="needs a compiler for WebAssembly")
def test_the_audio_page_has_the_samples_of_python(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    stages = (lstm("lstm", 1, 12, 1, random), linear("fc", 12, 1, random))
    model = Model(stages, Signature(1, 1))
    folder = tmp_path / "model_wasm"
    wasm.export(model, folder)
    x = random.uniform(-1, 1, 20 * BLOCK).astype(np.float32)
    (folder / "x.bin").write_bytes(x.tobytes())
    (folder / "x.wav").write_bytes(as_wav(x))
    seen = made(folder, AUDIO.replace("@RATE@", str(RATE)))
    runner = wasm.load((folder / "model.wasm").read_bytes())
    stream = Session(runner, model.signature).stream()
    expected = stream.push(x[:, np.newaxis])
    np.testing.assert_array_equal(np.float32(seen["y"]), expected.ravel())
    assert seen["report"].endswith("% of a core")


def as_csv(rows: Any) -> str:
    return "".join(",".join(map(repr, row)) + "\n" for row in rows.astype(float).tolist())


@pytest.mark.skipif(not RUNTIME.exists(), reason=f"needs onnxruntime-web; {NOT_INSTALLED}")
@pytest.mark.parametrize("lengths", [False, True], ids=["plain", "lengths"])
@pytest.mark.parametrize("chain", ["seed", "gru"])
def test_onnxruntime_web_answers_within_the_bound(
    chain: str, lengths: bool, tmp_path: Path
) -> None:
    model = CHAINS[chain]
    onnx.export(model, tmp_path / "model.onnx", lengths=lengths)
    for file in ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"):
        shutil.copy(RUNTIME / file, tmp_path / file)
    x = drawn(model, 3, 70)
    steps = [[1], [70, 70, 70], [5, 5]]
    if lengths:
        steps.append([70, 1, 8])
    batches = [
        [as_csv(row[:length]) for row, length in zip(x, batch, strict=False)] for batch in steps
    ]
    uneven = [as_csv(x[0]), as_csv(x[0, :3])]
    driver = ONNX.replace("@BATCHES@", json.dumps([*batches, uneven]))
    *answered, last = made(tmp_path, driver)
    assert last[0].startswith("not answered: export with --lengths") is not lengths
    for batch, texts in zip(steps, answered, strict=True):
        for row, length, text in zip(x, batch, texts, strict=False):
            golden = GoldenSet.of("drawn", model, row[np.newaxis, :length])
            error = np.abs(np.array(text.split(", "), float) - golden.y.ravel())
            assert (error <= bound(golden) * golden.scale.ravel()).all(), (length, error)
