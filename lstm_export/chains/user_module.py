"""A user's running module as a checkpoint: translated, and proved in the user's units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError, LstmExportError, UnsupportedModel
from ..model import Array, Column, Model, Recurrent
from ..parity import GoldenSet, ParityReport, check
from ..reading import Contents
from . import units
from .checkpoint import Checkpoint
from .find_parts import find_parts
from .following import Followed, follow
from .forward_text import forward_text, parse_forward
from .interface import around, with_interface
from .live import (
    answer_names,
    arguments,
    call,
    exact_call,
    fill,
    make,
    own_copy,
    reads_batch_first,
)
from .options import ReadingOptions
from .output_names import Head, at_every_step_ahead, names_of
from .parts import Part
from .program import Program, Step, same_program
from .reference import PROBE, Asked, Call, Reference, reference
from .tokens import Item
from .told_by_facts import with_steps

if TYPE_CHECKING:
    from torch import nn


_AMPLIFIES = "it amplifies rounding beyond what float32 holds"


def _nameless(x: Array) -> Sequence[str]:
    return ()


@dataclass(frozen=True, eq=False)
class Running:
    """A module that can be called and followed.

    Attributes:
        name: what it is, for people.
        call: in float32.
        exact: in float64; None where it cannot be cast.
        follow: what it computes, given the layouts that it may take, and how many features or 0.
        batch_first: of its recurrent modules; None where that is not known.
        answer_names: what it calls the tensors that it answers x with; empty where it does not.
        prefix: what stands before its names in the file.
        notes: what a user should know.
    """

    name: str
    call: Call
    exact: Call | None
    follow: Callable[[Sequence[bool], int], Followed]
    batch_first: bool | None
    answer_names: Callable[[Array], Sequence[str]] = _nameless
    prefix: str = ""
    notes: tuple[str, ...] = ()


def running_of(
    contents: Contents, options: ReadingOptions, module: nn.Module | None, source: Path | None
) -> Running | None:
    """The live module, the user's class with the file's weights, or the archive in a process of its
    own."""
    if module is not None:
        return _here("the module", own_copy(module))
    if options.module is not None:
        kwargs = options.kwargs or arguments(options.module, contents.facts)
        made = own_copy(make(options.module, kwargs))
        prefix = fill(made, contents.arrays, contents.buffers, options.module)
        told = f", made with {dict(kwargs)} of the file" if kwargs and not options.kwargs else ""
        note = f"{options.module} was imported and run{told}, to prove the chain"
        return replace(_here(options.module, made), prefix=prefix, notes=(note,))
    if options.trust:
        from .archive_child import NAME, ArchiveProcess

        if source is None or "TorchScript" not in contents.how:
            raise InputError(
                f"--trust runs the code of a TorchScript archive, and this is a {contents.how}; "
                "name the class with --module"
            )
        archive = ArchiveProcess(source)
        note = "the archive's own code was run in a process of its own, to prove the chain"
        return Running(
            NAME, archive, archive.exact, archive.follow, archive.batch_first, notes=(note,)
        )
    return None


def _here(name: str, module: nn.Module) -> Running:
    return Running(
        name,
        lambda x: call(module, x),
        exact_call(module),
        lambda layouts, width: follow(name, module, layouts, width=width),
        reads_batch_first(module),
        lambda x: answer_names(module, x),
    )


def followed(
    contents: Contents, options: ReadingOptions, running: Running, source: Path | None
) -> Checkpoint:
    """The checkpoint of a running module.

    Raises:
        UnsupportedModel: it does something that has no translation, or another chain was given.
        InputError: an option does not fit it.
    """
    found = running.follow(_layouts(running, options), len(options.features))
    program = _agreed(_prefixed(found.program, running.prefix), contents, options, running.name)
    model, steps = with_steps(program.model("assumed"), contents.facts)
    given = around(contents, options, model.signature)
    sizes = model.signature.input_size, model.signature.output_size
    rows, steps_asked = PROBE
    probe = (rows, steps_asked + model.least_steps - 1)
    form = Asked(found.time_first, model.returns_every_step, probe)
    answers = reference(running.name, running.call, form, sizes, found.picks)
    report = _judged(model, answers, running.exact, given.scaled_windows)
    _check_passed(report, running.name, program)
    proved = report.verdict == "passed"
    doubt = f"the chain cannot be proved against {running.name}: {_AMPLIFIES}"
    heads = _heads(running, answers, form, model.signature.input_size)
    options = replace(options, outputs=at_every_step_ahead(options.outputs, heads))
    text = _text(program, contents)
    more = (*found.left_out, *steps, *_unsaid(text, running))
    checkpoint = Checkpoint(
        replace(model, origin=f"proved against {running.name}" if proved else "assumed"),
        facts=contents.facts,
        notes=(*contents.notes, *running.notes, *answers.notes, *more),
        source=source,
        doubts=() if proved else (doubt,),
        forward=text,
        reference=answers,
        contents=_with_unused(contents, {running.prefix + name for name in found.used}),
        proof=_said(report, running, given.windows) if proved else "",
    )
    return _with_names(with_interface(checkpoint, contents, options, given), heads)


def _heads(running: Running, answers: Reference, asked: Asked, width: int) -> list[Head]:
    """The tensors that are y, in order."""
    batch, seq = asked.probe
    layout = (seq, batch) if asked.time_first else (batch, seq)
    names = running.answer_names(np.zeros((*layout, width), np.float32))
    picked = [names[pick] if pick < len(names) else "" for pick in answers.form.picks]
    return [Head(name, shape) for name, shape in zip(picked, answers.shapes, strict=True)]


def _with_names(checkpoint: Checkpoint, heads: Sequence[Head]) -> Checkpoint:
    """The outputs by the names of the module's heads, where nobody named them."""
    signature = checkpoint.model.signature
    names = names_of(heads)
    if signature.targets or not names:
        return checkpoint
    named = replace(signature, targets=tuple(map(Column, names)), horizon=None)
    return replace(checkpoint, model=replace(checkpoint.model, signature=named))


