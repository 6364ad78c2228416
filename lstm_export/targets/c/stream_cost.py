"""What it costs to ask the step of a model that was trained on windows, on real windows."""

from __future__ import annotations

from ...errors import InputError
from ...model import Array, Model
from ...parity.endless import on_windows


def stream_cost(model: Model, windows: Array | None) -> tuple[str, ...]:
    """A sentence a target, as `verify --streaming` measures it.

    None where the model has no step that is something else, or there are no real windows.
    """
    if windows is None or windows.shape[1] != model.signature.window:
        return ()
    try:
        return on_windows(model, windows).sentences()
    except InputError:  # it has whole sequences only, or a pool over all steps
        return ()
