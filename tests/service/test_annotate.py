"""`POST /v1/annotate` and `GET /v1/info`: the contract."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from farmaner import Document, Recognizer, load
from farmaner.formats.brat import read_brat
from farmaner.formats.jsonl import document_to_json
from farmaner.service import create_app
from farmaner.testing import FAKE_TERMS, fake_recognizer

from .conftest import FOUND, NOTE, MakeClient

MODEL = {"name": "fake", "version": "1a2b3c"}
SCORE = 0.9901  # exp(6) against the five other tags of three labels
NOTES = Path(__file__).parents[2] / "examples" / "notes"


def annotate(client: TestClient, **asked: Any) -> Any:
    answer = client.post("/v1/annotate", json=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def scored(entities: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**entity, "score": pytest.approx(SCORE, abs=0.005)} for entity in entities]


def test_a_text_is_answered_with_its_entities_and_without_itself(client: TestClient) -> None:
    assert annotate(client, text=NOTE) == {
        "model": MODEL,
        "offsets": "codepoints",
        "documents": [{"id": "0", "entities": scored(FOUND)}],
    }


def test_documents_come_back_in_their_order_with_their_ids_or_their_numbers(
    client: TestClient,
) -> None:
    documents = [{"id": "b", "text": NOTE}, {"text": ""}, {"id": "b", "text": "PCR"}]
    answer = annotate(client, documents=documents)["documents"]

    assert [(d["id"], [e["text"] for e in d["entities"]]) for d in answer] == [
        ("b", ["penicilina", "PCR"]),
        ("1", []),
        ("b", ["PCR"]),
    ]


def test_linked_entities_have_code_score_and_term_and_null_where_there_is_none(
    client: TestClient,
) -> None:
    text = "Penicilina y paracetamol. penicilina"
    [document] = annotate(client, text=text, link=True)["documents"]

    told = [
        (e["text"], e["code"], e["term"], e["code_score"] is None) for e in document["entities"]
    ]
    assert told == [
        ("paracetamol", None, None, True),
        ("penicilina", "764146007", "penicilina", False),
    ]
    assert set(document["entities"][0]) == {
        *("label", "start", "end", "text", "score", "code", "code_score", "term")
    }


def test_utf16_offsets_are_those_of_javascript(client: TestClient) -> None:
    text = "💊penicilina 👩\u200d⚕️ á PCR"
    [plain] = annotate(client, text=text)["documents"]
    [wide] = annotate(client, text=text, offsets="utf16")["documents"]

    assert [(e["start"], e["end"]) for e in plain["entities"]] == [(1, 11), (19, 22)]
    assert [(e["start"], e["end"]) for e in wide["entities"]] == [(2, 12), (21, 24)]


def test_labels_and_minimum_score_choose_among_the_entities(client: TestClient) -> None:
    def texts(**asked: Any) -> list[str]:
        [document] = annotate(client, text=NOTE, **asked)["documents"]
        return [entity["text"] for entity in document["entities"]]

    assert texts(labels=["PROTEINAS"]) == ["PCR"]
    assert texts(labels=[]) == []
    assert texts(labels=None, minimum_score=0.9) == ["penicilina", "PCR"]
    assert texts(minimum_score=1) == []


def test_info_tells_the_model_and_the_limits(make_client: MakeClient) -> None:
    client = make_client(max_chars=10, max_documents=2, timeout_seconds=5.0, max_body_bytes=500)

    assert client.get("/v1/info").json() == {
        **MODEL,
        "farmaner": "0.1.0",
        "labels": ["NORMALIZABLES", "NO_NORMALIZABLES", "PROTEINAS"],
        "backend": "fake",
        "linking": True,
        "limits": {
            "max_body_bytes": 500,
            "max_chars": 10,
            "max_documents": 2,
            "timeout_seconds": 5.0,
        },
    }


def test_a_service_without_codes_says_so() -> None:
    with TestClient(create_app(fake_recognizer())) as client:
        answer = client.post("/v1/annotate", json={"text": NOTE, "link": True})

        assert client.get("/v1/info").json()["linking"] is False
        assert (answer.status_code, answer.json()) == (
            422,
            {
                "error": "link: expected false, for this service has no codes",
                "error_type": "invalid",
            },
        )
        assert client.post("/v1/annotate", json={"text": NOTE}).status_code == 200


texts = st.lists(
    st.sampled_from([*FAKE_TERMS, " ", "\r\n", "💊", "\u2028", "<script>", '"', ". "])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
).map("".join)


@given(st.lists(texts, min_size=1, max_size=5), st.sampled_from(["codepoints", "utf16"]))
@settings(deadline=None)
def test_the_services_entities_are_the_librarys_for_any_text(
    client: TestClient, given_: list[str], offsets: str
) -> None:
    expected = fake_recognizer().recognize_documents(Document("", text) for text in given_)
    documents = [{"text": text} for text in given_]
    answer = annotate(client, documents=documents, offsets=offsets)["documents"]

    for text, library, document in zip(given_, expected, answer, strict=True):
        found = document["entities"]
        if offsets == "utf16":
            units = text.encode("utf-16-le")
            for entity in found:
                start, end = entity["start"], entity["end"]
                assert units[2 * start : 2 * end].decode("utf-16-le") == entity["text"]
                entity["start"] = len(units[: 2 * start].decode("utf-16-le"))
                entity["end"] = len(units[: 2 * end].decode("utf-16-le"))
        assert found == document_to_json(library)["entities"]


@pytest.fixture(scope="module")
def bundled() -> Recognizer:
    return load()


@pytest.fixture(scope="module")
def bundled_client(bundled: Recognizer) -> Iterator[TestClient]:
    with TestClient(create_app(bundled)) as client:
        yield client


def test_the_bundled_models_entities_are_the_librarys_on_the_example_notes(
    bundled: Recognizer, bundled_client: TestClient
) -> None:
    notes = [Document(note.id, note.text) for note in read_brat(NOTES)[:6]]
    expected = [
        document_to_json(document, with_text=False)
        for document in bundled.recognize_documents(notes)
    ]
    together = annotate(
        bundled_client, documents=[{"id": note.id, "text": note.text} for note in notes]
    )
    alone = [annotate(bundled_client, text=note.text)["documents"][0] for note in notes[:2]]

    assert together["documents"] == expected
    assert [d["entities"] for d in alone] == [d["entities"] for d in expected[:2]]


@pytest.mark.slow
def test_a_huge_text_and_short_ones_at_once_are_answered_as_each_alone(
    bundled: Recognizer, bundled_client: TestClient
) -> None:
    """The two lanes use one model at the same time."""
    notes = [note.text for note in read_brat(NOTES)[:20]]
    texts = ["\n".join(notes), *notes[:8]]
    with ThreadPoolExecutor(len(texts)) as pool:
        answers = list(pool.map(lambda text: annotate(bundled_client, text=text), texts))

    documents = (Document("0", text) for text in texts)
    assert [answer["documents"] for answer in answers] == [
        [document_to_json(document, with_text=False)]
        for document in bundled.recognize_documents(documents)
    ]


@given(st.lists(texts, min_size=1, max_size=3))
@settings(deadline=None, max_examples=15)
def test_the_bundled_models_entities_are_the_librarys_for_any_text(
    bundled: Recognizer, bundled_client: TestClient, given_: list[str]
) -> None:
    documents = [Document(str(number), text) for number, text in enumerate(given_)]
    expected = [
        document_to_json(document, with_text=False)
        for document in bundled.recognize_documents(documents)
    ]
    asked = [{"text": text} for text in given_]

    assert annotate(bundled_client, documents=asked)["documents"] == expected
