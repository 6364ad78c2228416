"""The lists that pages show, made from the code: targets, rooms, files, commands, pages."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from os.path import relpath
from pathlib import Path

from lstm_export import targets
from lstm_export.targets.target import CanRead

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
MKDOCS = ROOT / "mkdocs.yml"
PACKAGE = ROOT / "lstm_export"

# The readers, and the pages for each in order, as the navigation shows them.
READERS = {
    "Engineer": (
        "device.md",
        "streaming.md",
        "lengths.md",
        "scale.md",
        "bench.md",
        "signing.md",
        "sbom.md",
    ),
    "Firmware developer": ("c.md", "c_integer.md", "c_targets.md", "c_far.md"),
    "Web developer": ("web.md",),
    "Data scientist": (
        "export.md",
        "checkpoints.md",
        "written.md",
        "refused_checkpoints.md",
        "train.md",
        "tables.md",
        "evaluate.md",
    ),
    "Continuous integration": ("ci.md", "fleet.md", "parity.md", "json.md"),
    "Reference": ("glossary.md", "api.md", "benchmarks.md"),
    "Contributor": ("house.md", "files.md", "CONTRIBUTING.md", "SECURITY.md"),
}


def rows(name: str, page: Path) -> list[str]:
    """A Markdown table, for a page from which its links start."""
    tables: dict[str, Callable[[Path], list[str]]] = {
        "targets": _targets,
        "rooms": _rooms,
        "files": _files,
        "commands": _commands,
        "pages": _pages,
        "target": _target,
        "capabilities": _capabilities,
    }
    return tables[name](page)


def _targets(page: Path) -> list[str]:
    table = [
        "| target | what it does | file | the device needs | read back bit for bit |",
        "|---|---|---|---|---|",
    ]
    for name in targets.names():
        target = targets.get(name)
        what = target.__doc__.splitlines()[0].rstrip(".")
        is_read = "yes" if isinstance(target, CanRead) else "no"
        link = _link(f"`{name}`", command_page(name), page)
        table.append(
            f"| {link} | {what} | `{target.suffix}` | {target.needs or 'nothing'} | {is_read} |"
        )
    return table


def _files(page: Path) -> list[str]:
    table = ["| file | what |", "|---|---|"]
    for path in sorted(PACKAGE.rglob("*.py"), key=lambda path: path.relative_to(ROOT).parts):
        table.append(f"| `{path.relative_to(ROOT).as_posix()}` | {_first_line(path)} |")
    return table


def _rooms(page: Path) -> list[str]:
    from tests.test_rooms import ORDER

    table = ["| room | what |", "|---|---|"]
    for name in ORDER:
        folder = PACKAGE / name
        path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
        room = f"{name}/" if folder.is_dir() else f"{name}.py"
        table.append(f"| `{room}` | {_first_line(path)} |")
    return table


def _first_line(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0].replace("|", "\\|")


def commands() -> dict[str, str]:
    """Every command with its one line of help, in the order of `lstm-export --help`."""
    from typer.main import get_command

    from lstm_export.cli.app import app

    group = get_command(app)
    commands = group.commands  # type: ignore[attr-defined]
    return {name: command.get_short_help_str(200) for name, command in commands.items()}


def command_page(name: str) -> Path:
    """Where the page of a command lies."""
    return DOCS / "commands" / f"{name}.md"


def _commands(page: Path) -> list[str]:
    table = ["| command | what |", "|---|---|"]
    for name, what in commands().items():
        table.append(f"| {_link(f'`{name}`', command_page(name), page)} | {what} |")
    return table


def help_lines(command: str) -> list[str]:
    """What `lstm-export COMMAND --help` prints; a command of a group is named after it."""
    from typer.testing import CliRunner

    from lstm_export.cli.app import app

    arguments = [*command.split(), "--help"]
    shown = CliRunner().invoke(app, arguments, prog_name="lstm-export", terminal_width=80)
    return shown.stdout.rstrip().splitlines()


def _pages(page: Path) -> list[str]:
    table = ["| for | page | what it lets you do |", "|---|---|---|"]
    for reader, names in READERS.items():
        for index, name in enumerate(names):
            title, what = opening(DOCS / name)
            table.append(
                f"| {'' if index else reader} | {_link(title, DOCS / name, page)} | {what} |"
            )
    return table


def opening(page: Path) -> tuple[str, str]:
    """A page's title and its first sentence, which says what the page lets its reader do."""
    text = page.read_text(encoding="utf-8")
    title, _, rest = text.removeprefix("# ").partition("\n")
    paragraph = " ".join(rest.strip().partition("\n\n")[0].split())
    sentence = re.match(r".*?[.?!](?= |$)", paragraph)
    return title, sentence[0] if sentence else paragraph


def navigation() -> str:
    """mkdocs.yml with the navigation as the readers and the commands make it."""
    kept, _, _ = MKDOCS.read_text(encoding="utf-8").partition("nav:\n")
    lines = ["nav:", "  - Home: index.md"]
    for reader, names in READERS.items():
        lines += [f"  - {reader}:", *(f"      - {name}" for name in names)]
    lines += ["  - Commands:", "      - commands/index.md"]
    lines += [f"      - commands/{name}.md" for name in commands()]
    return kept + "\n".join([*lines, ""])


def _protocols() -> Iterator[ast.ClassDef]:
    """The protocols of targets/target.py in order."""
    tree = ast.parse((PACKAGE / "targets" / "target.py").read_text(encoding="utf-8"))
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return (node for node in classes if "Protocol" in map(ast.unparse, node.bases))


def _members(protocol: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Every attribute and method of a protocol as code, with the sentence that describes it."""
    attributes = (ast.get_docstring(protocol) or "").partition("Attributes:")[2]
    for name, what in re.findall(r"^ +(\w+): (.+(?:\n {8}.+)*)", attributes, re.MULTILINE):
        yield f"`{name}`", " ".join(what.split())
    for method in protocol.body:
        if isinstance(method, ast.FunctionDef):
            arguments = ast.unparse(method.args).removeprefix("self, ")
            returned = ast.unparse(method.returns) if method.returns else "None"
            sentence = (ast.get_docstring(method) or "").partition("\n\n")[0]
            what = " ".join(sentence.split())  # a row of a table is a line
            yield f"`{method.name}({arguments}) -> {returned}`".replace("|", "\\|"), what


def _target(page: Path) -> list[str]:
    (protocol,) = (node for node in _protocols() if node.name == "Target")
    return [
        "| member | what |",
        "|---|---|",
        *(f"| {member} | {what} |" for member, what in _members(protocol)),
    ]


def _capabilities(page: Path) -> list[str]:
    table = ["| capability | members |", "|---|---|"]
    for protocol in _protocols():
        # what a module is asked for with isinstance; the others only name a type
        if "runtime_checkable" in map(ast.unparse, protocol.decorator_list):
            when = " ".join((ast.get_docstring(protocol) or "").partition("Attributes:")[0].split())
            members = "<br>".join(f"{member}: {what}" for member, what in _members(protocol))
            table.append(f"| **{protocol.name}**: {when} | {members} |")
    return table


def _link(text: str, to: Path, page: Path) -> str:
    return f"[{text}]({Path(relpath(to, page.parent)).as_posix()})"
