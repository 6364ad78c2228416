"""Fitted scalers, of a file or its user's own: the chosen ones, and those that are not used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files import is_file
from ..model import Signature
from ..reading import Contents, FoundScaler, read_scalers, scaler_in_memory
from .options import Scaler


def chosen_scaler(
    contents: Contents, scaler: Scaler | None, option: str, size: int
) -> FoundScaler | None:
    """The scaler that an option gives, for `size` columns, its name with where it comes from;
    None where it gives none.

    Raises:
        InputError: there is no such scaler, no stage does what it does, or its width is another.
    """
    if scaler is None:
        return None
    found = _given(contents, scaler, option)
    if found.fault:
        raise InputError(
            f"{option} {found.name}: it is a {found.kind}, which {found.fault}; no stage of a "
            "model does that, so scale before the model"
        )
    if len(found.offset) not in (1, size):
        raise InputError(
            f"{option} {found.name}: it is a {found.kind} of {len(found.offset)} columns, "
            f"expected {size}"
        )
    wide = [np.broadcast_to(array, size) for array in (found.offset, found.scale)]
    return replace(found, offset=wide[0], scale=wide[1])


def _given(contents: Contents, scaler: Scaler, option: str) -> FoundScaler:
    if not isinstance(scaler, str | Path):
        return replace(scaler_in_memory(scaler), name="that was given")
    known = {found.name: found for found in contents.scalers}
    if str(scaler) in known:
        return replace(known[str(scaler)], name=f"{scaler} of the file")
    path, _, name = str(scaler).partition(":")
    if is_file(Path(path)):
        return _in_file(Path(path), name, option)
    names = f"the scalers {', '.join(known)}" if known else "no scaler"
    raise InputError(
        f"{option} {scaler}: the file holds {names}, and there is no file {path}; give one of its "
        "scalers, or a file that joblib, pickle or torch wrote"
    )


def _in_file(path: Path, name: str, option: str) -> FoundScaler:
    """The one scaler of a file, or the one of this name."""
    known = {found.name: found for found in read_scalers(path)}
    if len(known) == 1 and not name:
        name = next(iter(known))
    if name in known:
        return replace(known[name], name=f"{name} of {path.name}")
    if not known:
        raise InputError(
            f"{option} {path}: it holds no fitted scaler of scikit-learn; write one with "
            "joblib.dump(scaler, path)"
        )
    first = next(iter(known))
    raise InputError(
        f"{option} {path}: it holds the scalers {', '.join(known)}; name one: {path}:{first}"
    )


def offers(
    contents: Contents, signature: Signature, used: Sequence[Scaler | None]
) -> Iterator[str]:
    """The scalers of the file that are not used, a sentence each with what uses them."""
    names = [scaler for scaler in used if isinstance(scaler, str)]
    for scaler in contents.scalers:
        if scaler.name not in names:
            yield _offer(scaler, signature)


def _offer(scaler: FoundScaler, signature: Signature) -> str:
    """What a scaler can be used for, by its width."""
    if scaler.fault:
        return f"{scaler.name}, a {scaler.kind}, {scaler.fault}: scale so before the model"
    columns = len(scaler.offset)
    uses = []
    if columns == signature.input_size:
        uses.append(f"put it in front with --input-scaler {scaler.name}")
    if columns == signature.output_size:
        uses.append(f"undo it at the end with --output-scaler {scaler.name}")
    sizes = f"x has {signature.input_size} columns and y {signature.output_size}"
    use = ", or ".join(uses) or f"it fits neither end, {sizes}"
    return f"{scaler.name}, a {scaler.kind} of {columns} columns: {use}"
