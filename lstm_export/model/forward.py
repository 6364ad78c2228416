"""The float64 forward: the definition of what a model computes, written from the equations.

Every engine is judged against these functions, so they favour reading over speed: numpy alone, one loop, over time.
Equations: torch.nn.LSTM, GRU, Linear, LayerNorm and torch.nn.functional's activations in PyTorch's documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import singledispatch
from typing import NamedTuple

import numpy as np

from .activations import FUNCTIONS, sigmoid
from .arrays import Array
from .model import Model
from .recurrent import GRU, LSTM, Recurrent
from .stages import Activation, Affine, LastHidden, LastStep, LayerNorm, Linear, Skip, Stage
from .state import State


class Noise:
    """Where rounding enters a forward run. This one adds nothing: the exact definition.

    Attributes:
        runs: `(n,)` to compute n runs at once, each with its own noise; `()` for one plain run.
    """

    runs: tuple[int, ...] = ()

    def weight(self, name: str, weight: Array) -> Array:
        """A weight or bias as it is used, `(*runs, ...)`; `name` tells it from all others of the chain."""
        return weight.astype(np.float64)

    def value(self, value: Array) -> Array:
        """The result of a stage, one h_t, or a mean."""
        return value

    def gate(self, gate: Array, size: Array | float = 1.0) -> Array:
        """The result of a sum of terms of the given size, such as a sigmoid, whose terms have size 1."""
        return gate


@dataclass(frozen=True)
class Rules:
    """The choices in the definition that engines are known to get wrong; `Rules()` is the definition.

    Only the catalogue of known bugs changes them, to say what an engine with such a bug would compute.

    Attributes:
        only: the one recurrent cell that they hold for, such as `lstm_l0_reverse`; all where it is empty.
        sigmoid: of the gates.
        input_forget: ONNX's attribute of that name: the forget gate is 1 - input gate.
        linear_before_reset: whether a GRU's reset gate acts after the recurrent product.
        reads_backwards: whether a reverse direction reads the sequence from its end.
        turns_back: whether the output of a reverse direction is put back into the order of the sequence.
        step: which step a LastStep picks, or a LastHidden of one direction, counted from behind a row's last one; the
            first where there are fewer.
        batch_statistics: the Affine that takes mean and variance from the inputs it sees, as a batch norm in training.
    """

    only: str = ""
    sigmoid: Callable[[Array], Array] = sigmoid
    input_forget: bool = False
    linear_before_reset: bool = True
    reads_backwards: bool = True
    turns_back: bool = True
    step: int = -1
    batch_statistics: str = ""

    def at(self, cell: str) -> Rules:
        """The rules for one cell."""
        return self if self.only in ("", cell) else EXACT


EXACT = Rules()


class Output(NamedTuple):
    """What a chain yields in float64, and how large the terms were that it was summed from.

    Attributes:
        y: `(*runs, batch, output_size)`, or `(*runs, batch, seq, output_size)`.
        terms: same shape, the sum of the absolute terms of the last operation: the unit in which float32
            rounding of that operation is measured, since cancelling terms leave a small sum of large parts.
        state: what `state_layout` lists, `(num_layers, *runs, batch, size)`, behind each row's last step.
    """

    y: Array
    terms: Array
    state: State


@dataclass
class _Run:
    """One way through the chain: what stages need beside the value that the stage before them gave.

    Attributes:
        lengths: `(batch,)`, the steps of each row that count.
        state: initial states that are still to be used, in the layout's order; None for the model's own.
        source: what a Skip adds features of, `(seq, *runs, batch, input_size)`.
        before: the stage before this one.
        final: the states behind each row's last step so far.
    """

    noise: Noise
    lengths: Array
    state: Iterator[Array] | None
    source: Array
    rules: Rules = EXACT
    before: Stage | None = None
    final: list[Array] = field(default_factory=list)

    def last(self, x: Array, step: int = -1) -> Array:
        """The last step of every row of `x (seq, *runs, batch, size)`, or the one before it for -2, and so on."""
        steps = np.maximum(self.lengths[np.newaxis] + step, 0)
        rows: Array = np.take_along_axis(x, self._index(steps), axis=0)[0]
        return rows

    def reversed(self, x: Array) -> Array:
        """Every row of `x (seq, *runs, batch, size)` backwards within its length; its own inverse."""
        steps = np.arange(len(x))[:, np.newaxis]  # (seq, 1)
        return np.take_along_axis(
            x, self._index(np.where(steps < self.lengths, self.lengths - 1 - steps, steps)), axis=0
        )

    def _index(self, steps: Array) -> Array:
        """`steps (n, batch)` as an index into `(seq, *runs, batch, size)`."""
        return steps.reshape(len(steps), *(1 for _ in self.noise.runs), -1, 1)


@np.errstate(over="ignore")  # of exp in a sigmoid
def forward(  # noqa: PLR0913 - what a run consists of, named at every call
    model: Model,
    x: Array,
    noise: Noise | None = None,
    *,
    lengths: Array | None = None,
    state: State | None = None,
    rules: Rules | None = None,
) -> Output:
    """Run `x (batch, seq, input_size)` through the chain in float64.

    Args:
        model: the chain.
        x: inputs.
        noise: rounding errors to add, none by default.
        lengths: `(batch,)`, the steps of each row that count, from 1 to seq; all by default. Behind a row's length
            every step's answer is 0.
        state: the state to start from, as `state_layout` lists it, `(num_layers, batch, size)`; by default the
            learned one, else zeros.
        rules: what a known bug does otherwise; by default the definition.
    """
    noise = noise or Noise()
    batch, seq, width = x.shape
    steps = np.asarray(x, np.float64).swapaxes(0, 1).reshape(seq, *(1 for _ in noise.runs), batch, width)
    y = terms = np.broadcast_to(steps, (seq, *noise.runs, batch, width))
    counted = np.full(batch, seq) if lengths is None else np.asarray(lengths, np.int64)
    run = _Run(noise, counted, None if state is None else iter(state), y, rules or EXACT)
    for index, stage in enumerate(model.stages):
        y, terms = _apply(stage, _weights(stage, index, noise), y, terms, run)
        y = noise.value(y)
        if index == 0 and isinstance(stage, Affine):
            run.source = y
        run.before = stage
    if model.returns_every_step:
        y, terms = np.moveaxis(y, 0, -2), np.moveaxis(terms, 0, -2)
        if lengths is not None:
            counts = (np.arange(seq) < counted[:, np.newaxis])[..., np.newaxis]  # (batch, seq, 1)
            y, terms = y * counts, terms * counts
    return Output(y, terms, tuple(run.final))


class Partway(NamedTuple):
    """A chain computed up to some stage, so that chains that begin alike share the work.

    Attributes:
        y: `(seq, batch, size)`, or `(batch, size)` once a step was picked.
        terms: the absolute terms of y, as in `Output`.
        run: what the stages that follow need besides.
    """

    y: Array
    terms: Array
    run: _Run


def begin(x: Array) -> Partway:
    """`x (batch, seq, input_size)` before the first stage."""
    steps = np.asarray(x, np.float64).swapaxes(0, 1)
    return Partway(steps, steps, _Run(Noise(), np.full(len(x), x.shape[1]), None, steps))


@np.errstate(over="ignore")
def advance(partway: Partway, stage: Stage) -> Partway:
    """One stage further, exactly as `forward` computes it without noise."""
    first, run = partway.run.before is None, partway.run
    y, terms = _apply(stage, _weights(stage, 0 if first else 1, run.noise), partway.y, partway.terms, run)
    source = y if first and isinstance(stage, Affine) else run.source
    return Partway(y, terms, replace(run, before=stage, source=source, final=[]))


def _weights(stage: Stage, index: int, noise: Noise) -> dict[str, Array]:
    """The stage's arrays in float64, as they are used in this run."""
    if index == 0 and isinstance(stage, Affine):
        noise = Noise()  # the input scaler adds none of its own: x - offset is exact in float32 near the mean
    return {name: noise.weight(f"{stage.name}.{name}", array) for name, array in stage.arrays.items()}


