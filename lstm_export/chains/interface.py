"""A model in its user's units: scalers around it, names and units of its columns, its window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..model import Affine, Array, Column, Model, Runner, Signature
from ..reading import Contents, FoundScaler
from .checkpoint import Checkpoint
from .options import ReadingOptions
from .real_windows import real_windows
from .scalers import chosen_scaler, offers


class Around(NamedTuple):
    """What its user does around a model.

    Attributes:
        before: the scaler in front of it.
        after: the scaler that is undone behind it.
        windows: real inputs in raw units, `(n, seq, input_size)`.
    """

    before: FoundScaler | None
    after: FoundScaler | None
    windows: Array | None

    @property
    def scaled_windows(self) -> Array | None:
        """The real inputs as they reach the model."""
        if self.windows is None or self.before is None:
            return self.windows
        return np.asarray(_scaled_down(self.windows, self.before), np.float32)


def around(contents: Contents, options: ReadingOptions, signature: Signature) -> Around:
    """What the user's options say of what happens around a model of this signature.

    Raises:
        InputError: there is no such scaler, or it is of another width; or the data do not fit.
    """
    before = chosen_scaler(contents, options.input_scaler, "--input-scaler", signature.input_size)
    after = chosen_scaler(contents, options.output_scaler, "--output-scaler", signature.output_size)
    if options.data is None:
        return Around(before, after, None)
    names = [column.name for column in _features(signature, options, before)]
    window = _window(signature, options)
    windows = real_windows(options.data, names, signature.input_size, window)
    return Around(before, after, windows)


def with_interface(
    checkpoint: Checkpoint, contents: Contents, options: ReadingOptions, found: Around | None = None
) -> Checkpoint:
    """The model with the scalers, names, units and window that its user gave.

    Args:
        checkpoint: the model as it is without them.
        contents: the file.
        options: what the user gave.
        found: what `around` made of these, where that is known.

    Raises:
        InputError: see `around`; or names, units or the window do not fit the model or what the
            file stores.
    """
    signature = checkpoint.model.signature
    given = found or around(contents, options, signature)
    scaled = _scaled(checkpoint, given.before, given.after)
    named = _named(scaled.model.signature, options, given)
    model = replace(scaled.model, signature=named)
    used = (options.input_scaler, options.output_scaler)
    unused = tuple(offers(contents, signature, used))
    windows = checkpoint.windows if given.windows is None else given.windows
    return replace(scaled, model=model, unused_scalers=unused, windows=windows)


def _scaled(
    checkpoint: Checkpoint, before: FoundScaler | None, after: FoundScaler | None
) -> Checkpoint:
    """The model with scalers in front and behind."""
    model = checkpoint.model
    stages = model.stages
    notes = list(checkpoint.notes)
    if before:
        stages = (Affine("input_scaler", before.offset, before.scale), *stages)
        notes.append(f"{before.kind} {before.name} stands in front")
    if after:
        stages = (*stages, Affine("output_scaler", after.offset, after.scale, inverse=True))
        notes.append(f"{after.kind} {after.name} stands behind")
    if stages == model.stages:
        return checkpoint
    told = model.signature
    signature = Signature(
        told.input_size, told.output_size, window=told.window, horizon=told.horizon
    )
    reference = checkpoint.reference and _between(before, checkpoint.reference, after)
    scaled = Model(stages, signature, model.origin)
    return replace(checkpoint, model=scaled, reference=reference, notes=tuple(notes))


def _between(before: FoundScaler | None, runner: Runner, after: FoundScaler | None) -> Runner:
    """The module with what its user does around it."""

    def run(x: Array) -> Array:
        z = _scaled_down(x, before) if before else x
        y = runner(np.asarray(z, np.float32))
        return y * after.scale + after.offset if after else y

    return run


def _scaled_down(x: Array, scaler: FoundScaler) -> Array:
    z: Array = (x.astype(np.float64) - scaler.offset) / scaler.scale
    return z


def _named(signature: Signature, options: ReadingOptions, given: Around) -> Signature:
    """The signature with what was given, and with the names that scalers were fitted on."""
    features = _features(signature, options, given.before)
    targets = _columns(signature.targets, options.outputs, given.after, "--outputs")
    signature = replace(signature, features=features, window=_window(signature, options))
    signature = _with_targets(signature, targets)
    return _with_units(signature, options.units)


def _features(
    signature: Signature, options: ReadingOptions, scaler: FoundScaler | None
) -> tuple[Column, ...]:
    found = _columns(signature.features, options.features, scaler, "--features")
    _check_count(found, signature.input_size, "--features", "x")
    return found


def _columns(
    stored: Sequence[Column], given: Sequence[str], scaler: FoundScaler | None, option: str
) -> tuple[Column, ...]:
    names = [column.name for column in stored]
    if given and names and list(given) != names:
        raise InputError(
            f"{option} {','.join(given)}: the file names its columns itself, {', '.join(names)}; "
            f"leave {option} out"
        )
    if stored:
        return tuple(stored)
    found = given or (scaler.columns if scaler else ())
    return tuple(Column(name) for name in found)


def _check_count(columns: Sequence[Column], size: int, option: str, what: str) -> None:
    if columns and len(columns) != size:
        names = ", ".join(column.name for column in columns)
        raise InputError(
            f"{option} has {len(columns)} names ({names}), and {what} {size} columns; name each "
            "of them, in order"
        )


def _with_targets(signature: Signature, targets: tuple[Column, ...]) -> Signature:
    """Names of targets, a step of the horizon each; or of every output, where they are as many."""
    if len(targets) * max(signature.horizon or 0, 1) == signature.answers:
        return replace(signature, targets=targets)
    _check_count(targets, signature.output_size, "--outputs", "y")
    return replace(signature, targets=targets, horizon=signature.horizon if not targets else None)


def _window(signature: Signature, options: ReadingOptions) -> int | None:
    if options.window is None:
        return signature.window
    if options.window < 1:
        raise InputError(f"--window is {options.window}, expected at least one step")
    return options.window


def _with_units(signature: Signature, units: Mapping[str, str]) -> Signature:
    columns = [*signature.features, *signature.targets]
    names = [column.name for column in columns]
    for name in units:
        if name not in names:
            known = ", ".join(names) or "none; name them with --features and --outputs"
            raise InputError(f"--units names {name}, which is no column: {known}")
    return replace(
        signature,
        features=tuple(_in_units(signature.features, units)),
        targets=tuple(_in_units(signature.targets, units)),
    )


def _in_units(columns: Sequence[Column], units: Mapping[str, str]) -> Iterator[Column]:
    for column in columns:
        yield replace(column, unit=units.get(column.name, column.unit))
