"""ONNX Runtime as a device uses it: found or missed by name, silent, told what it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from ..errors import BundleError, InputError, MissingDependency, imported

CPU = "CPUExecutionProvider"

# ONNX Runtime's exceptions share no base, and which there are varies with its version.
_EXCEPTIONS = (
    "EPFail",
    "EngineError",
    "Fail",
    "InvalidArgument",
    "InvalidGraph",
    "InvalidProtobuf",
    "ModelLoaded",
    "NoModel",
    "NoSuchFile",
    "NotImplemented",
    "RuntimeException",
)

# Changes ONNX Runtime's session options, given its package and the options that are set.
Tune = Callable[[ModuleType, Any], None]

Errors = tuple[type[Exception], ...]


def onnxruntime() -> ModuleType:
    """The onnxruntime package, with its telemetry off unless the user chose otherwise.

    Raises:
        MissingDependency: it is not installed, or broken.
    """
    try:
        return imported("onnxruntime")
    except ImportError as error:
        raise MissingDependency(
            "running an .onnx file needs the package onnxruntime, which cannot be imported here "
            f"({error}); install it with: pip install onnxruntime"
        ) from error


def new_session(
    data: bytes, providers: Sequence[str] | None, tune: Tune | None, model_format: str = "ONNX"
) -> Any:
    """ONNX Runtime's session over the bytes of an ONNX file that were checked.

    Args:
        data: the file.
        providers: execution providers in order of preference; CPU by default.
        tune: changes the session's options.
        model_format: what the file is, `ONNX` or `ORT`.

    Raises:
        BundleError: this ONNX Runtime cannot load the file.
        InputError: a provider is not available, or did not start.
        MissingDependency: ONNX Runtime is not installed.
    """
    ort = onnxruntime()
    chosen = _chosen(providers, ort.get_available_providers())
    options = _options(ort, model_format)
    if tune:
        tune(ort, options)
    try:
        # The fallback would print a banner on stdout and try the same again.
        session = ort.InferenceSession(data, options, providers=chosen, enable_fallback=False)
    except runtime_errors(ort) as error:
        raise BundleError(
            f"ONNX Runtime {ort.__version__} cannot load the file: {first_line(error)}; "
            "install a newer one, or export the model again"
        ) from error
    if session.get_providers()[0] != chosen[0]:
        raise InputError(
            f"ONNX Runtime could not start {chosen[0]}; it would have fallen back to {CPU} silently"
        )
    return session


def _options(ort: ModuleType, model_format: str) -> Any:
    """One thread that sleeps when idle, and no memory kept.

    The default pool of threads spins and takes a core for itself.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Untold, it takes bytes that begin as its own format does for that format, which nobody
    # checked.
    options.add_session_config_entry("session.load_model_format", model_format)
    # Both grow with varying sequence lengths.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 4  # errors are raised; the log would repeat them on stderr
    return options


def _chosen(providers: Sequence[str] | None, available: Sequence[str]) -> list[str]:
    short = {name.removesuffix("ExecutionProvider").lower(): name for name in available}  # `cuda`
    chosen = [short.get(name.lower(), name) for name in providers or (CPU,)]
    for name in chosen:
        if name not in available:
            raise InputError(
                f"the provider {name} is not available here; choose from {', '.join(available)}"
            )
    return chosen


def runtime_errors(ort: ModuleType) -> Errors:
    """The exceptions of ONNX Runtime: its own, and those that its bindings make of C++'s."""
    state = vars(ort.capi.onnxruntime_pybind11_state)
    own = [state[name] for name in _EXCEPTIONS if name in state]
    return (*own, RuntimeError, ValueError, MemoryError)


def first_line(error: Exception) -> str:
    """The first line of an ONNX Runtime error; only its authors can read the others."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
