"""An opened file as a session: one engine of a bundle, or a lone artifact."""

from __future__ import annotations

import json
from functools import partial

from ..device import Nonfinite, Session
from ..device.onnx_runner import CHAIN, WEIGHTS_SHA256
from ..errors import InputError, naming
from .artifact import OpenedFile

STREAM = "onnx-stream"  # the target whose artifacts carry the state


def session_of(
    opened: OpenedFile, engine: str, providers: tuple[str, ...], nonfinite: Nonfinite
) -> Session:
    """A session on one engine of a bundle, or on a lone artifact whatever `engine` says.

    Raises:
        InputError: the bundle has no such engine, or it may not run.
        BundleError: the artifact is damaged or unsafe.
    """
    with naming(opened.path):
        bundle = opened.bundle
        if bundle is None:
            runner = opened.artifact.runner(providers)
            return Session(runner, runner.signature, nonfinite=nonfinite)
        if engine not in opened.engines:
            raise InputError(
                f"{opened.path} holds no artifact for {engine!r}; "
                f"it runs with {', '.join(opened.engines)}"
            )
        runner = opened.engines[engine].runner(providers)
        twin = opened.artifacts.get(STREAM)
        chain = json.dumps(bundle.model.chain_record(), sort_keys=True)
        return Session(
            runner,
            runner.signature,
            nonfinite=nonfinite,
            twin=partial(twin.runner, providers) if twin else None,
            mode=bundle.mode,
            said={CHAIN: chain, WEIGHTS_SHA256: bundle.model.weights_sha256},
        )
