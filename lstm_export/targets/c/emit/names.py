"""Names that C and C++ take, made of names that anyone may have chosen."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from ....errors import InputError

# Of C99 to C23 and of C++11 to C++20; what the generated code itself uses, a `_` after the name, is
# no keyword.
_KEYWORDS = """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t
    char32_t class co_await co_return co_yield compl concept const const_cast consteval
    constexpr constinit continue decltype default delete do double dynamic_cast else enum
    explicit export extern false float for friend goto if inline int long mutable namespace new
    noexcept not not_eq nullptr operator or or_eq private protected public register
    reinterpret_cast requires restrict return short signed sizeof static static_assert
    static_cast struct switch template this thread_local throw true try typedef typeid typename
    typeof typeof_unqual union unsigned using virtual void volatile wchar_t while xor xor_eq
"""
KEYWORDS = frozenset(_KEYWORDS.split())
# Of C89 to C23
_HEADERS = """
    assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign
    stdarg stdatomic stdbit stdbool stdckdint stddef stdint stdio stdlib stdnoreturn string tgmath
    threads time uchar wchar wctype
"""
HEADERS = frozenset(_HEADERS.split())
LONGEST = 31  # significant characters of an external name in C99; longer ones still work
LONGEST_PART = 48  # characters of a stage's name in the name of an array


def checked(name: str) -> str:
    """`name`, if C symbols can begin with it.

    Raises:
        InputError: it is no identifier, a keyword, or reserved.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name, re.ASCII):
        raise InputError(
            f"the name {name!r} is no C identifier, which has letters, digits and _, no digit "
            "first; choose another with --name"
        )
    if name in KEYWORDS:
        raise InputError(f"the name {name!r} is a keyword of C or C++; choose another with --name")
    if name.startswith("_") or "__" in name:
        raise InputError(
            f"the name {name!r} is reserved in C or C++ (a leading _ or __); "
            "choose another with --name"
        )
    if len(name) > 2 * LONGEST:
        raise InputError(
            f"the name {name!r} has {len(name)} characters, at most {2 * LONGEST} are allowed; "
            "choose a shorter one with --name"
        )
    return name


def usable(name: str) -> str:
    """`name`, if it is `checked` and a new export can be called so.

    Raises:
        InputError: it is not, or NAME.h would be found in the place of a header of C.
    """
    checked(name)
    if name.lower() in HEADERS:  # file systems may not tell the case
        raise InputError(
            f"the name {name!r} would hide C's own {name.lower()}.h behind the model's header; "
            "choose another with --name"
        )
    if name.endswith("_"):
        raise InputError(
            f"the name {name!r} ends in _, so that symbols would have __, which is reserved in "
            "C++; choose another with --name"
        )
    return name


@dataclass(frozen=True)
class Prefix:
    """What every name in the generated C begins with."""

    name: str

    def symbol(self, rest: str) -> str:
        """The name of a function, an array or a type."""
        return f"{self.name}_{rest}"

    def macro(self, rest: str) -> str:
        """The name of a macro."""
        return f"{self.name.upper()}_{rest}"


def plain(text: str) -> str:
    """A stranger's name as we write it into C and beside it: `model.lstm` as `model_lstm`.

    At most 48 of `[A-Za-z0-9_]`, none where the name holds no letter and no digit.
    """
    words = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")
    return words[:LONGEST_PART].strip("_")


def prose(text: str) -> str:
    """A sentence for a comment: letters, digits, spaces, and marks that end nothing there."""
    return re.sub(r"[^A-Za-z0-9_ .,()=>-]", "_", text)


def plain_sentence(text: str) -> str:
    """A sentence that holds names of strangers, without marks that mean something in Markdown."""
    return re.sub(r"[^A-Za-z0-9_ .,;:%+'()-]", "_", text)


def distinct(name: str, taken: Collection[str]) -> str:
    """`name`, with a number after it where it is taken."""
    candidate = name
    number = 2
    while candidate in taken:
        candidate = f"{name}_{number}"
        number += 1
    return candidate
