"""Windows against one endless stream: the model and the data for `parity.endless`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..chains import Checkpoint
from ..errors import InputError
from ..model import Array
from .opened_file import OpenedFile

if TYPE_CHECKING:
    from ..parity.endless_report import EndlessReport


def endless_stream(
    opened: OpenedFile, checkpoint: Checkpoint | None = None, data: Path | None = None
) -> EndlessReport:
    """Measure how the answers change when a model runs as one endless stream instead of on the
    windows that it was trained on.

    Args:
        opened: a bundle, or any artifact if `checkpoint` is given.
        checkpoint: the model; of a bundle by default its own.
        data: a table; by default the real windows that the checkpoint or the bundle keeps.

    Raises:
        InputError: the chain cannot be streamed, or there is neither a table nor a stored window.
    """
    from ..parity import endless

    if checkpoint is None:
        checkpoint = _of_bundle(opened)
    metrics = checkpoint.facts.get("metrics", ())
    if data is not None:
        return endless.on_data(checkpoint.model, data, metrics)
    if checkpoint.windows is None:
        raise InputError("no real windows are stored with this model; name a table with --data")
    return endless.on_windows(checkpoint.model, checkpoint.windows, metrics)


def _of_bundle(opened: OpenedFile) -> Checkpoint:
    bundle = opened.bundle
    if bundle is None:
        raise InputError(f"{opened.path} is an artifact; name its model to measure it as a stream")
    windows: Array | None = None  # (n, window, input_size)
    for golden in bundle.golden:
        if golden.name == "real windows":
            windows = golden.x
    return Checkpoint(bundle.model, windows, bundle.manifest.get("training", {}))
