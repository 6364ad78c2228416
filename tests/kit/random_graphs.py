"""Random graphs for the parity study: the random chains, with values joined, pooled and picked.

The same seed and index give the same graph on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lstm_export.errors import UnsupportedModel
from lstm_export.model import (
    GRU,
    RNN,
    Activation,
    Add,
    Affine,
    Clamp,
    Concat,
    Divide,
    Flatten,
    Join,
    LastHidden,
    LastStep,
    LastSteps,
    Linear,
    Model,
    Multiply,
    Pool,
    PReLU,
    Recurrent,
    Replace,
    RMSNorm,
    Slice,
    Stage,
    Subtract,
)
from lstm_export.model.recurrent import NONLINEARITIES
from lstm_export.model.stage import X
from lstm_export.model.stages.read_outs import POOLS

from .random_chains import LARGEST_HIDDEN, random_chain

MOST_EDITS = 4
PLAIN = 0.3  # share whose first GRU becomes an RNN
TRIES = 20  # edits are drawn until enough of them fit

Random = np.random.Generator
# What stands for the value of a stage from then on; None where this one has no place for it.
Edit = Callable[[Model, int, Random], "list[Stage] | None"]


def random_graph(
    seed: int,
    index: int,
    *,
    largest_hidden: int = LARGEST_HIDDEN,
) -> tuple[Model, float]:
    """The graph of this seed and index, and the gain of its weights."""
    model, gain = random_chain(seed, index, largest_hidden=largest_hidden)
    random = np.random.default_rng([seed, index, 2])
    if random.random() < PLAIN:
        model = _with_rnn(model)
    wanted = int(random.integers(1, MOST_EDITS + 1))
    for _ in range(TRIES):
        edit = EDITS[int(random.integers(len(EDITS)))]
        place = int(random.integers(-1, len(model.stages)))
        edited = _edited(model, place, edit(model, place, random))
        if edited is not None:
            model = edited
            wanted -= 1
        if not wanted:
            break
    return model, gain


def _with_rnn(model: Model) -> Model:
    """The first GRU as an RNN of its reset gate's weights."""
    for index, stage in enumerate(model.stages):
        if isinstance(stage, GRU):
            weights = {}
            for key, array in stage.weights.items():
                weights[key] = array if key == "h0" else array[: stage.hidden_size]
            nonlinearity = NONLINEARITIES[index % 2]
            plain = RNN(stage.name, weights, nonlinearity=nonlinearity, inputs=stage.inputs)
            return replace(model, stages=(*model.stages[:index], plain, *model.stages[index + 1 :]))
    return model


def _edited(model: Model, place: int, added: list[Stage] | None) -> Model | None:
    """The model with stages added after one, whose readers take the last of them instead."""
    if not added:
        return None
    old = name_of(model, place)
    stages: list[Stage] = []
    for index, stage in enumerate(model.stages):
        if index == place + 1:
            stages += added
        names = tuple(name_of(model, source) for source in model.sources[index])
        if index > place:
            names = tuple(added[-1].name if name == old else name for name in names)
        stages.append(replace(stage, inputs=names))
    if place == len(model.stages) - 1:
        stages += added
    try:
        return replace(model, stages=tuple(stages))
    except UnsupportedModel:
        return None


def name_of(model: Model, index: int) -> str:
    """The name of a stage, or that of the model's input."""
    return X if index < 0 else model.stages[index].name


def _width(model: Model, index: int) -> int:
    return model.signature.input_size if index < 0 else model.shapes[index].width


def _is_sequence(model: Model, index: int) -> bool:
    return index < 0 or model.shapes[index].is_sequence


def _new(model: Model, kind: str) -> str:
    return f"{kind}.g{len(model.stages)}"


def _linear(name: str, columns: int, rows: int, source: str, random: Random) -> Linear:
    bound = 1 / np.sqrt(columns)
    weight = random.uniform(-bound, bound, (rows, columns))
    return Linear(name, weight, random.uniform(-bound, bound, rows), inputs=(source,))


def _joined(model: Model, place: int, random: Random) -> list[Stage] | None:
    """With an earlier value of its width: a residual, a difference or a product."""
    width = _width(model, place)
    earlier = [index for index in range(-1, place) if _width(model, index) == width]
    if not _is_sequence(model, place):
        earlier = [index for index in earlier if not _is_sequence(model, index)]
    if not earlier:
        return None
    other = int(random.choice(earlier))
    kinds: list[type[Join]] = [Add, Add, Subtract, Multiply]
    kind = kinds[int(random.integers(len(kinds)))]
    inputs = (name_of(model, place), name_of(model, other))
    return [kind(_new(model, "join"), inputs=inputs)]


def _gated(model: Model, place: int, random: Random) -> list[Stage]:
    """Times a gate of its own, or divided by a positive value of its own."""
    name = name_of(model, place)
    width = _width(model, place)
    head = _linear(_new(model, "gate"), width, width, name, random)
    if random.random() < 0.5:
        gate: list[Stage] = [Activation(f"{head.name}.s", "sigmoid")]
        return [head, *gate, Multiply(f"{head.name}.m", inputs=(name, gate[-1].name))]
    divisor = [Activation(f"{head.name}.s", "softplus"), Clamp(f"{head.name}.c", low=0.125)]
    return [head, *divisor, Divide(f"{head.name}.d", inputs=(name, divisor[-1].name))]


