"""Every claim of docs/SECURITY.md names a test, and the test is there."""

from __future__ import annotations

import re

from tests.kit.pages import ROOT

PAGE = (ROOT / "docs" / "SECURITY.md").read_text(encoding="utf-8")


def test_every_claim_names_a_test_that_is_there() -> None:
    _, _, defended = PAGE.partition("\n## What is defended\n")
    claims = re.findall(r"^\| [^|]+ \| [^|]+ \| ([^|]+) \|$", defended, re.MULTILINE)
    claims = [shown for shown in claims if shown != "shown by"]
    assert len(claims) >= 18
    for shown in claims:
        tests = re.findall(r"`(tests/[\w/]+\.py)`", shown)
        assert tests, shown
        assert all((ROOT / test).is_file() for test in tests), shown
