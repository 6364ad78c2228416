"""From a file's contents to a model: the chain stored, given, assumed or proved."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CheckpointError, InputError, UnsupportedModel
from ..model import Array, Model
from ..reading import Contents, contents_of, read_contents
from .checkpoint import Checkpoint
from .find_parts import find_parts
from .forward_text import forward_text, parse_forward
from .interface import with_interface
from .live import Hints, told_by_names
from .options import ASSUME, ReadingOptions
from .outline import Outline
from .parts import Parts
from .program import Program
from .proof import Proof, Recorded, prove_assumed, prove_given
from .recognise import recognise
from .reparametrized import with_computed
from .told_by_facts import with_steps
from .user_module import followed, running_of

if TYPE_CHECKING:
    from torch import nn

_COUNTERS = ("num_batches_tracked", "n_averaged")


def read_checkpoint(path: Path | str, options: ReadingOptions = ASSUME) -> Checkpoint:
    """Read a model file of any known format, running nothing that it holds unless `options` say so.

    Raises:
        CheckpointError: the file cannot be read or is not a checkpoint; the message says what it
            is.
        UnsupportedModel: it was read, and is no chain, or not the one that a reference computes.
        InputError: an option does not fit the file.
    """
    path = Path(path)
    contents = read_contents(path, options.key)
    try:
        return understand(contents, options, source=path)
    except (CheckpointError, UnsupportedModel) as error:
        whose = f"; the file {contents.framework}" if contents.framework else ""
        raise type(error)(f"{path}: {error}{whose}") from error


def from_state_dict(
    state_dict: Mapping[str, Any], options: ReadingOptions = ASSUME, module: nn.Module | None = None
) -> Checkpoint:
    """The chain that a state_dict in memory suggests, proved against `module` where it is that
    module's."""
    return understand(
        contents_of(state_dict, *(("live module",) if module is not None else ())), options, module
    )


def understand(
    contents: Contents,
    options: ReadingOptions = ASSUME,
    module: nn.Module | None = None,
    source: Path | None = None,
) -> Checkpoint:
    """The model in a file, or in a live module whose weights `contents` are.

    Args:
        contents: named tensors and what else the file holds.
        options: what the user says about them.
        module: the live module, the strongest reference there is.
        source: the file.

    Raises:
        CheckpointError: there is no LSTM, GRU or RNN in it.
        UnsupportedModel: it is no chain, or no plausible chain agrees with the reference.
        InputError: an option does not fit the file.
    """
    if contents.model is not None:
        return _stored(contents, contents.model, options, source)
    left = _whole_numbers(contents.buffers)
    contents = replace(contents, ignored=(*contents.ignored, *left))
    running = running_of(contents, options, module, source)
    if running is not None:
        return followed(contents, options, running, source)
    found = _recognised(contents, options, source)
    model, notes = with_steps(found.model, contents.facts)
    found = replace(found, model=model, notes=(*found.notes, *notes))
    return with_interface(found, contents, options)


def _recognised(contents: Contents, options: ReadingOptions, source: Path | None) -> Checkpoint:
    """The chain that was given or that names and shapes suggest, judged against recorded answers
    where there are."""
    told = told_by_names(contents.modules)
    arrays, computed = with_computed(contents.arrays)
    contents = replace(contents, arrays=arrays, notes=(*contents.notes, *computed))
    found = find_parts(arrays)
    given = _given(options, found)
    outlines = _outlines(found, options, told, given is not None)
    program = given or Program.chain(outlines[0].chain())
    proof = _proof(given, program, outlines, options)
    origin, doubts = _origin(given, outlines, proof, told)
    program = proof.program if proof else program
    said = ""
    if proof and proof.proved:
        said = f"proved on the {len(proof.answers.x)} recorded answers"
    return Checkpoint(
        program.model(origin),
        facts=contents.facts,
        notes=(
            *contents.notes,
            *_layout(options, proof),
            *_width(program),
            *(_unused(found, program) if given or proof else ()),
        ),
        source=source,
        doubts=doubts,
        forward=forward_text(program),
        contents=contents,
        proof=said,
    )


