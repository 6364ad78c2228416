"""The bundle: what is written is what is opened, and nothing else is opened."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export.bundle import (
    Artifact,
    Bundle,
    Mode,
    is_bundle,
    make_bundle,
    open_bundle,
    write_bundle,
)
from lstm_export.bundle.archive import pack
from lstm_export.bundle.manifest import FORMAT_VERSION
from lstm_export.errors import BundleError, InputError, LstmExportError
from lstm_export.model import Column, Model, forward
from lstm_export.parity import GoldenSet, check, golden_sets

TRAINING = {"seed": 3, "test_rmse": 301.5}


@pytest.fixture(scope="module")
def bundle(traffic_model: Model) -> Bundle:
    return bundle_of(traffic_model)


def bundle_of(model: Model) -> Bundle:
    golden = golden_sets(model)
    report = check(lambda x: forward(model, x).y.astype(np.float32), golden, subject="onnx")
    return make_bundle(
        model, golden, [Artifact("onnx", ".onnx", b"\x08\x08", report.to_record())], TRAINING
    )


@pytest.fixture(scope="module")
def data(bundle: Bundle) -> bytes:
    return pack(bundle.files, first="manifest.json")


@pytest.mark.parametrize("name", ["traffic_model", "every_step_model"])
def test_what_is_written_is_what_is_opened(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    model: Model = request.getfixturevalue(name)
    bundle = bundle_of(model)
    path = tmp_path / "model.bundle"
    write_bundle(path, bundle)
    opened = open_bundle(path)
    assert opened == bundle
    assert opened.model == model
    assert opened.artifacts == {"onnx": b"\x08\x08"}
    assert [golden_set.name for golden_set in opened.golden] == [
        golden_set.name for golden_set in golden_sets(model)
    ]
    for got, expected in zip(opened.golden, bundle.golden, strict=True):
        for key in ("x", "y", "scale"):
            assert getattr(got, key).tobytes() == getattr(expected, key).tobytes()
            assert getattr(got, key).dtype == getattr(expected, key).dtype
        assert got.noise_floor == expected.noise_floor


def test_two_bundles_of_one_model_are_the_same_bytes(traffic_model: Model, data: bytes) -> None:
    assert pack(bundle_of(traffic_model).files, first="manifest.json") == data


def test_the_manifest_says_what_is_inside(bundle: Bundle, traffic_model: Model) -> None:
    manifest = json.loads(bundle.files["manifest.json"])
    assert manifest["format_version"] == 1  # no set has lengths, so the oldest reader can read it
    assert manifest["signature"] == json.loads(json.dumps(traffic_model.signature.to_record()))
    assert manifest["weights_sha256"] == traffic_model.weights_sha256
    assert manifest["training"] == TRAINING
    assert manifest["artifacts"]["onnx"]["parity"]["verdict"] == "passed"
    for name, content in bundle.files.items():
        if name != "manifest.json":
            assert manifest["files"][name] == {
                "sha256": hashlib.sha256(content).hexdigest(),
                "size_bytes": len(content),
            }


def test_the_weights_can_be_read_by_numpy_alone(bundle: Bundle, traffic_model: Model) -> None:
    with np.load(io.BytesIO(bundle.files["weights.npz"]), allow_pickle=False) as weights:
        np.testing.assert_array_equal(
            weights["lstm.weight_ih_l0"], traffic_model.arrays["lstm.weight_ih_l0"]
        )


def test_knows_a_bundle_when_it_sees_one(data: bytes, tmp_path: Path) -> None:
    assert is_bundle(data)
    assert is_bundle(data[:100])  # cut short: still meant to be one, and refused as one
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("model/data.pkl", b"manifest.json")
    assert not any(map(is_bundle, (b"", b"PK", b"manifest.json", other.getvalue())))


def edited(bundle: Bundle, edit: Callable[[dict[str, Any]], None]) -> bytes:
    """The bundle with another manifest."""
    manifest = json.loads(bundle.files["manifest.json"])
    edit(manifest)
    return pack({**bundle.files, "manifest.json": json.dumps(manifest).encode()})


FILES = ("README.md", "example.py", "golden.npz", "onnx/model.onnx", "weights.npz")


@pytest.mark.parametrize("name", FILES)
def test_a_changed_missing_or_replaced_file_is_refused_by_name(name: str, bundle: Bundle) -> None:
    content = bundle.files[name]
    for changed in (
        b"",
        content + b"\n",
        content[:-1] + bytes([content[-1] ^ 1]),
        bytes([content[0] ^ 128]) + content[1:],
    ):
        with pytest.raises(BundleError, match=f"{name} .*sha256"):
            open_bundle(pack({**bundle.files, name: changed}))
    with pytest.raises(BundleError, match=f"lacks {name}"):
        open_bundle(pack({key: value for key, value in bundle.files.items() if key != name}))


def test_a_file_that_the_manifest_does_not_list_is_refused(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match=r"holds setup\.py"):
        open_bundle(pack({**bundle.files, "setup.py": b""}))
    with pytest.raises(BundleError, match=r"no manifest\.json"):
        open_bundle(
            pack({key: value for key, value in bundle.files.items() if key != "manifest.json"})
        )


MANIFESTS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "newer format": (
        lambda m: m.update(format_version=3),
        "format version 3, .* reads version 2 and older",
    ),
    "older format": (lambda m: m.update(format_version=0), "format version 0"),
    "format true": (lambda m: m.update(format_version=True), "format version True"),
    "no format": (lambda m: m.pop("format_version"), "format version None"),
    "no signature": (lambda m: m.pop("signature"), "'signature'"),
    "files as a list": (lambda m: m.update(files=[]), "'files'"),
    "another file": (lambda m: m["files"].update({"x": {}}), "lacks x"),
    "another size": (
        lambda m: m["files"]["README.md"].update(size_bytes=1),
        r"README\.md .*sha256",
    ),
    "an artifact that is not there": (
        lambda m: m["artifacts"].update(c={"file": "c/model.c"}),
        "artifact c",
    ),
    "an artifact that is a list": (
        lambda m: m["artifacts"].update(onnx={"file": ["onnx/model.onnx"]}),
        "artifact onnx",
    ),
    "an unknown stage": (lambda m: m["chain"][1].update(stage="Mamba"), "Mamba"),
    "a stage of text": (lambda m: m.update(chain=["lstm"]), "no valid model"),
    "a kind that is a list": (lambda m: m["chain"][0].update(stage=[]), "no valid model"),
    "a lost stage": (lambda m: m["chain"].pop(0), "no valid model"),
    "other sizes": (lambda m: m["signature"].update(input_size=4), "no valid model"),
    "sizes of text": (lambda m: m["signature"].update(input_size="3"), "no valid model"),
    "a feature of text": (lambda m: m["signature"].update(features=["volume"]), "no valid model"),
    "other weights": (
        lambda m: m.update(weights_sha256="0" * 64),
        "not those that the manifest names",
    ),
    "a target of control characters": (
        lambda m: m["artifacts"].update({"x\x1b[31m": m["artifacts"].pop("onnx")}),
        r"golden set 'x\\x1b\[31m', expected",
    ),
    "a golden set of control characters": (
        lambda m: m["golden"].append("\x00"),
        r"golden set '\\x00', expected",
    ),
    "a golden set that is a number": (lambda m: m["golden"].append(1), "golden set 1, expected"),
    "a target of many letters": (
        lambda m: m["artifacts"].update({"x" * 101: m["artifacts"].pop("onnx")}),
        "expected 1 to 100 printable",
    ),
    "other golden sets": (lambda m: m["golden"].pop(), "golden"),
    "doubled golden sets": (lambda m: m["golden"].append(m["golden"][0]), "golden"),
}


@pytest.mark.parametrize("kind", MANIFESTS)
def test_a_manifest_that_lies_is_refused(kind: str, bundle: Bundle) -> None:
    edit, reason = MANIFESTS[kind]
    with pytest.raises(BundleError, match=reason) as error:
        open_bundle(edited(bundle, edit))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"format_version": NaN}', b"1" * 2**20 + b"1"],
)
def test_a_manifest_that_is_no_json_is_refused(text: bytes, bundle: Bundle) -> None:
    with pytest.raises(BundleError):
        open_bundle(pack({**bundle.files, "manifest.json": text}))


def test_a_manifest_that_two_readers_would_read_otherwise_is_refused(bundle: Bundle) -> None:
    text = bundle.files["manifest.json"].replace(b"{", b'{"format_version": 9,', 1)
    with pytest.raises(BundleError, match="an object names an entry twice; copy"):
        open_bundle(pack({**bundle.files, "manifest.json": text}))


def test_a_long_name_leaves_room_for_the_next_step(bundle: Bundle) -> None:
    def rename(manifest: dict[str, Any]) -> None:
        manifest["chain"][0]["name"] = "a" * 70_000

    with pytest.raises(BundleError, match="copy it again, or make it again") as error:
        open_bundle(edited(bundle, rename))
    assert len(str(error.value)) < 1000


def test_a_new_optional_key_is_not_refused(bundle: Bundle) -> None:
    """The bump rule promises it."""
    assert (
        open_bundle(edited(bundle, lambda m: m.update(signed_by="someone"))).model == bundle.model
    )


def test_golden_sets_must_fit_the_model(traffic_model: Model, every_step_model: Model) -> None:
    with pytest.raises(BundleError, match="golden set t1"):
        make_bundle(traffic_model, golden_sets(every_step_model), [])


def test_missing_file_and_unwritable_folder(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        open_bundle(tmp_path / "no.bundle")
    with pytest.raises(InputError, match="does not exist"):
        write_bundle(tmp_path / "no" / "x.bundle", bundle)


def test_mutated_bundles_are_refused(data: bytes) -> None:
    random = np.random.default_rng(0)
    for _ in range(400):
        broken = bytearray(data)
        for at in random.integers(len(data), size=random.integers(1, 4)):
            broken[at] = random.integers(256)
        if bytes(broken) == data:
            continue
        with pytest.raises(BundleError) as error:
            open_bundle(bytes(broken))
        assert "\n" not in str(error.value)


def test_mutated_manifests_are_refused_or_harmless(bundle: Bundle) -> None:
    """Mutations under a valid CRC, as an attacker would make them; the checksums still hold."""
    random = np.random.default_rng(1)
    manifest = bundle.files["manifest.json"]
    for _ in range(300):
        broken = bytearray(manifest)
        for at in random.integers(len(manifest), size=random.integers(1, 3)):
            broken[at] = random.choice(np.frombuffer(b'0123456789-.e{}[],:" ntf', np.uint8))
        try:
            opened = open_bundle(pack({**bundle.files, "manifest.json": bytes(broken)}))
        except LstmExportError as error:
            assert isinstance(error, BundleError)
        else:
            assert opened.model.weights_sha256 == bundle.model.weights_sha256


def test_the_card_tells_names_units_ranges_and_verification(bundle: Bundle) -> None:
    card = bundle.files["README.md"].decode()
    for text in (
        "| volume | veh/h | 0 to 7000 |",
        "| volume[t+2] | veh/h |",
        "(batch, seq, 3)",
        "windows of 5 steps",
    ):
        assert text in card
    assert re.search(r"\| onnx/model.onnx \| passed \| 13 \| \d\.\de-\d\d \| \d\.\de-\d\d \|", card)


def test_hostile_names_stay_names(traffic_model: Model) -> None:
    """A column's name reaches generated code and Markdown: it must not leave its comment or its
    cell.
    """
    hostile = Column('a\nimport os; os.abort() # """ | `x` {step}\u2028y', "\r\n| u", 0.0, 1.0)
    features = (hostile, *traffic_model.signature.features[1:])
    bundle = bundle_of(
        replace(traffic_model, signature=replace(traffic_model.signature, features=features))
    )
    code = compile(bundle.files["example.py"], "example.py", "exec")
    assert "os" not in code.co_names
    rows = [
        line
        for line in bundle.files["README.md"].decode().splitlines()
        if line.startswith("| a import")
    ]
    assert [row.count("|") for row in rows] == [4]


