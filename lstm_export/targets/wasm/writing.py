"""The files of an export, from a model and the options of the command."""

from __future__ import annotations

import numpy as np

from ...errors import InputError
from ...model import Array, Model
from ...parity import golden_sets
from ..c.emit.names import checked
from ..c.integer.choosing import choose
from ..c.integer.facts import IntegerFacts
from .folder import Modules, folder_files
from .integer import WasmDefinition, whole_module_of
from .module import module_of
from .options import Options
from .record import Record
from .sandbox import WasmRunner
from .weights import model_in


def files_of(model: Model, windows: Array | None, options: Options) -> dict[str, bytes]:
    """Name -> contents.

    Raises:
        InputError: an option is invalid, or the two modules answer differently.
        UnsupportedModel: a stage cannot be expressed.
    """
    checked(options.name)
    options.check()
    weights = options.storage
    if options.is_whole:
        modules = _whole_modules(model, windows, options)
    else:
        simd = module_of(model, True, weights)
        stored = f"Recurrent weights are stored as {weights}."
        modules = Modules(simd, module_of(model, False, weights), stored)
        _check_weights(modules)
    _check_answers(model, modules)
    return folder_files(model, options.name, modules, options.single_file)


def _whole_modules(model: Model, windows: Array | None, options: Options) -> Modules:
    """Those in whole numbers, each with the constants of the definition."""
    chosen = choose(model, windows, options)
    facts = IntegerFacts.of(
        chosen.whole, chosen.formats, floats=False, measured_errors=chosen.measured_errors
    )
    simd = whole_module_of(model, chosen.whole, facts, simd=True)
    plain = whole_module_of(model, chosen.whole, facts, simd=False)
    for data in (simd, plain):
        structure = WasmDefinition(model, Record.of(data), data).structure
        if structure != "as defined":
            raise InputError(f"a module is not as defined: {structure}; use another compiler")
    stored = f"All weights are stored as int{chosen.formats.weight_bits}, in whole numbers."
    return Modules(simd, plain, stored)


def _check_weights(modules: Modules) -> None:
    """Refuse two modules of which one is not verified by verifying the other."""
    if model_in(modules.plain) != model_in(modules.simd):
        raise InputError("the plain module holds other weights; use another compiler")


def _check_answers(model: Model, modules: Modules) -> None:
    """Refuse two modules of which a bit of an answer differs."""
    with_vectors = WasmRunner(modules.simd)
    without = WasmRunner(modules.plain)
    for golden in golden_sets(model):
        y = with_vectors(golden.x)
        if not np.array_equal(y, without(golden.x), equal_nan=True):
            found = f"answer {golden.name} in different bits"
            raise InputError(f"the modules with and without vectors {found}; use another compiler")