BATCH_NORM_EPS = 1e-5  # torch.nn.BatchNorm1d's default

# Below, x is (seq, *runs, batch, size), or (*runs, batch, size) once a step was picked: time first, so that the
# weights of many runs, (*runs, out, in), apply by broadcasting.


@singledispatch
def _apply(stage: Stage, weights: dict[str, Array], x: Array, terms: Array, run: _Run) -> tuple[Array, Array]:
    """The values and terms behind one stage; `weights` are its arrays as they are used in this run."""
    raise NotImplementedError(f"no float64 definition of {stage.kind}")


@_apply.register
def _recurrent(stage: Recurrent, weights: dict[str, Array], x: Array, terms: Array, run: _Run) -> tuple[Array, Array]:
    """Layer by layer, every h_t; the directions of a layer side by side."""
    state = {name: _initial(stage, name, weights, run) for name in stage.states}
    final: list[tuple[Array, ...]] = []
    for layer in stage.layers():
        sides, sides_terms = [], []
        for cell in layer:
            own = {key.removesuffix(cell.suffix): array for key, array in weights.items() if key.endswith(cell.suffix)}
            start = tuple(state[name][len(final)] for name in stage.states)
            rules = run.rules.at(f"{stage.name}{cell.suffix}")
            seen = run.reversed(x) if cell.is_reverse and rules.reads_backwards else x
            every_h, every_term, *behind = _cell(stage, own, seen, start, replace(run, rules=rules))
            turned = cell.is_reverse and rules.turns_back
            sides.append(run.reversed(every_h) if turned else every_h)
            sides_terms.append(run.reversed(every_term) if turned else every_term)
            final.append(tuple(behind))
        x, terms = (one[0] if len(one) == 1 else np.concatenate(one, axis=-1) for one in (sides, sides_terms))
    run.final.extend(np.stack(tensors) for tensors in zip(*final, strict=True))
    return x, terms


