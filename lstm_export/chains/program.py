"""What a forward computes: modules and stages in order, and which values each of them takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..errors import UnsupportedModel
from ..model import Model, Shape, Signature, Slice, Stage
from ..model.skip import origin_of, skip
from ..model.stage import X
from ..model.wiring import INPUT, shapes_of
from .parts import Part
from .tokens import (
    NOTHING,
    SCALERS,
    SKIP,
    Item,
    free_name,
    has_token,
    is_slice,
    skip_features,
    stage_of,
    token_of,
)

__all__ = ["INPUT", "Program", "Step", "program_of", "same_program"]


class Step(NamedTuple):
    """One module or stage.

    Attributes:
        item: the module, or the token of a stage without weights.
        takes: the indices of the steps whose values it takes; `INPUT` for x.
    """

    item: Item
    takes: tuple[int, ...]

    @property
    def keeps_width(self) -> bool:
        """Whether its value is as wide as what it takes first."""
        if isinstance(self.item, Part):
            return self.item.widths[1] is None
        return self.item != "concat" and not is_slice(self.item)


@dataclass(frozen=True, eq=False)
class Program:
    """The steps in the order in which they are computed; the last gives the answer.

    Attributes:
        steps: modules, stages and what each takes.
        width: of x; 0 where it follows from the modules.
    """

    steps: tuple[Step, ...]
    width: int = 0

    @classmethod
    def chain(cls, items: Iterable[Item], width: int = 0) -> Program:
        """Every item taking the value of the one before."""
        steps = [Step(item, (index - 1,)) for index, item in enumerate(items)]
        return cls(tuple(steps), width)

    @property
    def is_chain(self) -> bool:
        """Whether every step takes just the one before."""
        return all(step.takes == (index - 1,) for index, step in enumerate(self.steps))

    @property
    def items(self) -> tuple[Item, ...]:
        """The modules and tokens in order."""
        return tuple(step.item for step in self.steps)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The modules in order."""
        return tuple(item for item in self.items if isinstance(item, Part))

    def readers(self, index: int) -> int:
        """How often the value of a step is taken."""
        return sum(step.takes.count(index) for step in self.steps)

    @property
    def input_size(self) -> int:
        """The width of x; 0 where nothing tells it."""
        return self.width or _taken_of_x(self.steps) or _picked_of_x(self.steps)

    @property
    def is_narrow(self) -> bool:
        """Whether only what is picked of x tells how wide it is: it may be wider."""
        return not self.width and not _taken_of_x(self.steps)

    def ordered(self) -> Program:
        """The same in the order of its text: what is taken several times first, all else right
        before what takes it."""
        order: list[int] = []

        def place(index: int) -> None:
            for source in self.steps[index].takes:
                if source != INPUT and source not in order:
                    place(source)
            order.append(index)

        last = len(self.steps) - 1
        for index in (*(i for i in range(last) if self.readers(i) > 1), last):
            if index not in order:
                place(index)
        places = {INPUT: INPUT, **{index: at for at, index in enumerate(order)}}
        steps = [self.steps[index] for index in order]
        moved = []
        for item, takes in steps:
            moved.append(Step(item, tuple(places[each] for each in takes)))
        return Program(tuple(moved), self.width)

    def without_nothing(self) -> Program:
        """The same without dropout and squeeze."""
        place = {INPUT: INPUT}
        kept: list[Step] = []
        for index, step in enumerate(self.steps):
            takes = tuple(place[source] for source in step.takes)
            if step.item in NOTHING:
                place[index] = takes[0]
                continue
            place[index] = len(kept)
            kept.append(Step(step.item, takes))
        return Program(tuple(kept), self.width)

    def stages(self) -> tuple[Stage, ...]:
        """The stages in order, each under a name of its own, and with the names of what it takes
        where that is not the one before."""
        return _Builder(self).stages()

    def model(self, origin: str) -> Model:
        """The program as a model.

        Raises:
            UnsupportedModel: its shapes do not fit.
        """
        width = self.input_size
        if not width:
            names = ", ".join(map(_name, self.items))
            raise UnsupportedModel(
                f"the chain holds no LSTM, GRU or RNN that takes x: {names}; name one, as in "
                "lstm, last, fc"
            )
        builder = _Builder(self)
        stages = builder.stages()
        return Model(stages, Signature(width, builder.shapes[-1].width), origin)


def _name(item: Item) -> str:
    return item.token if isinstance(item, Part) else item


class _Width(NamedTuple):
    """How wide a value is: so many times as wide as x, and so many features besides."""

    times: int
    more: int = 0


def _taken_of_x(steps: Iterable[Step]) -> int:
    """The width of x by the first module that takes all of it; 0 for none."""
    widths = {INPUT: _Width(1)}
    for index, (item, takes) in enumerate(steps):
        taken = [widths[each] for each in takes]
        width = _Width(*map(sum, zip(*taken, strict=True))) if item == "concat" else taken[0]
        if isinstance(item, Part):
            takes_columns, gives = item.widths
            if width.times and takes_columns:
                return (takes_columns - width.more) // width.times
            width = width if gives is None else _Width(0, gives)
        elif item == "flatten" or is_slice(item):
            width = _Width(0, len(_features(item)))
        widths[index] = width
    return 0


