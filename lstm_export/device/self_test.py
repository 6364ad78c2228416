"""Does the artifact compute here what the weights of its bundle define?

A bundle is judged by what it holds, not by what it says: with numpy alone, the float64 definition
of its weights answers the golden inputs again, S is computed again, and F is measured again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..bundle import Bundle
from ..errors import BundleError, printable
from ..model import Runner
from ..model.runner import is_stateful
from ..parity import GoldenSet, ParityReport, asked_of, check, check_streaming
from ..parity.rule import EPS, LARGEST_NOISE, bound, largest
from .answers_again import Recomputed, answered_again
from .onnx_metadata import SIGNATURE, may_be_onnx, metadata_of
from .onnx_weights import differences_to

# float64 rounds 2**29 times finer than float32, whose effect the bound measures: a share of 2**-20
# of the bound leaves a factor of 500 for processors that sum in another order, and changes no
# verdict.
ANSWER_SHARE = 2.0**-20

# F is measured by random runs, eight when packaging. A device takes two, a third of the time, and
# asks only whether a stored F can be true: none is far above the largest of all sets, which holds
# dozens of outputs. The verdict stays that of packaging, by the stored F.
NOISE_RUNS = 2
NOISE_FACTOR = 16.0


def self_test(
    bundle: Bundle,
    runner: Runner,
    subject: str = "this device",
    golden: Sequence[GoldenSet] | None = None,
) -> ParityReport:
    """Judge `runner` on the bundle's golden inputs by the rule that packaging used.

    Needs numpy alone.

    Args:
        bundle: what says what is right.
        runner: what is judged.
        subject: the target's name, whose file in the bundle must hold the bundle's own weights.
        golden: what `recomputed` gave of the bundle, where it was asked before.

    Raises:
        BundleError: the golden answers are not those of the weights.
    """
    if golden is None:
        golden = recomputed(bundle)
    structure = packaged_structure(bundle, subject)
    report = check(runner, asked_of(runner, golden), subject=subject, structure=structure)
    proofs = check_streaming(runner, golden) if is_stateful(runner) else ()
    return replace(report, sets=(*report.sets, *proofs))


def packaged_structure(bundle: Bundle, target: str) -> str:
    """The structure of a bundle's artifact, for a report.

    It is `as packaged`, or says how the weights, the chain or the columns in an ONNX file differ
    from the bundle's. The files of other formats are judged by their numbers.
    """
    data = bundle.artifacts.get(target, b"")
    if not may_be_onnx(data) or SIGNATURE not in metadata_of(data):
        return "as packaged"
    try:
        return differences_to(bundle.model, data) or "as packaged"
    except BundleError as error:
        return str(error)


def recomputed(bundle: Bundle) -> tuple[GoldenSet, ...]:
    """The golden sets with y and S computed here, from the weights that the bundle holds.

    Raises:
        BundleError: those that it holds are others, by more than float64 rounding; or an F is
            larger than rounding makes it.
    """
    again = {}
    for computed in answered_again(bundle.model, bundle.golden, NOISE_RUNS):
        again[computed.stored.name] = computed
    floors = [computed.noise_floor for computed in again.values()]
    judged = [floor for floor in floors if floor <= LARGEST_NOISE]  # NaN is none of them
    most_noise = NOISE_FACTOR * (max(judged, default=0.0) + EPS)
    fresh = []
    for stored in bundle.golden:
        computed = again[stored.name]
        # Where float32 means too little for a verdict, float64 may not mean enough either, and two
        # runs of a nearly chaotic model tell little of eight.
        floor = computed.noise_floor
        is_judged = stored.noise_floor <= LARGEST_NOISE and floor <= LARGEST_NOISE
        if is_judged and not _agrees(computed, most_noise):
            raise BundleError(
                f"the answers of the golden set {printable(stored.name)} are not those of the "
                "weights in the bundle; package the model again"
            )
        fresh.append(replace(stored, y=computed.y, scale=computed.scale))
    return tuple(fresh)


def _agrees(computed: Recomputed, most_noise: float) -> bool:
    stored = computed.stored
    if not stored.noise_floor <= most_noise:
        return False
    error, _ = largest(stored.y, computed.y, computed.scale)
    scale_error = float(np.abs(stored.scale / computed.scale - 1).max())
    return error <= ANSWER_SHARE * bound(stored) and scale_error <= ANSWER_SHARE
