"""Does the artifact compute here what it computed where it was packaged?"""

from __future__ import annotations

from dataclasses import replace

from ..bundle import Bundle
from ..model import Runner
from ..model.runner import is_stateful
from ..parity import ParityReport, asked_of, check, check_streaming


def self_test(bundle: Bundle, runner: Runner, subject: str = "this device") -> ParityReport:
    """Judge `runner` on the bundle's golden sets by the rule that packaging used; needs numpy alone."""
    report = check(
        runner, asked_of(runner, bundle.golden), subject=subject, structure="as packaged"
    )
    proofs = check_streaming(runner, bundle.golden) if is_stateful(runner) else ()
    return replace(report, sets=(*report.sets, *proofs))
