"""A TorchScript module run node by node in Python, so that its calls are seen."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UnsupportedModel
from .capture import Place, Recorder, kind_of
from .signals import INSTEAD

if TYPE_CHECKING:
    import torch

FUNCTIONAL = "__torch__.torch.nn.functional."
MOST_STEPS = 100_000  # nodes of one run; a loop over the values of something would go on

_LINE = re.compile(r'File "([^"]+)", line (\d+)|^(\S+?)\((\d+)\):', re.MULTILINE)


def run_script(module: Any, x: torch.Tensor, recorder: Recorder) -> Any:
    """What a scripted or traced module answers for x, computed by calls of torch functions.

    Raises:
        UnsupportedModel: its code holds something that is not known here.
    """
    return _Interpreter(recorder).method(module, "forward", "", [x])


def _tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


@dataclass(frozen=True, eq=False)
class _Frame:
    """One method on its way: its values by name, the paths of the submodules among them, and whose
    it is."""

    values: dict[str, Any]
    paths: dict[str, str]
    owner: str
    kind: str

    def path(self, node: Any) -> str:
        """Of the module that a node takes first."""
        return self.paths.get(_names(node.inputs())[0], "")


class _Interpreter:
    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._steps = 0

    def method(self, module: Any, name: str, path: str, args: Sequence[Any]) -> Any:
        """One method of a submodule."""
        graph = module._c._get_method(name).graph
        if any(_is_users_function(node) for node in graph.nodes()):
            graph = _inlined(graph)
        inputs = _names(graph.inputs())
        values = dict(zip(inputs, [module, *args], strict=False))
        frame = _Frame(values, {inputs[0]: path}, path, kind_of(module))
        self._run(graph, frame)
        results = [values[name] for name in _names(graph.outputs())]
        return results[0] if len(results) == 1 else tuple(results)

    def _run(self, block: Any, frame: _Frame) -> None:
        for node in block.nodes():
            self._steps += 1
            if self._steps > MOST_STEPS:
                raise UnsupportedModel(f"the archive's code does not come to an end; {INSTEAD}")
            self._recorder.at = Place(frame.owner, frame.kind, _line(node))
            given = [frame.values.get(name) for name in _names(node.inputs())]
            results = self._results(node, given, frame)
            frame.values.update(zip(_names(node.outputs()), results, strict=True))

    def _block(self, block: Any, frame: _Frame) -> list[Any]:
        """What a block inside of a node gives."""
        self._run(block, frame)
        return [frame.values.get(name) for name in _names(block.outputs())]

    def _results(self, node: Any, given: list[Any], frame: _Frame) -> Sequence[Any]:
        what = node.kind()
        if what in PRIMS:
            return PRIMS[what](node, given)
        if what.startswith("aten::"):
            result = _operator(node, given)
            return result if node.outputsSize() > 1 else [result][: node.outputsSize()]
        inner = {
            "prim::GetAttr": self._attribute,
            "prim::CallMethod": self._method,
            "prim::If": self._branch,
            "prim::Loop": self._loop,
        }
        if what not in inner:
            line = _line(node) or "an unknown line"
            raise UnsupportedModel(
                f"the archive's code holds {what} at {line}, which is not known here; {INSTEAD}"
            )
        return inner[what](node, given, frame)

    @staticmethod
    def _attribute(node: Any, given: list[Any], frame: _Frame) -> Sequence[Any]:
        name = node.s("name")
        frame.paths[_names(node.outputs())[0]] = f"{frame.path(node)}.{name}".lstrip(".")
        return [getattr(given[0], name)]

    def _method(self, node: Any, given: list[Any], frame: _Frame) -> Sequence[Any]:
        return [self.method(given[0], node.s("name"), frame.path(node), given[1:])]

    def _branch(self, node: Any, given: list[Any], frame: _Frame) -> Sequence[Any]:
        first, second = node.blocks()
        return self._block(first if given[0] else second, frame)

    def _loop(self, node: Any, given: list[Any], frame: _Frame) -> Sequence[Any]:
        trips, going, *carried = given
        (body,) = node.blocks()
        for i in range(trips):
            if not going:
                break
            frame.values.update(zip(_names(body.inputs()), [i, *carried], strict=True))
            going, *carried = self._block(body, frame)
        return carried


def _names(values: Iterable[Any]) -> list[str]:
    return [value.debugName() for value in values]


def _is_users_function(node: Any) -> bool:
    return node.kind() == "prim::CallFunction" and not _function_type(node).startswith(FUNCTIONAL)


def _function_type(node: Any) -> str:
    return str(next(iter(node.inputs())).type().annotation_str)


def _function(node: Any) -> Callable[..., Any]:
    import torch

    name = _function_type(node).removeprefix(FUNCTIONAL)
    found: Callable[..., Any] | None = vars(torch.nn.functional).get(name)
    if found is None:
        raise UnsupportedModel(
            f"the archive's code calls {name}, which this PyTorch does not have; {INSTEAD}"
        )
    return found


def _inlined(graph: Any) -> Any:
    import torch

    copy = graph.copy()
    torch._C._jit_pass_inline(copy)
    return copy


def _line(node: Any) -> str:
    """File and line of the user's code, as the archive tells it; empty where it does not."""
    import torch

    theirs = str(Path(torch.__file__).parent)
    for match in _LINE.finditer(str(node.sourceRange())):
        file, line = (match[1], match[2]) if match[1] else (match[3], match[4])
        if not file.startswith((theirs, "code/")) and "/torch/nn/" not in file:
            return f"{file}:{line}"
    return ""


