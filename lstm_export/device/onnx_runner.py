"""Runs an `.onnx` file in ONNX Runtime, with the settings that suit small models on small machines."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

from ..errors import BundleError, InputError, LstmExportError, MissingDependency
from ..files import read_bytes
from ..model import Array, Signature
from .guards import checked_lengths
from .onnx_guard import MAX_BYTES, check_onnx

CPU = "CPUExecutionProvider"
# Keys of an artifact's own metadata, written by the ONNX target.
SIGNATURE, CHAIN, WEIGHTS_SHA256, VERSION, STATE, TAKES_LENGTHS = (
    f"lstm_export.{key}"
    for key in ("signature", "chain", "weights_sha256", "version", "state", "takes_lengths")
)
LENGTHS = "lengths"  # the input that says how many steps of each row count
FINAL = "_n"  # what a graph that carries state adds to an input's name for the output that belongs to it: h, h_n
# ONNX Runtime's exceptions share no base, and which there are varies with its version.
_ERRORS = """EPFail EngineError Fail InvalidArgument InvalidGraph InvalidProtobuf ModelLoaded NoModel NoSuchFile
NotImplemented RuntimeException"""


class OnnxRunner:
    """A Runner over one ONNX Runtime session that takes `x (batch, seq, input_size)`, and maybe `lengths (batch,)`.

    Attributes:
        takes_lengths: whether it can be told how many steps of each row count; if not told, all do.
        metadata: what the file says of itself.
        providers: what ONNX Runtime computes on, first choice first.
    """

    def __init__(self, session: Any, errors: tuple[type[Exception], ...]) -> None:
        self._session, self._errors = session, errors
        self._input, self._lengths, self._output = _ends(session)
        self.takes_lengths: bool = self._lengths is not None
        self.metadata: Mapping[str, str] = dict(session.get_modelmeta().custom_metadata_map)
        self.providers: tuple[str, ...] = tuple(session.get_providers())

    def __call__(self, x: Array, lengths: Array | None = None) -> Array:
        if not x.size:
            # A runtime is only asked about arrays that hold something.
            raise InputError(f"x has the shape {x.shape}, expected at least one row and one step")
        feeds = {self._input.name: np.ascontiguousarray(x, "<f4")}
        if self._lengths is not None:
            every = (
                np.full(len(x), x.shape[1])
                if lengths is None
                else checked_lengths(lengths, *x.shape[:2])
            )
            feeds[self._lengths.name] = every.astype(np.int32)
        elif lengths is not None:
            raise InputError(f"this ONNX file takes no {LENGTHS}; export it with --lengths")
        try:
            y: Array = self._session.run([self._output.name], feeds)[0]
        except self._errors as error:
            raise InputError(f"ONNX Runtime refused x {x.shape}: {first_line(error)}") from error
        return y

    @property
    def signature(self) -> Signature:
        """The interface: from the file's metadata, or its sizes alone from a file of another tool.

        Raises:
            BundleError: the metadata is damaged, or the sizes are not fixed in the file.
        """
        if SIGNATURE in self.metadata:
            return stored_signature(self.metadata)
        sizes = self._input.shape[-1], self._output.shape[-1]
        if not all(isinstance(size, int) for size in sizes):
            raise BundleError(
                f"the ONNX file does not say how wide x and y are, it has {sizes}; export it with fixed"
            )
        return Signature(*sizes)


def stored_signature(metadata: Mapping[str, str]) -> Signature:
    """The signature among what a file says of itself.

    Raises:
        BundleError: it is damaged, or not there.
    """
    try:
        return Signature.from_record(json.loads(metadata.get(SIGNATURE, "null")))
    except (ValueError, RecursionError, LstmExportError) as error:
        raise BundleError(f"the ONNX file's own signature is damaged: {error}") from error


# Changes ONNX Runtime's session options, given its package and the options that are set.
Tune = Callable[[ModuleType, Any], None]


def load_onnx(
    source: Path | bytes, providers: Sequence[str] | None = None, *, tune: Tune | None = None
) -> OnnxRunner:
    """Check an ONNX file and load the very bytes that were checked.

    Args:
        source: the file, or its contents.
        providers: execution providers of ONNX Runtime in order of preference, `cuda` for short; CPU by default.
        tune: changes the session's options.

    Raises:
        BundleError: the file is damaged, holds what is not allowed, or this ONNX Runtime cannot load it.
        InputError: the file cannot be read, or a provider is not available.
        MissingDependency: ONNX Runtime is not installed.
    """
    return opened(OnnxRunner, source, providers, tune)


RunnerT = TypeVar("RunnerT")


def opened(
    kind: Callable[[Any, tuple[type[Exception], ...]], RunnerT],
    source: Path | bytes,
    providers: Sequence[str] | None = None,
    tune: Tune | None = None,
) -> RunnerT:
    """A checked file as a runner of this kind, made of ONNX Runtime's session and what it raises; see `load_onnx`."""
    data = (
        source
        if isinstance(source, bytes)
        else read_bytes(source, "an exported .onnx file", MAX_BYTES)
    )
    check_onnx(data)
    ort = onnxruntime()
    errors = runtime_errors(ort)
    chosen = _chosen(providers, ort.get_available_providers())
    options = _options(ort)
    if tune:
        tune(ort, options)
    try:
        # The fallback would print a banner on stdout and try the same again.
        session = ort.InferenceSession(data, options, providers=chosen, enable_fallback=False)
        runner = kind(session, errors)
    except errors as error:
        raise BundleError(
            f"ONNX Runtime {ort.__version__} cannot load the file: {first_line(error)}"
        ) from error
    if session.get_providers()[0] != chosen[0]:
        raise InputError(
            f"ONNX Runtime could not start {chosen[0]}; it would have fallen back to {CPU} silently"
        )
    return runner


