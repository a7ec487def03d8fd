from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from farmaner import Concept, Document, Entity, Span
from farmaner.formats.html import write_html


class Page(HTMLParser):
    """The texts in `pre`, without what is small, and the names of all elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.marked: list[str] = []
        self.elements: set[str] = set()
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self._open.append(tag)
        if tag == "pre":
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "pre" in self._open and "small" not in self._open:
            self.texts[-1] += data
        if "mark" in self._open:
            self.marked.append(data)


TEXT = '<script>alert("oro")</script> & anti-Ro y anti-La 💊'
ORO = Entity(Span(15, 18), "X", "oro", 0.5, Concept("<null>"))
ANTI_LA = Entity(Span(32, 49), "Y", "anti- La", None, None, (Span(32, 37), Span(47, 49)))


def test_texts_are_shown_whole_and_nothing_in_them_runs(tmp_path: Path) -> None:
    documents = [Document("<b>", TEXT, (ORO, ANTI_LA)), Document("vacía", "")]
    losses = write_html(documents, tmp_path / "a.html")
    html = (tmp_path / "a.html").read_text(encoding="utf-8")
    page = Page(html)
    assert +losses == {}
    assert page.texts == [TEXT, ""]
    assert page.marked == ["oro", "anti-", "La"]
    assert not page.elements & {"script", "b", "link", "img"}
    assert re.findall(r"<small> (.*?)</small>", html) == ["X &lt;null&gt; 0.50", "Y", "Y"]
