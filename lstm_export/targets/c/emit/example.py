"""The example in `runtime/` of what the writer makes, with which the runtime compiles as it stands.

python -m lstm_export.targets.c.emit.example    # writes runtime/chain.h and others anew
"""

from __future__ import annotations

import numpy as np

from ....model import LSTM, Linear, Model, Signature
from ..integer.chain import walk as walk_integer
from ..integer.facts import IntegerFacts
from ..integer.formats import Formats, InputFormat
from ..integer.literals import Constants
from ..integer.rounding import whole_model
from ..integer.source import Written, sizes_text
from ..integer.source import chain_text as integer_chain_text
from ..integer.source import golden_text as integer_golden_text
from ..integer.walk import STEP
from .chain import walk
from .chain_text import chain_text
from .constants import arrays_of
from .interface import Interface
from .names import Prefix
from .runtime import FOLDER
from .self_test import golden_text

GUARDED = """/* {title} An example: the writer puts the model's own in its place. */
#ifndef MODEL_{guard}_H
#define MODEL_{guard}_H

{includes}
{text}#endif
"""


def example() -> Model:
    """The smallest model that answers at every step and has a learned initial state."""
    weights = {
        "weight_ih_l0": np.array([[0.5], [-0.25], [0.75], [1.0]]),
        "weight_hh_l0": np.array([[0.125], [0.5], [-0.5], [0.25]]),
        "bias_ih_l0": np.zeros(4),
        "bias_hh_l0": np.array([0.0, 1.0, 0.0, 0.0]),
        "h0": np.array([[0.5]]),
        "c0": np.array([[-0.5]]),
    }
    fc = Linear("fc", np.array([[2.0]]), np.array([0.25]))
    return Model((LSTM("lstm", weights), fc), Signature(1, 1))


def files() -> dict[str, str]:
    """Name -> text of the example's files."""
    model = example()
    prefix = Prefix("model")
    arrays = arrays_of(model, prefix, "float32")
    run = walk(model, arrays.names, prefix, step=False)
    step = walk(model, arrays.names, prefix, step=True)
    chain = chain_text(model, prefix, arrays, run, step)
    parts = ("activations", "dense", "gru", "joins", "lstm", "pools", "rnn")
    includes = "".join(f'#include "{part}.c"\n' for part in parts)
    return {
        "chain.h": GUARDED.format(
            title="The chain of a model.", guard="CHAIN", includes=includes, text=chain
        ),
        "golden.h": GUARDED.format(
            title="The vectors of model_self_test.",
            guard="GOLDEN",
            includes='#include "vectors.h"\n',
            text=golden_text(model, prefix, "float32"),
        ),
        **integer_files(),
    }


def integer_files() -> dict[str, str]:
    """The same for a model in whole numbers."""
    model = example()
    inputs = (InputFormat(2.0**-12),)
    after = {"lstm": (15,), "fc": (13,)}
    formats = Formats(weight_bits=16, inputs=inputs, input_bits=(12,), after=after)
    whole = whole_model(model, formats)
    facts = IntegerFacts.of(whole, formats, floats=True)
    written = Written(model, whole, Interface.of(model, "model", self_test=True), facts)
    run = walk_integer(whole.nodes, 1, Constants(Prefix("model"), 16), STEP)
    return {
        "integer_sizes.h": GUARDED.format(
            title="Sizes of a model's layers, and the table of tanh.",
            guard="INTEGER_SIZES",
            includes='#include "integer_rows.c"\n',
            text=sizes_text(Prefix("model"), run),
        ),
        "integer_chain.h": GUARDED.format(
            title="The chain of a model in whole numbers.",
            guard="INTEGER_CHAIN",
            includes='#include "integer_joins.c"\n',
            text=integer_chain_text(written, run),
        ),
        "integer_golden.h": GUARDED.format(
            title="The sequences of model_self_test in whole numbers.",
            guard="INTEGER_GOLDEN",
            includes='#include "integer_rows.c"\n',
            text=integer_golden_text(written),
        ),
    }


def main() -> None:
    """Write them."""
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
