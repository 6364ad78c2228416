"""The README beside the generated C, and what the model takes on a device."""

from __future__ import annotations

import re

from ....errors import InputError
from ....model import Model
from .interface import Interface
from .source import Source
from .template import replaced, runtime

_UNITS = {"": 1, "B": 1, "kB": 1000, "KB": 1000, "KiB": 1024, "MB": 10**6, "MiB": 2**20}


def flash_bytes(source: Source) -> int:
    """What reset and step need in a Cortex-M's flash at -O2: the constants exactly, the code at most."""
    return source.constant_bytes + source.code_bytes


def check_flash(source: Source, limit: str) -> None:
    """Refuse a model that does not fit.

    Raises:
        InputError: it is larger, or the limit is no size.
    """
    if not limit:
        return
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([A-Za-z]*)", limit.strip())
    if not found or found[2] not in _UNITS:
        raise InputError(f"--max-flash {limit!r} is no size; write such as 256kB ({', '.join(filter(None, _UNITS))})")
    allowed, needed = float(found[1]) * _UNITS[found[2]], flash_bytes(source)
    if needed > allowed:
        raise InputError(
            f"the model needs {needed:,} bytes of flash ({source.constant_bytes:,} of constants, up to "
            f"{source.code_bytes:,} of code), allowed are "
            f"{allowed:,.0f}; store the weights as int16 or int8 with --weights, or train a smaller model"
        )


def readme(model: Model, interface: Interface, weights: str, source: Source) -> str:
    """README.md."""
    flags = {"step"} if interface.streams else {"whole"}
    flags |= {"self_test"} if interface.self_test else set()
    flags |= {"every_step"} if interface.every_step else set()
    words = {
        "@NAME@": interface.name,
        "@MACRO@": interface.macro,
        "@CHAIN@": model.describe(),
        "@WEIGHTS@": weights,
        "@INPUT@": str(interface.input_size),
        "@OUTPUT@": str(interface.output_size),
        "@FLASH@": f"{source.constant_bytes:,}",
        "@CODE@": f"{source.code_bytes:,}",
        "@STATE@": f"{4 * (interface.state_size + 1):,}",
        "@BUFFERS@": f"{4 * source.stack_floats:,}",
        "@INPUTS@": ", ".join(column.name for column in model.signature.features) or "in the order of training",
    }
    return replaced(runtime(("README.md",), flags, {}), words)
