"""Pages read as a browser would read them, strictly."""

from __future__ import annotations

import re
from html.parser import HTMLParser


class Reader(HTMLParser):
    """Text and attributes of a page; every tag that was opened has to be closed again."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(data.decode())
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "title"):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def circles(self, kind: str) -> list[float]:
        """Where the dots of one kind lie across, in percent."""
        found = (attributes for tag, attributes in self.tags if tag == "circle")
        return [
            float(str(a["cx"]).rstrip("%"))
            for a in found
            if f"dot {kind}" == a["class"] and a["cy"] == "50%"
        ]


def assert_fetches_nothing(data: bytes) -> None:
    """Nothing in the page asks for anything, and its own policy forbids it."""
    read = Reader(data)
    assert {tag for tag, _ in read.tags}.isdisjoint(
        {"script", "link", "img", "iframe", "object", "base", "form"}
    )
    for _, attributes in read.tags:
        assert not set(attributes) & {"src", "href", "srcset", "onclick", "onload", "data"}
    assert not re.search(rb"https?:|url\(|@import|<script", data)
    policy = next(a["content"] for tag, a in read.tags if tag == "meta" and "http-equiv" in a)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
