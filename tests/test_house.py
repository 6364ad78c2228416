"""What keeps the house readable, where no linter has a rule for it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "lstm_export"
ROOMS = (PACKAGE, ROOT / "scripts", ROOT / "tests")
FILES = sorted(path for room in ROOMS for path in room.rglob("*.py"))
LONGEST_LINE = 100
LONGEST_FUNCTION = 40
LONGEST_FILE = 400
Function = ast.FunctionDef | ast.AsyncFunctionDef
Offences = Iterator[tuple[int, str]]  # a line of the file, and what is wrong there


def long_lines(path: Path) -> Offences:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if len(line) > LONGEST_LINE:
            yield number, f"{len(line)} characters"


def long_files(path: Path) -> Offences:
    lines = path.read_text(encoding="utf-8").count("\n")
    if lines > LONGEST_FILE:
        yield 1, f"{lines} lines"


def long_functions(path: Path) -> Offences:
    """A command's signature has a line for each of its options, and does not count."""
    is_command = PACKAGE / "cli" in path.parents
    for node in nodes(path):
        if isinstance(node, Function):
            first = node.body[0] if is_command else node
            lines = (node.end_lineno or 0) - first.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield node.lineno, f"{node.name} is {lines} lines"


def parallel_assignments(path: Path) -> Offences:
    """Several values given to as many names in a statement, swaps aside."""
    for node in nodes(path):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            target = node.targets[0]
            if isinstance(target, ast.Tuple) and not is_swap(target, node.value):
                yield node.lineno, ast.unparse(node)


def is_swap(targets: ast.Tuple, values: ast.Tuple) -> bool:
    """Whether the same places change their contents, as in `a, b = b, a`."""
    return set(map(ast.unparse, targets.elts)) == set(map(ast.unparse, values.elts))


def names_that_say_nothing(path: Path) -> Offences:
    for node in nodes(path):
        is_variable = isinstance(node, ast.Name) and node.id == "one"
        is_argument = isinstance(node, ast.arg) and node.arg == "one"
        if is_variable or is_argument:
            yield node.lineno, "`one` as a name"


def bare_excepts(path: Path) -> Offences:
    for node in nodes(path):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield node.lineno, "except without a class"


def questions_that_a_type_answers(path: Path) -> Offences:
    """`hasattr` and `getattr` for a member of one of the package's protocols."""
    if path.is_relative_to(ROOT / "tests"):  # the modules of users are asked, too
        return
    for node in nodes(path):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("hasattr", "getattr"):
            name = node.args[1]
            if isinstance(name, ast.Constant) and name.value in protocol_members():
                yield node.lineno, ast.unparse(node)


@cache
def protocol_members() -> frozenset[str]:
    """What the package's protocols promise: methods and attributes."""
    members: set[str] = set()
    for path in package_files():
        for node in nodes(path):
            if isinstance(node, ast.ClassDef) and "Protocol" in map(ast.unparse, node.bases):
                members |= set(members_of(node))
    return frozenset(members)


def members_of(protocol: ast.ClassDef) -> Iterator[str]:
    for part in protocol.body:
        if isinstance(part, Function):
            yield part.name
        elif isinstance(part, ast.AnnAssign):
            yield ast.unparse(part.target)


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def package_files() -> list[Path]:
    return [path for path in FILES if PACKAGE in path.parents]


EVERYWHERE = (
    long_lines,
    long_files,
    long_functions,
    parallel_assignments,
    names_that_say_nothing,
    bare_excepts,
    questions_that_a_type_answers,
)


SHARED_NAMES = {"arrays.py", "options.py"}


@pytest.mark.parametrize("rule", EVERYWHERE, ids=lambda rule: rule.__name__)
def test_no_file_breaks_a_rule_of_the_house(rule: Callable[[Path], Offences]) -> None:
    found = [
        f"{path.relative_to(ROOT).as_posix()}:{line}: {what}"
        for path in FILES
        for line, what in rule(path)
    ]
    assert not found, "\n".join(["", *found])


def test_two_files_share_no_name_unless_they_do_the_same() -> None:
    """Two targets have a writer each; a file of `cli` has the name of its command."""
    may_repeat = {PACKAGE / "cli", PACKAGE / "targets"}
    names = Counter(
        path.name
        for path in package_files()
        if not path.name.startswith("__") and not may_repeat & set(path.parents)
    )
    assert {name for name, count in names.items() if count > 1} <= SHARED_NAMES


# For every rule a file that breaks it once, and one that just keeps it.
EXAMPLES = {
    long_lines: ("#" * 101, "#" * 100),
    long_files: ("\n" * 401, "\n" * 400),
    long_functions: ("def f():\n" + " 1\n" * 40, "def f():\n" + " 1\n" * 39),
    parallel_assignments: ("a, b = 1, 2", "a, b = b, a"),
    names_that_say_nothing: ("for one in items: pass", "for item in items: pass"),
    bare_excepts: ("try: f()\nexcept: pass", "try: f()\nexcept OSError: pass"),
    questions_that_a_type_answers: ('hasattr(target, "export")', 'hasattr(signal, "SIGHUP")'),
}


@pytest.mark.parametrize("rule", EVERYWHERE, ids=lambda rule: rule.__name__)
def test_a_broken_rule_is_seen(rule: Callable[[Path], Offences], tmp_path: Path) -> None:
    for content, offences in zip(EXAMPLES[rule], (1, 0), strict=True):
        path = tmp_path / f"{offences}.py"
        path.write_text(content, encoding="utf-8")
        assert len(list(rule(path))) == offences, content
