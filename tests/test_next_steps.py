"""Every error of what a device opens says what to do next, as its source has it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import lstm_export
from lstm_export import errors
from tests.kit.next_steps import fault_of

PACKAGE = Path(lstm_export.__file__).parent
ROOMS = ("bundle", "device", "signing")
ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type)}
# What is said of the inside of a saved state, within a sentence about it.
WITHIN = ("a series is named by no text", "its list of series", "a series was last seen")


def messages(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every message that an error is made with, and its line.

    Not those that quote another error, which has said what to do, or are put together elsewhere.
    """
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
            continue
        is_text = isinstance(node.args[0], ast.Constant | ast.JoinedStr)
        text = ast.unparse(node.args[0])
        if node.func.id in ERRORS and is_text and "{error}" not in text:
            yield node.lineno, text


@pytest.mark.parametrize("room", ROOMS)
def test_every_message_names_a_next_step(room: str) -> None:
    found = 0
    for path in sorted((PACKAGE / room).rglob("*.py")):
        for line, message in messages(ast.parse(path.read_text(encoding="utf-8"))):
            found += 1
            if not any(part in message for part in WITHIN):
                assert not fault_of(message), f"{path.name}:{line}: {message}"
    assert found > 10


def test_a_message_without_or_with_two_is_seen() -> None:
    assert fault_of("x is absent") == "it names no next step"
    assert fault_of("x is absent; copy it again; export it again") == "it names its next step twice"
    assert not fault_of("x is absent; copy it again, or export it again")
