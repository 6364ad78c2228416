"""Does the artifact compute here what the weights of its bundle define?

A bundle is judged by what it holds, not by what it says: with numpy alone, the float64 definition of
its weights answers the golden inputs again, and the noise floor is measured again.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from ..bundle import Bundle
from ..errors import BundleError, printable
from ..model import Runner, forward
from ..model.runner import is_stateful
from ..parity import GoldenSet, ParityReport, asked_of, check, check_streaming
from ..parity.noise import is_large
from ..parity.rule import EPS, bound, is_judgeable, largest
from .onnx_metadata import SIGNATURE, may_be_onnx, metadata_of
from .onnx_weights import differences_to

# float64 rounds 2**29 times finer than float32, whose effect the bound measures: a share of 2**-20
# of the bound leaves a factor of 500 for processors that sum in another order, and changes no
# verdict.
ANSWER_SHARE = 2.0**-20

# F is drawn, and the draws of another version differ. Of two drawn of eight runs each, one is the
# larger by a third at times, but never four times; eps is added, since F can be almost nothing.
NOISE_FLOOR_FACTOR = 4.0


def self_test(bundle: Bundle, runner: Runner, subject: str = "this device") -> ParityReport:
    """Judge `runner` on the bundle's golden inputs by the rule that packaging used.

    Needs numpy alone. `subject` is the target's name, whose file in the bundle must hold the
    bundle's own weights.

    Raises:
        BundleError: the golden answers are not those of the weights.
    """
    golden = recomputed(bundle)
    structure = packaged_structure(bundle, subject)
    report = check(runner, asked_of(runner, golden), subject=subject, structure=structure)
    proofs = check_streaming(runner, golden) if is_stateful(runner) else ()
    return replace(report, sets=(*report.sets, *proofs))


def packaged_structure(bundle: Bundle, target: str) -> str:
    """What a report says of the structure of a bundle's artifact.

    `as packaged`; or how the weights, the chain or the columns in an ONNX file differ from the
    bundle's. The files of other formats are judged by their numbers.
    """
    data = bundle.artifacts.get(target, b"")
    if not may_be_onnx(data) or SIGNATURE not in metadata_of(data):
        return "as packaged"
    try:
        return differences_to(bundle.model, data) or "as packaged"
    except BundleError as error:
        return str(error)


def recomputed(bundle: Bundle) -> tuple[GoldenSet, ...]:
    """The golden sets with y, S and F computed here, from the weights that the bundle holds.

    Raises:
        BundleError: those that it holds are others, by more than float64 rounding.
    """
    model = bundle.model
    inputs = {stored.name: (stored.x, stored.lengths) for stored in bundle.golden}
    fresh = GoldenSet.several(partial(forward, model), inputs, large=is_large(model))
    for stored, computed in zip(bundle.golden, fresh, strict=True):
        _check_answers(stored, computed)
    return fresh


def _check_answers(stored: GoldenSet, computed: GoldenSet) -> None:
    """Compared where float32 means enough for a verdict; elsewhere float64 may not either."""
    if not is_judgeable(computed):
        return
    error, _ = largest(stored.y, computed.y, computed.scale)
    same_y = error <= ANSWER_SHARE * bound(computed)
    scale_error = np.abs(stored.scale / computed.scale - 1).max()
    same_scale = scale_error <= ANSWER_SHARE
    same_noise = stored.noise_floor <= NOISE_FLOOR_FACTOR * (computed.noise_floor + EPS)
    if not (same_y and same_scale and same_noise):
        raise BundleError(
            f"the answers of the golden set {printable(stored.name)} are not those of the weights "
            "in the bundle; package the model again"
        )
