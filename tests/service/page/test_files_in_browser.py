"""Files in and out of the page: texts, gold annotations, downloads; and what goes wrong."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from farmaner.document import Concept, Document
from farmaner.evaluation.official import score_ner
from farmaner.formats.ann import format_ann
from farmaner.formats.brat import read_brat, write_annotation_conf

if TYPE_CHECKING:
    from tests.service.page.conftest import Ask, OpenPage, OpenService, Shown

pytestmark = pytest.mark.slow

TOKEN = "una-clave-inventada"  # noqa: S105  of a service that ends with its test
CRLF = "\ufeffAlergia 💊 a penicilina.\r\nToma paracetamol y\r\nácido fólico; PCR 4.\r\n"


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Write a file as bytes, or a text as UTF-8, and return its path."""

    def written(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


def library(ask: Ask, id_: str, text: str) -> Document:
    """Return the document as farmaner has it, from what the service answers."""
    (answer,) = ask("v1/annotate", documents=[{"id": id_, "text": text}], link=True)["documents"]
    empty = Document(id_, text)
    return empty.with_entities(
        empty.entity(
            entity["label"],
            entity["start"],
            entity["end"],
            score=entity["score"],
            concept=Concept(entity["code"]) if entity["code"] else None,
        )
        for entity in answer["entities"]
    )


def test_a_file_keeps_its_byte_order_mark_and_line_ends(shown: Shown, write: Any, ask: Ask) -> None:
    shown.load(write("alta.txt", CRLF))
    shown.annotate()

    assert shown.text() == CRLF
    found = library(ask, "alta", CRLF)
    assert shown.entities() == [(e.text, e.start, e.end) for e in found.entities]
    assert len(shown.entities()) == 4


def test_the_ann_of_one_document_is_that_of_farmaner(shown: Shown, write: Any, ask: Ask) -> None:
    shown.load(write("alta 1.txt", CRLF))
    shown.annotate()

    expected = format_ann(library(ask, "alta 1", CRLF)).encode()
    assert b"AnnotatorNotes T1\t" in expected
    assert shown.download("brat") == ("alta 1.ann", expected)


def test_several_documents_come_as_an_archive_of_a_brat_folder(
    shown: Shown, write: Any, ask: Ask, tmp_path: Path
) -> None:
    texts = {"ñandú": "Toma penicilina 💊.", "vacío": "", "alta": CRLF}
    shown.load(*(write(f"{id_}.txt", text) for id_, text in texts.items()))
    shown.annotate()

    name, content = shown.download("brat")

    expected = {f"{id_}.txt": text for id_, text in texts.items()}
    expected |= {f"{id_}.ann": format_ann(library(ask, id_, text)) for id_, text in texts.items()}
    write_annotation_conf(tmp_path, ask("v1/info")["labels"])
    expected["annotation.conf"] = (tmp_path / "annotation.conf").read_text()
    assert name == "farmaner-brat.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert {each: archive.read(each).decode() for each in archive.namelist()} == expected


def test_the_json_has_texts_and_entities_with_code_points(
    shown: Shown, write: Any, ask: Ask
) -> None:
    shown.load(write("alta.txt", CRLF))
    shown.annotate()

    name, content = shown.download("json")

    answer = ask("v1/annotate", documents=[{"id": "alta", "text": CRLF}], link=True)
    answer["documents"][0]["text"] = CRLF
    assert (name, json.loads(content)) == ("farmaner.json", answer)


def test_the_csv_quotes_and_guards_against_formulas(shown: Shown, write: Any) -> None:
    shown.load(write("=1+1.txt", "Toma paracetamol."), write('a,"b".txt', "Toma penicilina."))
    shown.page.uncheck("#link")
    shown.annotate()

    name, content = shown.download("csv")

    assert (name, content.decode()) == (
        "farmaner.csv",
        "\ufeffdocument,label,start,end,text,score,code,code_score,term\r\n"
        "'=1+1,NORMALIZABLES,5,16,paracetamol,0.6,,,\r\n"
        '"a,""b""",NORMALIZABLES,5,15,penicilina,0.9853,,,\r\n',
    )


def test_the_table_downloads_as_it_is_sorted(shown: Shown, write: Any) -> None:
    shown.load(write("a.txt", "PCR y penicilina; PCR."), write("b.txt", "Toma penicilina. PCR."))
    shown.annotate()
    shown.page.click("#concepts [data-sort=documents]")

    _, content = shown.download("table")

    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    told = [(row["names"], row["count"], row["documents"], row["document_ids"]) for row in rows]
    assert told == [("PCR", "3", "2", "a; b"), ("penicilina", "2", "2", "a; b")]


def test_downloads_hold_what_threshold_and_labels_let_through(shown: Shown) -> None:
    shown.paste("Toma paracetamol, penicilina; albúmina 3.")
    shown.page.fill("#threshold", "70")
    shown.page.uncheck("input[name=label][value=PROTEINAS]")
    shown.frame()

    _, content = shown.download("json")

    (document,) = json.loads(content)["documents"]
    assert [entity["text"] for entity in document["entities"]] == ["penicilina"]


def test_copying_gives_the_document_in_view(open_page: OpenPage, write: Any) -> None:
    with open_page(permissions=["clipboard-read", "clipboard-write"]) as shown:
        shown.load(write("a.txt", "Toma penicilina."), write("b.txt", "La PCR."))
        shown.page.uncheck("#link")
        shown.annotate()
        shown.page.click("#next-document")
        shown.page.click("#copy")
        shown.page.wait_for_selector("#copied:has-text('Copiado')")

        copied = shown.page.evaluate("() => navigator.clipboard.readText()")

    assert copied == "T1\tPROTEINAS 3 6\tPCR\n"


def test_differences_from_gold_are_those_that_farmaner_counts(
    shown: Shown, write: Any, ask: Ask
) -> None:
    text = "Toma paracetamol y penicilina V; albúmina 3, PCR 4, ferritina 9. Calcio.\n"
    ann = (
        "T1\tNORMALIZABLES 5 16\tparacetamol\n"
        "T2\tNORMALIZABLES 19 31\tpenicilina V\n"
        "T3\tNORMALIZABLES 33 41\talbúmina\n"
        "T4\tPROTEINAS 52 61\tferritina\n"
        "T5\tUNCLEAR 65 71\tCalcio\n"
        "#1\tAnnotatorNotes T1\t387517004\n"
        "A1\tNegated T1\n"
    )
    shown.load(write("caso.txt", text), write("caso.ann", ann))
    shown.annotate()

    assert shown.text() == text
    assert sorted(shown.states()) == sorted(
        [
            ("paracetamol", "found"),
            ("penicilina V", "missed"),
            ("penicilina", "spurious"),
            ("albúmina", "missed"),
            ("albúmina", "spurious"),
            ("PCR", "spurious"),
            ("ferritina", "missed"),
            ("Calcio", "unscored"),
        ]
    )
    (gold,) = read_brat(write("caso.txt", text).parent)
    counts = score_ner([gold], [library(ask, "caso", text)]).micro
    row = shown.page.locator("#comparison tfoot td").all_inner_texts()
    assert row[1:4] == [
        str(counts.true_positives),
        str(counts.false_negatives),
        str(counts.false_positives),
    ]
    assert row[4:] == [
        f"{100 * figure:.1f}\xa0%".replace(".", ",")
        for figure in (counts.precision, counts.recall, counts.f1)
    ]


def test_the_three_views_show_either_side_and_the_threshold_moves_the_comparison(
    shown: Shown, write: Any
) -> None:
    shown.load(
        write("caso.txt", "Toma paracetamol, penicilina; albúmina 3."),
        write("caso.ann", "T1\tNORMALIZABLES 5 16\tparacetamol\nT2\tPROTEINAS 30 38\talbúmina\n"),
    )
    shown.annotate()

    told = {}
    for view in ("predicted", "gold", "differences"):
        shown.choose_view(view)
        told[view] = [surface for surface, *_ in shown.entities()]
    shown.page.fill("#threshold", "70")
    shown.frame()
    at_70 = shown.states()
    shown.page.uncheck("input[name=state][value=found]")
    shown.frame()

    assert told == {
        "predicted": ["paracetamol", "penicilina", "albúmina"],
        "gold": ["paracetamol", "albúmina"],
        "differences": ["paracetamol", "penicilina", "albúmina"],
    }
    assert at_70 == [("paracetamol", "missed"), ("penicilina", "spurious"), ("albúmina", "found")]
    assert shown.states() == at_70[:2]


def test_entities_that_cross_are_both_marked_and_the_text_stays(shown: Shown, write: Any) -> None:
    text = "Niega penicilina paracetamol hoy."
    ann = "T1\tPROTEINAS 0 11\tNiega penic\nT2\tPROTEINAS 11 28\tilina paracetamol\n"
    shown.load(write("caso.txt", text), write("caso.ann", ann))
    shown.annotate()

    assert shown.text() == text
    assert shown.states() == [
        ("Niega penic", "missed"),
        ("penicilina", "spurious"),
        ("ilina paracetamol", "missed"),
        ("paracetamol", "spurious"),
    ]


@pytest.mark.parametrize(
    ("place", "notice"),
    [
        ("12 22", None),
        ("13 23", "unidades UTF-16"),
        ("11 21", "sin contar el BOM"),
        ("40 50", "no está en el texto en su lugar (línea 1)"),
        ("12 15;16 22", "discontinua (línea 1)"),
    ],
)
def test_gold_is_placed_as_its_file_counts_and_the_rest_is_named(
    shown: Shown, write: Any, place: str, notice: str | None
) -> None:
    ann = f"T1\tNORMALIZABLES {place}\tpenicilina\n"
    shown.load(write("alta.txt", "\ufeffAlergia💊 a penicilina.\r\n"), write("alta.ann", ann))
    shown.annotate()

    notices = shown.page.locator("#notices li").all_inner_texts()
    placed = [state for surface, state in shown.states() if surface == "penicilina"]

    lost = notice is not None and "línea" in notice
    assert placed == ["spurious" if lost else "found"]
    assert notices == [] if notice is None else len(notices) == 1
    assert notice is None or notice in notices[0]


def test_what_is_no_annotation_or_has_no_document_is_named(shown: Shown, write: Any) -> None:
    shown.load(
        write("a.txt", "Toma penicilina."),
        write("b.txt", "Toma penicilina."),
        write("a.ann", "una línea cualquiera\nT1\tNORMALIZABLES 5 15\tpenicilina\n"),
        write("c.ann", ""),
    )
    shown.annotate()

    assert shown.page.locator("#notices li").all_inner_texts() == [
        "a.ann, línea 1: no es una línea de anotación de brat; no se compara.",
        "c.ann: no hay ningún documento con ese nombre; no se compara.",
    ]
    assert shown.page.inner_text("#comparison tfoot td >> nth=1") == "1"
    assert "Comparados 1 de 2 documentos" in shown.page.inner_text("#comparison-table")


def test_gold_that_comes_after_the_answer_is_compared_without_asking_again(
    shown: Shown, write: Any
) -> None:
    shown.paste("Toma penicilina.")
    asked = len(shown.requests)
    shown.load(write("cualquiera.ann", "T1\tNORMALIZABLES 5 15\tpenicilina\n"))
    shown.page.wait_for_selector("#comparison")

    assert shown.states() == [("penicilina", "found")]
    assert len(shown.requests) == asked


def test_a_file_that_is_not_utf8_or_of_another_kind_is_named_and_the_others_stay(
    shown: Shown, write: Any
) -> None:
    shown.load(
        write("latin.txt", "ácido".encode("latin-1")),
        write("informe.pdf", b"%PDF"),
        write("<img src=x onerror=1>.txt", "Toma penicilina."),
    )

    assert [alert.split(":")[0] for alert in shown.alerts()] == ["latin.txt", "informe.pdf"]
    assert "UTF-8" in shown.alerts()[0]
    assert shown.page.locator(".file-name").all_inner_texts() == ["<img src=x onerror=1>.txt"]


def test_files_that_are_dropped_are_loaded(shown: Shown) -> None:
    shown.page.evaluate(
        """() => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File(["Toma penicilina."], "nota 1.txt"));
          document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
        }"""
    )
    shown.page.wait_for_selector(".file-name")
    shown.annotate()

    assert shown.entities() == [("penicilina", 5, 15)]


def test_many_documents_go_in_batches_and_one_too_long_is_named(shown: Shown, write: Any) -> None:
    ids = [f"n{number}" for number in range(7)]
    shown.load(*(write(f"{id_}.txt", "Toma penicilina.") for id_ in ids))
    shown.load(write("larga.txt", "x" * 300_001))
    shown.annotate()

    posts = [each for each in shown.requests if each.endswith("v1/annotate")]
    options = shown.page.locator("#document option").all_inner_texts()
    assert len(posts) == 3
    assert options == [f"{id_}.txt" for id_ in ids]
    assert shown.alerts() == [
        "larga.txt: 300.001 caracteres; este servidor admite 300.000. No se ha anotado."
    ]


def test_an_error_of_the_service_is_one_line_and_the_text_stays(shown: Shown) -> None:
    shown.expected_complaints = 2
    answer = {"error": "the text could not be annotated", "error_type": "internal"}
    shown.page.route("**/v1/annotate", lambda route: route.fulfill(status=500, json=answer))
    shown.paste("Toma penicilina.")
    failed = shown.alerts()
    shown.page.unroute("**/v1/annotate")
    shown.page.route("**/v1/annotate", lambda route: route.abort())
    shown.annotate()
    unreachable = shown.alerts()
    shown.page.unroute("**/v1/annotate")
    shown.annotate()

    assert failed == ["El servidor ha respondido 500: the text could not be annotated"]
    assert unreachable == [
        "No hay respuesta del servidor. Compruebe que sigue en marcha y vuelva a intentarlo; "
        "el texto sigue aquí."
    ]
    assert shown.page.is_hidden("#alert")
    assert shown.entities() == [("penicilina", 5, 15)]


def test_a_busy_service_is_asked_again(shown: Shown) -> None:
    shown.expected_complaints = 1
    busy = [{"error": "too many texts are waiting; come again", "error_type": "queue_full"}]

    def answer(route: Any) -> None:
        if busy:
            route.fulfill(status=429, json=busy.pop(), headers={"Retry-After": "1"})
        else:
            route.continue_()

    shown.page.route("**/v1/annotate", answer)
    shown.paste("Toma penicilina.")

    assert shown.entities() == [("penicilina", 5, 15)]
    assert shown.page.is_hidden("#alert")


def test_an_answer_that_does_not_fit_the_text_is_not_shown(shown: Shown) -> None:
    entity = {"label": "PROTEINAS", "start": 0, "end": 3, "text": "PCR", "score": 0.9}
    answer = {
        "model": {"name": "fake", "version": ""},
        "documents": [{"id": "nota", "entities": [entity]}],
    }
    shown.page.route("**/v1/annotate", lambda route: route.fulfill(json=answer))
    shown.paste("Toma penicilina.")

    assert shown.alerts() == [
        "La respuesta del servidor no encaja con el texto de nota; no se muestra."
    ]
    assert shown.page.is_hidden("#results")


def test_a_request_can_be_cancelled_and_the_text_stays(shown: Shown) -> None:
    shown.page.route("**/v1/annotate", lambda route: None)  # never answered
    shown.page.fill("#note", "Toma penicilina.")
    shown.page.click("#annotate")
    shown.page.click("#cancel")

    assert shown.alerts() == ["Cancelado. El texto sigue aquí."]
    assert shown.page.input_value("#note") == "Toma penicilina."
    assert shown.page.is_hidden("#cancel")


def test_a_token_is_asked_for_and_kept_in_memory_only(
    open_page: OpenPage, open_service: OpenService
) -> None:
    with open_service(token=TOKEN) as url, open_page(url) as shown:
        shown.expected_complaints = 2
        asked = shown.alerts()
        shown.page.fill("#token", "otra clave")
        shown.page.click("#token-form button")
        shown.page.wait_for_selector("#alert:has-text('no acepta')")
        shown.page.fill("#token", TOKEN)
        shown.page.click("#token-form button")
        shown.page.wait_for_selector("#about:has-text('fake')")
        shown.paste("Toma penicilina.")

        assert asked == ["Este servidor pide una clave de acceso"]
        assert shown.entities() == [("penicilina", 5, 15)]
        assert shown.page.evaluate("() => localStorage.length + sessionStorage.length") == 0
        assert shown.page.context.cookies() == []
