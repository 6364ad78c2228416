"""The share of a core that a model takes in an AudioWorklet at 48 kHz, in Chromium.

    python -m scripts.bench.wasm_audio

The model is one LSTM of 40 units from one sample to one sample, the page that of docs/web.md, the
sound 10 s of noise, rendered by an OfflineAudioContext; the least time of half a second counts.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from lstm_export import export
from lstm_export.bench.machine import machine, machine_text
from lstm_export.model import Model, Signature
from lstm_export.model.torch_module import to_module
from tests.kit import pages
from tests.kit.browser import BROWSER, NO_BROWSER, reported
from tests.kit.builders import linear, lstm

DRIVER = """<!doctype html>
<script type="module">
  import { play } from './audio.mjs';
  const bytes = await (await fetch('model.wasm')).arrayBuffer();
  const sound = new AudioBuffer({ length: 480000, sampleRate: 48000 });
  sound.copyToChannel(new Float32Array(480000).map(() => Math.random() - 0.5), 0);
  const seconds = async (through) => {
    const context = new OfflineAudioContext(1, 480000, 48000);
    await through(context);
    let best = Infinity;
    let last = NaN;
    for (let half = 1; half < 20; half++) { // stops at every half second of the sound
      context.suspend(half / 2).then(() => {
        best = Math.min(best, performance.now() - last || Infinity);
        last = performance.now();
        context.resume();
      });
    }
    await context.startRendering();
    return best / 1000;
  };
  const bare = (context) => {
    const source = new AudioBufferSourceNode(context, { buffer: sound });
    source.connect(context.destination);
    source.start();
  };
  const seen = { model: Infinity, bare: Infinity };
  for (let round = 0; round < 3; round++) {
    seen.model = Math.min(seen.model, await seconds((context) => play(context, sound, bytes)));
    seen.bare = Math.min(seen.bare, await seconds(bare));
  }
  fetch('/seen', { method: 'POST', body: JSON.stringify(seen) });
</script>
"""


def main() -> None:
    """Export, render in Chromium, and print the shares."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    if not BROWSER:
        raise SystemExit(NO_BROWSER)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "model_wasm"
        export(to_module(audio_model()), "wasm", folder)
        pages.write_files(pages.ROOT / "docs" / "web.md", folder)
        (folder / "driver.html").write_text(DRIVER, encoding="utf-8")
        seen = reported(folder, "driver.html", patience_s=200)
    version = subprocess.run([BROWSER, "--version"], capture_output=True, text=True, check=True)
    print(f"{machine_text(machine())}, {version.stdout.strip()}")
    print(f"1/40x1 in an AudioWorklet at 48 kHz: {200 * seen['model']:.1f} % of a core")
    print(f"the same page without the model:     {200 * seen['bare']:.1f} %")


def audio_model() -> Model:
    """An LSTM of 40 units that answers every sample."""
    random = np.random.default_rng(0)
    return Model((lstm("lstm", 1, 40, 1, random), linear("fc", 40, 1, random)), Signature(1, 1))


if __name__ == "__main__":
    main()
