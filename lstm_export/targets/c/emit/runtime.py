"""The files of `runtime/` as one text: what a model needs, under its name.

Three things are done to them, all described in runtime/README.md:

1. `#include "file"` is replaced by the file, the first time; what the writer makes takes the place
   of its example.
2. An `#if` over the macros of choices.h is decided, and only what it keeps is written. Every other
   `#if`, such as those over the machine, is C's own and stays.
3. `model_` and `MODEL_`, which every name of the runtime begins with, become the name that the user
   chose.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "runtime"

# Macro -> value, for every macro of choices.h.
Choices = Mapping[str, int]

_CHOICE = re.compile(r"#ifndef (MODEL_\w+)\n(?:/\*.*\*/\n)?#define \1 \d+")
_DIRECTIVE = re.compile(r"#(ifdef|ifndef|if|elif|else|endif)\b(.*)")
_INCLUDE = re.compile(r'#include "([\w.]+)"')
_GUARD = re.compile(r"MODEL_\w+_H")  # what keeps a file from being included twice
_TERM = re.compile(r"(?P<not>!?)(?P<macro>MODEL_\w+)(?: (?P<comparison>==|<|>) (?P<number>\d+))?")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_BLANK_LINES = re.compile(r"\n{3,}")
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}


def amalgamated(file: str, choices: Choices, name: str, written: Mapping[str, str]) -> str:
    """`file` and all that it includes, cut to the choices and given its name.

    `written` are the texts that stand in for files, as they are.

    Raises:
        ValueError: an `#if` asks for a choice and for something else at once.
    """
    return single_spaced(_Inliner(choices, name, written).text(file))


def single_spaced(text: str) -> str:
    """At most one blank line at a time."""
    return _BLANK_LINES.sub("\n\n", text)


def choices_of(chosen: Mapping[str, int]) -> Choices:
    """All macros of choices.h: those not chosen are 0.

    Raises:
        KeyError: a macro is chosen that choices.h does not document.
    """
    values = dict.fromkeys(documented(), 0)
    for macro, value in chosen.items():
        if macro not in values:
            raise KeyError(f"runtime/choices.h documents no {macro}")
        values[macro] = value
    return values


@cache
def documented() -> tuple[str, ...]:
    """The macros of choices.h."""
    return tuple(_CHOICE.findall(read("choices.h")))


def with_values(text: str, values: Mapping[str, int]) -> str:
    """The `#define` of every macro in `values` with that value."""
    for macro, value in values.items():
        text = re.sub(rf"(?m)^(#define {macro}) \d+", rf"\g<1> {value}", text)
    return text


def named(text: str, name: str) -> str:
    """`text` with the name in the place of `model` and `MODEL` where identifiers begin so."""
    prefixes = {"model": name, "MODEL": name.upper()}
    return re.sub(r"\b(model|MODEL)_", lambda found: f"{prefixes[found[1]]}_", text)


@cache
def symbols() -> frozenset[str]:
    """What follows `model_` in the names of the runtime: no array may be called so."""
    found: set[str] = set()
    for file in FOLDER.glob("*.[ch]"):
        if file.name not in ("chain.h", "integer_chain.h"):  # examples
            found |= set(re.findall(r"\bmodel_(\w+)", file.read_text(encoding="utf-8")))
    return frozenset(found)


def read(file: str) -> str:
    """A file of the runtime as it stands."""
    return (FOLDER / file).read_text(encoding="utf-8")


class _Inliner:
    """Files in the order in which they are first included."""

    def __init__(self, choices: Choices, name: str, written: Mapping[str, str]) -> None:
        self._choices = choices
        self._name = name
        self._written = written
        self._seen: set[str] = set()

    def text(self, file: str) -> str:
        """A file after those that it includes.

        Nothing the second time, and nothing of a file of which only a comment is left.
        """
        if file in self._seen:
            return ""
        self._seen.add(file)
        if file in self._written:
            return self._written[file]
        included = ""
        own = ""
        for line in kept_lines(read(file), self._choices):
            include = _INCLUDE.match(line)
            if include:
                included += self.text(include[1])
            else:
                own += line
        has_code = _COMMENT.sub("", own).strip()
        if not has_code:
            return included
        return f"{included}{named(own, self._name)}\n"


def kept_lines(text: str, choices: Choices) -> Iterator[str]:
    """The lines that the choices keep, without decided directives and include guards."""
    blocks: list[_Block] = []
    for line in text.splitlines(keepends=True):
        directive = _DIRECTIVE.match(line)
        if directive is None:
            defined = line.removeprefix("#define ").strip()
            if all(block.kept for block in blocks) and not _GUARD.fullmatch(defined):
                yield line
            continue
        kind = directive[1]
        condition = directive[2].strip()
        if kind.startswith("if"):
            blocks.append(_Block.opened(kind, condition, choices))
        elif not blocks[-1].is_open:
            blocks[-1].turn(kind, condition, choices)
        if all(block.kept for block in blocks) and blocks[-1].is_open:
            yield line
        if kind == "endif":
            blocks.pop()


class _Block:
    """An `#if` up to its `#endif`.

    Attributes:
        is_open: C decides it, not we: all its parts are kept.
        kept: whether the part that the reader is in is kept.
    """

    def __init__(self, value: bool | None) -> None:
        self.is_open = value is None
        self.kept = value is not False
        self._was_kept = self.kept

    @classmethod
    def opened(cls, kind: str, condition: str, choices: Choices) -> _Block:
        if kind == "ifndef" and _GUARD.fullmatch(condition):
            return cls(True)
        return cls(decided(condition, choices) if kind == "if" else None)

    def turn(self, kind: str, condition: str, choices: Choices) -> None:
        """At `#elif`, `#else` or `#endif`."""
        if kind == "elif":
            self.kept = not self._was_kept and bool(decided(condition, choices))
        elif kind == "else":
            self.kept = not self._was_kept
        self._was_kept = self._was_kept or self.kept


def decided(condition: str, choices: Choices) -> bool | None:
    """The value of a condition over choices; None where it asks for none.

    It reads `MODEL_A`, `!MODEL_A` and `MODEL_A < 3`, joined by `&&` and by `||`.

    Raises:
        ValueError: it asks for a choice and for something else.
    """
    asked = [macro for macro in re.findall(r"\bMODEL_\w+", condition) if macro in choices]
    if not asked:
        return None
    alternatives = [part.split("&&") for part in condition.split("||")]
    # every term is read, so that a wrong one is found wherever it stands
    values = [[_term(term, choices) for term in terms] for terms in alternatives]
    return any(all(terms) for terms in values)


def _term(text: str, choices: Choices) -> bool:
    term = _TERM.fullmatch(text.strip())
    if term is None or term["macro"] not in choices:
        raise ValueError(f"#if asks for a choice and for something else: {text.strip()}")
    value = choices[term["macro"]]
    if term["comparison"]:
        is_true = _COMPARE[term["comparison"]](value, int(term["number"]))
    else:
        is_true = bool(value)
    return is_true != bool(term["not"])
