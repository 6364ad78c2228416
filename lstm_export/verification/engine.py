"""An opened file as a session: one engine of a bundle, or a lone artifact."""

from __future__ import annotations

import json
import warnings
from functools import partial

from ..bundle import Bundle
from ..device import Nonfinite, Session, check_own_weights, packaged_structure
from ..device.onnx_metadata import CHAIN, WEIGHTS_SHA256
from ..device.session import Reopen
from ..errors import BundleError, InputError, UnsupportedModel, naming, with_step
from ..targets import EditedArtifact, HasForms
from .artifact import ArtifactFile
from .opened_file import OpenedFile

ONNX = "onnx"  # the engine of a bundle unless the user names another
NUMPY = "numpy"  # the engine where that one does not run
STREAM = "onnx-stream"  # the target whose artifacts carry the state


class EngineWarning(UserWarning):
    """A bundle runs with another engine than it would with everything installed."""


def engine_of(opened: OpenedFile, engine: str | None, providers: tuple[str, ...]) -> str | None:
    """The engine of a bundle: the one that is named, else `onnx`.

    Where ONNX Runtime is not installed, or the bundle holds no ONNX file, `numpy`, with an
    `EngineWarning`, unless a provider is named: it needs the weights alone, and compiles nothing.
    """
    if engine or opened.bundle is None:
        return engine
    reason = why_not_onnx(opened)
    if ONNX not in opened.artifacts:
        others = ", ".join(name for name in opened.engines if name != NUMPY)
        reason = f"it holds no onnx; name another with --engine (engine= in Python): {others}"
    if providers or not reason:
        return ONNX
    text = f"{opened.path} runs with numpy: {reason}"
    warnings.warn(text, EngineWarning, stacklevel=4)  # the caller of load
    return NUMPY


def session_of(
    opened: OpenedFile,
    engine: str | None,
    providers: tuple[str, ...],
    nonfinite: Nonfinite,
    reopen: Reopen,
) -> Session:
    """A session on one engine of a bundle, or on a lone artifact whatever `engine` says.

    `reopen` makes it again in another process.

    Raises:
        InputError: the bundle has no such engine, or it may not run.
        BundleError: the artifact is damaged or unsafe, or holds another model than its bundle.
    """
    with naming(opened.path):
        bundle = opened.bundle
        if bundle is None:
            least = _least_steps_of_lone(opened.artifact)
            runner = opened.artifact.runner(providers)
            return Session(
                runner, runner.signature, nonfinite=nonfinite, reopen=reopen, least_steps=least
            )
        if engine is None or engine not in opened.engines:
            raise _no_such_engine(opened, engine)
        for name in (engine, STREAM):  # streams may be opened from the artifact that carries state
            _check_packaged(bundle, name)
        runner = opened.engines[engine].runner(providers)
        stream = opened.artifacts.get(STREAM)
        chain = json.dumps(bundle.model.chain_record(), sort_keys=True)
        return Session(
            runner,
            runner.signature,
            nonfinite=nonfinite,
            twin=partial(stream.runner, providers) if stream else None,
            mode=bundle.mode,
            metadata={CHAIN: chain, WEIGHTS_SHA256: bundle.model.weights_sha256},
            reopen=reopen,
            least_steps=bundle.model.least_steps,
        )


def _no_such_engine(opened: OpenedFile, engine: str | None) -> InputError:
    return InputError(
        f"{opened.path} holds no artifact for {engine!r}; it runs with "
        f"{', '.join(opened.engines)}: name one of them with --engine (engine= in Python)"
    )


def _least_steps_of_lone(artifact: ArtifactFile) -> int:
    """The fewest steps that its model has an answer to; 1 where the format does not tell.

    What a file says of its own model, chain and weights, must be what its graph holds.
    """
    check_own_weights(artifact.data or b"")
    if not isinstance(artifact.module, HasForms):
        return 1
    try:
        model = artifact.read_back()
    except EditedArtifact as error:
        raise BundleError(str(error)) from error
    except UnsupportedModel:
        return 1  # opening it says why
    return model.least_steps if model else 1


def why_not_onnx(opened: OpenedFile) -> str:
    """Why the `onnx` artifact of a bundle does not run here; empty where it does or is absent."""
    artifact = opened.artifacts.get(ONNX)
    return artifact.why_not_run() if artifact else ""


def _check_packaged(bundle: Bundle, target: str) -> None:
    structure = packaged_structure(bundle, target)
    if structure != "as packaged":
        reason = f"the {target} artifact is not the bundle's model: {structure}"
        raise BundleError(with_step(reason, "package it again"))
