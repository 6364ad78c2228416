"""What a module does, recorded while it runs: every torch call that touches x, and its line.

torch's functions are seen by a TorchFunctionMode, at the level at which people write them: `lstm`,
`linear`, `relu6`. What runs beside them, such as the inside of a scripted module, is seen by a
TorchDispatchMode, and what comes out of it is marked as unseen.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..model import Array
from .call_names import ASKS, LIKE, RANDOM
from .recorded_tensors import function_name, plain_name, storage, tensors_in, values_of, version

if TYPE_CHECKING:
    import torch
    from torch import nn

PACKAGE = str(Path(__file__).resolve().parents[1])


@dataclass(frozen=True)
class Place:
    """Where a call stands.

    Attributes:
        module: the innermost submodule, `head.1`; empty for the module itself.
        kind: its class, `ReLU6`.
        line: file and line of the user's own code, `models.py:14`; empty where there is none.
    """

    module: str = ""
    kind: str = ""
    line: str = ""

    def __str__(self) -> str:
        owner = f"{self.module} ({self.kind})" if self.module else self.kind
        return " at ".join(part for part in (owner, self.line) if part)


@dataclass(frozen=True, eq=False)
class Constant:
    """A tensor that does not depend on x.

    Attributes:
        array: its values when it was used, float64 where it was made so, else as they are.
        name: what the module calls it, `fc.weight`; empty for a tensor that the forward made.
        origin: the call that makes its values others each time, such as `randn`; empty for none.
    """

    array: Array
    name: str = ""
    origin: str = ""


@dataclass(frozen=True, eq=False)
class Call:
    """One call that took a tensor that depends on x.

    Attributes:
        name: torch's, without the underscores of methods and of what works in place: `add`, `relu`.
        args, kwargs: as given, tensors as `Data` or `Constant`.
        place: where it stands.
        dtype: of its first result.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    place: Place
    dtype: str = ""

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """One of its arguments, by place or by name."""
        if position < len(self.args):
            return self.args[position]
        return self.kwargs.get(name, default)


@dataclass(frozen=True, eq=False)
class Data:
    """A tensor that depends on x: result number `index` of a call, or x itself."""

    call: Call | None
    index: int
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Recording:
    """What a module did with one x.

    Attributes:
        x: its input.
        answers: every tensor of floats that it answered with.
        reads: calls that took numbers out of tensors that depend on x, which then may decide what
            runs.
    """

    x: Data
    answers: tuple[Data | Constant, ...]
    reads: tuple[Call, ...]


