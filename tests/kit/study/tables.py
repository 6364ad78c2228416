"""The study's records as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from tests.kit.fixed_tolerances import FIXED
from tests.kit.random_chains import GAINS

from .records import Record

OUTCOMES = {
    "right": "named",
    "same": "named as one that computes the same",
    "not judged": "could not be judged",
    "unknown": "unknown",
    "wrong": "named wrongly",
}


def alarm_lines(records: list[Record]) -> list[str]:
    """What the chains without a bug gave, in rows of the table."""
    chains, sets = len(records), 6 * len(records)
    lost = {
        gain: [len(one["not_judged"]) for one in records if one["gain"] == gain] for gain in GAINS
    }
    alarms = sum(bool(one["structure"]) or "failed" in one["verdict"].values() for one in records)
    largest = max(share for one in records for share in one["worst"].values() if share is not None)
    rows = [
        (
            "false alarms of the rule, R1 or R2, in ONNX Runtime or PyTorch",
            f"**{alarms}** of {chains:,} chains",
        ),
        ("largest error, as a share of what is allowed", f"{largest:.2f}"),
        (
            "golden sets that could be judged",
            f"{1 - sum(map(sum, lost.values())) / sets:.2%} of {sets:,}",
        ),
        *(
            (f"... sets not judged, weights x{gain:.0f}", f"{sum(counts):,}")
            for gain, counts in lost.items()
        ),
        *(
            (f"chains without a judged set, weights x{gain:.0f}", f"{counts.count(6):,}")
            for gain, counts in lost.items()
        ),
    ]
    for name in FIXED:
        count = sum(not one["fixed"][name] for one in records)
        rows.append((f"false alarms of {name}", f"{count / chains:.1%}"))
    return [
        "| correct artifacts | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in rows),
    ]


def mutant_lines(records: list[Record]) -> list[str]:
    """Which share of the bugs was caught by what, a row a group of them."""
    groups: dict[str, list[Record]] = {}
    for mutant in (mutant for one in records for mutant in one["mutants"]):
        # Of single weights all are counted: most of them move the answers by less than rounding does.
        if mutant["matters"] or mutant["group"].startswith("one "):
            groups.setdefault(mutant["group"], []).append(mutant)
    header = ["bug", "artifacts", "R1 or R2", "R2 alone", *FIXED]
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    for group, found in groups.items():
        kinds = len({mutant["kind"] for mutant in found})
        shares = [
            _share(mutant["r1"] or mutant["r2"] for mutant in found),
            _share(mutant["r2"] for mutant in found),
            *(_share(not mutant["fixed"][name] for mutant in found) for name in FIXED),
        ]
        label = group if kinds == 1 else f"{group}, {kinds} kinds"
        lines.append(f"| {label} | {len(found):,} | {' | '.join(shares)} |")
    return lines


def diagnosis_lines(records: list[Record]) -> list[str]:
    """How often a bug got its own name, that of one that computes the same, no name, or a wrong one."""
    told = [one for record in records for one in record["told"]]
    header = ["artifacts that fail by their numbers", "", *OUTCOMES.values()]
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    for label, found in (
        ("bugs of the catalogue", [one for one in told if one["bug"]]),
        (
            "other bugs, one weight changed: unknown is right",
            [one for one in told if not one["bug"]],
        ),
    ):
        counts = [sum(one["outcome"] == outcome for one in found) for outcome in OUTCOMES]
        lines.append(
            f"| {label} | {len(found):,} | {' | '.join(f'{count:,}' for count in counts)} |"
        )
    return lines


def _share(caught: Iterable[bool]) -> str:
    counted = list(caught)
    share = sum(counted) / len(counted)
    return f"{share:.1%}" if share in (0, 1) or 0.001 <= share <= 0.999 else f"{share:.2%}"
