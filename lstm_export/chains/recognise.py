"""From named tensors to the likeliest chain, with all that is open said; or why there is none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import combinations

from ..errors import UnsupportedModel
from .forward_text import forward_text
from .order import orders
from .outline import Outline, Readout, draw
from .parts import Part, Parts

MOST_NAMED = 2  # of other orders in a doubt
MOST_UNKNOWN = 3  # of things in the way in a message
_ROLE = re.compile(r"(?:^|[._])(enc|dec)(?=oder|[._]|$)")
HINT = "give the chain with --forward if it is one"


def recognise(
    found: Parts, readout: Readout | None = None, modules: Mapping[str, str] | None = None
) -> tuple[Outline, ...]:
    """The likeliest chain, and after it the same modules in other orders that fit.

    Args:
        found: the modules.
        readout: which step is read out, where the user said so.
        modules: tokens of parameterless modules by path, where the file tells them.

    Raises:
        UnsupportedModel: a part cannot stand in a chain, or no order fits; it says what was
            recognised and what is in the way.
    """
    _check_roles(found)
    _check_unknown(found)
    fitting = orders(found)
    if not fitting:
        recognised = f"recognised {found.describe()}"
        raise UnsupportedModel(f"{recognised}; {_misfit(found)}; {HINT}")
    doubts = _order_doubts(fitting)
    return tuple(draw(order, readout, modules or {}, doubts) for order in fitting)


def _check_roles(found: Parts) -> None:
    """Refuse an encoder with a decoder."""
    recurrent = [part for part in found.known if part.is_recurrent]
    roles = {role for part in recurrent for role in _ROLE.findall(part.name)}
    if roles >= {"enc", "dec"}:
        names = " and ".join(part.token for part in recurrent)
        what = "are an encoder and a decoder, by their names, which is no chain"
        raise UnsupportedModel(f"recognised {found.describe()}; {names} {what}; {HINT}")


def _check_unknown(found: Parts) -> None:
    """Refuse what a chain cannot hold."""
    if not found.unknown:
        return
    named = [f"{name}: {looks}" for name, looks in found.unknown.items()]
    left_out = len(named) - MOST_UNKNOWN
    if left_out > 0:
        named = [*named[:MOST_UNKNOWN], f"and {left_out} more"]
    raise UnsupportedModel(
        f"recognised {found.describe()}; in the way of a chain stands {'; '.join(named)}; "
        "if the forward can do without, give it with --forward"
    )


def _misfit(found: Parts) -> str:
    """Why no order fits: modules side by side, or one that nothing fits."""
    for a, b in combinations(found.known, 2):
        names = f"{a.token} and {b.token}"
        takes = a.widths[0]
        if takes != b.widths[0]:
            continue
        if a.is_linear and b.is_linear and _is_end(a, found) and _is_end(b, found):
            return f"{names} are two heads, both take {takes}, and a chain has one output"
        if a.is_recurrent and b.is_recurrent:
            return f"{names} both take {takes}: they stand side by side, and a chain is one row"
    return _lone(found) or "in no order does each take what the one before it yields"


def _lone(found: Parts) -> str:
    """A module that takes what none of the others yields; the first one takes x."""
    yielded = {part.widths[1] for part in found.known}
    first = next(part for part in found.known if part.is_recurrent)
    for part in found.known:
        takes = part.widths[0]
        if part is not first and takes is not None and takes not in yielded:
            return f"{part.token} takes {takes}, which none of the others yields"
    return ""


def _is_end(part: Part, found: Parts) -> bool:
    """Whether no other module takes what this one yields."""
    return all(other is part or other.widths[0] != part.widths[1] for other in found.known)


def _order_doubts(fitting: Sequence[tuple[Part, ...]]) -> tuple[str, ...]:
    first, *others = [forward_text(order) for order in fitting]
    if not others:
        return ()
    left_out = len(others) - MOST_NAMED
    more = f" and {left_out} more" if left_out > 0 else ""
    named = "; ".join(others[:MOST_NAMED])
    return (f"the order {first} is the file's; the widths also allow {named}{more}",)