def _stored(
    contents: Contents, model: Model, options: ReadingOptions, source: Path | None
) -> Checkpoint:
    """A file that says what its chain is."""
    if options.about_chain or options.trust:
        raise InputError(
            f"{', '.join(options.about_chain) or '--trust'}: "
            f"this file stores its chain, {model.chain}; leave that out"
        )
    stored = Checkpoint(
        model, contents.windows, contents.facts, contents.notes, source, contents=contents
    )
    return with_interface(stored, contents, options)


def _whole_numbers(buffers: Mapping[str, Array]) -> tuple[str, ...]:
    """What of the buffers nobody asked about; no weight may be among them.

    Raises:
        CheckpointError: a weight or a bias holds whole numbers.
    """
    for name, array in buffers.items():
        if re.search(
            r"(^|\.)(weight|bias|running_mean|running_var)(_[ih]h_l\d+(_reverse)?)?$", name
        ):
            raise CheckpointError(
                f"{name} is {array.dtype}, expected floats; quantized weights are not read"
            )
    names = (name for name in buffers if name.rpartition(".")[2] not in _COUNTERS)
    return tuple(f"{name} {buffers[name].dtype} {buffers[name].shape}" for name in names)


def _outlines(
    found: Parts, options: ReadingOptions, told: Hints, is_given: bool
) -> tuple[Outline, ...]:
    """What names and shapes suggest; beside a given chain that may be nothing."""
    try:
        return recognise(found, options.readout, told.modules)
    except UnsupportedModel:
        if is_given:
            return ()
        raise


def _proof(
    given: Program | None,
    program: Program,
    outlines: Sequence[Outline],
    options: ReadingOptions,
) -> Proof | None:
    """The chain judged against recorded answers."""
    if not options.reference:
        return None
    signature = program.model("assumed").signature
    sizes = signature.input_size, signature.output_size
    answers = Recorded.read(options.reference, sizes, options.batch_first is False)
    return prove_given(given, answers, outlines) if given else prove_assumed(outlines, answers)


def _origin(
    given: Program | None, outlines: Sequence[Outline], proof: Proof | None, told: Hints
) -> tuple[str, tuple[str, ...]]:
    """Where the chain comes from, and what is open about it."""
    if proof and proof.proved:
        return f"proved against {proof.answers.name}", proof.doubts
    if given:
        return "given", proof.doubts if proof else ()
    return "assumed", (*(proof.doubts if proof else ()), *outlines[0].all_doubts, *told.doubts)


def _given(options: ReadingOptions, found: Parts) -> Program | None:
    """The forward that was given, x as wide as it has names where only these tell it."""
    if options.forward is None:
        return None
    program = parse_forward(options.forward, found.known)
    return replace(program, width=len(options.features)) if program.is_narrow else program


def _width(program: Program) -> tuple[str, ...]:
    """What x may have besides what is picked of it."""
    if not program.is_narrow:
        return ()
    taken = f"x is taken to have {program.input_size} features, the most that are picked of it"
    return (f"{taken}; --features names all of them where it has more",)


def _layout(options: ReadingOptions, proof: Proof | None) -> tuple[str, ...]:
    """What --no-batch-first means where no reference says it."""
    if options.batch_first is False and proof is None:
        return (
            "the module takes (seq, batch, input_size); "
            "artifacts always take (batch, seq, input_size)",
        )
    return ()


def _unused(found: Parts, program: Program) -> tuple[str, ...]:
    """What has weights and no place in a chain that was given or proved."""
    used = {part.token for part in program.parts}
    names = [part.token for part in found.known if part.token not in used]
    names += [*found.unknown, *found.aside]
    return (f"not in the chain: {', '.join(names)}",) if names else ()
