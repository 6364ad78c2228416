"""What NAME.h offers, told by the model or by the record in NAME.c."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ....errors import BundleError
from ....model import Model, Signature, StateTensor, state_layout
from ....version import __version__
from .names import checked
from .template import replaced, runtime

MARK = "/* lstm-export: a model in C"  # the first line of every NAME.c
RECORD_VERSION = 1  # raised when an older reader of the record would misunderstand it
_RECORD = re.compile(r'^   (\{"format".*\}) \*/$', re.MULTILINE)


@dataclass(frozen=True)
class Interface:
    """What a caller of the C has to know.

    Attributes:
        name: what every symbol begins with.
        layout: the tensors of the state in order, as `model.state_layout` gives them.
        every_step: whether a sequence has an answer a step.
        streams: whether there are reset and step: a bidirectional layer needs the whole sequence.
        self_test: whether there is NAME_self_test.
        description: the chain, for people.
    """

    name: str
    input_size: int
    output_size: int
    layout: tuple[StateTensor, ...]
    every_step: bool
    streams: bool
    self_test: bool
    description: str

    @classmethod
    def of(cls, model: Model, name: str, self_test: bool) -> Interface:
        return cls(
            name,
            model.signature.input_size,
            model.signature.output_size,
            state_layout(model),
            model.returns_every_step,
            not any(stage.bidirectional for stage in model.recurrent),
            self_test,
            model.describe(),
        )

    def header(self) -> str:
        """NAME.h."""
        flags = {"step"} if self.streams else {"whole"}
        flags |= {"self_test"} if self.self_test else set()
        words = {
            "IN_SIZE": str(self.input_size),
            "OUT_SIZE": str(self.output_size),
            "STATE_FLOATS": str(self.state_size),
            "Y_SHAPE": f"[seq][{self.output_size}]" if self.every_step else f"[{self.output_size}]",
            "DESCRIPTION": comment_safe(self.description),
            "VERSION": __version__,
        }
        return replaced(runtime(("header.h",), flags, words), {"NAME_": f"{self.name}_", "MACRO_": self.macro})

    @property
    def state_size(self) -> int:
        """Floats that are carried from step to step."""
        return sum(tensor.num_layers * tensor.size for tensor in self.layout)

    @property
    def macro(self) -> str:
        """What every macro of the header begins with."""
        return f"{self.name.upper()}_"


def comment_safe(text: str) -> str:
    """Text that ends no C comment and begins none."""
    return text.replace("*/", "* /").replace("/*", "/ *").replace("\\\n", "\n")


def head(model: Model, interface: Interface, weights: str) -> str:
    """The comment that NAME.c begins with, which says what it is to people and, in its last line, to programs."""
    record = {
        "format": RECORD_VERSION,
        "interface": asdict(interface),
        "weights": weights,
        "chain": model.chain_record(),
        "signature": model.signature.to_record(),
    }
    facts = json.dumps(record).replace("/", "\\/")  # JSON's own escape: no comment begins or ends in it
    return (
        f"{MARK}\n\n"
        f"   Written by lstm-export {__version__}. {comment_safe(model.describe())}\n"
        f"   Recurrent weights in {weights}; sha256 of the model's own: {model.weights_sha256}\n"
        f"   C99 and C++11, without any library. Include {interface.name}.h; README.md shows how to call it.\n\n"
        f"   {facts} */\n\n"
        f'#include "{interface.name}.h"\n\n'
    )


@dataclass(frozen=True)
class Record:
    """What NAME.c says of itself."""

    interface: Interface
    signature: Signature
    weights: str
    chain: list[dict[str, Any]]

    @classmethod
    def of(cls, source: str) -> Record:
        """Read it.

        Raises:
            BundleError: there is none, or one of a newer format.
        """
        found = _RECORD.search(source[:1_000_000]) if source.startswith(MARK) else None
        try:
            facts: Mapping[str, Any] = json.loads(found[1]) if found else {}
            if facts["format"] != RECORD_VERSION:
                raise BundleError(
                    f"this C is of format {facts['format']!r}, known is {RECORD_VERSION}; export it again"
                )
            told = facts["interface"]
            layout = tuple(StateTensor(*tensor) for tensor in told["layout"])
            interface = Interface(**{**told, "layout": layout})
            checked(interface.name)
            return cls(interface, Signature.from_record(facts["signature"]), str(facts["weights"]), facts["chain"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BundleError(
                "this C source was not written by lstm-export c, or was changed; export it again"
            ) from error