def test_the_example_runs_on_a_device(bundle: Bundle, traffic_model: Model, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
    from lstm_export.targets.onnx.writer import to_bytes

    real = make_bundle(
        traffic_model, bundle.golden, [Artifact("onnx", ".onnx", to_bytes(traffic_model, 17))]
    )
    write_bundle(tmp_path / "model.bundle", real)
    (tmp_path / "example.py").write_bytes(real.files["example.py"])
    block = "import sys; sys.modules.update(torch=None, onnx=None)"
    arguments = "sys.argv = ['example.py', 'model.bundle']"
    code = f"{block}; {arguments}; import runpy; runpy.run_path('example.py')"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        r"volume\[t\+1\]: [\d.]+ veh/h\nvolume\[t\+2\]: [\d.]+ veh/h\n", done.stdout
    )


def test_the_mode_is_stored_or_follows_from_the_window(
    traffic_model: Model, every_step_model: Model
) -> None:
    def mode(model: Model, given: Mode | None) -> Mode | None:
        return open_bundle(
            pack(make_bundle(model, (), (), mode=given).files, first="manifest.json")
        ).mode

    assert (mode(traffic_model, None), mode(traffic_model, "state")) == ("window", "state")
    assert (mode(every_step_model, None), mode(every_step_model, "window")) == (None, "window")


def test_a_mode_that_is_none_is_refused(bundle: Bundle) -> None:
    manifest = json.loads(bundle.files["manifest.json"]) | {"mode": "forever"}
    with pytest.raises(BundleError, match="has the mode 'forever', expected one of window, state"):
        open_bundle(
            pack(
                {**bundle.files, "manifest.json": json.dumps(manifest).encode()},
                first="manifest.json",
            )
        )


def test_golden_sets_with_lengths_are_stored_and_raise_the_version(traffic_model: Model) -> None:
    x = np.ones((3, 4, traffic_model.signature.input_size), np.float32)
    unequal = GoldenSet.of("unequal", traffic_model, x, np.array([4, 1, 2]))
    made = make_bundle(traffic_model, [unequal], [])
    assert made.manifest["format_version"] == FORMAT_VERSION
    (again,) = open_bundle(pack(made.files, first="manifest.json")).golden
    assert again.lengths is not None
    assert again.lengths.tolist() == [4, 1, 2]
    bad = replace(unequal, lengths=np.array([4, 0, 2]))
    with pytest.raises(
        BundleError, match="lengths of the golden set unequal are not one a row, from 1 to 4"
    ):
        make_bundle(traffic_model, [bad], [])
