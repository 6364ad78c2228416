"""Whether NAME.c is what this version writes of a model: it is written again, and compared."""

from __future__ import annotations

import re

from ...errors import printable
from ...model import Model
from ...version import __version__
from .emit.interface import Interface, Record
from .emit.layout import known_storage
from .emit.source import write
from .integer.definition import IntegerDefinition

_FLOATS = r"\w+ const float \w+\[\] \w+ = \{[-+\d.ef,\s]*\};\n"
# What `emit.self_test.golden_text` writes: counts, then x, y and the bounds.
_GOLDEN = re.compile(
    r"#define \w+_TEST_COUNT \d+\n#define \w+_TEST_LONGEST \d+\n\n"
    r"\w+ const unsigned \w+\[\] \w+ = \{[\d, ]*\};\n" + f"(?:{_FLOATS}){{3}}\n"
)


def difference(model: Model, source: str) -> str:
    """The first line that differs; empty where none does, or another version wrote the source.

    Nothing is compiled. The vectors of a self-test in floats are taken as they stand: processors
    differ in their last bits.

    Raises:
        InputError: the source is of another model.
        BundleError: it has no record, or one that does not fit the model.
    """
    record = Record.of(source)
    if f"Written by lstm-export {__version__}. " not in source:
        return ""
    if record.integer:
        written = IntegerDefinition.of_source(model, record, source).source
    else:
        written = _floats(model, record, source)
    return _first_difference(written, source)


def _floats(model: Model, record: Record, source: str) -> str:
    named = record.interface
    interface = Interface.of(model, named.name, named.self_test)
    known_storage(record.weights)
    golden = _GOLDEN.search(source) if named.self_test else None
    return write(model, interface, record.weights, golden[0] if golden else "").c


def _first_difference(written: str, found: str) -> str:
    if written == found:
        return ""
    expected = written.splitlines()
    lines = found.splitlines()
    shared = min(len(expected), len(lines))
    at = 1
    while at <= shared and lines[at - 1] == expected[at - 1]:
        at += 1
    got = printable(lines[at - 1]) if at <= len(lines) else "missing"
    return f"line {at} of the C is not what lstm-export writes of the weights: {got}"