def _operator(node: Any, given: list[Any]) -> Any:
    """One of ATen's operators, or what TorchScript has for numbers and lists."""
    import torch

    name = node.kind().removeprefix("aten::")
    if name in PLAIN and not (name in MIXED and any(map(_tensor, given))):
        return PLAIN[name](*given)
    schema = torch._C.parse_schema(node.schema())
    names = [argument.name for argument in schema.arguments if argument.kwarg_only]
    count = len(given) - len(names)
    function = getattr(getattr(torch.ops.aten, name), schema.overload_name or "default")
    return function(*given[:count], **dict(zip(names, given[count:], strict=True)))


def _number(value: Any) -> Any:
    return value.item() if _tensor(value) else value


def _size(x: Any, axis: int | None = None) -> Any:
    sizes = list(x.size())
    return sizes if axis is None else sizes[axis]


def _listed(node: Any, given: list[Any]) -> Sequence[Any]:
    return [list(given)]


def _raised(node: Any, given: list[Any]) -> Sequence[Any]:
    raise RuntimeError(str(given[0]) if given else "the archive raised an exception")


def _nothing(*_: Any) -> None:
    """A warning, which changes nothing."""


# Operators of TorchScript on numbers and lists.
PLAIN: Mapping[str, Callable[..., Any]] = {
    "size": _size,
    "len": len,
    "dim": lambda x: x.dim(),
    "__getitem__": operator.getitem,
    "__is__": operator.is_,
    "__isnot__": operator.is_not,
    "__not__": operator.not_,
    "__contains__": operator.contains,
    "append": lambda values, value: values.append(value) or values,
    "Int": lambda value: int(_number(value)),
    "Float": lambda value: float(_number(value)),
    "Bool": lambda value: bool(_number(value)),
    "IntImplicit": _number,
    "FloatImplicit": _number,
    "ScalarImplicit": _number,
    "format": lambda text, *values: text.format(*values),
    "warn": _nothing,
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "floordiv": operator.floordiv,
    "remainder": operator.mod,
    "neg": operator.neg,
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "gt": operator.gt,
    "le": operator.le,
    "ge": operator.ge,
}
# Those of them that tensors have too.
MIXED = {
    "add",
    "sub",
    "mul",
    "div",
    "remainder",
    "neg",
    "eq",
    "ne",
    "lt",
    "gt",
    "le",
    "ge",
    "__contains__",
}

PRIMS: Mapping[str, Callable[[Any, list[Any]], Sequence[Any]]] = {
    "prim::CallFunction": lambda node, given: [_function(node)(*given[1:])],
    "prim::Constant": lambda node, _: [next(iter(node.outputs())).toIValue()],
    "prim::ListConstruct": _listed,
    "prim::TupleConstruct": lambda _, given: [tuple(given)],
    "prim::DictConstruct": lambda _, given: [dict(zip(given[::2], given[1::2], strict=True))],
    "prim::TupleUnpack": lambda _, given: given[0],
    "prim::ListUnpack": lambda _, given: given[0],
    "prim::TupleIndex": lambda _, given: [given[0][given[1]]],
    "prim::NumToTensor": lambda _, given: [given[0]],
    "prim::unchecked_cast": lambda _, given: given[:1],
    "prim::unchecked_unwrap_optional": lambda _, given: given[:1],
    "prim::Uninitialized": lambda _, __: [None],
    "prim::RaiseException": _raised,
    "prim::dtype": lambda _, given: [given[0].dtype],
    "prim::device": lambda _, given: [given[0].device],
    "prim::min": lambda _, given: [min(*given)],
    "prim::max": lambda _, given: [max(*given)],
}