def _picked_of_x(steps: Iterable[Step]) -> int:
    """As many features as x has at least, by those that are picked of it."""
    wide_as_x = {INPUT}
    most = 0
    for index, step in enumerate(steps):
        if step.takes[0] in wide_as_x and isinstance(step.item, str):
            most = max((most, *(feature + 1 for feature in _features(step.item))))
            if step.keeps_width:
                wide_as_x.add(index)
    return most


def _features(item: str) -> tuple[int, ...]:
    """The features that a slice picks; none of another stage."""
    stage = stage_of(item, set()) if is_slice(item) else None
    return stage.features if isinstance(stage, Slice) else ()


class _Builder:
    """One walk over the steps; which stage gives a step's value is kept by step."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._used = {stage.name for part in program.parts for stage in part.stages}
        self._modules: set[str] = set()  # names of stages of modules so far
        self._given_by: list[int] = []  # the stage that gives a step's value
        self._stages: list[Stage] = []
        self._sources: list[tuple[int, ...]] = []

    def stages(self) -> tuple[Stage, ...]:
        for item, takes in self._program.steps:
            sources = tuple(INPUT if each == INPUT else self._given_by[each] for each in takes)
            features = None if isinstance(item, Part) else skip_features(item)
            if features is not None:
                self._given_by.append(self._add_skip(features, sources[0]))
                continue
            for stage in self._of(item, sources[0]):
                self._add(stage, sources)
                sources = (len(self._stages) - 1,)
            self._given_by.append(sources[0])
        return tuple(self._stages)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """What the stages so far give."""
        return shapes_of(tuple(self._stages), tuple(self._sources), self._program.input_size)

    def _add(self, stage: Stage, sources: tuple[int, ...]) -> None:
        names = tuple(X if each == INPUT else self._stages[each].name for each in sources)
        is_next = sources == (len(self._stages) - 1,)
        self._stages.append(replace(stage, inputs=() if is_next else names))
        self._sources.append(sources)

    def _add_skip(self, features: tuple[int, ...], source: int) -> int:
        """Add the stages that add features of x to a value; which of them gives the sum."""
        name = free_name(SKIP, self._used)
        x = Shape(self._program.input_size, is_sequence=True)
        shape = x if source == INPUT else self.shapes[source]
        value = X if source == INPUT else self._stages[source].name
        for stage in skip(name, features, value, shape, origin_of(self._stages)):
            places = {each.name: index for index, each in enumerate(self._stages)} | {X: INPUT}
            sources = tuple(places[each] for each in stage.inputs)
            self._add(stage, sources or (len(self._stages) - 1,))
            self._used.add(stage.name)
        return len(self._stages) - 1

    def _of(self, item: Item, source: int) -> tuple[Stage, ...]:
        if isinstance(item, Part):
            return self._of_module(item)
        width = self._width(source) if item.startswith(SCALERS) else 0
        stage = stage_of(item, self._used, width)
        if stage is None:
            return ()
        self._used.add(stage.name)
        return (stage,)

    def _width(self, source: int) -> int:
        return self._program.input_size if source == INPUT else self.shapes[source].width

    def _of_module(self, part: Part) -> tuple[Stage, ...]:
        """Its stages; those of a module that stands there again get numbers."""
        number = 1
        while any(_numbered(stage.name, number) in self._modules for stage in part.stages):
            number += 1
        named = [replace(stage, name=_numbered(stage.name, number)) for stage in part.stages]
        self._modules |= {stage.name for stage in named}
        self._used |= self._modules
        return part.stages if number == 1 else tuple(named)


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}_{number}"


def same_program(a: Program, b: Program) -> bool:
    """Whether two programs are the same, bit for bit."""
    if len(a.steps) != len(b.steps):
        return False
    return all(
        first.takes == other.takes and _same_item(first.item, other.item)
        for first, other in zip(a.steps, b.steps, strict=True)
    )


def _same_item(a: Item, b: Item) -> bool:
    if isinstance(a, str) or isinstance(b, str):
        return a == b
    is_alike = a.token == b.token and len(a.stages) == len(b.stages)
    return is_alike and all(map(_same_stage, a.stages, b.stages))


def _same_stage(a: Stage, b: Stage) -> bool:
    ours = {key: array.tobytes() for key, array in a.arrays.items()}
    theirs = {key: array.tobytes() for key, array in b.arrays.items()}
    return a.options == b.options and ours == theirs


def program_of(model: Model) -> Program:
    """A model's stages as steps; those with weights are modules of their names."""
    steps: list[Step] = []
    for stage, takes in zip(model.stages, model.sources, strict=True):
        if has_token(stage):
            item: Item = token_of(stage)
        else:
            item = Part(stage.name, stage.kind, (stage,))
        steps.append(Step(item, takes))
    return Program(tuple(steps), model.signature.input_size)