def _normalised(model: Model, place: int, random: Random) -> list[Stage] | None:
    """A sequence less its last step, its mean, its first step or its largest values."""
    if not _is_sequence(model, place):
        return None
    base = _row(model, place, random)
    return [base, Subtract(f"{base.name}.less", inputs=(name_of(model, place), base.name))]


def _standardised(model: Model, place: int, random: Random) -> list[Stage] | None:
    """A sequence less its mean, by its deviation over the steps, biased or not."""
    if not _is_sequence(model, place):
        return None
    mean = Pool(_new(model, "norm"), "mean", inputs=(name_of(model, place),))
    centred = Subtract(f"{mean.name}.c", inputs=(name_of(model, place), mean.name))
    squares = Multiply(f"{mean.name}.s", inputs=(centred.name, centred.name))
    variance = Pool(f"{mean.name}.v", "mean", int(random.integers(2)))
    width = _width(model, place)
    eps = Affine(f"{mean.name}.e", np.full(width, 1e-5), np.ones(width), inverse=True)
    root = Activation(f"{mean.name}.r", "sqrt")
    quotient = Divide(f"{mean.name}.q", inputs=(centred.name, root.name))
    return [mean, centred, squares, variance, eps, root, quotient]


def _state(model: Model, place: int, random: Random) -> list[Stage] | None:
    """A state of some layer of an earlier recurrent stage beside a row, and a Linear after it."""
    earlier = [i for i, stage in enumerate(model.stages[:place]) if isinstance(stage, Recurrent)]
    if not earlier or _is_sequence(model, place):
        return None
    recurrent = model.stages[int(random.choice(earlier))]
    assert isinstance(recurrent, Recurrent)
    state = str(random.choice(recurrent.states))
    layer = -int(random.integers(1, recurrent.num_layers + 1))
    name = name_of(model, place)
    read = LastHidden(_new(model, "state"), state=state, layer=layer, inputs=(recurrent.name,))
    both = Concat(f"{read.name}.cat", inputs=(name, read.name))
    width = _width(model, place)
    columns = width + recurrent.directions * recurrent.width_of(state)
    return [read, both, _linear(f"{read.name}.fc", columns, width, both.name, random)]


def _row(model: Model, place: int, random: Random) -> Stage:
    mode = str(random.choice(["last", *POOLS]))
    inputs = (name_of(model, place),)
    if mode == "last":
        return LastStep(_new(model, "row"), inputs=inputs)
    return Pool(_new(model, "row"), mode, inputs=inputs)


def _beside(model: Model, place: int, random: Random) -> list[Stage] | None:
    """Columns of a row of an earlier sequence beside it, and a Linear back to its width."""
    earlier = [index for index in range(-1, place) if _is_sequence(model, index)]
    if not earlier:
        return None
    other = int(random.choice(earlier))
    row = _row(model, other, random)
    name = name_of(model, place)
    both = Concat(f"{row.name}.cat", inputs=(name, row.name))
    width = _width(model, place)
    columns = width + _width(model, other)
    return [row, both, _linear(f"{row.name}.fc", columns, width, both.name, random)]


def _picked(model: Model, place: int, random: Random) -> list[Stage]:
    """As many of its columns in any order, and some more than once."""
    width = _width(model, place)
    features = tuple(random.integers(0, width, width).tolist())
    return [Slice(_new(model, "slice"), features, inputs=(name_of(model, place),))]


def _small(model: Model, place: int, random: Random) -> list[Stage]:
    """A norm by the root of the mean square, learned slopes, a softsign, or of x itself zeros taken
    for something else: of computed values rounding decides which are 0."""
    width = _width(model, place)
    inputs = (name_of(model, place),)
    name = _new(model, "small")
    choice = int(random.integers(4))
    if choice == 0:
        return [RMSNorm(name, random.uniform(0.5, 2, width), inputs=inputs)]
    if choice == 1:
        return [PReLU(name, random.uniform(0, 0.5, width), inputs=inputs)]
    if choice == 3 and place < 0:
        return [Replace(name, 0.0, 0.5, inputs=inputs)]
    return [Activation(name, "softsign", inputs=inputs)]


def _forecast(model: Model, place: int, random: Random) -> list[Stage] | None:
    """The last steps of the input beside the answer, a Linear for each, and one for all."""
    if place < 0 or _is_sequence(model, place):
        return None
    count = int(random.integers(2, 5))
    width = _width(model, place)
    kept = LastSteps(_new(model, "last"), count, inputs=("x",))
    each = _linear(f"{kept.name}.each", model.signature.input_size, 2, kept.name, random)
    row = Flatten(f"{kept.name}.row", inputs=(each.name,))
    both = Concat(f"{kept.name}.cat", inputs=(name_of(model, place), row.name))
    columns = width + 2 * count
    return [kept, each, row, both, _linear(f"{kept.name}.fc", columns, width, both.name, random)]


def _answer_shifted(model: Model, place: int, random: Random) -> list[Stage] | None:
    """Columns of a row of the input, as its scaler leaves it, added to the answer."""
    if place != len(model.stages) - 1:
        return None
    source = 0 if isinstance(model.stages[0], Affine) else -1
    row = _row(model, source, random)
    features = random.integers(0, _width(model, source), _width(model, place))
    columns = Slice(f"{row.name}.cols", tuple(features.tolist()))
    return [row, columns, Add(f"{row.name}.add", inputs=(name_of(model, place), columns.name))]


EDITS: tuple[Edit, ...] = (
    _joined,
    _joined,
    _gated,
    _normalised,
    _beside,
    _state,
    _picked,
    _answer_shifted,
    _small,
    _forecast,
    _standardised,
)
