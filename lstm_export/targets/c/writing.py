"""The files of an export, from a model and the options of the command."""

from __future__ import annotations

from ...model import Array, Model
from .emit.calls import ModelFacts
from .emit.interface import Interface
from .emit.names import usable
from .emit.readme import check_flash, readme
from .emit.self_test import golden_text
from .emit.source import Source, write
from .integer.choosing import choose
from .integer.facts import IntegerFacts
from .integer.readme import integer_readme
from .integer.source import Written
from .integer.source import write as write_integer
from .options import Options


def files_of(model: Model, windows: Array | None, options: Options) -> dict[str, str]:
    """Name -> text.

    Raises:
        InputError: an option is invalid, or its limit is passed.
        UnsupportedModel: a stage cannot be expressed.
    """
    options.check()
    interface = Interface.of(model, usable(options.name), options.self_test)
    if options.is_whole:
        source, page = _integer(model, windows, interface, options)
    else:
        source, page = _floats(model, windows, interface, options)
    return {f"{interface.name}.h": source.h, f"{interface.name}.c": source.c, "README.md": page}


def _floats(
    model: Model, windows: Array | None, interface: Interface, options: Options
) -> tuple[Source, str]:
    """The sources, and README.md."""
    weights = options.storage
    golden = golden_text(model, interface.prefix, weights) if interface.self_test else ""
    source = write(model, interface, weights, golden)
    check_flash(source, options.max_flash, options.storage)
    return source, readme(interface, weights, source, ModelFacts.of(model, windows))


def _integer(
    model: Model, windows: Array | None, interface: Interface, options: Options
) -> tuple[Source, str]:
    """The same in whole numbers."""
    found = choose(model, windows, options)
    facts = IntegerFacts.of(
        found.whole, found.formats, options.float_wrapper, found.measured_errors
    )
    source = write_integer(Written(model, found.whole, interface, facts))
    check_flash(source, options.max_flash, options.storage)
    model_facts = ModelFacts.of(model, windows)
    return source, integer_readme(model_facts, interface, facts, source, found.sentences())