def _initial(stage: Recurrent, name: str, weights: dict[str, Array], run: _Run) -> Array:
    """The state to start from, `(num_layers, *runs, batch, size)` or what broadcasts to it."""
    runs = tuple(1 for _ in run.noise.runs)
    if run.state is not None:
        given = np.asarray(next(run.state), np.float64)  # (num_layers, batch, size), or each run's own behind a run
        return given.reshape(len(given), *runs, *given.shape[1:]) if given.ndim == 3 else given
    learned = weights.get(f"{name}0")
    if learned is None:
        learned = stage.initial(name).reshape(*runs, len(stage.suffixes), -1)
    return np.moveaxis(learned, -2, 0)[..., np.newaxis, :]


@singledispatch
def _cell(stage: Recurrent, w: dict[str, Array], x: Array, start: State, run: _Run) -> State:
    """One layer in one direction: every h_t `(seq, *runs, batch, size)`, its terms, the state behind the last step.

    A gate is a sum of terms of size 1 however far it is shut: h is rounded like what its gates let through when open.
    """
    raise NotImplementedError(f"no float64 definition of {stage.kind}")


@_cell.register
def _lstm(stage: LSTM, w: dict[str, Array], x: Array, start: State, run: _Run) -> State:
    """i, f, o = sigmoid(.), g = tanh(.), c = f * c + i * g, h = o * tanh(c), projected where there is a weight_hr."""
    from_x = _times(x, w["weight_ih"])  # (seq, *runs, batch, 4 * hidden_size)
    if "bias_ih" in w:
        from_x += _row(w["bias_ih"] + w["bias_hh"])
    weight_hh, size = _transposed(w["weight_hh"]), stage.hidden_size
    weight_hr = _transposed(w["weight_hr"]) if "weight_hr" in w else None
    h, c = (np.broadcast_to(one, (*x.shape[1:-1], one.shape[-1])) for one in start)
    every_h, every_g = (np.empty((*x.shape[:-1], one.shape[-1])) for one in (h, c))
    every_c = np.empty((len(x) + 1, *every_g.shape[1:]))
    every_c[0] = c
    for t, live in _steps(run, len(x)):
        gates = _product(h, weight_hh)
        gates += from_x[t]  # (*runs, batch, 4 * hidden_size), stacked in PYTORCH_GATES order
        i_f = run.noise.gate(run.rules.sigmoid(gates[..., : 2 * size]))  # input gate, forget gate
        i, f = i_f[..., :size], i_f[..., size:]
        g = np.tanh(gates[..., 2 * size : 3 * size], out=every_g[t])  # candidate
        o = run.noise.gate(run.rules.sigmoid(gates[..., 3 * size :]))  # output gate
        c_t = (1 - i if run.rules.input_forget else f) * c + i * g  # cell
        h_t = run.noise.value(o * np.tanh(c_t))  # hidden
        if weight_hr is not None:
            h_t = run.noise.value(h_t @ weight_hr)
        every_h[t] = h = h_t if live is None else np.where(live, h_t, h)
        every_c[t + 1] = c = c_t if live is None else np.where(live, c_t, c)
    every_term = np.abs(every_g, out=every_g)
    every_term += np.abs(every_c[:-1], out=every_c[:-1])
    np.minimum(every_term, 1.0, out=every_term)
    return every_h, every_term if weight_hr is None else every_term @ np.abs(weight_hr), h, c


