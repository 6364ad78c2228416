"""The text of a forward: what `--forward` reads, and what recognition and translation show.

A chain is its modules and stages with commas between, `lstm, last, relu, fc1`; what is none is a
formula, see `formula`. A module is named by its prefix in the state_dict (`.` is the root), a stage
without weights by a token. A prefix wins over a stage of the same name; `@hidden` always means the
stage.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..errors import InputError
from .formula import formula_of, parse_formula
from .naming import item_named, word_of
from .parts import Part
from .program import Program
from .tokens import Item

# What only a formula has: an operator between values, or a value in parentheses.
_OPERATOR = re.compile(r"[;=\[\]*/]|\+(?!inf\b|\d)")
_VALUE = re.compile(r"\(\s*(?!-?inf\b|tanh\)|relu\)|rms_norm\)|prelu\))[^\s\d.)-]|\(\s*\d+\s*[(\[]")


def parse_forward(text: str, parts: Sequence[Part]) -> Program:
    """What a text says of a file with these modules.

    Raises:
        InputError: a word is no module and no stage; a module stands twice in a chain; or a formula
            is none.
    """
    tokens = _tokens(text)
    if _OPERATOR.search(text) or (len(tokens) == 1 and _VALUE.search(text)):
        return parse_formula(text, parts)
    items = tuple(item_named(token.strip(), parts) for token in tokens)
    modules = [item.token for item in items if isinstance(item, Part)]
    for token in modules:
        if modules.count(token) > 1:
            why = "every module has one place in a chain"
            raise InputError(f"--forward: {token} stands twice; {why}")
    return Program.chain(items)


def _tokens(text: str) -> list[str]:
    """What stands between commas, those in parentheses aside."""
    tokens = [""]
    depth = 0
    for letter in text:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth <= 0:
            tokens.append("")
        else:
            tokens[-1] += letter
    return tokens


def forward_text(program: Program) -> str:
    """The program as `--forward` reads it.

    Law: `parse_forward(forward_text(program), parts)` has the same steps.
    """
    tokens = [part.token for part in program.parts]
    is_plain = program.is_chain and len(set(tokens)) == len(tokens)
    return chain_text(program.items) if is_plain else formula_of(program)


def chain_text(items: Iterable[Item]) -> str:
    """Modules and stages with commas between."""
    items = tuple(items)
    modules = {item.token for item in items if isinstance(item, Part)}
    return ", ".join(_token(item, modules) for item in items)


def _token(item: Item, modules: set[str]) -> str:
    if isinstance(item, Part):
        return word_of(item)
    return f"@{item}" if item in modules else item
