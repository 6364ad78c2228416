"""A user's own nn.Module: made from its class, filled with a file's weights, and called.

Importing the class and calling the module runs the user's code; nothing here is reached unless they
asked for that.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..model import Array
from .listing import listed
from .outline import TOKENS

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class Hints:
    """What the class names of a TorchScript archive tell beyond its weights.

    Attributes:
        modules: tokens of parameterless modules by path.
        doubts: what the names do not tell.
    """

    modules: Mapping[str, str] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()


_PARAMETERS = {
    "LeakyReLU": "negative_slope",
    "ELU": "alpha",
    "CELU": "alpha",
    "GELU": "approximation",
}


def told_by_names(modules: Mapping[str, str]) -> Hints:
    """What the class names of a TorchScript archive tell, which was not run: not the parameters of
    activations."""
    doubts = []
    for path, name in modules.items():
        if name in _PARAMETERS:
            unknown = f"its {_PARAMETERS[name]} is not known without running the archive (--trust)"
            doubts.append(f"`{path}` is {name}, {unknown}, torch's default is taken")
    tokens = {path: TOKENS[name] for path, name in modules.items() if name in TOKENS}
    return Hints(modules=tokens, doubts=tuple(doubts))


def import_class(name: str) -> Any:
    """The class or function behind `mypkg.models:LSTMModel`; the current folder is looked in first,
    as python -c does.

    Raises:
        InputError: there is none, or importing it fails.
    """
    module_name, colon, attribute = name.partition(":")
    if not colon or not attribute:
        raise InputError(f"--module is {name!r}, expected a class such as mypkg.models:LSTMModel")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = importlib.import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except Exception as error:  # the user's own code may raise anything
        raise InputError(
            f"--module {name} cannot be imported: {type(error).__name__}: {_line(error)}; run this "
            "where Python imports it: from the folder that holds it, in its environment"
        ) from error
    finally:
        sys.path.remove(str(Path.cwd()))
    return found


def make(name: str, kwargs: Mapping[str, Any]) -> nn.Module:
    """The user's module with random weights.

    Raises:
        InputError: the class cannot be imported or refuses the arguments.
    """
    from torch import nn

    made = import_class(name)
    if isinstance(made, nn.Module):
        return made
    try:
        module = made(**kwargs)
    except Exception as error:  # the user's own code may raise anything
        raise InputError(
            f"{name} cannot be made with {dict(kwargs)}: {type(error).__name__}: "
            f"{_line(error)}; it takes "
            f"{_signature(made)}; give its arguments with --kwargs '{{\"input_size\": 10}}'"
        ) from error
    if not isinstance(module, nn.Module):
        raise InputError(f"{name} made a {type(module).__name__}, expected an nn.Module")
    return module


def arguments(name: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a file's hyper_parameters or config say about the arguments that the class names.

    Raises:
        InputError: the class cannot be imported.
    """
    made = import_class(name)
    try:
        names = set(inspect.signature(made).parameters) if callable(made) else set()
    except (TypeError, ValueError):
        return {}
    nested = [value for value in facts.values() if isinstance(value, Mapping)]
    found = {}
    for record in (facts, *nested):
        for key, value in record.items():
            if key in names and type(value) in (bool, int, float, str):
                found[key] = value
    return found


def _signature(made: Any) -> str:
    try:
        return str(inspect.signature(made))
    except (TypeError, ValueError):
        return "other arguments"


def fill(
    module: nn.Module, arrays: Mapping[str, Array], buffers: Mapping[str, Array], name: str
) -> str:
    """Load a file's weights into the module, every one of the module's; returns the prefix that
    they have in the file.

    Raises:
        InputError: keys are missing or left over, or shapes differ.
    """
    import torch

    tensors = {key: torch.tensor(array) for key, array in {**arrays, **buffers}.items()}
    expected = list(module.state_dict())
    prefix = _prefix(expected, tensors)
    own = {key[len(prefix) :]: tensor for key, tensor in tensors.items() if key.startswith(prefix)}
    try:
        module.load_state_dict(own, strict=True)
    except RuntimeError as error:
        why = _misfit(set(expected), set(own), error)
        raise InputError(
            f"{name} does not have the weights of this file: {why}; "
            "is it the class and are --kwargs right?"
        ) from error
    return prefix


def _misfit(expected: set[str], own: set[str], error: RuntimeError) -> str:
    """Why a file's weights are not a module's: their names, or what torch says of their shapes."""
    reasons = []
    if expected - own:
        reasons.append(f"the file lacks {listed(expected - own)}")
    if own - expected:
        reasons.append(f"has {listed(own - expected)} besides")
    if reasons:
        return ", ".join(reasons)
    said = " ".join(str(error).split())
    _, _, sizes = said.partition("size mismatch")
    return sizes[:160].strip()


def _prefix(expected: list[str], tensors: Mapping[str, Any]) -> str:
    """What stands before the module's own names in the file, such as `model.` of a Lightning
    checkpoint."""
    first = expected[0] if expected else ""
    ending = [key for key in tensors if key == first or key.endswith(f".{first}")]
    prefixes = [key.removesuffix(first) for key in ending]
    fits = [prefix for prefix in prefixes if all(prefix + key in tensors for key in expected)]
    return min(fits, key=len, default="")