@_cell.register
def _gru(stage: GRU, w: dict[str, Array], x: Array, start: State, run: _Run) -> State:
    """r, z = sigmoid(.), n = tanh(x_n + r * h_n), h = (1 - z) * n + z * h; b_hn is multiplied by r too."""
    from_x, weight_hh, size = _times(x, w["weight_ih"]), _transposed(w["weight_hh"]), stage.hidden_size
    bias_hh = _row(w.get("bias_hh", np.zeros(3 * size)))
    if "bias_ih" in w:
        from_x += _row(w["bias_ih"])
    h = np.broadcast_to(start[0], (*x.shape[1:-1], size))
    every_h, every_term = np.empty((2, *x.shape[:-1], size))
    for t, live in _steps(run, len(x)):
        from_h = _product(h, weight_hh)
        from_h += bias_hh  # (*runs, batch, 3 * hidden_size), stacked in PYTORCH_GRU_GATES order
        r_z = run.noise.gate(
            run.rules.sigmoid(from_x[t, ..., : 2 * size] + from_h[..., : 2 * size])
        )  # reset, update gate
        r, z = r_z[..., :size], r_z[..., size:]
        new = r * from_h[..., 2 * size :]
        if not run.rules.linear_before_reset:
            new = (r * h) @ weight_hh[..., 2 * size :] + bias_hh[..., 2 * size :]
        n = np.tanh(from_x[t, ..., 2 * size :] + new)  # new gate
        np.add(np.abs(n), np.abs(h), out=every_term[t])
        h_t = run.noise.value((1 - z) * n + z * h)
        every_h[t] = h = h_t if live is None else np.where(live, h_t, h)
    return every_h, every_term, h


def _times(x: Array, weight: Array) -> Array:
    """`x (seq, *runs, batch, size)` times the transposed `weight (*runs, out, size)`, all steps in one product."""
    by_run = np.moveaxis(x, 0, -3)  # (*runs, seq, batch, size)
    rows = by_run.reshape(*by_run.shape[:-3], -1, x.shape[-1])
    products = rows @ _transposed(weight)
    return np.moveaxis(products.reshape(*by_run.shape[:-1], -1), -3, 0)