class Recorder:
    """Keeps account of tensors by their identity. Tensors are kept alive, so that none takes the
    place of another."""

    def __init__(self, module: nn.Module) -> None:
        self.reads: list[Call] = []
        # Where the next call stands, if it is not told by Python's frames.
        self.at: Place | None = None
        self._paths = {id(part): path for path, part in module.named_modules()}
        self._kinds = {id(part): kind_of(part) for part in module.modules()}
        self._named = [*module.named_parameters(), *module.named_buffers()]
        self._names = {id(tensor): name for name, tensor in reversed(self._named)}
        # By identity: the tensor, its version when it was noted, and what it is.
        self._data: dict[int, tuple[torch.Tensor, int, Data]] = {}
        self._constants: dict[int, tuple[torch.Tensor, int, Constant]] = {}
        self._origins: dict[int, tuple[torch.Tensor, str]] = {}
        # By storage: what a call on data wrote to, and what no function call gave.
        self._written: dict[int, tuple[torch.Tensor, Call]] = {}
        self._unseen: dict[int, tuple[torch.Tensor, Call]] = {}

    def begin(self, x: torch.Tensor) -> Data:
        """The module's input."""
        data = Data(None, 0, tuple(x.shape))
        self._data[id(x)] = (x, version(x), data)
        return data

    def call(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Run one call and keep account of it."""
        name = function_name(func)
        if name in ASKS:
            return func(*args, **kwargs)
        given = list(tensors_in((args, kwargs)))
        if name in LIKE or not any(self._depends(tensor) for tensor in given):
            return self._constant_call(name, func, args, kwargs)
        place = self._place()
        symbols = self.symbols(tuple(args)), self.symbols(dict(kwargs))
        versions = [version(tensor) for tensor in given]
        result = func(*args, **kwargs)
        # what writes into its first argument may answer with nothing
        changed = args[0] if name in ("__setitem__", "__set__") else result
        results = list(tensors_in(changed))
        dtype = str(results[0].dtype).removeprefix("torch.") if results else ""
        call = Call(plain_name(name), *symbols, place, dtype)
        if not results:
            self.reads.append(call)
        for index, tensor in enumerate(results):
            data = Data(call, index, tuple(tensor.shape))
            self._data[id(tensor)] = (tensor, version(tensor), data)
        for tensor, before in zip(given, versions, strict=True):
            if version(tensor) != before or (tensor.is_inference() and name.endswith("_")):
                self._written[storage(tensor)] = (tensor, call)
        return result

    def _constant_call(
        self, name: str, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        known = [self._origins.get(id(tensor)) for tensor in tensors_in((args, kwargs))]
        origins = [each[1] for each in known if each is not None]
        result = func(*args, **kwargs)
        name = plain_name(name)
        # what is made of a random tensor is random, too
        origin = name if name in RANDOM else next(iter(origins), "")
        if name in ("zero", "fill", "copy", "zeros", "ones"):  # every value is set anew
            origin = ""
        for tensor in tensors_in(result):
            self._origins.pop(id(tensor), None)
            if origin:
                self._origins[id(tensor)] = (tensor, origin)
        return result

    def unseen(self, name: str, result: Any) -> None:
        """Mark what came out of something that is no call of a torch function."""
        call = Call(f"{name}, run by code that cannot be followed", (), {}, self._place())
        for tensor in tensors_in(result):
            self._unseen[storage(tensor)] = (tensor, call)

    def _depends(self, tensor: torch.Tensor) -> bool:
        return isinstance(self.symbol(tensor), Data)

    def symbols(self, value: Any) -> Any:
        """A structure of arguments with `Data` and `Constant` in place of tensors."""
        import torch

        if isinstance(value, torch.Tensor):
            return self.symbol(value)
        if isinstance(value, tuple | list):
            return tuple(self.symbols(part) for part in value)
        if isinstance(value, Mapping):
            return {key: self.symbols(part) for key, part in value.items()}
        return value

    def symbol(self, tensor: torch.Tensor) -> Data | Constant:
        """What a tensor is, as it stands now."""
        kept = self._data.get(id(tensor))
        place = storage(tensor)
        writer = self._written.get(place)
        aliased = tensor.is_inference() and writer is not None and writer[0] is not tensor
        if kept and kept[1] == version(tensor) and not aliased:
            return kept[2]
        if kept or writer:
            # It was changed since: what it holds now is known only to whoever wrote.
            call = kept[2].call if kept else None
            if writer:
                _, call = writer
            name = call.name if call else "change"
            changed = Call(f"{name} in place", (), {}, call.place if call else Place())
            return Data(changed, 0, tuple(tensor.shape))
        if place in self._unseen:
            return Data(self._unseen[place][1], 0, tuple(tensor.shape))
        return self._constant(tensor)

    def _constant(self, tensor: torch.Tensor) -> Constant:
        kept = self._constants.get(id(tensor))
        if kept and kept[1] == version(tensor):
            return kept[2]
        origin = self._origins.get(id(tensor), (tensor, ""))[1]
        constant = Constant(values_of(tensor), self._names.get(id(tensor), ""), origin)
        self._constants[id(tensor)] = (tensor, version(tensor), constant)
        return constant

    def _place(self) -> Place:
        """The innermost submodule and the innermost line that is the user's own."""
        if self.at is not None:
            return self.at
        frame = sys._getframe(1)
        owner = None
        line = ""
        while frame is not None and frame.f_code is not capture.__code__:
            found = frame.f_locals.get("self")
            if owner is None and id(found) in self._paths:
                owner = found
            if not line and _is_users(frame.f_code.co_filename):
                line = f"{frame.f_code.co_filename}:{frame.f_lineno}"
            if owner is not None and line:
                break
            frame = frame.f_back  # type: ignore[assignment]
        return Place(self._paths.get(id(owner), ""), self._kinds.get(id(owner), ""), line)


def capture(
    module: nn.Module, x: torch.Tensor, run: Callable[[torch.Tensor, Recorder], Any]
) -> Recording:
    """Record what a module does with x; `run` calls it."""
    import torch

    recorder = Recorder(module)
    data = recorder.begin(x)
    with torch.no_grad(), _watching(recorder):
        answer = run(x, recorder)
    floats = [tensor for tensor in tensors_in(answer) if tensor.is_floating_point()]
    answers = tuple(map(recorder.symbol, floats))
    return Recording(data, answers, tuple(recorder.reads))


@contextmanager
def _watching(recorder: Recorder) -> Iterator[None]:
    """Both modes; torch is imported here, so their classes are made here."""
    import torch
    from torch.overrides import TorchFunctionMode
    from torch.utils._python_dispatch import TorchDispatchMode

    inside: list[None] = []

    class Functions(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            inside.append(None)
            try:
                return recorder.call(func, args, kwargs or {})
            finally:
                inside.pop()

    class Kernels(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            with torch._C.DisableTorchFunction():
                result = func(*args, **(kwargs or {}))
                if not inside:
                    recorder.unseen(function_name(func), result)
            return result

    with Functions(), Kernels():  # type: ignore[no-untyped-call]
        yield


def _is_users(file: str) -> bool:
    import torch

    return not file.startswith((str(Path(torch.__file__).parent), PACKAGE))


def kind_of(part: nn.Module) -> str:
    """Its class; of a scripted module the one that it was made from."""
    import torch

    return (
        str(part.original_name) if isinstance(part, torch.jit.ScriptModule) else type(part).__name__
    )
