"""One file with everything that a device needs: write, open, check."""

from .bundle import (
    Artifact,
    Bundle,
    holds_bundle,
    is_bundle,
    make_bundle,
    open_bundle,
    write_bundle,
)
from .claims import check_claims
from .golden_file import read_golden, write_golden
from .manifest import FORMAT_VERSION, Mode

__all__ = [
    "FORMAT_VERSION",
    "Artifact",
    "Bundle",
    "Mode",
    "check_claims",
    "holds_bundle",
    "is_bundle",
    "make_bundle",
    "open_bundle",
    "read_golden",
    "write_bundle",
    "write_golden",
]