def _agreed(found: Program, contents: Contents, options: ReadingOptions, name: str) -> Program:
    """What the module computes, as it was given where it was.

    Raises:
        UnsupportedModel: another one was given.
    """
    if options.forward is None:
        return found
    given = parse_forward(options.forward, find_parts(contents.arrays).known)
    given = replace(given, width=found.input_size)
    _check_given(given, found, name)
    return given


def _layouts(running: Running, options: ReadingOptions) -> list[bool]:
    """Whether time comes first, in the order in which it is tried."""
    if options.batch_first is not None:
        return [not options.batch_first]
    first = running.batch_first is False
    return [first, not first]


def _check_passed(report: ParityReport, name: str, program: Program) -> None:
    """Refuse a module that does not compute what its translation does.

    Raises:
        UnsupportedModel: it does something that was not seen.
    """
    failed = {result.name for result in report.sets if result.verdict == "failed"}
    if failed == {units.ONE_ROW}:
        raise UnsupportedModel(
            f"{name} computes something else for a batch of one row; name the axis that squeeze "
            "takes out, as in squeeze(-1)"
        )
    if report.verdict == "failed":
        raise UnsupportedModel(
            f"{name} computes something else than its operations tell ({forward_text(program)}); "
            f"{report.summary()}; it does something that is not seen from PyTorch"
        )


def _with_unused(contents: Contents, used: set[str]) -> Contents:
    """The contents, with the arrays that the forward does not touch among what is ignored."""
    left = {name: array for name, array in contents.arrays.items() if name not in used}
    unused = [f"{name} {array.shape}, not used by the forward" for name, array in left.items()]
    return replace(contents, ignored=(*contents.ignored, *unused))


def _text(program: Program, contents: Contents) -> str:
    """The program as `--forward` takes it for this file; empty where the file lacks what it
    needs."""
    text = forward_text(program)
    try:
        again = parse_forward(text, find_parts(contents.arrays).known)
    except LstmExportError:  # a module used twice, weights that only the forward makes
        return ""
    is_same = same_program(program, again) and again.input_size == program.input_size
    return text if is_same else ""


def _unsaid(text: str, running: Running) -> tuple[str, ...]:
    """That a file needs its module every time."""
    if text or not running.notes:  # a live module is at hand anyway
        return ()
    return (f"--forward cannot say this chain, whose weights {running.name} makes of the file's",)


def _said(report: ParityReport, running: Running, windows: Array | None) -> str:
    """On what it was proved."""
    sets = sum(result.verdict == "passed" for result in report.sets)
    kind = "float64" if running.exact else "float32, since it cannot be cast to float64"
    said = f"proved operation by operation, then in {kind} on {sets} sets of inputs: {units.SAID}"
    if windows is None:
        return said
    return f"{said}, and on {len(windows)} windows of {windows.shape[1]} steps of your data"


def _judged(
    model: Model, answers: Reference, exact: Call | None, windows: Array | None
) -> ParityReport:
    """By the parity rule on every input, against the module in float64 where it can be cast."""
    inputs = units.inputs_of(model)
    if windows is not None:
        inputs["your data"] = windows
    judge = answers
    if exact is not None:
        wide = replace(answers, call=exact, cache={})
        judge = wide if _answers(wide, inputs) else answers
    golden = [GoldenSet.of(name, model, x) for name, x in inputs.items()]
    return check(judge, golden, subject=answers.name)


def _answers(runner: Reference, inputs: dict[str, Array]) -> bool:
    try:
        runner(inputs["t2"])
    except InputError:
        return False
    return True


def _prefixed(program: Program, prefix: str) -> Program:
    """The modules under their names in the file."""
    if not prefix:
        return program
    named = [Step(_named(item, prefix), takes) for item, takes in program.steps]
    return replace(program, steps=tuple(named))


def _named(item: Item, prefix: str) -> Item:
    if isinstance(item, str):
        return item
    own = prefix + item.prefix if item.prefix else prefix.rstrip(".")
    stages = tuple(replace(stage, name=prefix + stage.name) for stage in item.stages)
    return replace(item, prefix=own, stages=stages)


def _check_given(given: Program, found: Program, name: str) -> None:
    """Refuse a chain that is not the one that the module computes."""
    if same_program(_plain(given), _plain(found)):
        return
    raise UnsupportedModel(
        f"{name} does not compute the chain that was given ({forward_text(given)}); "
        f"{name} agrees with: {forward_text(found)}"
    )


def _plain(program: Program) -> Program:
    """Without what changes nothing; the hidden state of a layer that reads one way is its last
    step."""
    plain = program.without_nothing()
    steps: list[Step] = []
    for item, takes in plain.steps:
        before = plain.steps[takes[0]].item if takes[0] >= 0 else None
        is_last = item == "hidden" and isinstance(before, Part) and not _reads_both_ways(before)
        steps.append(Step("last" if is_last else item, takes))
    return replace(plain, steps=tuple(steps)).ordered()


def _reads_both_ways(part: Part) -> bool:
    stage = part.stages[0]
    return isinstance(stage, Recurrent) and stage.bidirectional
