"""The C runtime in `runtime/`, cut to what one model uses and given its name.

The files in `runtime/` are C, with `NAME_` before every symbol and blocks `//@if FLAG` or `//@if not FLAG` up to
`//@end`, which may lie inside each other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import resources


def runtime(files: Collection[str], flags: Collection[str], words: Mapping[str, str]) -> str:
    """The files one after another; `words` are replaced, longer ones first."""
    text = "".join(_cut(_read(file), flags) for file in files)
    return replaced(text, words)


def replaced(text: str, words: Mapping[str, str]) -> str:
    """`text` with every word of `words` replaced, longer ones first."""
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, words[word])
    return text


def _read(file: str) -> str:
    return (resources.files("lstm_export.targets.c") / "runtime" / file).read_text(encoding="utf-8")


def _cut(text: str, flags: Collection[str]) -> str:
    """Only the blocks whose flags are given."""
    kept, lines = [True], []
    for line in text.splitlines(keepends=True):
        if line.startswith("//@if "):
            negated, _, flag = line[len("//@if ") :].strip().rpartition(" ")
            kept.append(kept[-1] and (flag in flags) != (negated == "not"))
        elif line.startswith("//@end"):
            kept.pop()
        elif kept[-1]:
            lines.append(line)
    return "".join(lines)
