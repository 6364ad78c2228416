"""From named tensors to the likeliest chain, with everything that stays open said; or to why there is none."""

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
HINT = "give the chain with --forward if it is one"


def recognise(
    found: Parts, readout: Readout | None = None, modules: Mapping[str, str] | None = None
) -> tuple[Outline, ...]:
    """The likeliest chain, and behind it the same modules in other orders that fit.

    Args:
        found: the modules.
        readout: which step is read out, where the user said so.
        modules: tokens of parameterless modules by path, where the file tells them.

    Raises:
        UnsupportedModel: a part cannot stand in a chain, or no order fits; it says what was recognised and what is
            in the way.
    """
    _check_parts(found)
    fitting = orders(found)
    if not fitting:
        raise UnsupportedModel(f"recognised {found.describe()}; {_misfit(found)}; {HINT}")
    doubts = _order_doubts(fitting)
    return tuple(draw(order, readout, modules or {}, doubts) for order in fitting)


def _check_parts(found: Parts) -> None:
    """Refuse what a chain cannot hold."""
    recurrent = [part for part in found.known if part.is_recurrent]
    roles = [role for part in recurrent for role in re.findall(r"(?:^|[._])(enc|dec)(?=oder|[._]|$)", part.name)]
    if {"enc", "dec"} <= set(roles):
        names = " and ".join(part.token for part in recurrent)
        raise UnsupportedModel(
            f"recognised {found.describe()}; {names} are an encoder and a decoder, by their names, which is no chain; "
            f"{HINT}"
        )
    if found.unknown:
        what = "; ".join(f"{name}: {looks}" for name, looks in list(found.unknown.items())[:3])
        more = f"; and {len(found.unknown) - 3} more" if len(found.unknown) > 3 else ""
        raise UnsupportedModel(
            f"recognised {found.describe()}; in the way of a chain stands {what}{more}; if the forward can do "
            "without, give it with --forward"
        )


def _misfit(found: Parts) -> str:
    """Why no order fits: modules side by side, or one that nothing fits."""
    for a, b in combinations(found.known, 2):
        if a.is_linear and b.is_linear and a.widths[0] == b.widths[0] and _is_end(a, found) and _is_end(b, found):
            return f"{a.token} and {b.token} are two heads, both take {a.widths[0]}, and a chain has one output"
        if a.is_recurrent and b.is_recurrent and a.widths[0] == b.widths[0]:
            return f"{a.token} and {b.token} both take {a.widths[0]}: they stand side by side, and a chain is one row"
    yielded = {part.widths[1] for part in found.known}
    first = next(part for part in found.known if part.is_recurrent)
    lone = [p for p in found.known if p is not first and p.widths[0] not in yielded | {None}]
    if lone:
        return f"{lone[0].token} takes {lone[0].widths[0]}, which none of the others yields"
    return "in no order does each take what the one before it yields"


def _is_end(part: Part, found: Parts) -> bool:
    """Whether no other module takes what this one yields."""
    return all(other is part or other.widths[0] != part.widths[1] for other in found.known)


def _order_doubts(fitting: Sequence[tuple[Part, ...]]) -> tuple[str, ...]:
    if len(fitting) == 1:
        return ()
    others = [forward_text(order) for order in fitting[1 : 1 + MOST_NAMED]]
    more = f" and {len(fitting) - 1 - MOST_NAMED} more" if len(fitting) > 1 + MOST_NAMED else ""
    return (f"the order {forward_text(fitting[0])} is the file's; the widths also allow {'; '.join(others)}{more}",)
