"""Forwards that are no chain, as text: `h = lstm; a = concat(last(h), mean(h)); fc(a) + x[-1:]`.

    program    statement (";" statement)*, of which the last is the answer
    statement  [NAME "="] sum
    sum        product (("+" | "-") product)*
    product    value (("*" | "/") value)*
    value      ("(" sum ")" | x | NAME | MODULE | call) ("[" FEATURES "]")*
    call       MODULE "(" sum ")" | STAGE "(" sum ("," NUMBERS)* ")"
               | "concat" "(" sum ("," sum)* ")"
    FEATURES   "0:3", "2" or "0, 2, 0"

A module alone takes x: `lstm` is `lstm(x)`. A module whose name is no word stands in backquotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from ..errors import InputError
from .naming import item_named, module_named, word_of
from .parts import Part
from .program import INPUT, Program, Step
from .tokens import Item, slice_text

X = "x"
LONGEST = 20_000  # characters
DEEPEST = 100  # parentheses
MOST_FEATURES = 2**16

_MARKS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
_WORD = re.compile(r"\s*([@A-Za-z0-9_][\w.]*|`[^`]*`|\.)")
_PLAIN = re.compile(r"[A-Za-z0-9_][\w.]*|\.")
_STATEMENT = re.compile(r"\s*([A-Za-z_]\w*)\s*=")
_SPACE = re.compile(r"\s*")
_NUMBERS = re.compile(r"\s*([-+\d.einf][-+\d.einf\s]*?)\s*(?=[,)])")
_FEATURES = re.compile(r"\s*(?:(\d+)\s*:\s*(\d+)|(\d+(?:\s*,\s*\d+)*))\s*\]")


def parse_formula(text: str, parts: Sequence[Part]) -> Program:
    """The program that a formula is.

    Raises:
        InputError: a word is unknown or not yet defined, a value is not used, or the text is no
            formula; the sentence says where.
    """
    if len(text) > LONGEST:
        raise InputError(
            f"--forward has {len(text):,} characters, at most {LONGEST:,} are read; name the class "
            "with --module instead"
        )
    return _Parser(text, parts).program()


@dataclass
class _Parser:
    text: str
    parts: Sequence[Part]
    at: int = 0
    depth: int = 0
    steps: list[Step] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=lambda: {X: INPUT})

    def program(self) -> Program:
        answer = self.statement()
        while self.takes(";") and self.text[self.at :].strip():
            answer = self.statement()
        if self.text[self.at :].strip():
            raise self.fault("expected an operator or ;")
        if answer != len(self.steps) - 1 or answer == INPUT:
            raise InputError(
                "--forward: the last statement only names a value, and computes none; end with the "
                "one that gives the answer"
            )
        self.check_used(answer)
        return Program(tuple(self.steps))

    def check_used(self, answer: int) -> None:
        used = {source for step in self.steps for source in step.takes} | {answer}
        for name, index in self.known.items():
            if index != INPUT and index not in used:
                raise InputError(
                    f"--forward: nothing takes {name}; a forward has one answer, the last "
                    f"statement: leave {name} out, or join the two: concat({name}, ...)"
                )

    # Statements and operators

    def statement(self) -> int:
        match = _STATEMENT.match(self.text, self.at)
        if match is None:
            return self.sum()
        name = match[1]
        if name in self.known or module_named(name, self.parts) is not None:
            taken = "the input" if name == X else "taken"
            raise self.fault(f"the name {name} is {taken} already; choose another")
        self.at = match.end()
        value = self.sum()
        self.known[name] = value
        return value

    def sum(self) -> int:
        value = self.product()
        while True:
            terms = [value]
            while self.takes("+"):
                terms.append(self.product())
            if len(terms) > 1:
                value = self.step("add", *terms)
            elif self.takes("-"):
                value = self.step("subtract", value, self.product())
            else:
                return value

    def product(self) -> int:
        value = self.value()
        while True:
            if self.takes("*"):
                value = self.step("multiply", value, self.value())
            elif self.takes("/"):
                value = self.step("divide", value, self.value())
            else:
                return value

    def step(self, item: Item, *takes: int) -> int:
        self.steps.append(Step(item, takes))
        return len(self.steps) - 1

    # Values

    def value(self) -> int:
        value = self.primary()
        while self.takes("["):
            value = self.step(slice_text(self.features()), value)
        return value

    def features(self) -> tuple[int, ...]:
        match = _FEATURES.match(self.text, self.at)
        if match is None:
            raise self.fault("expected features such as [0:3], [2] or [0, 2, 0]")
        self.at = match.end()
        if match[3]:
            return tuple(int(feature) for feature in match[3].split(","))
        features = tuple(range(int(match[1]), min(int(match[2]), MOST_FEATURES)))
        if not features:
            raise self.fault(f"no feature lies in {match[0].strip(' ]')}")
        return features

    def primary(self) -> int:
        if self.takes("("):
            return self.closed(self.sum)
        word = self.word()
        if self.takes("("):
            return self.closed(lambda: self.call(word))
        if word in self.known:
            return self.known[word]
        item = self.item(word)
        if isinstance(item, str):
            raise self.fault(f"{word} takes a value, as in {word}(x)")
        return self.step(item, INPUT)

    def closed(self, inner: Callable[[], int]) -> int:
        """What stands before a closing parenthesis."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.fault(
                f"more than {DEEPEST} parentheses are open; name inner values: a = ..."
            )
        value = inner()
        if not self.takes(")"):
            raise self.fault("expected )")
        self.depth -= 1
        return value

    def call(self, word: str) -> int:
        """What follows a word and an opening parenthesis."""
        is_module = module_named(word, self.parts) is not None
        values = [self.sum()]
        if word == "concat" and not is_module:
            while self.takes(","):
                values.append(self.sum())
            if len(values) < 2:
                raise self.fault("concat takes two values or more")
            return self.step("concat", *values)
        numbers: list[str] = []
        while self.takes(","):
            numbers.append(self.word() if is_module else self.numbers())
        token = f"{word}({', '.join(numbers)})" if numbers else word
        return self.step(self.item(token), *values)

    def item(self, token: str) -> Item:
        """The module or stage of a token; a name that is defined later is told."""
        if re.search(rf"(^|;)\s*{re.escape(token)}\s*=[^=]", self.text):
            raise InputError(
                f"--forward: {token} is taken before it is made; define it first, and let no "
                "value depend on itself"
            )
        return item_named(token, self.parts)

    # The text

    def word(self) -> str:
        match = _WORD.match(self.text, self.at)
        if match is None:
            raise self.fault("expected a value, a module or a stage")
        self.at = match.end()
        return match[1].strip("`")

    def numbers(self) -> str:
        match = _NUMBERS.match(self.text, self.at)
        if match is None:
            raise self.fault("expected numbers")
        self.at = match.end()
        return match[1]

    def takes(self, mark: str) -> bool:
        """Whether this mark comes next; it is then read."""
        match = _SPACE.match(self.text, self.at)
        end = match.end() if match else self.at
        if not self.text.startswith(mark, end):
            return False
        self.at = end + 1
        return True

    def fault(self, what: str) -> InputError:
        """What is wrong at this place of the text."""
        rest = self.text[self.at : self.at + 20].strip()
        where = f"before {rest!r}" if rest else "at the end"
        return InputError(f"--forward: {what} {where}")


