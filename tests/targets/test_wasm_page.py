"""index.html in headless Chromium: its verdict, its errors, and the bits of Python for a table."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("wasmtime", reason='needs wasmtime: pip install "lstm-export[wasm]"')

from lstm_export.device import Session
from lstm_export.model import Column, Model, Signature
from lstm_export.targets import wasm
from lstm_export.targets.c.emit.self_test import vectors
from lstm_export.targets.wasm import compiler
from tests.kit.browser import BROWSER, NO_BROWSER, reported
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS
from tests.kit.integer_models import UNTRAINED

pytestmark = [
    pytest.mark.skipif(
        bool(compiler.unavailable()),
        reason="needs a compiler for WebAssembly; run scripts/install_emulators.sh (as root)",
    ),
    pytest.mark.skipif(not BROWSER, reason=NO_BROWSER),
]
MARKUP = "<b id='verdict'>\u2028\"quoted\", &amp; passed"
NAMES = ("inside", 60 * "outside", MARKUP)
NAMED = Signature(3, 6, tuple(Column(name, 60 * "K", -1.0, 1.0) for name in NAMES), window=4)


# Drives the page in a frame as a user would, and reports what it shows once it has come to an end.
DRIVER = """<!doctype html>
<iframe src="index.html@QUERY@" width="400" height="800"></iframe>
<script>
const frame = document.querySelector('iframe');
const find = (id) => frame.contentDocument.getElementById(id);
const until = async (is) => {
  while (!is()) await new Promise((done) => setTimeout(done, 10));
};
const texts = (kind) => Array.from(frame.contentDocument.querySelectorAll(kind), (element) => (
  element.value ?? element.textContent));
window.onload = async () => {
  await until(() => find('verdict').className);
  const table = @TABLE@;
  const data = new DataTransfer();
  if (table) data.items.add(new File([table], 'table.csv'));
  if (table && @DROPPED@) {
    frame.contentDocument.dispatchEvent(new DragEvent('drop', { dataTransfer: data }));
  } else if (table) {
    find('file').files = data.files;
    find('file').dispatchEvent(new Event('change'));
  }
  const isEnded = () => find('report').className || find('report').textContent.includes('all ');
  if (table || @IS_NAMED@) await until(isEnded);
  const seen = { answers: texts('#answers data'), names: texts('#inputs figcaption span') };
  for (const id of ['verdict', 'report', 'warning', 'steps', 'outside', 'columns']) {
    seen[id] = find(id).textContent;
  }
  const page = frame.contentDocument.documentElement;
  seen.overflow = page.scrollWidth - page.clientWidth;
  seen.disabled = find('controls').disabled;
  fetch('/seen', { method: 'POST', body: JSON.stringify(seen) });
};
</script>
"""


def shown(folder: Path, table: str = "", dropped: bool = False, query: str = "") -> dict[str, Any]:
    """What the page of an exported folder shows, given a table or a query."""
    values = {
        "QUERY": query,
        "TABLE": json.dumps(table),
        "DROPPED": json.dumps(dropped),
        "IS_NAMED": json.dumps(bool(query)),
    }
    text = DRIVER
    for word, value in values.items():
        text = text.replace(f"@{word}@", value)
    (folder / "driver.html").write_text(text, encoding="utf-8")
    seen: dict[str, Any] = reported(folder, "driver.html")
    return seen


def exported(model: Model, tmp_path: Path, name: str = "model", **options: Any) -> Path:
    folder = tmp_path / "model_wasm"
    wasm.export(model, folder, name=name, **options)
    return folder


def as_csv(x: Any, names: Sequence[str] = ()) -> str:
    """A table as spreadsheets write it."""
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    rows = [quoted] if names else []
    rows += [[repr(value) for value in row] for row in x.astype(float).tolist()]
    return "\ufeff" + "".join(",".join(row) + "\r\n" for row in rows)


def last_answers(folder: Path, model: Model, x: Any) -> tuple[Any, int]:
    """Python's, and how many rows it finds out of range."""
    stream = Session(wasm.load((folder / "model.wasm").read_bytes()), model.signature).stream()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y = stream.push(x)
    return y.ravel()[-model.signature.output_size :], stream.out_of_range_count


def test_passes_with_the_vectors_of_the_model_under_any_name(tmp_path: Path) -> None:
    model = CHAINS["seed"]
    seen = shown(exported(model, tmp_path, name="gate"))
    assert seen["verdict"].startswith(f"Self-test passed: {len(list(vectors(model)))} vectors")
    assert not seen["disabled"]


