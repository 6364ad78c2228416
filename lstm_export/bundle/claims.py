"""A bundle's claims about its artifacts, checked against its golden sets and files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import BundleError, printable
from ..parity import GoldenSet
from ..parity.rule import bound
from .bom import BOM, check_bom
from .bundle import Bundle
from .metrics import costs, parity_results


def check_claims(bundle: Bundle) -> None:
    """Check the bill of materials, where there is one, and the bounds and verdicts in the manifest.

    That F, from which a bound follows, and the answers are those of the weights is the self-test's
    part; so is the error on this machine.

    Raises:
        BundleError: they are not those of the golden sets and files in the bundle.
    """
    if BOM in bundle.files:
        check_bom(bundle.files[BOM], bundle.manifest)
    golden = {entry.name: entry for entry in bundle.golden}
    in_whole_numbers = {target for target, _ in costs(bundle.manifest)}
    for target, result in parity_results(bundle.manifest):
        golden_set = golden.get(str(result.get("name")))
        if golden_set is None:
            continue
        if not _is_true(result, golden_set, target in in_whole_numbers):
            name = printable(golden_set.name)
            raise BundleError(
                f"what the manifest says of {printable(target)} on the golden set {name} "
                "does not follow from that set; package the model again"
            )


def _is_true(result: Mapping[str, Any], golden: GoldenSet, in_whole_numbers: bool) -> bool:
    """Whether F and the bound are the set's own, and the verdict follows from error and bound.

    An artifact in whole numbers is held to equality, without either.
    """
    has_no_tolerance = result.get("noise_floor") == 0 and result.get("bound") == 0
    if in_whole_numbers and has_no_tolerance:
        return result.get("verdict") != "passed" or result.get("error") == 0
    if result.get("noise_floor") != golden.noise_floor or result.get("bound") != bound(golden):
        return False
    if result.get("verdict") != "passed":
        return True
    error = result.get("error")
    return isinstance(error, float) and error <= bound(golden)
