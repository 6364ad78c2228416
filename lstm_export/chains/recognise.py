"""From named tensors to the likeliest chain, with all that is open said; or why there is none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TypeAlias

from ..errors import UnsupportedModel
from .auxiliary import selections, sounds_auxiliary
from .forward_text import chain_text
from .order import orders
from .outline import Outline, Readout, draw
from .parts import Part, Parts
from .tokens import Item

MOST_NAMED = 2  # of other orders in a doubt
MOST_UNKNOWN = 3  # of things in the way in a message
_ROLE = re.compile(r"(?:^|[._])(enc|dec)(?=oder|[._]|$)")
Order: TypeAlias = tuple[Part, ...]
_Below: TypeAlias = tuple[tuple[str, tuple[int | None, int | None]], ...]
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
    fitting = _fitting(found)
    if not fitting:
        recognised = f"recognised {found.describe()}"
        raise UnsupportedModel(f"{recognised}; {_misfit(found)}; {HINT}")
    (first, *other_orders), *other_selections = fitting
    others = [orders_of[0] for orders_of in other_selections]
    doubts = (
        *_order_doubts(first, other_orders),
        *_selection_doubts(found, first, others),
        *_aside_doubts(found),
    )
    ranked = [first, *others, *other_orders]
    return tuple(draw(order, readout, modules or {}, doubts) for order in ranked)


def _fitting(found: Parts) -> list[list[Order]]:
    """The orders of every selection of modules that fits, the likeliest selection first."""
    fitting: list[list[Order]] = []
    for selection in selections(found.known):
        if any(part.is_recurrent for part in selection):
            fitting.append(orders(replace(found, known=selection)))
    return [orders_of for orders_of in fitting if orders_of]


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
    copy = _copy(found)
    if copy:
        return copy
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


def _copy(found: Parts) -> str:
    """Modules that stand twice with the same names and widths, as an average over training does."""
    places: dict[_Below, str] = {}  # the first place that holds these modules
    for second, parts in _by_place(found).items():
        is_nested = "." in second
        if is_nested and len(parts) < 2:
            continue
        first = places.setdefault(tuple(_below(part, second) for part in parts), second)
        if first != second:
            return (
                f"{first} and {second} hold the same modules, as a model and its copy (EMA, SWA, "
                f"a target network) do: choose one, --key {second} or "
                f'--forward "{_with_last(parts)}"'
            )
    return ""


def _by_place(found: Parts) -> dict[str, list[Part]]:
    """The modules below each place, `ema` and `ema.ema_model` for `ema.ema_model.lstm`."""
    by_place: dict[str, list[Part]] = {}
    for part in found.known:
        names = part.prefix.split(".")
        for count in range(1, len(names)):
            by_place.setdefault(".".join(names[:count]), []).append(part)
    return by_place


def _with_last(parts: Sequence[Part]) -> str:
    """Modules as they stand, with the last step read out of the last recurrent one."""
    items: list[Item] = list(parts)
    recurrent = [index for index, part in enumerate(parts) if part.is_recurrent]
    if recurrent:
        items.insert(recurrent[-1] + 1, "last")
    return chain_text(items)


def _below(part: Part, place: str) -> tuple[str, tuple[int | None, int | None]]:
    """What stands after the place, and the widths."""
    return part.prefix.removeprefix(f"{place}."), part.widths


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


def _order_doubts(first: Order, others: Sequence[Order]) -> tuple[str, ...]:
    if not others:
        return ()
    left_out = len(others) - MOST_NAMED
    more = f" and {left_out} more" if left_out > 0 else ""
    named = "; ".join(chain_text(order) for order in others[:MOST_NAMED])
    text = chain_text(first)
    return (f"the order {text} is the file's; the widths also allow {named}{more}",)


def _selection_doubts(found: Parts, first: Order, others: Sequence[Order]) -> tuple[str, ...]:
    """What was done with each module that may belong to a loss or metric."""
    doubts: list[str] = []
    for part in found.known:
        if part not in first:
            doubts.append(_left_out(part.token, part.describe().partition(" ")[2]))
        elif sounds_auxiliary(part.prefix):
            without = [chain_text(order) for order in others if part not in order]
            also = f"; the widths also allow {without[0]}" if without else ""
            taken = f"`{part.token}` is taken into the chain, though by its name it may belong"
            doubts.append(f"{taken} to a loss or metric{also}")
    return tuple(doubts)


def _aside_doubts(found: Parts) -> tuple[str, ...]:
    return tuple(_left_out(name, looks) for name, looks in found.aside.items())


def _left_out(name: str, looks: str) -> str:
    why = " as part of a loss or metric, by its name" if sounds_auxiliary(name) else ""
    return f"`{name}`, {looks}, is left out{why}; a forward that uses it computes something else"