@pytest.mark.parametrize("way", ["chosen", "dropped", "named"])
@pytest.mark.parametrize("chain", ["scalers", "every step"])
def test_streams_a_table_to_the_bits_of_python(chain: str, way: str, tmp_path: Path) -> None:
    model = Model(CHAINS["scalers"].stages, NAMED) if chain == "scalers" else CHAINS[chain]
    names = [column.name for column in model.signature.features]
    folder = exported(model, tmp_path)
    x = drawn(model, 1, 700)[0]
    table = as_csv(x, names)
    if names:  # in another order, with a column more
        others = np.concatenate([x[:, ::-1], x[:, :1]], axis=1)
        table = as_csv(others, [*reversed(names), "other"])
    if way == "named":
        (folder / "x.csv").write_text(table, encoding="utf-8", newline="")
        seen = shown(folder, query="?csv=x.csv")
    else:
        seen = shown(folder, table, dropped=way == "dropped")
    expected, outside = last_answers(folder, model, x)
    np.testing.assert_array_equal(np.float32(seen["answers"]), expected)
    assert seen["overflow"] == 0  # at a width of 400
    assert seen["report"].endswith(": all 700 rows answered")
    assert (seen["steps"], seen["outside"]) == ("700", str(outside))
    assert seen["names"] == (names or [f"input {k}" for k in range(model.signature.input_size)])


def test_whole_numbers_have_to_be_equal_and_stream_a_table(tmp_path: Path) -> None:
    model = Model(CHAINS["scalers"].stages, NAMED)
    folder = exported(model, tmp_path, **UNTRAINED)
    x = drawn(model, 1, 300)[0]
    seen = shown(folder, as_csv(x, [column.name for column in NAMED.features]))
    definition = wasm.definition(model, (folder / "model.wasm").read_bytes())
    assert definition is not None
    assert seen["verdict"].endswith(" vectors, every answer equal, bit for bit")
    last = x[np.newaxis, -(NAMED.window or 0) :]
    np.testing.assert_array_equal(np.float32(seen["answers"]), np.float32(definition(last)[0]))
    data = (folder / "model.wasm").read_bytes()  # ends with the last vector's y and its bound
    size = 4 * model.signature.output_size
    (folder / "model.wasm").write_bytes(data[: -2 * size] + bytes(size) + data[-size:])
    assert shown(folder)["verdict"].endswith(" vectors, answers differ, and have to be equal")


ROW = "1,2,3\n"


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("\n", "TableError: the table has no rows of numbers"),
        ("a,b\n1,2\n", "TableError: the table has 2 columns, expected 3"),
        (f"{ROW}1,,3\n", "row 2: InputError: x_t at row 0, step 0, feature 1 is NaN"),
        (f"{ROW}1,0x10,3\n", "row 2: InputError: x_t at row 0, step 0, feature 1 is NaN"),
        (f"{ROW}{ROW}1,2\n", "row 3: InputError: x_t at row 0, step 0, feature 2 is NaN"),
        (f'{ROW}"1,2,3\n', "row 1: TableError: row 2 has a quote out of place"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(table: str, fault: str, tmp_path: Path) -> None:
    assert fault in shown(exported(CHAINS["scalers"], tmp_path), table)["report"]


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ([*NAMES[:2], "more"], f"the first row lacks {MARKUP}; it has inside, outside"),
        ([*NAMES, "inside"], "the first row has inside twice"),
    ],
)
def test_a_header_must_name_the_inputs(header: list[str], fault: str, tmp_path: Path) -> None:
    folder = exported(Model(CHAINS["scalers"].stages, NAMED), tmp_path)
    seen = shown(folder, as_csv(np.ones((2, len(header))), header))
    assert fault in seen["report"]
    assert MARKUP in seen["columns"]


def damaged_weight(data: bytes) -> bytes:
    """With one weight a number of another sign and size."""
    weight = CHAINS["seed"].arrays["fc.weight"].ravel()[3]
    return data.replace(weight.tobytes(), np.float32(-1e6).tobytes(), 1)


@pytest.mark.parametrize(
    ("damage", "verdict"),
    [
        (lambda data: data[:-9], "LoadError: this is no WebAssembly that runs here"),
        (lambda data: b"", "LoadError: this is no WebAssembly that runs here"),
        (lambda data: data[:8], "LoadError: this WebAssembly was not written by lstm-export"),
        (lambda data: data.replace(b'"format":1', b'"format":9'), "LoadError: the module has for"),
        (damaged_weight, "Self-test failed: "),
    ],
    ids=["cut off", "empty", "foreign", "newer", "another weight"],
)
def test_a_damaged_module_is_not_called_good(damage: Any, verdict: str, tmp_path: Path) -> None:
    folder = exported(CHAINS["seed"], tmp_path)
    file = folder / "model.wasm"
    file.write_bytes(damage(file.read_bytes()))
    seen = shown(folder)
    assert seen["verdict"].startswith(verdict)
    assert seen["disabled"]
