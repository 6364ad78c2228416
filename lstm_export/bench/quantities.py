"""Seconds, hertz and bytes as people write and read them."""

from __future__ import annotations

import re

from ..errors import InputError

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
_HERTZ = {"hz": 1.0, "khz": 1e3, "mhz": 1e6}


def seconds(text: str) -> float:
    """`1ms` as 0.001.

    Raises:
        InputError: it is no positive number with ns, us, ms or s.
    """
    return _quantity(text, _SECONDS, "a time such as 1ms or 250us")


def frequency_hz(text: str) -> float:
    """`48kHz` as 48000.

    Raises:
        InputError: it is no positive number with Hz, kHz or MHz.
    """
    return _quantity(text.lower(), _HERTZ, "a rate such as 48kHz or 10Hz")


def time_text(value_s: float) -> str:
    """Three digits with the unit that suits: `9.52 us`."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value_s >= size:
            return f"{value_s / size:#.3g} {unit}".replace(". ", " ")
    return f"{value_s * 1e9:.0f} ns"


def rate_text(value_hz: float) -> str:
    """`48 kHz`."""
    return f"{value_hz / 1e3:g} kHz" if value_hz >= 1e3 else f"{value_hz:g} Hz"


def bytes_text(value: int | None) -> str:
    """Mega- or kilobytes of 10**6 and 10**3 bytes; a dash where they are not known."""
    if value is None:
        return "-"
    return f"{value / 1e6:.1f} MB" if value >= 1e6 else f"{value / 1e3:.1f} kB"


def _quantity(text: str, units: dict[str, float], expected: str) -> float:
    found = re.fullmatch(r"\s*(\d+\.?\d*(?:e-?\d+)?|\.\d+)\s*([a-zµ]+)\s*", text)
    value = float(found[1]) * units.get(found[2], 0.0) if found else 0.0
    if not value > 0:
        raise InputError(f"got {text!r}, expected {expected}")
    return value
