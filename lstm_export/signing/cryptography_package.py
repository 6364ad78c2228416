"""The package that makes and checks signatures, an extra of this one."""

from __future__ import annotations

from types import ModuleType

from ..errors import require


def cryptography(module: str) -> ModuleType:
    """A module of the package cryptography, such as `exceptions`.

    Raises:
        MissingDependency: it is not installed; the message names the extra.
    """
    return require(f"cryptography.{module}", "sign", "signing, and checking signatures,")
