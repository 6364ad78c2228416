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


def alarm_lines(records: list[Record], what: str = "chains") -> list[str]:
    """What the chains, or graphs, without a bug gave, in rows of the table."""
    chains = len(records)
    sets = 6 * len(records)
    lost = {
        gain: [len(record["not_judged"]) for record in records if record["gain"] == gain]
        for gain in GAINS
    }
    judged = 1 - sum(map(sum, lost.values())) / sets
    rows = {
        "false alarms of the rule, R1 or R2, in ONNX Runtime or PyTorch": _alarms(records, what),
        "largest error, as a share of what is allowed": f"{_largest_share(records):.2f}",
        "golden sets that could be judged": f"{judged:.2%} of {sets:,}",
    }
    for gain, counts in lost.items():
        rows[f"... sets not judged, weights x{gain:.0f}"] = f"{sum(counts):,}"
    for gain, counts in lost.items():
        rows[f"{what} without a judged set, weights x{gain:.0f}"] = f"{counts.count(6):,}"
    for name in FIXED:
        count = sum(not record["fixed"][name] for record in records)
        rows[f"false alarms of {name}"] = f"{count / chains:.1%}"
    return [
        f"| correct artifacts of {what} | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in rows.items()),
    ]


def _alarms(records: list[Record], what: str) -> str:
    alarms = [
        bool(record["structure"]) or "failed" in record["verdict"].values() for record in records
    ]
    return f"**{sum(alarms)}** of {len(alarms):,} {what}"


def _largest_share(records: list[Record]) -> float:
    shares = [share for record in records for share in record["worst"].values()]
    return max(share for share in shares if share is not None)


def mutant_lines(records: list[Record]) -> list[str]:
    """Which share of the bugs was caught by what, a row a group of them."""
    groups: dict[str, list[Record]] = {}
    for mutant in (mutant for record in records for mutant in record["mutants"]):
        # Of single weights all are counted: most move the answers by less than rounding does.
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
    """How often a bug got its own name, an equal bug's, a wrong one, or none."""
    told = [answer for record in records for answer in record["told"]]
    header = ["artifacts that fail by their numbers", "", *OUTCOMES.values()]
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    groups = {
        "bugs of the catalogue": [answer for answer in told if answer["bug"]],
        "other bugs, one weight changed: unknown is right": [
            answer for answer in told if not answer["bug"]
        ],
    }
    for label, found in groups.items():
        outcomes = [answer["outcome"] for answer in found]
        counts = " | ".join(f"{outcomes.count(outcome):,}" for outcome in OUTCOMES)
        lines.append(f"| {label} | {len(found):,} | {counts} |")
    return lines


def _share(caught: Iterable[bool]) -> str:
    counted = list(caught)
    share = sum(counted) / len(counted)
    return f"{share:.1%}" if share in (0, 1) or 0.001 <= share <= 0.999 else f"{share:.2%}"