def formula_of(program: Program) -> str:
    """The formula that `parse_formula` makes the program of, if its steps are ordered."""
    return "; ".join(_Writer(program).statements())


class _Writer:
    """Values that are taken several times get a statement each; others stand where they are
    taken."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._words = {part.token for part in program.parts}
        self._names: dict[int, str] = {INPUT: X}

    def statements(self) -> Iterator[str]:
        steps = self._program.steps
        for index, step in enumerate(steps[:-1]):
            if self._program.readers(index) > 1:
                text, _ = self._text(index)
                is_recurrent = isinstance(step.item, Part) and step.item.is_recurrent
                self._names[index] = self._free("h" if is_recurrent else "a")
                yield f"{self._names[index]} = {text}"
        text, _ = self._text(len(steps) - 1)
        yield f"{self._free('y')} = {text}"

    def _free(self, letter: str) -> str:
        names = (letter + (str(number) if number > 1 else "") for number in count(1))
        taken = {*self._names.values(), *self._words}
        return next(name for name in names if name not in taken)

    def _text(self, index: int) -> tuple[str, int]:
        """The text of a value, and how loosely its operator binds: 0 for none, 2 for a sum."""
        if index in self._names:
            return self._names[index], 0
        item, takes = self._program.steps[index]
        if isinstance(item, Part):
            module = item.token if _PLAIN.fullmatch(item.token) else f"`{item.token}`"
            _, _, more = word_of(item).removeprefix(item.token).rstrip(")").partition("(")
            arguments = [self._text(takes[0])[0], *([more] if more else [])]
            return f"{module}({', '.join(arguments)})", 0
        if item in _MARKS:
            return self._operation(item, takes)
        kind, _, numbers = item.partition("(")
        if kind == "slice":
            value, binding = self._text(takes[0])
            value = f"({value})" if binding else value
            return f"{value}[{_features(numbers.rstrip(')'))}]", 0
        values = [self._text(source)[0] for source in takes]
        arguments = [*values, *([numbers.removesuffix(")")] if numbers else [])]
        word = f"@{kind}" if kind in self._words else kind
        return f"{word}({', '.join(arguments)})", 0

    def _operation(self, kind: str, takes: tuple[int, ...]) -> tuple[str, int]:
        """`a - (b + c)`: the first may bind as loosely, a sum of a sum and every other may not."""
        binding = 2 if kind in ("add", "subtract") else 1
        texts: list[str] = []
        for place, source in enumerate(takes):
            text, inner = self._text(source)
            is_sum_of_sum = kind == "add" and self._is_sum(source)
            is_closed = inner > binding or (inner == binding and (place > 0 or is_sum_of_sum))
            texts.append(f"({text})" if is_closed else text)
        return f" {_MARKS[kind]} ".join(texts), binding

    def _is_sum(self, source: int) -> bool:
        return source != INPUT and self._program.steps[source].item == "add"


def _features(numbers: str) -> str:
    """`0:3` for neighbours in order, else the list."""
    features = [int(number) for number in numbers.split(",")]
    first = features[0]
    if features == list(range(first, first + len(features))):
        return f"{first}:{first + len(features)}"
    return numbers
