from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from farmaner import Concept, Document, Entity, Span
from farmaner.errors import FormatError, UnsupportedError
from farmaner.formats.fhir import DERIVATION, read_fhir, write_fhir

pytest.importorskip("fhir.resources", reason="needs the extra fhir")

TEXT = "💊 oro\r\nanti-Ro y anti-La"
ORO = Entity(Span(2, 5), "NORMALIZABLES", "oro", 0.5, Concept("CHEBI:30050", 0.25))
ANTI_LA = Entity(Span(7, 24), "PROTEINAS", "anti- La", None, None, (Span(7, 12), Span(22, 24)))
DOCUMENT = Document("nota 1", TEXT, (ORO, ANTI_LA))


def written(folder: Path, *documents: Document) -> dict[str, Any]:
    write_fhir(documents, folder / "a.json")
    bundle: dict[str, Any] = json.loads((folder / "a.json").read_text(encoding="utf-8"))
    return bundle


def test_the_text_is_attached_and_an_entity_is_observed_in_it(tmp_path: Path) -> None:
    bundle = written(tmp_path, DOCUMENT)
    reference, oro, _ = (entry["resource"] for entry in bundle["entry"])
    url = bundle["entry"][0]["fullUrl"]
    assert base64.b64decode(reference["content"][0]["attachment"]["data"]) == TEXT.encode()
    assert oro == {
        "resourceType": "Observation",
        "extension": [
            {
                "url": DERIVATION,
                "extension": [
                    {"url": "reference", "valueReference": {"reference": url}},
                    {"url": "offset", "valueInteger": 2},
                    {"url": "length", "valueInteger": 3},
                ],
            }
        ],
        "status": "preliminary",
        "code": {"coding": [{"system": "urn:farmaner:label", "code": "NORMALIZABLES"}]},
        "valueCodeableConcept": {
            "text": "oro",
            "coding": [
                {
                    "system": "http://purl.obolibrary.org/obo/chebi.owl",
                    "code": "CHEBI:30050",
                }
            ],
        },
        "derivedFrom": [{"reference": url}],
        "component": [
            {"code": {"text": "score"}, "valueQuantity": {"value": 0.5}},
            {"code": {"text": "code_score"}, "valueQuantity": {"value": 0.25}},
        ],
    }
    assert read_fhir(tmp_path / "a.json") == [DOCUMENT]


@pytest.mark.parametrize(
    ("code", "system"),
    [
        ("63718003", "http://snomed.info/sct"),
        ("CHEBI:3815", "http://purl.obolibrary.org/obo/chebi.owl"),
        ("<null>", "urn:farmaner:code"),
    ],
)
def test_a_code_has_the_system_of_its_form(tmp_path: Path, code: str, system: str) -> None:
    entity = Entity(Span(0, 3), "X", "oro", None, Concept(code))
    bundle = written(tmp_path, Document("a", "oro", (entity,)))
    (coding,) = bundle["entry"][1]["resource"]["valueCodeableConcept"]["coding"]
    assert coding == {"system": system, "code": code}


@pytest.mark.parametrize("blank", ["\xa0", "\u2009", "\x85", "\x0b"])
def test_a_surface_with_a_blank_that_fhir_refuses_comes_back_as_it_is(
    tmp_path: Path, blank: str
) -> None:
    text = f"vitamina{blank}D"
    document = Document("nota", text, (Entity(Span(0, 10), "NORMALIZABLES", text),))
    _, vitamin = (entry["resource"] for entry in written(tmp_path, document)["entry"])
    assert vitamin["valueCodeableConcept"]["text"] == "vitamina D"
    assert read_fhir(tmp_path / "a.json") == [document]


def test_two_documents_of_one_id_stay_two(tmp_path: Path) -> None:
    documents = [DOCUMENT, Document("nota 1", "oro"), Document("vacía", "")]
    written(tmp_path, *documents)
    assert read_fhir(tmp_path / "a.json") == documents


def test_other_resources_are_passed_over(tmp_path: Path) -> None:
    bundle = written(tmp_path, DOCUMENT)
    weight = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "peso"},
        "valueQuantity": {"value": 70},
    }
    others = [{"resourceType": "Patient"}, weight]
    bundle["entry"] += [{"resource": resource} for resource in others]
    (tmp_path / "a.json").write_text(json.dumps(bundle))
    assert read_fhir(tmp_path / "a.json") == [DOCUMENT]


def broken(bundle: dict[str, Any], what: str) -> object:
    reference, oro = (bundle["entry"][n]["resource"] for n in (0, 1))
    attachment = reference["content"][0]["attachment"]
    if what == "bundle":
        return {"resourceType": "Patient"}
    if what == "status":
        del oro["status"]
    if what == "content type":
        attachment["contentType"] = "application/pdf"
    if what == "encoding":
        attachment["data"] = base64.b64encode("ácido".encode("latin-1")).decode()
    if what == "no place":
        del oro["extension"]
    if what == "no length":
        del oro["extension"][0]["extension"][2]
    if what == "past the end":
        oro["extension"][0]["extension"][2]["valueInteger"] = 99
    return bundle


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("bundle", ": expected a FHIR R4 Bundle, found something else"),
        ("status", ": expected a FHIR R4 Bundle, found something else"),
        ("content type", ", entry 1: expected an attached text/plain in UTF-8, found another"),
        ("encoding", ", entry 1: expected UTF-8 text, found byte 0xE1 at byte offset 0"),
        ("no place", ", entry 2: expected an extension derivation-reference, found none"),
        ("no length", ", entry 2: expected offset and length in derivation-reference, found one"),
        ("past the end", ", entry 2: expected entities inside the text of 24 characters, found an"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, what: str, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(broken(written(tmp_path, DOCUMENT), what)))
    with pytest.raises(FormatError) as caught:
        read_fhir(path)
    assert str(caught.value).startswith(f"{path}{message}")


def test_what_fhir_cannot_hold_is_refused(tmp_path: Path) -> None:
    entity = Entity(Span(0, 3), "dos  blancos", "oro")
    with pytest.raises(UnsupportedError):
        write_fhir([Document("a", "oro", (entity,))], tmp_path / "a.json")
    with pytest.raises(UnsupportedError, match=r"found a lone surrogate at character 1$"):
        write_fhir([Document("a", "a\ud83d")], tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []
