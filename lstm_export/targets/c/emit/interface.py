"""What NAME.h offers, told by the model or by the record in NAME.c."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ....errors import BundleError, printable
from ....model import Model, Signature, StateTensor
from ....version import __version__
from ..integer.facts import IntegerFacts
from .carried import carried
from .names import Prefix, checked, plain, prose
from .plan import looks_ahead
from .runtime import choices_of, kept_lines, named, read, single_spaced, with_values

MARK = "/* lstm-export: a model in C"  # the first line of every NAME.c
# Raised when an older reader of the record would misunderstand it: 2 computes in whole numbers.
RECORD_VERSION = 1
INTEGER_VERSION = 2
_PLAIN = f"{string.ascii_letters}{string.digits}_ ."
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')  # of JSON
_RECORD = re.compile(r'^   (\{"format".*\}) \*/$', re.MULTILINE)


@dataclass(frozen=True)
class Interface:
    """What a caller of the C has to know.

    Attributes:
        name: what every symbol begins with.
        layout: the tensors of the state in order.
        every_step: whether a sequence has an answer a step.
        streams: whether there are reset and step: some models need the whole sequence.
        self_test: whether there is NAME_self_test.
        description: the chain, for people.
        window: steps of the windows of training; None where the model does not know them.
        shortest: steps of the shortest of them.
        least_steps: of a sequence that has an answer.
    """

    name: str
    input_size: int
    output_size: int
    layout: tuple[StateTensor, ...]
    every_step: bool
    streams: bool
    self_test: bool
    description: str
    window: int | None = None
    shortest: int | None = None
    least_steps: int = 1

    @classmethod
    def of(cls, model: Model, name: str, self_test: bool) -> Interface:
        return cls(
            name,
            model.signature.input_size,
            model.signature.output_size,
            carried(model),
            model.returns_every_step,
            looks_ahead(model) is None,
            self_test,
            described(model),
            model.signature.window,
            model.signature.shortest,
            model.least_steps,
        )

    def header(self) -> str:
        """NAME.h."""
        sizes = {
            "MODEL_INPUT_SIZE": self.input_size,
            "MODEL_OUTPUT_SIZE": self.output_size,
            "MODEL_STATE_SIZE": self.state_size,
            "MODEL_WINDOW_STEPS": self.window or 0,
            "MODEL_WINDOW_LEAST": self.shortest_window,
            "MODEL_LEAST_STEPS": self.least_steps,
        }
        lines = kept_lines(with_values(read("model.h"), sizes), choices_of(self.choices()))
        text = "".join(line for line in lines if line != '#include "choices.h"\n')
        return f"{self._title()}{named(single_spaced(text), self.name)}"

    def _title(self) -> str:
        """What the header says first."""
        y = f"[seq][{self.output_size}]" if self.every_step else f"[{self.output_size}]"
        return (
            f"/* Written by lstm-export {__version__}: {prose(self.description)}\n\n"
            f"   All values are float. x is [{self.input_size}] a step, in the model's own units;\n"
            f"   y is {y}. Memory is the caller's; nothing here allocates or keeps any, so calls\n"
            "   with different memory may run at the same time. */\n"
        )

    def choices(self) -> dict[str, int]:
        """Of the macros in runtime/choices.h those that the header asks for."""
        return {
            "MODEL_STREAMS": int(self.streams),
            "MODEL_EVERY_STEP": int(self.every_step),
            "MODEL_SELF_TEST": int(self.self_test),
            "MODEL_WINDOWS": int(self.window is not None),
            "MODEL_LAST_STEPS": int(self.least_steps > 1),
        }

    def to_record(self) -> dict[str, Any]:
        """For the record in NAME.c; what is as usual is left out, as older readers know it."""
        record = asdict(self)
        if self.window is None:
            del record["window"]
            del record["shortest"]
        if self.least_steps == 1:
            del record["least_steps"]
        return record

    @property
    def prefix(self) -> Prefix:
        """What every name in the C begins with."""
        return Prefix(self.name)

    @property
    def shortest_window(self) -> int:
        """Samples of the shortest window that has an answer; 0 where no windows are known."""
        if self.window is None:
            return 0
        return max(self.shortest or self.window, self.least_steps)

    @property
    def state_size(self) -> int:
        """Floats that are carried from step to step."""
        return sum(tensor.num_layers * tensor.size for tensor in self.layout)


def described(model: Model) -> str:
    """The chain with its widths, as `Model.describe` tells it, in names of our own making."""
    parts = [f"x {model.signature.input_size}"]
    for index, stage in enumerate(model.stages):
        before, width = model.widths(index)
        name = plain(stage.name) or "stage"
        inputs = [plain(taken) or "stage" for taken in stage.inputs]
        taken = f" of {', '.join(inputs)}" if inputs else ""
        parts.append(f"{name} {stage.kind}{stage.sizes(before, width)}{taken}")
    return prose(" -> ".join(parts))


def head(
    model: Model, interface: Interface, weights: str, integer: IntegerFacts | None = None
) -> str:
    """The comment that NAME.c begins with: for people, and in its last line for programs."""
    record = {
        "format": INTEGER_VERSION if integer else RECORD_VERSION,
        "interface": interface.to_record(),
        "weights": weights,
        "chain": model.chain_record(),
        "signature": model.signature.to_record(),
    }
    if integer:
        record["integer"] = integer.to_record()
    which = "Whole numbers alone, weights" if integer else "Recurrent weights"
    return (
        f"{MARK}\n\n"
        f"   Written by lstm-export {__version__}. {described(model)}\n"
        f"   {which} in {weights}; sha256 of the model's own: {model.weights_sha256}\n"
        "   C99 and C++11, without any library. "
        f"Include {interface.name}.h; README.md shows how to call it.\n\n"
        f"   {_commented(record)} */\n\n"
        f'#include "{interface.name}.h"\n\n'
    )


def _commented(record: Mapping[str, Any]) -> str:
    """JSON that is safe in a comment: in strings all but `[A-Za-z0-9_ .]` is escaped."""
    return _STRING.sub(lambda match: _escaped(json.loads(match[0])), json.dumps(record))


def _escaped(text: str) -> str:
    """A JSON string."""
    # JSON's \u escapes are of UTF-16: a character beyond 0xffff takes two
    units = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), "<u2")
    escaped = ""
    for unit in units.tolist():
        character = chr(unit)
        escaped += character if character in _PLAIN else f"\\u{unit:04x}"
    return f'"{escaped}"'


def _check_kinds(interface: Interface) -> None:
    """Refuse a size that is no number and a flag that is neither yes nor no: they go into the
    header.

    Raises:
        TypeError: it is none.
    """
    sizes = [interface.input_size, interface.output_size, interface.least_steps]
    for tensor in interface.layout:
        sizes += [tensor.num_layers, tensor.size]
    sizes += [size for size in (interface.window, interface.shortest) if size is not None]
    for size in sizes:
        if type(size) is not int:
            raise TypeError(f"a size is {size!r}")
    for flag in (interface.every_step, interface.streams, interface.self_test):
        if type(flag) is not bool:
            raise TypeError(f"a flag is {flag!r}")


@dataclass(frozen=True)
class Record:
    """What NAME.c says of itself."""

    interface: Interface
    signature: Signature
    weights: str
    chain: list[dict[str, Any]]
    integer: IntegerFacts | None = None

    @classmethod
    def of(cls, source: str) -> Record:
        """Read it.

        Raises:
            BundleError: there is none, or one of a newer format.
        """
        record = _RECORD.search(source[:1_000_000]) if source.startswith(MARK) else None
        try:
            facts: Mapping[str, Any] = json.loads(record[1]) if record else {}
            if facts["format"] not in (RECORD_VERSION, INTEGER_VERSION):
                got = printable(repr(facts["format"]))
                known = f"{RECORD_VERSION} or {INTEGER_VERSION}"
                raise BundleError(f"this C is of format {got}, known is {known}; export it again")
            integer = None
            if facts["format"] == INTEGER_VERSION:
                integer = IntegerFacts.from_record(facts["integer"])
            told = facts["interface"]
            layout = tuple(StateTensor(*tensor) for tensor in told["layout"])
            interface = Interface(**{**told, "layout": layout})
            checked(interface.name)
            _check_kinds(interface)
            return cls(
                interface,
                Signature.from_record(facts["signature"]),
                str(facts["weights"]),
                facts["chain"],
                integer,
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BundleError(
                "this C source was not written by lstm-export c, or was changed; export it again"
            ) from error