def onnxruntime() -> ModuleType:
    """The onnxruntime package.

    Raises:
        MissingDependency: it is not installed, or broken.
    """
    try:
        import onnxruntime as ort
    except ImportError as error:
        raise MissingDependency(
            f"running an .onnx file needs the package onnxruntime, which cannot be imported here ({error}); "
            "install it with: pip install onnxruntime"
        ) from error
    module: ModuleType = ort
    return module


def _options(ort: ModuleType) -> Any:
    """One thread that sleeps when idle, no memory kept: the default pool spins and takes a core for itself."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = options.enable_mem_pattern = (
        False  # both grow with varying sequence lengths
    )
    options.log_severity_level = 4  # errors are raised; the log would repeat them on stderr
    return options


def _chosen(providers: Sequence[str] | None, available: Sequence[str]) -> list[str]:
    short = {name.removesuffix("ExecutionProvider").lower(): name for name in available}
    chosen = [short.get(name.lower(), name) for name in providers or (CPU,)]
    for name in chosen:
        if name not in available:
            raise InputError(
                f"the provider {name} is not available here; choose from {', '.join(available)}"
            )
    return chosen


def _ends(session: Any) -> tuple[Any, Any | None, Any]:
    """x, lengths where it takes them, and the first output, as ONNX Runtime describes them."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    given = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs) or "nothing"
    more = [(one.name, one.type, len(one.shape)) for one in inputs[1:]]
    x = [(one.type, len(one.shape)) for one in inputs[:1]]
    if x != [("tensor(float)", 3)] or more not in ([], [(LENGTHS, "tensor(int32)", 1)]):
        raise BundleError(
            f"the ONNX file takes {given}, expected one float input (batch, seq, input_size), "
            f"and beside it at most int32 {LENGTHS} (batch,)"
        )
    if not outputs or outputs[0].type != "tensor(float)":
        raise BundleError("the ONNX file gives no float output, expected y (batch, output_size)")
    return inputs[0], inputs[1] if more else None, outputs[0]


def runtime_errors(ort: ModuleType) -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises: its own exceptions, and what its bindings make of C++'s."""
    state = ort.capi.onnxruntime_pybind11_state
    own = tuple(getattr(state, name) for name in _ERRORS.split() if hasattr(state, name))
    return (*own, RuntimeError, ValueError, MemoryError)


def first_line(error: Exception) -> str:
    """What an error of ONNX Runtime says, without the lines that only its authors can read."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
