"""Messages of errors: what is wrong, then what to do next, once."""

from __future__ import annotations


def fault_of(message: str) -> str:
    """What is wrong with a message; empty for a good one.

    The next step stands after a semicolon. What was expected is one, too.
    """
    _, *steps = message.split("; ")
    if not steps and "expected" not in message:
        return "it names no next step"
    if sum("again" in step for step in steps) > 1:
        return "it names its next step twice"
    return ""
