"""Artifacts read back: do they hold the model's chain and weights to the last bit?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .. import targets
from ..errors import InputError, LstmExportError
from ..model import Model, Signature
from .artifact import ArtifactFile

NOT_CHECKED = "not checked"  # the structure of an artifact whose format cannot be read back


def structure_of(artifact: ArtifactFile, expected: Model) -> str:
    """Read the artifact back: `identical`, `not checked`, or a sentence on the difference."""
    try:
        stored = artifact.read_back()
    except targets.EditedArtifact as error:
        differs = error.found and difference_between(expected, error.found)
        return f"{error}: {differs}" if differs else str(error)
    except LstmExportError as error:
        return str(error)
    if stored is None:
        return NOT_CHECKED
    return difference_between(expected, stored) or "identical"


def difference_between(model: Model, stored: Model) -> str:
    """How a stored model differs from `model`; empty where every bit is the same."""
    if stored.signature != model.signature:
        return "the stored signature is not the model's"
    differences = model.differences(stored)
    if not differences:
        return ""
    more = f"; and {len(differences) - 2} more" if len(differences) > 2 else ""
    return "; ".join(differences[:2]) + more + _largest_difference(model, stored)


def _largest_difference(model: Model, stored: Model) -> str:
    """The value that is furthest from the model's, where the arrays have the same names and shapes;
    empty where they do not, or all are the same."""
    others = stored.arrays
    largest = 0.0
    sentence = ""
    for name, array in model.arrays.items():
        other = others.get(name)
        if other is None or other.shape != array.shape:
            return ""
        # float64: float32 would round the distance of two near numbers
        distance = np.abs(other.astype(np.float64) - array)
        index = np.unravel_index(distance.argmax(), array.shape)
        if distance[index] > largest:
            largest = distance[index]
            place = f"{name}[{', '.join(map(str, index))}]"
            values = f"{other[index]:.9g}, the model's is {array[index]:.9g}"
            sentence = f"; the largest: {place} is {values}"
    return sentence


def check_sizes(file: Path | str, signature: Signature, model: Model) -> None:
    """Refuse an artifact that cannot be this model's.

    Raises:
        InputError: it takes or gives another number of values.
    """
    expected = model.signature
    same_input = signature.input_size == expected.input_size
    if same_input and signature.output_size == expected.output_size:
        return
    raise InputError(
        f"{file} takes {signature.input_size} features and gives {signature.output_size} outputs, "
        f"the model {expected.input_size} and {expected.output_size}: "
        "it is an artifact of another model; name the one that it was exported from"
    )
