"""A bundle is judged by what it holds: weights, files and answers must be of one model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lstm_export
from lstm_export.bundle import Artifact, Bundle, make_bundle, open_bundle, write_bundle
from lstm_export.device import check_own_weights, load_onnx, packaged_structure, self_test
from lstm_export.device.onnx_metadata import metadata_of
from lstm_export.device.onnx_weights import stored_arrays
from lstm_export.device.self_test import recomputed
from lstm_export.errors import BundleError
from lstm_export.model import Array, Column, Model
from lstm_export.model.arrays import sha256_of_arrays
from lstm_export.model.lowering import lower_projections
from lstm_export.parity import GoldenSet, golden_sets
from tests.kit.chains import CHAINS

onnx = pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
pytest.importorskip("onnxruntime")
from lstm_export.targets.onnx.writer import to_bytes  # noqa: E402

GOLDEN = Path(__file__).parents[1] / "golden"


def is_one_way(model: Model) -> bool:
    return not any(stage.bidirectional for stage in model.recurrent)


FILES = [
    (chain, kind)
    for chain, model in CHAINS.items()
    for kind in ("onnx", "onnx with lengths", "onnx-stream")
    if kind != "onnx-stream" or is_one_way(model)
]


@pytest.mark.parametrize(("chain", "kind"), FILES)
def test_the_arrays_come_back_bit_for_bit(chain: str, kind: str) -> None:
    model = CHAINS[chain]
    data = to_bytes(model, 17, stateful=kind == "onnx-stream", lengths=kind == "onnx with lengths")
    expected = lower_projections(model)
    found = stored_arrays(data, metadata_of(data))
    assert set(found) == set(expected.arrays)
    for name, array in expected.arrays.items():
        assert found[name].shape == array.shape, name
        assert found[name].tobytes() == array.tobytes(), name
    assert sha256_of_arrays(found) == expected.weights_sha256
    check_own_weights(data)


def test_a_changed_weight_is_seen_wherever_it_stands(traffic_model: Model) -> None:
    data = to_bytes(traffic_model, 17)
    parsed = onnx.load_model_from_string(data)
    floats = onnx.TensorProto.FLOAT
    weights = [tensor for tensor in parsed.graph.initializer if tensor.data_type == floats]
    assert len(weights) > 6
    for tensor in weights:
        start = data.index(tensor.raw_data)
        for at in (start, start + len(tensor.raw_data) - 1):
            changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            with pytest.raises(BundleError, match="not those that it was written with"):
                check_own_weights(changed)


def test_nothing_is_asked_of_other_files(traffic_model: Model) -> None:
    parsed = onnx.load_model_from_string(to_bytes(traffic_model, 17))
    del parsed.metadata_props[:]
    assert load_onnx(parsed.SerializeToString()).metadata == {}
    for data in (parsed.SerializeToString(), b"", b"PK\x03\x04", b"/* C */"):
        check_own_weights(data)


@pytest.mark.parametrize("key", ["chain", "state"])
def test_damaged_metadata_is_refused_in_one_line(key: str, traffic_model: Model) -> None:
    parsed = onnx.load_model_from_string(to_bytes(traffic_model, 17, stateful=True))
    for text in ("", "{", "[1]", '[{"stage": "LSTM"}]', '[{"stage": [], "name": {}}]', "[" * 9999):
        for entry in parsed.metadata_props:
            if entry.key == f"lstm_export.{key}":
                entry.value = text
        with pytest.raises(BundleError) as error:
            check_own_weights(parsed.SerializeToString())
        assert str(error.value).isprintable()


def test_load_refuses_a_file_whose_weights_were_changed(
    traffic_model: Model, tmp_path: Path
) -> None:
    data = to_bytes(traffic_model, 17)
    weight = onnx.load_model_from_string(data).graph.initializer[2].raw_data
    at = data.index(weight)
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    lstm_export.load(path)
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    with pytest.raises(BundleError, match=r"model\.onnx: the weights in the ONNX file are not"):
        lstm_export.load(path)


def other(model: Model) -> Model:
    """The same chain with one weight moved."""
    last = model.stages[3]
    return replace(
        model, stages=(*model.stages[:3], replace(last, weight=last.weight * 1.5), model.stages[4])
    )  # type: ignore[call-arg, attr-defined]


def bundle_with(model: Model, golden: Sequence[GoldenSet], data: bytes) -> Bundle:
    return make_bundle(model, golden, [Artifact("onnx", ".onnx", data)])


def runner_of(bundle: Bundle) -> Callable[[Array], Array]:
    return load_onnx(bundle.artifacts["onnx"])


def test_a_good_bundle_passes(traffic_model: Model) -> None:
    bundle = bundle_with(traffic_model, golden_sets(traffic_model), to_bytes(traffic_model, 17))
    report = self_test(bundle, runner_of(bundle), subject="onnx")
    assert report.ok, report.table()
    assert report.structure == "as packaged"
    for fresh, stored in zip(recomputed(bundle), bundle.golden, strict=True):
        assert fresh.noise_floor == stored.noise_floor
        np.testing.assert_allclose(fresh.y, stored.y, rtol=1e-14)


def test_answers_and_file_of_another_model_do_not_pass(
    traffic_model: Model, tmp_path: Path
) -> None:
    """Everything in it agrees but the weights."""
    another = other(traffic_model)
    bundle = bundle_with(traffic_model, golden_sets(another), to_bytes(another, 17))
    with pytest.raises(BundleError, match="answers of the golden set t1 are not those of the weig"):
        self_test(bundle, runner_of(bundle), subject="onnx")
    write_bundle(tmp_path / "a.bundle", bundle)
    with pytest.raises(BundleError, match="are not those of the weights"):
        lstm_export.verify(tmp_path / "a.bundle")
    with pytest.raises(
        BundleError, match=r"not the bundle's model: fc\.weight .* differs in 16 of 16"
    ):
        lstm_export.load(tmp_path / "a.bundle")


def test_a_file_of_another_model_fails_by_its_weights_and_its_numbers(traffic_model: Model) -> None:
    golden = golden_sets(traffic_model)
    bundle = bundle_with(traffic_model, golden, to_bytes(other(traffic_model), 17))
    report = self_test(bundle, runner_of(bundle), subject="onnx")
    assert report.verdict == "failed"
    assert report.structure == "fc.weight in the file differs in 16 of 16 values"
    assert any(result.verdict == "failed" for result in report.sets)


def test_other_names_of_columns_are_seen(traffic_model: Model, tmp_path: Path) -> None:
    """The numbers are the same, and mean something else."""
    temp, volume, clouds = (traffic_model.signature.features[index] for index in (1, 0, 2))
    swapped = replace(traffic_model.signature, features=(temp, volume, clouds))
    data = to_bytes(replace(traffic_model, signature=swapped), 17)
    bundle = bundle_with(traffic_model, golden_sets(traffic_model), data)
    report = self_test(bundle, runner_of(bundle), subject="onnx")
    assert report.verdict == "failed"
    assert "another signature than its bundle, of the columns temp, volume" in report.structure
    write_bundle(tmp_path / "a.bundle", bundle)
    with pytest.raises(BundleError, match="another signature than its bundle"):
        lstm_export.load(tmp_path / "a.bundle")


def test_another_chain_is_seen(traffic_model: Model) -> None:
    renamed = replace(traffic_model.stages[3], name="head")
    stages = (*traffic_model.stages[:3], renamed, traffic_model.stages[4])
    data = to_bytes(replace(traffic_model, stages=stages), 17)
    bundle = bundle_with(traffic_model, golden_sets(traffic_model), data)
    assert packaged_structure(bundle, "onnx") == "the file has another chain than its bundle"
    assert packaged_structure(bundle, "c") == "as packaged"


def changed(golden: GoldenSet, **arrays: Array | float) -> GoldenSet:
    return replace(golden, **arrays)  # type: ignore[arg-type]


STORED: dict[str, tuple[Callable[[GoldenSet], GoldenSet], bool]] = {
    "as they are": (lambda g: g, True),
    "rounded otherwise": (lambda g: changed(g, y=np.nextafter(g.y, np.inf)), True),
    "another draw of F": (lambda g: changed(g, noise_floor=2 * g.noise_floor), True),
    "y off by a share of the bound": (lambda g: changed(g, y=g.y + 1e-9 * g.scale), False),
    "a large F": (lambda g: changed(g, noise_floor=2.0**-11), False),
    "a large S": (lambda g: changed(g, scale=1000 * g.scale), False),
    "no S": (lambda g: changed(g, scale=0 * g.scale), False),
    "x of another row": (lambda g: changed(g, x=g.x[::-1]), False),
}


@pytest.mark.parametrize("kind", STORED)
def test_stored_answers_are_held_against_the_weights(kind: str, traffic_model: Model) -> None:
    edit, is_good = STORED[kind]
    golden = golden_sets(traffic_model)
    edited = [
        edit(golden_set) if golden_set.name == "nominal" else golden_set for golden_set in golden
    ]
    bundle = bundle_with(traffic_model, edited, to_bytes(traffic_model, 17))
    if is_good:
        assert self_test(bundle, runner_of(bundle), subject="onnx").ok
    else:
        with pytest.raises(BundleError, match="golden set nominal are not those of the weights"):
            self_test(bundle, runner_of(bundle), subject="onnx")


def test_a_set_that_says_it_cannot_be_judged_is_not_judged(traffic_model: Model) -> None:
    """That is no way around: without a verdict on any set, nothing passes."""
    golden = [changed(golden_set, noise_floor=1.0) for golden_set in golden_sets(traffic_model)]
    bundle = bundle_with(traffic_model, golden, to_bytes(traffic_model, 17))
    report = self_test(bundle, runner_of(bundle), subject="onnx")
    assert report.verdict == "cannot be judged"
    assert not report.ok


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.bundle")), ids=lambda path: path.name)
def test_bundles_of_every_version_hold_what_they_say(path: Path) -> None:
    bundle = open_bundle(path)
    assert len(recomputed(bundle)) == len(bundle.golden)
    assert packaged_structure(bundle, "onnx") == "as packaged"


def test_a_column_is_compared_with_its_unit(traffic_model: Model) -> None:
    first, *others = traffic_model.signature.features
    metric = (Column(first.name, "veh/min", first.low, first.high), *others)
    model = replace(traffic_model, signature=replace(traffic_model.signature, features=metric))
    bundle = bundle_with(traffic_model, golden_sets(traffic_model), to_bytes(model, 17))
    assert "another signature" in packaged_structure(bundle, "onnx")
