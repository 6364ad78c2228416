"""How streams of a model are made: on windows, or with state by a runner that carries it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, get_args, runtime_checkable

import numpy as np

from ..bundle import Mode
from ..errors import InputError
from ..model import Runner, Signature
from ..model.runner import is_stateful
from .state_file import identity_of
from .stream import Stream, Unusable
from .stream_context import Context, StateContext, WindowContext


@runtime_checkable
class HasMetadata(Protocol):
    """A runner of a file that says of itself which model it is.

    Attributes:
        metadata: by key, see `onnx_metadata`.
    """

    metadata: Mapping[str, str]


class StreamMaker:
    """Makes streams of a model for a batch; pickled as `again`, which makes it elsewhere."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a session knows
        self,
        signature: Signature,
        runner: Runner,
        twin: Callable[[], Runner] | None,
        mode: Mode | None,
        window: int | None,
        metadata: Mapping[str, str] | None = None,
        *,
        again: Callable[[], StreamMaker],
    ) -> None:
        """`metadata` names chain and weights of the model, where the runner's own does not.

        Raises:
            InputError: there is no twin, or no window is known.
        """
        window = signature.window if window is None else window
        mode = mode or ("window" if window else "state")
        if mode not in get_args(Mode):
            raise InputError(f"mode={mode!r} is unknown; choose one of {', '.join(get_args(Mode))}")
        engine = _carrying(runner, twin) if mode == "state" else runner
        self._new_context = _context_maker(engine, signature, mode, window)
        if not metadata:
            metadata = engine.metadata if isinstance(engine, HasMetadata) else {}
        samples = window if mode == "window" else None
        self._identity = identity_of(signature, metadata, mode, samples)
        self._signature = signature
        self._mode: Mode = mode
        self._again = again

    def __call__(self, batch: int, nonfinite: Unusable) -> Stream:
        return Stream(
            self._new_context,
            self._signature,
            mode=self._mode,
            identity=self._identity,
            again=self._again,
            batch=batch,
            nonfinite=nonfinite,
        )

    def __reduce__(self) -> tuple[Callable[[], StreamMaker], tuple[()]]:
        return self._again, ()


def _context_maker(
    engine: Runner, signature: Signature, mode: Mode, window: int | None
) -> Callable[[int], Context]:
    if mode == "state":
        every_step = _answers_every_step(engine, signature, 1)
        if is_stateful(engine):
            return partial(StateContext, engine, signature.input_size, every_step)
    if window is None or window < 1:
        found = "not stored" if window is None else window
        raise InputError(
            f"the window is {found}, expected how many samples it has; give it with --window, or "
            "keep the state with --mode state"
        )
    every_step = _answers_every_step(engine, signature, window)
    return partial(WindowContext, engine, signature, every_step, window)


def _answers_every_step(engine: Runner, signature: Signature, steps: int) -> bool:
    """Found by asking; a model that takes its last N steps at once has no answer to fewer."""
    y = engine(np.zeros((1, steps, signature.input_size), np.float32))
    return y.ndim == 3


def _carrying(runner: Runner, twin: Callable[[], Runner] | None) -> Runner:
    """The engine that carries the state: the one at hand, or its twin."""
    engine = runner if is_stateful(runner) or twin is None else twin()
    carries_state = is_stateful(engine)
    if not carries_state:
        raise InputError(
            "there is no artifact that carries the state; package the model with -t onnx "
            '-t onnx-stream, or let the stream keep a window, mode="window"'
        )
    return engine
