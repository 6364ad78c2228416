"""The files of an export, from a model and the options of the command."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import InputError
from ...model import Array, Model
from .emit.interface import Interface
from .emit.layout import known_storage
from .emit.names import checked
from .emit.readme import check_flash, readme
from .emit.self_test import golden_text
from .emit.source import Source, write
from .integer.choosing import WholeOptions, choose
from .integer.facts import IntegerFacts
from .integer.readme import integer_readme
from .integer.source import Written
from .integer.source import write as write_integer


@dataclass(frozen=True)
class Options(WholeOptions):
    """The options of `export`, which documents them."""

    name: str = "model"
    weights: str = "float32"
    self_test: bool = False
    max_flash: str = ""
    float_wrapper: bool = False

    def check(self) -> None:
        """Refuse what is unknown, and what would do nothing.

        Raises:
            InputError: an option is unknown, or has no effect on the arithmetic that was chosen.
        """
        known_storage(self.weights)
        super().check()
        if self.float_wrapper and not self.is_whole:
            raise InputError("--float-wrapper is for whole numbers: add --arithmetic integer")


def files_of(model: Model, windows: Array | None, options: Options) -> dict[str, str]:
    """Name -> text.

    Raises:
        InputError: an option is invalid, or its limit is passed.
        UnsupportedModel: a stage cannot be expressed.
    """
    options.check()
    interface = Interface.of(model, checked(options.name), options.self_test)
    if options.is_whole:
        source, page = _integer(model, windows, interface, options)
    else:
        source, page = _floats(model, interface, options)
    return {f"{interface.name}.h": source.h, f"{interface.name}.c": source.c, "README.md": page}


def _floats(model: Model, interface: Interface, options: Options) -> tuple[Source, str]:
    """The sources, and README.md."""
    weights = options.weights
    golden = golden_text(model, interface.prefix, weights) if interface.self_test else ""
    source = write(model, interface, weights, golden)
    check_flash(source, options.max_flash)
    return source, readme(model, interface, weights, source)


def _integer(
    model: Model, windows: Array | None, interface: Interface, options: Options
) -> tuple[Source, str]:
    """The same in whole numbers."""
    found = choose(model, windows, options.weights, options)
    facts = IntegerFacts.of(found.whole, found.formats, options.float_wrapper)
    source = write_integer(Written(model, found.whole, interface, facts))
    check_flash(source, options.max_flash)
    sentences = [cost.sentence(found.seen.source) for cost in found.costs]
    return source, integer_readme(interface, facts, source, sentences)
