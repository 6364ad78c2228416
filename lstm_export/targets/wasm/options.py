"""The options of an export to WebAssembly."""

from __future__ import annotations

from dataclasses import dataclass

from ..c.options import CompiledOptions


@dataclass(frozen=True, kw_only=True)
class Options(CompiledOptions):
    """Those of C that hold for WebAssembly too, and its own.

    Attributes:
        single_file: Put both modules into NAME.mjs, as text, so that it needs no other file.
    """

    single_file: bool = False
