"""What a bad file is, how it is made, and what its sentence must say."""

from __future__ import annotations

from collections.abc import Callable

Case = tuple[str, Callable[[], bytes], str]


ZEROS = bytes(32)  # eight float32
