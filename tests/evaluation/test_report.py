"""The report: what is in it, that nothing in it can run, and the same as JSON."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from farmaner.cli import run
from farmaner.document import Document, Entity, Span
from farmaner.errors import ConfigError, CorpusError
from farmaner.evaluation.analysis import SystemAnalysis, analyze, mended_by, side_by_side
from farmaner.evaluation.report import Report
from farmaner.formats.brat import write_brat
from farmaner.formats.jsonl import write_jsonl
from farmaner.text.highlight import Mark, segments

DRUG, PROTEIN, UNCLEAR = "NORMALIZABLES", "PROTEINAS", "UNCLEAR"
FIRST = "Alérgica a penicilina. Albúmina sérica 3,9 g/dl.\nFe & <b>Na</b> normales; CD3 dudoso.\n"
SECOND = "Sin fármacos."


def document(id_: str, text: str, *rows: tuple[str, str, float | None]) -> Document:
    entities = []
    for surface, label, score in rows:
        start = text.index(surface)
        entities.append(Entity(Span(start, start + len(surface)), label, surface, score))
    return Document(id_, text, tuple(entities))


GOLD = [
    document(
        "caso-1",
        FIRST,
        ("penicilina", DRUG, None),
        ("Albúmina sérica", PROTEIN, None),
        ("<b>Na</b>", DRUG, None),
        ("CD3", UNCLEAR, None),
    ),
    document("caso-2", SECOND),
]
A = [
    document(
        "caso-1",
        FIRST,
        ("penicilina", DRUG, 0.99),
        ("Albúmina", PROTEIN, 0.8),
        ("CD3", PROTEIN, 0.6),
    ),
    document("caso-2", SECOND, ("fármacos", DRUG, 0.3)),
]
B = [document("caso-1", FIRST, ("penicilina", PROTEIN, None), ("Albúmina sérica", PROTEIN, None))]


def report(*systems: list[Document]) -> Report:
    analyses = [analyze(GOLD, system, name=f"run-{n}") for n, system in enumerate(systems)]
    return Report(tuple(GOLD), tuple(analyses), "dev")


class Page(HTMLParser):
    """The elements of a page, checked to nest, and its text under each article."""

    VOID = frozenset({"meta", "input", "wbr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.articles: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "article":
            self.articles.append("")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        ends_options = tag == "select" and self.open[-1] == "option"
        assert self.open[-1] == tag or ends_options, (self.open, tag, self.getpos())
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if "article" in self.open:
            self.articles[-1] += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(params=[(A,), (B,), (A, B)], ids=["scored", "unscored", "two"])
def html(request: pytest.FixtureRequest) -> str:
    return report(*request.param).as_html()


def test_the_page_is_well_formed_and_every_link_in_it_leads_somewhere(html: str) -> None:
    page = Page(html)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    links = [attributes["href"] for attributes in page.of("a") if "href" in attributes]
    assert len(set(ids)) == len(ids)
    assert [link for link in links if link is None or link.removeprefix("#") not in ids] == []


def test_the_page_loads_nothing_and_runs_only_its_own_script(html: str) -> None:
    page = Page(html)
    assert [a for _, a in page.elements if {"src", "srcset", "xlink:href"} & a.keys()] == []
    assert page.of("link") == page.of("iframe") == page.of("img") == []
    assert "url(" not in html
    assert "@import" not in html
    [script] = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    [policy] = [m["content"] for m in page.of("meta") if "http-equiv" in m]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{digest}'" in policy
    assert [a for _, a in page.elements if any(name.startswith("on") for name in a)] == []


def test_the_page_says_at_its_top_that_it_holds_clinical_text(html: str) -> None:
    assert html.index("This file contains clinical text.") < html.index("<main>")


def test_names_labels_and_texts_are_escaped() -> None:
    evil = '<img src=x onerror="alert(1)">'
    label = '"><script>x</script>'
    gold = [Document(evil, f"a {evil} b", (Entity(Span(2, 5), label, evil[:3]),))]
    html = Report(
        tuple(gold), (analyze(gold, [Document(evil, gold[0].text)], name=evil),)
    ).as_html()

    page = Page(html)

    assert page.of("img") == []
    assert html.count("<script>") == 1
    assert [a["data-label"] for a in page.of("article")] == [label]
    assert evil in "".join(page.articles)


def test_every_error_is_shown_in_its_sentence_with_its_class_and_entities() -> None:
    articles = [" ".join(article.split()) for article in Page(report(A).as_html()).articles]

    assert len(articles) == 4
    assert articles[0].startswith("boundary PROTEINAS caso-1 Albúmina sérica 3,9 g/dl. gold")
    assert "predicted Albúmina PROTEINAS 23–31, score 0.800" in articles[0]
    assert articles[1].startswith(
        "missed NORMALIZABLES caso-1 Fe & <b>Na</b> normales; CD3 dudoso."
    )
    assert "beside CD3 UNCLEAR" in articles[2]
    assert articles[3].startswith("spurious NORMALIZABLES caso-2 Sin fármacos. predicted fármacos")


def test_each_document_is_whole_in_the_page_with_a_place_for_each_error() -> None:
    html = report(A).as_html()
    whole = re.findall(r'<p class="text whole" lang="es">(.*?)</p>\n', html, re.DOTALL)
    without_tags = [re.sub(r'<span class="tag">.*?</span>|<[^>]*>', "", text) for text in whole]
    unescaped = [
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        for text in without_tags
    ]
    assert unescaped == [FIRST, SECOND]
    assert re.findall(r'<a id="place-(A\d)"', html) == ["A1", "A2", "A3", "A4"]
    assert '<span class="tag"> ✓ NORMALIZABLES</span>' in whole[0]
    assert "gold UNCLEAR, not scored" in whole[0]


def test_plots_are_there_only_with_scores() -> None:
    assert "<polyline" in report(A).as_html()
    unscored = report(B).as_html()
    assert "<polyline" not in unscored
    assert "2 predicted entities have no score" in unscored


def test_two_systems_stand_side_by_side() -> None:
    a, b = report(A, B).systems

    both = side_by_side(a, b)

    assert both.gold == {
        DRUG: {"both": 0, "only A": 1, "only B": 0, "neither": 1},
        PROTEIN: {"both": 0, "only A": 0, "only B": 1, "neither": 0},
    }
    assert both.spurious == {"both": 0, "only A": 3, "only B": 1}
    assert classes_mended(a, b) == [
        *(("boundary", True), ("missed", False), ("unclear", True), ("spurious", True))
    ]
    assert classes_mended(b, a) == [("label", True), ("missed", False)]


def classes_mended(system: SystemAnalysis, other: SystemAnalysis) -> list[tuple[str, bool]]:
    mended = mended_by(other, system.errors)
    return [(e.error_class, right) for e, right in zip(system.errors, mended, strict=True)]


def test_the_json_holds_what_the_page_shows() -> None:
    data = json.loads(json.dumps(report(A, B).as_dict()))

    assert data["documents"][0]["text"] == FIRST
    first, second = data["systems"]
    assert first["classes"]["boundary"] == {
        "n_errors": 1,
        "false_negatives": 1,
        "false_positives": 1,
    }
    assert first["micro"]["true_positives"] == 1
    assert {"gold": PROTEIN, "predicted": PROTEIN, "same_span": 0, "other_span": 1} in first[
        "confusion"
    ]
    assert first["errors"][0] == {
        "document": "caso-1",
        "class": "boundary",
        "missed": {
            "label": PROTEIN,
            "start": 23,
            "end": 38,
            "text": "Albúmina sérica",
            "score": None,
        },
        "spurious": {"label": PROTEIN, "start": 23, "end": 31, "text": "Albúmina", "score": 0.8},
        "beside": None,
        "groups": {"length": "2 words", "abbreviation": "other form"},
        "sentence": {"start": 23, "end": 48, "text": "Albúmina sérica 3,9 g/dl."},
        "other_system_right": True,
    }
    assert first["confidence"]["curve"][0]["threshold"] == 0.99
    assert second["confidence"] is None
    assert second["n_unscored"] == 2
    assert second["documents"] == {"scored": 2, "missing": ["caso-2"], "unknown": []}
    assert data["side_by_side"]["spurious"] == {"both": 0, "only A": 3, "only B": 1}


def test_a_report_of_three_systems_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected one system or two, found 3"):
        report(A, A, B)


def test_another_text_than_golds_is_refused_without_quoting_it() -> None:
    other = [Document("caso-2", "Con fármacos.")]
    with pytest.raises(CorpusError) as error:
        analyze(GOLD, other, name="run")
    assert str(error.value) == (
        "run: expected caso-2 to have gold's text of 13 characters, found another of 13"
    )


def test_overlapping_marks_cut_the_text_once_and_are_named_where_the_run_ends() -> None:
    marks = [
        Mark(Span(2, 5), ("gold",), "g", "here"),
        Mark(Span(4, 8), ("predicted",), "p"),
    ]

    cut = segments("0123456789", Span(1, 10), marks)

    assert [(s.text, s.sides, s.tags, s.anchors) for s in cut] == [
        ("1", (), (), ()),
        ("23", ("gold",), (), ("here",)),
        ("4", ("gold", "predicted"), (), ()),
        ("567", ("predicted",), ("g", "p"), ()),
        ("89", (), (), ()),
    ]


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    write_brat(GOLD, tmp_path / "dev")
    write_jsonl(A, tmp_path / "a.jsonl")
    write_brat(B, tmp_path / "b")
    for text in (tmp_path / "b").glob("*.txt"):
        text.unlink()  # a system's folder needs no texts
    return tmp_path


def test_the_command_writes_page_and_json_and_prints_classes(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, data = folders / "report.html", folders / "report.json"
    systems = [str(folders / "a.jsonl"), str(folders / "b")]

    command = ["analyze", str(folders / "dev"), *systems, "--train", str(folders / "dev")]
    assert run([*command, "--output", str(page), "--json", str(data)]) == 0

    printed = capsys.readouterr()
    rows = [line.split() for line in printed.out.splitlines()]
    assert [row for row in rows if row[:1] == ["boundary"]] == [
        ["boundary", "1", "1", "1"],
        ["boundary", "0", "0", "0"],
    ]
    assert [row for row in rows if row[:1] == ["all"]] == [
        ["all", "4", "2", "3"],
        ["all", "2", "2", "1"],
    ]
    assert "1 document (caso-2) of gold missing" in printed.err
    assert "penicilina" not in printed.out + printed.err
    written = json.loads(data.read_text(encoding="utf-8"))
    assert [system["system"] for system in written["systems"]] == systems
    assert set(written["systems"][0]["splits"]) == {
        *("label", "seen", "length", "abbreviation", "document")
    }
    assert len(Page(page.read_text(encoding="utf-8")).articles) == 6


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("b/caso-2.ann", "T1\tNORMALIZABLES 10 99\tx\n", "caso-2.ann:1: expected an entity inside"),
        ("b/otro.ann", "", "expected no document that gold lacks"),
        ("dev/caso-3.txt", "x", "caso-3.txt: expected caso-3.ann beside it, found none"),
    ],
)
def test_what_cannot_be_analyzed_is_one_line_and_exit_1(
    folders: Path, capsys: pytest.CaptureFixture[str], file: str, content: str, message: str
) -> None:
    (folders / file).write_text(content, encoding="utf-8")

    assert run(["analyze", str(folders / "dev"), str(folders / "b")]) == 1

    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert printed.err.count("\n") == 1


def test_three_systems_are_wrong_usage(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    system = str(folders / "b")
    assert run(["analyze", str(folders / "dev"), system, system, system]) == 2
    assert "name one system or two" in capsys.readouterr().err


def test_the_report_is_written_as_its_name_says(folders: Path) -> None:
    dev, data, beside, page = (str(folders / name) for name in ("dev", "r.json", "b.x", "r.HTML"))
    assert run(["analyze", dev, str(folders / "b"), "-o", data, "--json", beside]) == 0
    assert run(["analyze", dev, str(folders / "b"), "-o", page]) == 0

    written = json.loads(Path(data).read_text(encoding="utf-8"))
    assert [system["system"] for system in written["systems"]] == [str(folders / "b")]
    assert Path(beside).read_bytes() == Path(data).read_bytes()
    assert Path(page).read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("name", ["informe", "informe.csv", "html"])
def test_a_report_of_another_kind_is_refused_before_anything_is_read(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["analyze", "no-gold", "no-system", "--output", name]) == 2
    expected = f"expected a name that ends in .html or .json, found {name!r}"
    assert capsys.readouterr().err.endswith(f"Invalid value for --output: {expected}\n")


def test_what_stands_beside_is_shown_in_the_sentence_even_past_its_end() -> None:
    text = "Toma hierro oral.\nFólico no. Zinc."
    merged = document("caso", text, ("oral.\nFólico", DRUG, None), ("Zinc", DRUG, None))
    halves = document("caso", text, ("Zinc", DRUG, None), ("Fólico", DRUG, None))
    halves = halves.with_entities([*halves.entities, halves.entity(DRUG, 12, 16)])
    html = Report((merged,), (analyze([merged], [halves]),)).as_html()

    duplicate = re.search(r'data-class="duplicate".*?lang="es">(.*?)</p>', html, re.DOTALL)

    assert duplicate is not None
    assert duplicate[1] == (
        'Toma hierro <mark class="gold predicted">oral</mark>'
        '<mark class="gold">.\nFólico</mark> no.'
    )
