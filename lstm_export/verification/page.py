"""What a page about a verification tells beside the verdict: files, model, machine, the error along time."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

from .. import targets
from ..bundle import is_bundle, open_bundle
from ..model import Model, Runner
from ..parity import GoldenSet, ParityReport
from ..parity.along_time import AlongTime, along_time
from ..parity.html import Page, to_html
from ..version import __version__
from .subject import Subject

PACKAGES = ("numpy", "onnxruntime", "torch", "onnx")


def page(artifact: Path, subject: Subject | None, reports: Sequence[ParityReport]) -> bytes:
    """The reports of `pipeline.verify(artifact, subject)` as one HTML file, UTF-8.

    The artifacts are run once more, for the error along time.

    Raises:
        LstmExportError: the file is no longer what was verified.
    """
    data = targets.data_of(artifact)
    bundle = open_bundle(data) if is_bundle(data) else None
    source = subject.checkpoint.source if subject else None
    # A bundle without a model beside it is judged by the model and the answers that it carries.
    model = subject.checkpoint.model if subject else bundle.model if bundle else None
    golden = subject.golden if subject else bundle.golden if bundle else ()
    runners = dict(_runners(artifact, bundle.artifacts if bundle else None, reports))
    named = source.name if source else "the bundle's own model" if subject is None else "the model"
    facts = {
        "The artifact": _file(artifact, data, reports),
        "The model": {"file": named, **_model(model)} if model else {},
        "Where": _machine(),
    }
    return to_html(
        Page(
            artifact.name,
            named,
            tuple(reports),
            {heading: table for heading, table in facts.items() if table},
            " ".join(["lstm-export verify", artifact.name, *([source.name] if source else [])]),
            dict(_along(runners, model, golden, reports)),
            {one.name: one.scale for one in golden},
            model.signature.outputs if model else (),
        )
    )


def _file(artifact: Path, data: bytes, reports: Sequence[ParityReport]) -> dict[str, str]:
    return {
        "file": artifact.name,
        "format": ", ".join(report.subject for report in reports),
        "bytes": f"{len(data):,}",
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def _runners(
    artifact: Path, packed: Mapping[str, bytes] | None, reports: Sequence[ParityReport]
) -> Iterator[tuple[str, Runner]]:
    """What was run for every report, by its subject."""
    for report in reports:
        if report.sets and report.subject in targets.names():
            target = targets.get(report.subject)
            yield report.subject, target.load(artifact if packed is None else packed[report.subject])


def _along(
    runners: Mapping[str, Runner], model: Model | None, golden: Sequence[GoldenSet], reports: Sequence[ParityReport]
) -> Iterator[tuple[str, AlongTime]]:
    for report in reports:
        runner = runners.get(report.subject)
        curve = along_time(runner, model, golden, report) if model and runner else None
        if curve is not None:
            yield report.subject, curve


def _model(model: Model) -> dict[str, str]:
    return {
        "chain": model.describe(),
        "known as": model.origin,
        "parameters": f"{model.parameters:,}",
        "weights": model.weights_sha256,
    }


def _machine() -> dict[str, str]:
    """What it ran on, and when."""
    found = {
        "lstm-export": __version__,
        "Python": platform.python_version(),
        "machine": f"{platform.machine()}, {platform.system()} {platform.release()}",
    }
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return {**found, "when": f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"}
