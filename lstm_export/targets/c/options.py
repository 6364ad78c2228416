"""The options of an export to C, and those that WebAssembly shares with it."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import InputError

DEFAULT_NAME = "model"
ARITHMETICS = ("float", "integer")


@dataclass(frozen=True, kw_only=True)
class CompiledOptions:
    """The options of every target that compiles C.

    Attributes:
        name: What every file, and in C every symbol, begins with.
        weights: How recurrent weights are stored: float32, int16 (half the size; C is faster with
            it where models are large) or int8, by default float32; with --arithmetic integer all
            weights, int16 or int8, by default int16.
        arithmetic: What it computes in: float, or integer (whole numbers; C then has no floats).
        calibrate: A table on which formats of whole numbers are chosen; else the stored windows.
        input_format: Raw counts for whole numbers, such as temp_c=q:0.0625 (a count is 0.0625
            units) or temp_c=q:0.5:-40 (and count 0 is -40).
        max_error: Refuse whole numbers that move an answer by more: a share of its spread, 2%
            unless you say otherwise, or a number in its unit.
    """

    name: str = DEFAULT_NAME
    weights: str = ""
    arithmetic: str = "float"
    calibrate: str = ""
    input_format: str = ""
    max_error: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether whole numbers are asked for."""
        return self.arithmetic == "integer"

    @property
    def storage(self) -> str:
        """`weights`, or what it is by default."""
        return self.weights or ("int16" if self.is_whole else "float32")

    def check(self) -> None:
        """Refuse what is unknown, and what would do nothing.

        Raises:
            InputError: an option is unknown, or has no effect on the arithmetic that was chosen.
        """
        from .emit.layout import known_storage

        known_storage(self.storage)
        if self.arithmetic not in ARITHMETICS:
            known = " or ".join(ARITHMETICS)
            raise InputError(f"--arithmetic {self.arithmetic!r} is unknown; choose {known}")
        if self.is_whole and self.storage == "float32":
            raise InputError(
                "--weights float32 is for floats: choose int16 or int8 with --arithmetic integer"
            )
        if self.is_whole:
            return
        for name in ("calibrate", "input_format", "max_error"):
            if vars(self)[name]:
                option = f"--{name.replace('_', '-')}"
                raise InputError(f"{option} is for whole numbers: add --arithmetic integer")


@dataclass(frozen=True, kw_only=True)
class Options(CompiledOptions):
    """The options of an export to C.

    Attributes:
        self_test: Compile in NAME_self_test(), which says whether the model computes on a board
            what it must.
        max_flash: Refuse a model that needs more flash than this, such as 256kB.
        float_wrapper: Add NAME_counts and NAME_values, which turn floats into counts and back.
    """

    self_test: bool = False
    max_flash: str = ""
    float_wrapper: bool = False

    def check(self) -> None:
        """As of every target, and the wrapper.

        Raises:
            InputError: an option is unknown, or has no effect on the arithmetic that was chosen.
        """
        super().check()
        if self.float_wrapper and not self.is_whole:
            raise InputError("--float-wrapper is for whole numbers: add --arithmetic integer")
