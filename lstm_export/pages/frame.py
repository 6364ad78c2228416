"""The frame of every page: its head, its style, its policy."""

from __future__ import annotations

from pathlib import Path

from .markup import Markup, element

STYLE = Path(__file__).with_name("page.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def framed(title: str, *parts: Markup) -> bytes:
    """A whole page as UTF-8, its own policy forbidding all fetching.

    Args:
        title: in the head.
        parts: what stands in the body.
    """
    fits = 'name="viewport" content="width=device-width, initial-scale=1"'
    head = element(
        "head",
        Markup(f'<meta charset="utf-8"><meta {fits}>'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        element("title", title),
        element("style", Markup(STYLE.read_text(encoding="utf-8"))),
    )
    body = element("body", *parts)
    return f'<!doctype html>\n<html lang="en">{head}{body}</html>\n'.encode()
