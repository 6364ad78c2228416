"""A module followed through its forward: run, recorded, translated, asked whether it stays so."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, UnsupportedModel
from .capture import Recorder, Recording, capture
from .live import call, demanded_beside_x, run
from .program import Program, same_program
from .signals import TooShort
from .translate import Translation, translate

if TYPE_CHECKING:
    import torch
    from torch import nn

MOST_FEATURES = 64  # that are tried, where no size of a weight fits
PRIMES = (7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53)
LONG = (211, 223, 227, 229, 233, 239, 241, 251)  # for forecasts of many steps


@dataclass(frozen=True, eq=False)
class Followed:
    """What a module computes.

    Attributes:
        program: its modules and stages, and what each takes.
        picks: which of its answers the program yields, side by side.
        time_first: whether it takes `(seq, batch, input_size)`.
        used: names of the parameters and buffers that the answer depends on.
        left_out: why other answers are no part of the program, a sentence each.
    """

    program: Program
    picks: tuple[int, ...]
    time_first: bool
    used: frozenset[str]
    left_out: tuple[str, ...] = ()


def follow(
    name: str,
    module: nn.Module,
    layouts: Sequence[bool],
    running: Callable[[torch.Tensor, Recorder], Any] | None = None,
    width: int = 0,
) -> Followed:
    """The program that a module in evaluation mode computes.

    Args:
        name: what it is, for people.
        module: whose weights are used.
        layouts: whether it takes `(seq, batch, input_size)`, the likelier first.
        running: how to run it so that its calls are seen; by default it is called.
        width: how many features it takes; 0 to find out.

    Raises:
        UnsupportedModel: it does something that has no translation, or not always the same, or
            refuses every input.
    """
    try:
        return _tried(name, module, layouts, running, width, _lengths(module, PRIMES))
    except TooShort as error:
        short = error
    try:
        return _tried(name, module, layouts, running, width, _lengths(module, LONG))
    except TooShort:
        raise UnsupportedModel(str(short)) from short


def _tried(  # noqa: PLR0913, PLR0917 - see `follow`
    name: str,
    module: nn.Module,
    layouts: Sequence[bool],
    running: Callable[[torch.Tensor, Recorder], Any] | None,
    width: int,
    lengths: Sequence[tuple[int, int]],
) -> Followed:
    """What it computes for batches and sequences of two lengths.

    Raises:
        TooShort: it refuses every input, or reads out more steps than these have.
        UnsupportedModel: see `follow`.
    """
    refused: list[InputError] = []
    untranslated: list[UnsupportedModel] = []
    for tried in [width] if width else _widths(module):
        for time_first in layouts:
            try:
                return _followed(name, module, (tried, time_first), lengths, running)
            except InputError as error:
                refused.append(error)
            except TooShort:
                raise
            except UnsupportedModel as error:
                untranslated.append(error)
    if untranslated:
        raise untranslated[0]
    why = str(refused[0]) if refused else "it has no weights"
    raise TooShort(f"{name} cannot be compared with its weights: {why}; {_what_to_do(module)}")


def _what_to_do(module: nn.Module) -> str:
    """About a module that refuses every x."""
    from torch import nn

    more = demanded_beside_x(module)
    tables = [name for name, part in module.named_modules() if isinstance(part, nn.Embedding)]
    if tables:
        return f"{tables[0]} is an Embedding, which no stage is: let x hold the rows that it gives"
    if not more:
        return (
            "it has to take float32 (batch, steps, features) of any number of steps: a flattened "
            "window reads them out by x[:, -10:].flatten(1)"
        )
    one_more = more[0]
    return (
        f"its forward takes {', '.join(more)} beside x: put them into columns of x, by a module "
        f"around it that calls it as inner(x[..., :n], {one_more}=x[:, 0, n:])"
    )


def _followed(
    name: str,
    module: nn.Module,
    form: tuple[int, bool],
    lengths: Sequence[tuple[int, int]],
    running: Callable[[torch.Tensor, Recorder], Any] | None,
) -> Followed:
    width, time_first = form
    found: list[Translation] = []
    for batch, seq in lengths:
        shape = (seq, batch, width) if time_first else (batch, seq, width)
        x = np.random.default_rng(batch).normal(size=shape).astype(np.float32)
        if not found:
            _ask_twice(name, module, x)
        found.append(translate(name, _recorded(module, x, running), time_first))
    first, second = found
    if first.picks != second.picks or not same_program(first.program, second.program):
        raise UnsupportedModel(
            f"{name} computes something else for another batch or sequence length: "
            f"for {lengths[0]} and for {lengths[1]} (batch, steps) other numbers or stages; "
            "let no size of x go into it, as x.mean(1) for x.sum(1) / x.shape[1], and read out a "
            "fixed number of steps, as x[:, -6:]: x[:, 1:] has no stage"
        )
    return Followed(first.program, first.picks, time_first, first.used, first.left_out)


def _recorded(
    module: nn.Module, x: Any, running: Callable[[torch.Tensor, Recorder], Any] | None
) -> Recording:
    """The recording of one run.

    Raises:
        InputError: the module refuses x.
    """
    import torch

    from ..model.torch_module import one_thread

    try:
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return capture(
                module, torch.tensor(x), running or (lambda tensor, _: run(module, tensor))
            )
    except UnsupportedModel:
        raise
    except Exception as error:  # the user's own code may raise anything
        raise InputError(
            f"the module refused x {x.shape}: {type(error).__name__}: {error}"
        ) from error


def _ask_twice(name: str, module: nn.Module, x: Any) -> None:
    """Refuse a module that answers the same x differently.

    Raises:
        UnsupportedModel: it does; the sentence says whether it draws random numbers or keeps a
            state.
    """
    import torch

    before = torch.get_rng_state()
    answers = [call(module, x) for _ in range(2)]
    draws = not torch.equal(before, torch.get_rng_state())
    torch.set_rng_state(before)
    same = [np.array_equal(a, b, equal_nan=True) for a, b in zip(*answers, strict=False)]
    if len(answers[0]) == len(answers[1]) and all(same):
        return
    why = "it keeps a state between calls; start every call from the same state"
    if draws:
        why = "it draws random numbers in evaluation mode; draw them only while self.training"
    raise UnsupportedModel(f"{name} answers the same x differently when asked twice: {why}")


def _lengths(module: nn.Module, steps: Sequence[int]) -> list[tuple[int, int]]:
    """Two batches and sequence lengths that divide no size of the module, so that its axes can be
    told apart."""
    sizes = {size for tensor in module.state_dict().values() for size in tensor.shape if size}
    rows = [prime for prime in PRIMES if all(size % prime for size in sizes)]
    seqs = [prime for prime in steps if all(size % prime for size in sizes)]
    # four different numbers: neither size of the first run comes again in the second
    return [(rows[0], seqs[1]), (rows[2], seqs[0])]


def _widths(module: nn.Module) -> list[int]:
    """How many features it may take, the likeliest first: what its layers take, then any size of
    its weights, then any number."""
    import torch
    from torch import nn

    sizes: list[int] = []
    parts = list(module.modules())
    sizes += [part.input_size for part in parts if isinstance(part, nn.RNNBase | nn.RNNCellBase)]
    sizes += [part.in_features for part in parts if isinstance(part, nn.Linear)]
    stored = module.state_dict().values()  # which may hold other things under get_extra_state
    tensors = [each for each in stored if isinstance(each, torch.Tensor) and each.ndim]
    matrices_first = sorted(tensors, key=lambda tensor: -tensor.ndim)
    sizes += [tensor.shape[-1] for tensor in matrices_first]
    sizes += range(1, MOST_FEATURES + 1)
    return [size for size in dict.fromkeys(sizes) if size]
