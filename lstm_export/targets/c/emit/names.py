"""Names that C and C++ take."""

from __future__ import annotations

import re
from collections.abc import Collection

from ....errors import InputError

# Of C99 to C23 and of C++11 to C++20; what the generated code itself uses, a `_` after the name, is no keyword.
_KEYWORDS = """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class
    co_await co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype
    default delete do double dynamic_cast else enum explicit export extern false float for friend goto if inline
    int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register
    reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast struct switch
    template this thread_local throw true try typedef typeid typename typeof typeof_unqual union unsigned using
    virtual void volatile wchar_t while xor xor_eq
"""
KEYWORDS = frozenset(_KEYWORDS.split())
LONGEST = 31  # significant characters of an external name in C99, less what is put behind it; longer ones still work


def checked(name: str) -> str:
    """`name`, if C symbols can begin with it.

    Raises:
        InputError: it is no identifier, a keyword, or reserved.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name, re.ASCII):
        raise InputError(f"the name {name!r} is no C identifier: letters, digits and _, no digit first")
    if name in KEYWORDS:
        raise InputError(f"the name {name!r} is a keyword of C or C++; choose another with --name")
    if name.startswith("_") or "__" in name:
        raise InputError(f"the name {name!r} is reserved in C or C++ (a leading _ or __); choose another with --name")
    if len(name) > 2 * LONGEST:
        raise InputError(f"the name {name!r} has {len(name)} characters, at most {2 * LONGEST} are allowed")
    return name


def identifier(text: str, taken: Collection[str]) -> str:
    """A stage's name as part of an identifier, different from those taken: `model.lstm` as `model_lstm`."""
    base = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_") or "stage"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    return name
