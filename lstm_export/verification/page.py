"""The page about a verification: files, model, machine, the error along time."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from importlib import metadata

from ..model import Model
from ..parity import GoldenSet, ParityReport
from ..parity.along_time import AlongTime, along_time
from ..parity.html_page import Page, to_html
from ..version import __version__
from .opened_file import OpenedFile
from .subject import Subject

PACKAGES = ("numpy", "onnxruntime", "torch", "onnx")


def page(
    opened: OpenedFile, subject: Subject | None, reports: Sequence[ParityReport], again: str
) -> bytes:
    """The reports of a verification as one HTML file, UTF-8.

    The artifacts that were run are run once more, for the error along time.

    Args:
        opened: what was verified.
        subject: the model that judged it; None where a bundle was judged by itself.
        reports: what was found.
        again: the command that judges the same thing once more.

    Raises:
        LstmExportError: an artifact cannot be opened again.
    """
    named, model, golden = _judged_by(opened, subject)
    facts = {"The artifact": _file(opened, reports)}
    if model is not None:
        facts["The model"] = {"file": named, **_model(model)}
    facts["Where"] = _machine()
    return to_html(
        Page(
            opened.path.name,
            named,
            tuple(reports),
            facts,
            again,
            dict(_along(opened, model, golden, reports)),
            {entry.name: entry.scale for entry in golden},
            model.signature.outputs if model else (),
        )
    )


def _judged_by(
    opened: OpenedFile, subject: Subject | None
) -> tuple[str, Model | None, tuple[GoldenSet, ...]]:
    """The model that the artifacts were judged by: what it is called, itself, its golden sets."""
    if subject is not None:
        source = subject.checkpoint.source
        return source.name if source else "the model", subject.model, subject.golden
    if opened.bundle is not None:
        # A bundle without a model beside it is judged by the model and answers that it carries.
        return "the bundle's own model", opened.bundle.model, opened.bundle.golden
    return "the model", None, ()


def page_of_refused(name: str, reports: Sequence[ParityReport], again: str) -> bytes:
    """The page about a file that could not be opened: it says why."""
    facts = {"Where": _machine()}
    return to_html(Page(name, "the model", tuple(reports), facts, again))


def _file(opened: OpenedFile, reports: Sequence[ParityReport]) -> dict[str, str]:
    return {
        "file": opened.path.name,
        "format": ", ".join(report.subject for report in reports),
        "bytes": f"{len(opened.data):,}",
        "sha256": hashlib.sha256(opened.data).hexdigest(),
    }


def _along(
    opened: OpenedFile,
    model: Model | None,
    golden: Sequence[GoldenSet],
    reports: Sequence[ParityReport],
) -> Iterator[tuple[str, AlongTime]]:
    """The error along time of everything that was run, by the name of its target."""
    for report in reports:
        artifact = opened.artifacts.get(report.subject)
        if model is None or artifact is None or not report.sets:
            continue
        curve = along_time(artifact.runner(), model, golden, report)
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
    """The machine, the versions and the time."""
    facts = {
        "lstm-export": __version__,
        "Python": platform.python_version(),
        "machine": f"{platform.machine()}, {platform.system()} {platform.release()}",
    }
    for name in PACKAGES:
        try:
            facts[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            facts[name] = "not installed"
    facts["when"] = f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"
    return facts
