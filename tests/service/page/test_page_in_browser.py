"""The page in a real browser: texts, entities, filters, keyboard, language, width."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright._impl._api_structures import FilePayload
    from tests.service.page.conftest import Ask, OpenPage, Shown

pytestmark = pytest.mark.slow

NOTE = (
    "👩🏽‍⚕️ Niega alergia a penicilina 💊.\n"
    "Toma paracetamol y a\u0301cido fo\u0301lico (NFD); ácido fólico (NFC).\n\n"
    "Albúmina normal, albúmina 3,1; PCR 4 mg/l. Penicilina y penicilina V. "
    "Extracto de valeriana: extracto de valeriana 🌿."
)


def test_highlights_are_the_entities_that_the_service_gives(shown: Shown, ask: Ask) -> None:
    shown.paste(NOTE)

    (answer,) = ask("v1/annotate", text=NOTE)["documents"]
    assert shown.text() == NOTE
    assert shown.entities() == [(e["text"], e["start"], e["end"]) for e in answer["entities"]]
    assert [surface for surface, *_ in shown.entities()] == [
        "penicilina",
        "paracetamol",
        "ácido fólico",
        "albúmina",
        "PCR",
        "penicilina",
        "extracto de valeriana",
    ]


def test_the_letter_tells_the_label_and_a_low_score_stands_beside_it(shown: Shown) -> None:
    shown.paste(NOTE)

    assert shown.tags() == [
        ("penicilina", "N"),
        ("paracetamol", "N 60"),
        ("ácido fólico", "N"),
        ("albúmina", "P"),
        ("PCR", "P"),
        ("penicilina", "N"),
        ("extracto de valeriana", "X"),
    ]


def test_the_threshold_hides_what_is_less_sure(shown: Shown) -> None:
    shown.paste("Toma paracetamol, penicilina; albúmina 3.")

    told = {}
    for percent in (60, 61, 86, 100):
        shown.page.fill("#threshold", str(percent))
        shown.frame()
        told[percent] = [surface for surface, *_ in shown.entities()]

    assert told == {
        60: ["paracetamol", "penicilina", "albúmina"],
        61: ["penicilina", "albúmina"],
        86: ["penicilina"],
        100: [],
    }
    assert shown.text() == "Toma paracetamol, penicilina; albúmina 3."
    assert shown.page.inner_text("#summary") == "0 de 3 entidades en 1 documento"


def test_a_label_that_is_switched_off_is_neither_marked_nor_grouped(shown: Shown) -> None:
    shown.paste("Toma paracetamol, penicilina; albúmina 3.")

    shown.page.uncheck("input[name=label][value=NORMALIZABLES]")
    shown.frame()

    assert [surface for surface, *_ in shown.entities()] == ["albúmina"]
    assert shown.page.locator("#concepts tbody tr").count() == 1


def test_a_click_shows_label_score_code_and_term(shown: Shown, ask: Ask) -> None:
    text = "Toma paracetamol. Alergia a penicilina 💊, penicilina."
    shown.paste(text)

    shown.page.click("#text .entity >> text=paracetamol")

    (answer,) = ask("v1/annotate", text=text, link=True)["documents"]
    entity = answer["entities"][0]
    rows = shown.page.locator("#details dl div").all_inner_texts()
    assert shown.page.inner_text("#details-title") == "paracetamol"
    assert [row.split("\n") for row in rows] == [
        ["Etiqueta", "N Fármaco o sustancia", "NORMALIZABLES"],
        ["Confianza", "60,0\xa0%"],
        ["Código", entity["code"], "⧉"],
        ["Término", entity["term"]],
        ["Confianza del código", f"{100 * entity['code_score']:.1f}\xa0%".replace(".", ",")],
        ["Lugar", "caracteres 5–16 de nota"],
    ]


def test_the_keyboard_goes_from_entity_to_entity(shown: Shown) -> None:
    shown.paste("Toma paracetamol, penicilina; albúmina 3.")
    focused = "() => document.activeElement.textContent"

    shown.page.focus("#text [tabindex='0']")
    met = [shown.page.evaluate(focused)]
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "Home", "End", "ArrowLeft"):
        shown.page.keyboard.press(key)
        met.append(shown.page.evaluate(focused))

    assert met == [
        "paracetamol",
        "penicilina",
        "albúmina",
        "albúmina",
        "paracetamol",
        "albúmina",
        "penicilina",
    ]
    assert shown.page.inner_text("#details-title") == "penicilina"
    shown.page.keyboard.press("Escape")
    assert shown.page.is_hidden("#details")
    assert shown.page.evaluate(focused) == "penicilina"
    shown.page.keyboard.press("Enter")
    assert shown.page.inner_text("#details-title") == "penicilina"


def test_one_tab_stop_leads_into_the_text_and_past_hidden_entities(shown: Shown) -> None:
    shown.paste("Toma paracetamol, penicilina; albúmina 3.")
    shown.page.fill("#threshold", "90")
    shown.frame()

    stops = shown.page.locator("#text [tabindex='0']").all_inner_texts()

    assert stops == ["penicilina"]


def test_concepts_are_grouped_by_code_else_by_name_and_sort(shown: Shown) -> None:
    shown.paste(
        "PCR, PCR y penicilina. Extracto de valeriana: extracto de valeriana, "
        "extracto de valeriana, extracto de valeriana."
    )
    rows = shown.page.locator("#concepts tbody tr")

    def told() -> list[tuple[str, str]]:
        return [
            (row.locator("button").first.inner_text(), row.locator("td").nth(1).inner_text())
            for row in rows.all()
        ]

    by_count = told()
    shown.page.click("#concepts [data-sort=concept]")
    by_name = told()

    assert by_count == [("extracto de valeriana", "3"), ("PCR", "2"), ("penicilina", "1")]
    assert by_name == [("extracto de valeriana", "3"), ("PCR", "2"), ("penicilina", "1")]
    shown.page.click("#concepts [data-sort=concept]")
    assert told() == by_name[::-1]
    heading = shown.page.locator("#concepts th.concept").first
    assert heading.get_attribute("aria-sort") == "descending"


def test_a_concept_leads_to_each_of_its_places(shown: Shown) -> None:
    shown.paste("Penicilina no; penicilina sí, penicilina.")
    places = []

    for _ in range(3):
        shown.page.click("#concepts tbody .link")
        places.append(shown.page.locator("#details dl div").last.inner_text().split("\n")[1])

    assert places == [
        "caracteres 15–25 de nota",
        "caracteres 30–40 de nota",
        "caracteres 15–25 de nota",
    ]


def test_the_language_changes_every_string_and_is_kept(open_page: OpenPage) -> None:
    with open_page(locale="en-GB") as shown:
        shown.paste("Toma paracetamol.")

        def told() -> list[str | None]:
            return [shown.page.text_content(place) for place in ("#summary", "#annotate")]

        english = told()
        shown.page.check("input[name=language][value=es]", force=True)
        spanish = told()
        shown.page.reload()
        kept = shown.page.evaluate("() => document.documentElement.lang")
        stored = shown.page.evaluate("() => JSON.stringify([localStorage, sessionStorage])")

    assert english == ["1 entity in 1 document", "Annotate"]
    assert spanish == ["1 entidad en 1 documento", "Anotar"]
    assert kept == "es"
    assert json.loads(stored) == [{"farmaner.language": "es"}, {}]


def test_both_languages_have_the_same_strings_with_the_same_gaps(shown: Shown) -> None:
    gaps = shown.page.evaluate(
        """async () => {
          const { STRINGS } = await import("/strings.js");
          const of = (entry) => [...new Set(JSON.stringify(entry).match(/\\{\\w+\\}/g))].sort();
          return Object.values(STRINGS).map((table) =>
            Object.fromEntries(Object.entries(table).map(([key, entry]) => [key, of(entry)])));
        }"""
    )
    keys = shown.page.evaluate(
        """() => [...document.querySelectorAll("[data-t]")].map((each) => each.dataset.t)"""
    )

    assert gaps[0] == gaps[1]
    assert [key for key in keys if key not in gaps[0]] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_label_is_read_with_enough_contrast(open_page: OpenPage, scheme: str) -> None:
    with open_page(color_scheme=scheme) as shown:
        ratios = shown.page.evaluate(
            """() => {
              const canvas = document.createElement("canvas")
                .getContext("2d", { willReadFrequently: true });
              const light = (colour) => {
                canvas.fillStyle = colour;
                canvas.fillRect(0, 0, 1, 1);
                const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((value) =>
                  value / 255 <= 0.04045 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
              };
              const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
              const source = document.getElementById("source");
              const sheet = light(getComputedStyle(source).backgroundColor);
              const text = document.getElementById("text");
              document.getElementById("results").hidden = false;
              return [0, 1, 2, 3, 4, 5, 6, 7].map((colour) => {
                const piece = document.createElement("span");
                piece.className = `entity on colour-${colour}`;
                text.append(piece);
                const style = getComputedStyle(piece);
                const ink = light(style.color);
                return Math.min(ratio(ink, light(style.backgroundColor)), ratio(ink, sheet));
              });
            }"""
        )

    assert min(ratios) >= 4.5, ratios


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_to_object_to(open_page: OpenPage, width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    gold: FilePayload = {
        "name": "nota.ann",
        "mimeType": "text/plain",
        "buffer": "T1\tPROTEINAS 0 8\tAlbúmina\nT2\tNORMALIZABLES 23 33\tpenicilina\n".encode(),
    }
    with open_page(viewport={"width": width, "height": 800}, color_scheme=scheme) as shown:
        empty = axe.run(shown.page)
        shown.page.set_input_files("#choose", gold)
        shown.paste("Albúmina 3; alergia a  penicilina y a paracetamol.")
        shown.page.click("#text .entity.found")
        full = axe.run(shown.page)

    assert [each["id"] for each in empty.response["violations"]] == []
    assert [each["id"] for each in full.response["violations"]] == []


@pytest.mark.parametrize("width", [360, 700, 1280])
def test_nothing_is_wider_than_the_window(open_page: OpenPage, width: int) -> None:
    with open_page(viewport={"width": width, "height": 740}) as shown:
        shown.page.click("#examples")
        shown.annotate()
        shown.page.click("#text .entity.on >> nth=0")

        overflow = shown.page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        box = shown.page.locator("#text .selected").bounding_box()
        card = shown.page.locator("#details").bounding_box()

    assert overflow == 0
    assert box is not None
    assert card is not None
    apart = box["y"] + box["height"] <= card["y"] or box["x"] + box["width"] <= card["x"]
    assert apart, "the card covers the entity that it is about"


def test_markup_in_a_note_is_text(shown: Shown) -> None:
    evil = (
        "<script>window.struck = 1</script><img src=x onerror='window.struck = 2'>\n"
        "\"'><svg/onload=window.struck=3> penicilina</span></div> &amp; &lt;b&gt; ${1} "
        "<b>paracetamol</b> javascript:window.struck=4"
    )
    shown.paste(evil)
    shown.page.click("#text .entity >> nth=0")

    assert shown.text() == evil
    assert [surface for surface, *_ in shown.entities()] == ["penicilina", "paracetamol"]
    assert shown.page.locator("#text :not(.lines, .entity)").count() == 0
    assert shown.page.evaluate("() => window.struck") is None


@pytest.mark.parametrize(("filler", "n_blocks"), [("x", 13), ("x ", 25), ("👩🏽‍⚕️", 18)])
def test_a_line_of_100_kb_is_shown_whole_and_wraps(
    shown: Shown, filler: str, n_blocks: int
) -> None:
    line = filler * (100_000 // len(filler)) + "\tpenicilina"
    shown.paste(line)

    assert shown.text() == line
    assert shown.entities() == [("penicilina", len(line) - 10, len(line))]
    blocks = shown.page.locator("#text .lines").all_text_contents()
    assert len(blocks) == n_blocks
    assert all(block.startswith(filler) for block in blocks)
    assert shown.page.evaluate(
        """() => {
          const text = document.getElementById("text");
          return text.scrollWidth <= text.clientWidth;
        }"""
    )


def test_a_note_of_a_megabyte_is_laid_out_by_blocks_and_walked_by_keyboard(
    open_page: OpenPage, ask: Ask
) -> None:
    line = "Niega alergia a penicilina 💊; albúmina 3,1 g/dl y PCR 4 mg/l.\r\n"
    text = line * 16_000
    found = ask("v1/annotate", text=line, offsets="utf16")["documents"][0]["entities"]
    width = len(line.encode("utf-16-le")) // 2
    entities = [
        {**entity, "start": entity["start"] + at, "end": entity["end"] + at}
        for at in range(0, 16_000 * width, width)
        for entity in found
    ]
    info = ask("v1/info")
    info["limits"] |= {"max_chars": 2_000_000, "max_body_bytes": 9_000_000}
    answer = {
        "model": {"name": "fake", "version": ""},
        "offsets": "utf16",
        "documents": [{"id": "larga", "entities": entities}],
    }
    with open_page() as shown:
        shown.page.route("**/v1/info", lambda route: route.fulfill(json=info))
        shown.page.route("**/v1/annotate", lambda route: route.fulfill(json=answer))
        shown.page.reload()
        shown.page.wait_for_function("() => document.getElementById('about').textContent !== ''")
        shown.page.set_input_files(
            "#choose",
            {"name": "larga.txt", "mimeType": "text/plain", "buffer": text.encode()},
        )
        shown.annotate()

        assert shown.text() == text
        assert shown.page.locator("#text .lines").count() > 100
        assert shown.page.inner_text("#summary") == "48.000 entidades en 1 documento"
        shown.page.focus("#text [tabindex='0']")
        shown.page.keyboard.press("End")
        place = shown.page.locator("#details dl div").last.inner_text().split("\n")[1]
        end = 16_000 * len(line) - len(" 4 mg/l.\r\n")
        assert place == f"caracteres {end - 3:,}–{end:,} de larga.txt".replace(",", ".")
