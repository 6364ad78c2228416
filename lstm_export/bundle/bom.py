"""The bill of materials of a bundle: CycloneDX 1.6 with a model card, made from the manifest alone.

The format is that of https://cyclonedx.org/docs/1.6/json; the model is a component of the type
`machine-learning-model`. What verification proved stands in its quantitative analysis, the files
and their sha256 below it; both are claims that `check_bom` holds against the manifest.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ..errors import BundleError, printable
from ..files import source_date
from ..model import Signature
from .manifest import MANIFEST
from .metrics import metrics_of, records

BOM = "bom.cdx.json"
MOST_BYTES = 2**20

_SPEC = "1.6"
_SCHEMA = f"http://cyclonedx.org/schema/bom-{_SPEC}.schema.json"
_LONGEST = 2000  # characters of a text out of a file
# What a device needs; the others were there when the bundle was made.
_ON_DEVICE = ("numpy", "onnxruntime")
_PROPERTY = "lstm-export:"
_MODEL = "model"
_DATA = "training-data"


def bill_of_materials(manifest: Mapping[str, Any]) -> bytes:
    """The bill for a bundle, as indented JSON with sorted keys; equal manifests give equal bytes.

    It lists what `files` of the manifest lists, itself excepted.
    """
    bom = _contents(manifest)
    seconds = source_date()
    if seconds is not None:
        moment = time.gmtime(seconds)
        bom["metadata"]["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", moment)
    # The number follows from the contents, so that equal bundles have equal numbers.
    unnumbered = json.dumps(bom, sort_keys=True)
    bom["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, unnumbered).urn
    text = json.dumps(bom, indent=2, sort_keys=True)
    return f"{text}\n".encode("ascii")


def _contents(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The bill but for its time and number."""
    libraries = list(_libraries(manifest))
    tables = list(_training_data(manifest))
    used = [component["bom-ref"] for component in (*libraries, *tables)]
    return {
        "$schema": _SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": _SPEC,
        "version": 1,
        "metadata": {
            "tools": {"components": [_tool(manifest)]},
            "component": _model(manifest, has_data=bool(tables)),
        },
        "components": [*tables, *libraries],
        "dependencies": [{"ref": _MODEL, "dependsOn": sorted(used)}],
    }


def check_bom(data: bytes, manifest: Mapping[str, Any]) -> None:
    """Hold the claims of a stored bill against the manifest: the files, and what was proved.

    Raises:
        BundleError: it is no bill of materials, or claims something else.
    """
    if len(data) > MOST_BYTES:
        raise BundleError(
            f"{BOM} has {len(data)} bytes, at most {MOST_BYTES} are allowed; "
            "package the model again"
        )
    try:
        claims = _claims(json.loads(data.decode("utf-8")))
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"{BOM} is no bill of materials; package the model again") from error
    expected = _claims(_contents(manifest))
    for what, claim in expected.items():
        if claims[what] != claim:
            raise BundleError(
                f"{BOM} claims other {what} than {MANIFEST} has; package the model again"
            )


def _claims(bom: Mapping[str, Any]) -> dict[str, Any]:
    """The claims of a bill that the manifest makes, too."""
    model = bom["metadata"]["component"]
    return {
        "files": {file["name"]: file["hashes"] for file in model["components"]},
        "results of verification": model["modelCard"]["quantitativeAnalysis"],
        "weights": model["version"],
    }


def _model(manifest: Mapping[str, Any], *, has_data: bool) -> dict[str, Any]:
    signature = Signature.from_record(manifest["signature"])
    targets = ", ".join(printable(target.name) for target in signature.targets)
    component: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": _MODEL,
        "name": printable(targets) or "model",
        "version": str(manifest["weights_sha256"]),
        "properties": list(_properties(manifest)),
        "components": list(_files(manifest)),
        "modelCard": _card(manifest, signature, has_data),
    }
    commit = _provenance(manifest).get("commit")
    if commit:
        component["pedigree"] = {"commits": [{"uid": printable(str(commit))}]}
    return component


def _card(manifest: Mapping[str, Any], signature: Signature, has_data: bool) -> dict[str, Any]:
    kinds = {stage.get("stage") for stage in records(manifest["chain"])}
    parameters: dict[str, Any] = {
        "task": "time-series forecasting" if signature.horizon else "regression",
        "architectureFamily": next(kind for kind in ("LSTM", "GRU", "RNN") if kind in kinds),
        "modelArchitecture": printable(str(manifest.get("chain_text", "")), _LONGEST),
        "inputs": [{"format": f"float32 (batch, seq, {signature.input_size})"}],
        "outputs": [{"format": f"float32 (..., {signature.output_size})"}],
    }
    if has_data:
        parameters["approach"] = {"type": "supervised"}
        parameters["datasets"] = [{"ref": _DATA}]
    return {
        "modelParameters": parameters,
        "quantitativeAnalysis": {"performanceMetrics": list(metrics_of(manifest))},
    }


def _properties(manifest: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Facts for which CycloneDX has no field of its own."""
    properties = {
        "bundle format": manifest["format_version"],
        "chain from": manifest["origin"],
        "parameters": manifest.get("parameters"),
        "mode": manifest.get("mode"),
        "seed": _training(manifest).get("seed"),
        "command": _provenance(manifest).get("command"),
        "uncommitted changes": _provenance(manifest).get("uncommitted_changes"),
    }
    for name, value in properties.items():
        if value is not None:
            text = printable(str(value), _LONGEST)
            yield {"name": f"{_PROPERTY}{name}", "value": text}


def _files(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, entry in sorted(manifest["files"].items()):
        if name != BOM:
            hashes = [{"alg": "SHA-256", "content": entry["sha256"]}]
            yield {"type": "file", "bom-ref": f"file:{name}", "name": name, "hashes": hashes}


def _libraries(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    versions = manifest.get("versions")
    if not isinstance(versions, dict):
        return
    for name, version in sorted(versions.items()):
        purl = f"pkg:pypi/{quote(name)}@{quote(str(version), safe='')}"
        kind = "platform" if name == "python" else "library"
        component = {
            "type": kind,
            "bom-ref": purl,
            "name": printable(name),
            "version": printable(str(version)),
            "scope": "required" if name in _ON_DEVICE else "excluded",
        }
        if kind == "library":
            component["purl"] = purl
        yield component


def _training_data(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The table that the model was trained on, where training says so."""
    data = _training(manifest).get("data")
    if not isinstance(data, dict) or not isinstance(data.get("sha256"), str):
        return
    yield {
        "type": "data",
        "bom-ref": _DATA,
        "name": printable(str(data.get("file", "table"))),
        "hashes": [{"alg": "SHA-256", "content": printable(data["sha256"])}],
        "data": [{"type": "dataset", "description": f"{data.get('rows')} rows"}],
    }


def _tool(manifest: Mapping[str, Any]) -> dict[str, Any]:
    name, _, version = printable(str(manifest["created_by"])).partition(" ")
    return {"type": "application", "name": name, "version": version}


def _training(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    training = manifest.get("training")
    return training if isinstance(training, dict) else {}


def _provenance(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    provenance = manifest.get("provenance")
    return provenance if isinstance(provenance, dict) else {}
