"""A model as a WebAssembly module: the C of the C target, compiled, with its record beside it."""

from __future__ import annotations

from pathlib import Path

from ...model import Model
from ..c.emit.constants import arrays_of
from ..c.emit.interface import Interface
from ..c.emit.runtime import kept_lines
from ..c.emit.source import choices_for, write
from .compiler import compiled
from .record import with_record

PREFIX = "model"  # of every name in the C; nobody sees them
PLACES = f"{PREFIX}_export_places"  # addresses of all constants, in the order of `constant_names`


def module_of(model: Model, simd: bool, weights: str = "float32") -> bytes:
    """Write the C, compile it, and put the record beside it.

    Args:
        model: the chain to write.
        simd: whether vectors of 128 bits are used.
        weights: how recurrent weights are stored, a key of `layout.BITS`.

    Raises:
        UnsupportedModel: a stage cannot be expressed.
        MissingDependency: there is no compiler.
    """
    interface = Interface.of(model, PREFIX, self_test=False)
    source = write(model, interface, weights)
    choices = choices_for(model, interface, weights)
    exports = "".join(kept_lines(web_file("exports.c"), choices)) + web_file("library.c")
    addresses = ", ".join(constant_names(model, weights).values())
    places = f"const void *const {PLACES}[] = {{{addresses}}};\n"
    files = {f"{PREFIX}.c": f"{source.c}\n{exports}\n{places}", f"{PREFIX}.h": source.h}
    built = compiled(files, simd, 4 * source.stack_floats, PLACES)
    return with_record(built, model, simd, weights)


def constant_names(model: Model, weights: str) -> dict[str, str]:
    """The C names of all constants, by stage and array as the C target's walk asks for them."""
    interface = Interface.of(model, PREFIX, self_test=False)
    names = dict(arrays_of(model, interface.prefix, weights).names)
    if any(stage.has_initial_state for stage in model.recurrent):
        names["initial"] = interface.prefix.symbol("initial")
    return names


def web_file(name: str) -> str:
    """A file of web/ as it stands."""
    return (Path(__file__).parent / "web" / name).read_text(encoding="utf-8")
