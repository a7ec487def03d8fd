"""The report in a real browser: filters, links into folded documents, and the width of a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from farmaner.document import Concept, Document
from farmaner.evaluation.analysis import analyze
from farmaner.evaluation.report import Report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

DRUG, PROTEIN = "NORMALIZABLES", "PROTEINAS"
TEXT = "Recibe ácido fólico y hierro.\nAlbúmina sérica 3,9 g/dl.\n" + "Sin más datos. " * 200


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    empty = Document("caso", TEXT)
    gold = empty.with_entities(
        [
            empty.entity(DRUG, 7, 19, concept=Concept("63718003")),
            empty.entity(DRUG, 22, 28, concept=Concept("3829006")),
            empty.entity(PROTEIN, 30, 45),
        ]
    )
    a = empty.with_entities(
        [empty.entity(DRUG, 7, 12), empty.entity(DRUG, 22, 28, concept=Concept("<null>"))]
    )
    b = empty.with_entities([empty.entity(DRUG, 7, 19), empty.entity(DRUG, 30, 45)])
    path = tmp_path_factory.mktemp("report") / "report.html"
    html = Report((gold,), (analyze([gold], [a]), analyze([gold], [b]))).as_html()
    path.write_text(html, encoding="utf-8")
    return path


@pytest.fixture(params=[1280, 360])
def page(browser: Browser, report: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The report as opened from disk, in a window of each width."""
    page = browser.new_page(viewport={"width": request.param, "height": 900})
    page.goto(report.as_uri())
    yield page
    page.close()


def visible(page: Page, where: str = "#errors") -> list[str]:
    """Return system and class of every error of a list that shows."""
    told: list[str] = page.evaluate(
        """(where) => [...document.querySelectorAll(`${where} .error`)]
          .filter((error) => error.getClientRects().length)
          .map((error) => `${error.dataset.system}:${error.dataset.class}`)""",
        where,
    )
    return told


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("class", "boundary", ["A:boundary"]),
        ("label", PROTEIN, ["A:missed", "B:label"]),
        ("words", "ACIDO folico", ["A:boundary", "B:missed"]),
    ],
)
def test_each_filter_leaves_what_it_names(
    page: Page, field: str, value: str, expected: list[str]
) -> None:
    everything = visible(page)
    element = page.locator(f"#filter [name={field}]")
    element.fill(value) if field == "words" else element.select_option(value)

    assert everything == ["A:boundary", "A:missed", "B:missed", "B:label"]
    assert visible(page) == expected
    assert page.inner_text("#shown") == f"{len(expected)} of 4 errors"


def test_a_link_picks_what_the_other_system_gets_right(page: Page) -> None:
    page.click("[data-pick-right] >> nth=0")

    assert visible(page) == ["A:boundary"]


def test_a_link_into_a_folded_document_unfolds_it(page: Page) -> None:
    folded = page.locator("details[open]").count()
    page.click("a[href='#place-A1']")
    page.wait_for_selector("details[open]")

    top = page.evaluate("() => document.getElementById('place-A1').getBoundingClientRect().top")
    assert folded == 0
    assert 0 <= top < 900


def test_nothing_is_wider_than_the_window(page: Page) -> None:
    overflow = page.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow == 0


def test_a_class_of_code_errors_filters_its_own_list_alone(page: Page) -> None:
    everything = visible(page, "#codes")
    page.click("[data-pick='code-filter'][data-pick-class='wrong code'] >> nth=0")

    assert everything == ["A:wrong span", "A:wrong code"]
    assert visible(page, "#codes") == ["A:wrong code"]
    assert page.inner_text("#codes .shown") == "1 of 2 errors"
    assert len(visible(page)) == 4


def test_a_code_errors_place_can_be_linked_to(page: Page, report: Path) -> None:
    page.goto(f"{report.as_uri()}#code-place-A1")

    top = page.evaluate(
        "() => document.getElementById('code-place-A1').getBoundingClientRect().top"
    )
    assert 0 <= top < 900
