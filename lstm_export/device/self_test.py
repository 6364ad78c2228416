"""Does the artifact compute here what it computed where it was packaged?"""

from __future__ import annotations

from ..bundle import Bundle
from ..model import Runner
from ..parity import ParityReport, check


def self_test(bundle: Bundle, runner: Runner, subject: str = "this device") -> ParityReport:
    """Judge `runner` on the bundle's golden sets by the rule that packaging used; needs numpy alone."""
    return check(runner, bundle.golden, subject=subject, structure="as packaged")