def own_copy(module: nn.Module) -> nn.Module:
    """The module in float32 and evaluation mode; the user's keeps its mode and its type."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, about gradients of scripted submodules
            return _copied(module).float().cpu().eval()
    except Exception as error:  # the user's own code may raise anything
        raise InputError(
            f"the module cannot be copied: {type(error).__name__}: {_line(error)}; take out of it "
            "what copy.deepcopy refuses, such as open files and locks"
        ) from error


def _copied(module: nn.Module) -> nn.Module:
    """A deep copy, of a module too whose weights a hook computes (weight_norm, pruning): such a
    weight is the end of a graph, which deepcopy refuses, and is computed anew at every call.
    """
    import torch

    memo: dict[int, Any] = {}
    for part in module.modules():
        for value in vars(part).values():
            if isinstance(value, torch.Tensor) and not value.is_leaf:
                memo[id(value)] = value.detach().clone()
    return copy.deepcopy(module, memo)


def call(module: nn.Module, x: Array) -> list[Array]:
    """Everything that the module answers with for x in its own layout; states that its forward asks
    for are zeros.

    Raises:
        InputError: it refuses x.
    """
    import torch

    from ..model.torch_module import one_thread

    try:
        with torch.no_grad(), one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the user's own, and torch's about speed
            return _flat(run(module, torch.tensor(np.asarray(x, np.float32))))
    except Exception as error:  # the user's own code may raise anything
        raise InputError(
            f"the module refused x {x.shape}: {type(error).__name__}: {_line(error)}"
        ) from error


def answer_names(module: nn.Module, x: Array) -> list[str]:
    """What a dict calls each of the tensors that `call` answers with; empty for no name."""
    import torch

    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = run(module, torch.tensor(np.asarray(x, np.float32)))
    return list(_names(answer, ""))


def _names(answer: Any, name: str) -> Iterator[str]:
    if isinstance(answer, Mapping):
        for key, part in answer.items():
            yield from _names(part, f"{name}.{key}" if name else str(key))
    elif isinstance(answer, tuple | list):
        for part in answer:
            yield from _names(part, name)
    else:
        yield from [name] * len(_flat(answer))


def exact_call(module: nn.Module) -> Callable[[Array], list[Array]] | None:
    """The same in float64, with a copy of the module; None where it cannot be cast."""
    import torch

    from ..model.torch_module import one_thread

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wide = _copied(module).double()
            _with_eps_of_float32(wide)
    except Exception:  # the user's own code may raise anything
        return None

    def answers(x: Array) -> list[Array]:
        default = torch.get_default_dtype()
        # for the states and numbers that the forward makes itself
        torch.set_default_dtype(torch.float64)
        try:
            with torch.no_grad(), one_thread(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return _flat(run(wide, torch.tensor(np.asarray(x, np.float64))), np.float64)
        except Exception as error:  # the user's own code may raise anything
            raise InputError(
                f"the module refused x {x.shape}: {type(error).__name__}: {_line(error)}"
            ) from error
        finally:
            torch.set_default_dtype(default)

    return answers


def _with_eps_of_float32(module: nn.Module) -> None:
    """An RMSNorm without an eps takes that of its type, which is another in float64."""
    import torch
    from torch import nn

    for part in module.modules():
        if isinstance(part, nn.RMSNorm) and part.eps is None:
            part.eps = torch.finfo(torch.float32).eps


def run(module: nn.Module, x: torch.Tensor) -> Any:
    """The module's answer, called as its forward asks to be."""
    return module(x, *_states(module, x))


def _flat(answer: Any, dtype: Any = np.float32) -> list[Array]:
    import torch

    if isinstance(answer, torch.Tensor):
        if not answer.is_floating_point():  # such as places of a maximum
            return []
        exact = answer.detach().double().cpu().numpy()
        return [exact.astype(dtype)]
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    if isinstance(answer, tuple | list):
        return [array for part in answer for array in _flat(part, dtype)]
    return []


def _states(module: nn.Module, x: Any) -> list[Any]:
    """Zeros for the states that the forward demands beside x, for modules with one recurrent
    module."""
    import torch
    from torch import nn

    recurrent = [part for part in module.modules() if isinstance(part, nn.LSTM | nn.GRU)]
    states = demanded_beside_x(module)
    if not states or len(recurrent) != 1:
        return []
    (rnn,) = recurrent
    rows = rnn.num_layers * (1 + rnn.bidirectional)
    batch = x.shape[0] if rnn.batch_first else x.shape[1]
    h = torch.zeros(rows, batch, rnn.proj_size or rnn.hidden_size, dtype=x.dtype)
    c = torch.zeros(rows, batch, rnn.hidden_size, dtype=x.dtype)
    if len(states) == 1:
        return [(h, c) if isinstance(rnn, nn.LSTM) else h]
    return [h, c] if len(states) == 2 else []


def demanded_beside_x(module: nn.Module) -> list[str]:
    """The names of what the forward demands after x; none of a TorchScript archive."""
    import torch

    if isinstance(module, torch.jit.ScriptModule):
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(module.forward).parameters.values()
    needed = [p.name for p in parameters if p.kind in kinds and p.default is p.empty]
    return needed[1:]


def reads_batch_first(module: nn.Module) -> bool | None:
    """batch_first of its recurrent modules; None where they disagree or there is none."""
    found = [getattr(part, "batch_first", None) for part in module.modules()]
    layouts = {layout for layout in found if isinstance(layout, bool)}
    return layouts.pop() if len(layouts) == 1 else None


def _line(error: Exception) -> str:
    """The last line of an error's text, where torch says what it is about."""
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else "no reason given"