def _product(h: Array, weight: Array) -> Array:
    """`h @ weight`. Two or three rows one by one: BLAS takes longer for a product that flat than for its rows."""
    if h.shape[-2] not in (2, 3):
        product: Array = h @ weight
        return product
    return (h[..., np.newaxis, :] @ weight[..., np.newaxis, :, :])[..., 0, :]


def _steps(run: _Run, seq: int) -> Iterator[tuple[int, Array | None]]:
    """Every step, and which rows it still belongs to, `(batch, 1)`; None for all."""
    shortest = int(run.lengths.min(initial=seq))
    for t in range(seq):
        yield t, None if t < shortest else (t < run.lengths)[:, np.newaxis]


@_apply.register
def _linear(stage: Linear, weights: dict[str, Array], x: Array, terms: Array, run: _Run) -> tuple[Array, Array]:
    weight, bias = _transposed(weights["weight"]), _row(weights.get("bias", np.zeros(stage.weight.shape[0])))
    return x @ weight + bias, np.abs(x) @ np.abs(weight) + np.abs(bias)


@_apply.register
def _affine(stage: Affine, weights: dict[str, Array], x: Array, terms: Array, run: _Run) -> tuple[Array, Array]:
    offset, scale = _row(weights["offset"]), _row(weights["scale"])
    if run.rules.batch_statistics == stage.name:
        axes = (0, -2) if x.ndim > 2 + len(run.noise.runs) else (-2,)  # steps, where there are any, and rows
        offset, scale = x.mean(axes, keepdims=True), np.sqrt(x.var(axes, keepdims=True) + BATCH_NORM_EPS)
    if stage.inverse:
        return x * scale + offset, np.abs(x * scale) + np.abs(offset)
    return (x - offset) / scale, (np.abs(x) + np.abs(offset)) / np.abs(scale)


@_apply.register
def _layer_norm(stage: LayerNorm, weights: dict[str, Array], x: Array, terms: Array, run: _Run) -> tuple[Array, Array]:
    mean = x.mean(axis=-1, keepdims=True)
    if x.shape[-1] > 1:  # the mean of one feature is that feature: no program rounds it
        mean = run.noise.value(mean)
    centred = x - mean
    n = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + stage.eps)
    ones = np.ones(x.shape[-1])
    weight, bias = _row(weights.get("weight", ones)), _row(weights.get("bias", 0 * ones))
    return n * weight + bias, np.abs(n * weight) + np.abs(bias)


@_apply.register
def _skip(stage: Skip, weights: dict[str, Array], x: Array, terms: Array, run: _Run) -> tuple[Array, Array]:
    source = run.source if x.ndim == run.source.ndim else run.last(run.source)
    added = source[..., list(stage.features)]
    return x + added, terms + np.abs(added)


@_apply.register
def _last_step(stage: LastStep, weights: dict[str, Array], x: Array, terms: Array, run: _Run) -> tuple[Array, Array]:
    return run.last(x, run.rules.step), run.last(terms, run.rules.step)


@_apply.register
def _last_hidden(
    stage: LastHidden, weights: dict[str, Array], x: Array, terms: Array, run: _Run
) -> tuple[Array, Array]:
    if not (isinstance(run.before, Recurrent) and run.before.bidirectional):
        return run.last(x, run.rules.step), run.last(terms, run.rules.step)
    size = run.before.state_size
    y, y_terms = (np.concatenate([run.last(one)[..., :size], one[0, ..., size:]], axis=-1) for one in (x, terms))
    return y, y_terms


@_apply.register
def _activation(stage: Activation, weights: dict[str, Array], x: Array, terms: Array, run: _Run) -> tuple[Array, Array]:
    y, y_terms, size = FUNCTIONS[stage.function](x, terms, stage.parameter or 0.0)
    return run.noise.gate(y, size), y_terms


def _transposed(weight: Array) -> Array:
    """`weight.T` of every run."""
    return np.swapaxes(weight, -1, -2)


def _row(bias: Array) -> Array:
    """A bias of every run, ready to be added to rows `(*runs, batch, size)`."""
    return bias[..., None, :]
