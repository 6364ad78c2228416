"""Parity as an assertion for users' tests: `assert_parity(artifact_or_module, reference)`."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import pipeline
from .model.runner import row_by_row
from .parity import all_ok, check
from .verification.subject import HasStateDict, Subject

if TYPE_CHECKING:
    from .verification.subject import Source


def assert_parity(actual: Any, desired: Source, err_msg: str = "") -> None:
    """Raise AssertionError unless `actual` computes what the model `desired` does.

    Args:
        actual: the path of an artifact or a bundle, a live `nn.Module`, or a function from float32
            numpy `x (batch, seq, input_size)` to `y`.
        desired: a checkpoint's path, a live `nn.Module` or its state_dict.
        err_msg: what to say first when it fails, as in numpy.testing.

    Raises:
        AssertionError: it does not; the message is the whole report.
        LstmExportError: one of the two cannot be read.
    """
    __tracebackhide__ = True
    if isinstance(actual, Path | str):
        reports = pipeline.verify(actual, desired)
    else:
        subject = Subject.of(desired)
        runner = _eager(actual) if isinstance(actual, HasStateDict) else actual
        report = check(
            runner,
            subject.golden_for(runner),
            subject=type(actual).__name__,
            reference=row_by_row(subject.reference),
        )
        reports = (report,)
    if not all_ok(reports):
        paragraphs = [err_msg] if err_msg else []
        paragraphs += [f"{report.summary()}\n{report.table()}" for report in reports]
        raise AssertionError("\n\n".join(paragraphs))


def _eager(module: Any) -> Any:
    from .model.torch_module import eager

    return eager(copy.deepcopy(module).float().cpu())
