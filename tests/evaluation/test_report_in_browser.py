"""The report in a real browser: filters, links into folded documents, and the width of a phone."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from farmaner.document import Concept, Document
from farmaner.evaluation.analysis import analyze
from farmaner.evaluation.report import Report

pytestmark = pytest.mark.slow

DRUG, PROTEIN = "NORMALIZABLES", "PROTEINAS"
TEXT = "Recibe ácido fólico y hierro.\nAlbúmina sérica 3,9 g/dl.\n" + "Sin más datos. " * 200

PROBE = """
{
const told = {};
const form = document.getElementById("filter");
const visible = (where = "#errors") => [...document.querySelectorAll(`${where} .error`)]
  .filter((e) => e.getClientRects().length).map((e) => e.dataset.system + ":" + e.dataset.class);
const set = (name, value) => {
  form.elements[name].value = value;
  form.dispatchEvent(new Event("input"));
};
const told_of = (name) => { told[name] = visible(); form.reset(); };
const tick = () => new Promise((done) => setTimeout(done, 30));
(async () => {
  told_of("all"); await tick();
  set("class", "boundary"); told_of("class"); await tick();
  set("label", "PROTEINAS"); told_of("label"); await tick();
  set("words", "ACIDO folico"); told.shown = document.getElementById("shown").textContent;
  told_of("words"); await tick();
  document.querySelector("[data-pick-right]").click(); told_of("right"); await tick();
  told.folded = document.querySelectorAll("details[open]").length;
  location.hash = "#place-A1"; await tick();
  const place = document.getElementById("place-A1");
  told.unfolded = document.querySelectorAll("details[open]").length;
  told.in_view = place.getBoundingClientRect().top >= 0
    && place.getBoundingClientRect().top < innerHeight;
  told.codes = visible("#codes");
  document.querySelector("[data-pick='code-filter'][data-pick-class='wrong code']").click();
  told.wrong_codes = visible("#codes");
  told.code_shown = document.querySelector("#codes .shown").textContent;
  told.other_list = visible().length;
  location.hash = "#code-place-A1"; await tick();
  const code = document.getElementById("code-place-A1").getBoundingClientRect().top;
  told.code_in_view = code >= 0 && code < innerHeight;
  told.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  document.title = JSON.stringify(told);
})();
}
"""


@pytest.fixture(scope="module")
def chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip("no Chromium on the path: the report is not opened in a browser")
    return found


@pytest.fixture(scope="module")
def page() -> str:
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
    return Report((gold,), (analyze([gold], [a]), analyze([gold], [b]))).as_html()


@pytest.mark.parametrize("width", [1280, 500])  # no window of Chromium is narrower than 500
def test_filters_links_and_width(page: str, chromium: str, tmp_path: Path, width: int) -> None:
    told = probed(page, chromium, tmp_path, width)

    assert told == {
        "all": ["A:boundary", "A:missed", "B:missed", "B:label"],
        "class": ["A:boundary"],
        "label": ["A:missed", "B:label"],
        "words": ["A:boundary", "B:missed"],
        "shown": "2 of 4 errors",
        "right": ["A:boundary"],
        "folded": 0,
        "unfolded": 1,
        "in_view": True,
        "codes": ["A:wrong span", "A:wrong code"],
        "wrong_codes": ["A:wrong code"],
        "code_shown": "1 of 2 errors",
        "other_list": 4,
        "code_in_view": True,
        "overflow": 0,
    }


def probed(page: str, chromium: str, folder: Path, width: int) -> dict[str, Any]:
    """Open the page with a script of ours after its own; return what that saw."""
    without_policy = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    file = folder / "report.html"
    file.write_text(without_policy.replace("</body>", f"<script>{PROBE}</script></body>"))
    options = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
        "--disable-background-networking --disable-component-update --disable-sync "
        f"--window-size={width},900 --virtual-time-budget=5000 --dump-dom"
    ).split()
    done = subprocess.run(
        [chromium, *options, f"--user-data-dir={folder / 'profile'}", file.as_uri()],
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=120,
    )
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None
    told: dict[str, Any] = json.loads(title[1].replace("&quot;", '"'))
    return told
