from __future__ import annotations

import gc
import importlib
import logging
import os
import pickle
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from farmaner import Document, Recognizer, load, recognizer
from farmaner.errors import FarmanerError, MissingExtraError, ModelError
from farmaner.formats.docbin import read_docbin
from farmaner.linking import Linker
from farmaner.linking.build import bundled_terminology, load_terminology
from farmaner.recognizer import bundled_model
from farmaner.testing import fake_recognizer

spacy = pytest.importorskip("spacy", reason="needs the extra spacy")
importlib.import_module("farmaner.integrations.spacy")  # registers the component

ROOT = Path(__file__).parents[2]
TEXT = "💊 Niega alergia a penicilina.\r\nHb 9,2 g/dl: fentanilo150mcg y hierro oral.\n"
TERMS = {"oro": "NORMALIZABLES", "plata": "PROTEINAS", "penicilina": "NORMALIZABLES"}
WIDENED = "Toma oro15plata y penicilina."
"""`oro15plata` is one token of spaCy's and three words of ours."""


def pipeline(**config: Any) -> Any:
    nlp = spacy.blank("es")
    nlp.add_pipe("farmaner", config={"threads": 1} | config)
    return nlp


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Recognizer:
    """The recognizer that every component loads: it finds TERMS."""
    one = fake_recognizer(TERMS)
    monkeypatch.setattr(recognizer, "load", lambda *_, **__: one)
    return one


def seen(spans: Any) -> list[tuple[str, str]]:
    return [(span.text, span.label_) for span in spans]


def test_spacy_finds_the_component_by_its_entry_point_alone(declared: Path) -> None:
    code = """if True:
        import sys
        import spacy
        nlp = spacy.blank("es")
        nlp.add_pipe("farmaner")
        assert "onnxruntime" not in sys.modules  # whoever makes a pipeline pays nothing for us
        print([(span.text, span.label_) for span in nlp("Alergia a penicilina.").ents])
    """
    paths = os.pathsep.join([str(declared), str(Path(recognizer.__file__).parents[1])])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "[('penicilina', 'NORMALIZABLES')]\n", done.stderr


def test_a_doc_gets_the_recognizers_entities_with_scores_and_codes() -> None:
    doc = pipeline(link=True)(TEXT)
    expected = Linker(load_terminology()).link(load(threads=1).recognize(TEXT)).entities
    assert len(expected) == 4
    assert doc._.farmaner == expected
    assert [entity.surface_in(doc.text) for entity in doc._.farmaner] == [
        *("penicilina", "Hb", "fentanilo", "hierro")
    ]
    assert seen(doc.ents) == [
        ("penicilina", "NORMALIZABLES"),
        ("Hb", "PROTEINAS"),
        ("fentanilo150mcg", "NORMALIZABLES"),
        ("hierro", "NORMALIZABLES"),
    ]
    assert seen(doc.spans["farmaner"]) == seen(doc.ents)
    for span, entity in zip(doc.ents, expected):
        assert entity.concept is not None
        assert span.kb_id_ == span._.code == entity.concept.code
        assert (span._.score, span._.code_score) == (entity.score, entity.concept.score)
    assert doc._.farmaner_counts == {"n_entities": 4, "n_widened": 1, "n_left_out": 0}


def test_without_linking_there_are_no_codes() -> None:
    (entity,) = pipeline()("Niega alergia a penicilina.").ents
    assert (entity.kb_id_, entity._.code, entity._.code_score) == ("", None, None)
    assert 0 < entity._.score <= 1


def test_what_the_component_has_not_read_is_told_from_what_has_nothing_in_it() -> None:
    nlp = pipeline()
    assert (nlp("")._.farmaner, nlp("")._.farmaner_counts["n_entities"]) == ((), 0)
    unread = nlp.make_doc("Alergia a penicilina.")
    assert (unread._.farmaner, unread._.farmaner_counts) == (None, None)
    assert unread[2:3]._.score is None


def test_entities_inside_a_token_are_widened_counted_and_logged_without_text(
    fake: Recognizer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "farmaner")
    doc = pipeline()(WIDENED)
    assert [(e.start, e.end, e.text) for e in doc._.farmaner] == [
        (5, 8, "oro"),
        (10, 15, "plata"),
        (18, 28, "penicilina"),
    ]
    assert seen(doc.spans["farmaner"]) == [
        ("oro15plata", "NORMALIZABLES"),
        ("oro15plata", "PROTEINAS"),
        ("penicilina", "NORMALIZABLES"),
    ]
    assert doc._.farmaner_counts == {"n_entities": 3, "n_widened": 2, "n_left_out": 1}
    assert [record.getMessage() for record in caplog.records] == [
        "1 documents, 3 entities, 2 widened to whole tokens, 1 not in doc.ents"
    ]


def test_of_two_entities_in_one_token_the_first_is_in_ents_and_each_keeps_its_score(
    fake: Recognizer,
) -> None:
    doc = pipeline()(WIDENED)
    assert seen(doc.ents) == [("oro15plata", "NORMALIZABLES"), ("penicilina", "NORMALIZABLES")]
    scores = [entity.score for entity in doc._.farmaner]
    assert [span._.score for span in doc.spans["farmaner"]] == scores
    assert doc.spans["farmaner"].attrs["scores"] == scores


@pytest.mark.parametrize(
    ("overwrite", "ents", "n_left_out"),
    [
        (False, [("oro15plata", "METAL"), ("y penicilina", "X")], 3),
        (True, [("oro15plata", "NORMALIZABLES"), ("penicilina", "NORMALIZABLES")], 1),
    ],
)
def test_entities_of_earlier_components_stay_unless_they_are_to_be_overwritten(
    fake: Recognizer, overwrite: bool, ents: list[tuple[str, str]], n_left_out: int
) -> None:
    nlp = spacy.blank("es")
    nlp.add_pipe("entity_ruler").add_patterns(
        [{"label": "METAL", "pattern": "oro15plata"}, {"label": "X", "pattern": "y penicilina"}]
    )
    nlp.add_pipe("farmaner", config={"overwrite": overwrite})
    doc = nlp(WIDENED)
    assert seen(doc.ents) == ents
    assert doc._.farmaner_counts["n_left_out"] == n_left_out
    assert len(doc.spans["farmaner"]) == 3
    if not overwrite:
        assert [span._.score for span in doc.ents] == [None, None]  # they are not ours


def test_the_span_group_has_any_name_or_none_and_ents_can_be_left_alone(fake: Recognizer) -> None:
    doc = pipeline(spans_key="fármacos", annotate_ents=False)(WIDENED)
    assert (len(doc.spans["fármacos"]), list(doc.spans), doc.ents) == (3, ["fármacos"], ())
    assert doc._.farmaner_counts["n_left_out"] == 0
    doc = pipeline(spans_key=None)(WIDENED)
    assert (len(doc.ents), list(doc.spans)) == (2, [])


def test_a_stream_is_read_in_batches_of_the_size_that_is_asked_for(
    fake: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    read = Recognizer.recognize_documents

    def counted(self: Recognizer, documents: list[Document]) -> Iterator[Document]:
        sizes.append(len(documents))
        return read(self, documents)

    monkeypatch.setattr(Recognizer, "recognize_documents", counted)
    texts = [f"{n} de penicilina" for n in range(7)]
    docs = list(pipeline().pipe(texts, batch_size=3))
    assert [doc.text for doc in docs] == texts
    assert all(seen(doc.ents) == [("penicilina", "NORMALIZABLES")] for doc in docs)
    assert sizes == [3, 3, 1]


def test_a_doc_that_fails_is_never_an_empty_one(
    fake: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Recognizer.recognize_documents

    def failing(self: Recognizer, documents: list[Document]) -> Iterator[Document]:
        if any("veneno" in document.text for document in documents):
            raise ValueError("veneno")
        return read(self, documents)

    monkeypatch.setattr(Recognizer, "recognize_documents", failing)
    nlp = pipeline()
    texts = ["oro", "veneno", "plata"]
    with pytest.raises(FarmanerError, match=r"^expected to annotate it, found ValueError$"):
        list(nlp.pipe(texts))
    with pytest.raises(FarmanerError, match=r"^expected to annotate it, found ValueError$"):
        nlp("veneno")
    failed: list[str] = []
    nlp.set_error_handler(lambda name, component, docs, error: failed.extend(d.text for d in docs))
    assert [doc.text for doc in nlp.pipe(texts)] == ["oro", "plata"]
    assert failed == ["veneno"]


def test_a_folder_that_is_no_model_is_told_in_one_line() -> None:
    with pytest.raises(ModelError, match=r"^nada: expected a model folder, found no such folder$"):
        pipeline(model="nada")("Alergia a penicilina.")


def test_the_bundled_model_is_saved_by_name(tmp_path: Path) -> None:
    pipeline(link=True).to_disk(tmp_path / "nlp")
    assert [path.name for path in (tmp_path / "nlp" / "farmaner").iterdir()] == [
        "farmaner-pipe.json"
    ]
    nlp = spacy.load(tmp_path / "nlp")
    assert seen(nlp("Alergia a penicilina.").ents) == [("penicilina", "NORMALIZABLES")]


@pytest.fixture
def own(tmp_path: Path) -> dict[str, str]:
    """A model and a terminology of one's own."""
    shutil.copytree(bundled_model(), tmp_path / "own")
    (tmp_path / "own" / "training-summary.json").write_text("{}")
    shutil.copy(bundled_terminology(), tmp_path / "own.terms")
    return {"model": str(tmp_path / "own"), "terminology": str(tmp_path / "own.terms")}


def remove(own: dict[str, str]) -> None:
    shutil.rmtree(own["model"])
    Path(own["terminology"]).unlink()


def codes(nlp: Any) -> list[tuple[str, str]]:
    return [(span.text, span.kb_id_) for span in nlp("Alergia a penicilina.").ents]


CODES = [("penicilina", "764146007")]


def test_a_model_of_ones_own_is_copied_with_the_pipeline_and_can_move(
    own: dict[str, str], tmp_path: Path
) -> None:
    pipeline(**own).to_disk(tmp_path / "nlp")
    remove(own)
    saved = tmp_path / "nlp" / "farmaner" / "model"
    held = {path.relative_to(saved).as_posix() for path in saved.rglob("*") if path.is_file()}
    assert held == {
        *("README.md", "config.json", "farmaner.json", "lexicon.txt", "tokenizer.json"),
        "onnx/model_int8.onnx",
    }
    shutil.move(tmp_path / "nlp", tmp_path / "elsewhere")
    nlp = spacy.load(tmp_path / "elsewhere")
    assert codes(nlp) == CODES
    nlp.to_disk(tmp_path / "elsewhere")  # over itself
    assert codes(spacy.load(tmp_path / "elsewhere")) == CODES


def test_a_model_of_ones_own_goes_along_as_bytes_and_leaves_no_folder_behind(
    own: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "unpacked"))
    (tmp_path / "unpacked").mkdir()
    data = pipeline(**own).to_bytes()
    remove(own)
    nlp = pipeline().from_bytes(data)
    assert codes(nlp) == CODES
    again = pickle.loads(pickle.dumps(nlp))  # noqa: S301  what was just made
    assert codes(again) == CODES
    assert again.get_pipe("farmaner").to_bytes() == nlp.get_pipe("farmaner").to_bytes()
    nlp.to_disk(tmp_path / "nlp")
    assert codes(spacy.load(tmp_path / "nlp")) == CODES
    del nlp, again
    gc.collect()
    assert list((tmp_path / "unpacked").iterdir()) == []


def test_files_of_another_model_saved_there_before_are_gone(
    own: dict[str, str], tmp_path: Path
) -> None:
    component = pipeline(**own).get_pipe("farmaner")
    component.to_disk(tmp_path / "saved")
    assert (tmp_path / "saved" / "model" / "README.md").exists()
    (Path(own["model"]) / "README.md").unlink()
    component.to_disk(tmp_path / "saved")
    assert not (tmp_path / "saved" / "model" / "README.md").exists()


def test_a_folder_that_is_no_saved_component_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"expected a saved component with farmaner-pipe\.json"):
        pipeline().get_pipe("farmaner").from_disk(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_several_processes_answer_as_one_after_the_model_was_loaded(
    method: str, tmp_path: Path
) -> None:
    """A session of ONNX Runtime can neither be pickled nor go on in a forked process."""
    script = tmp_path / "several.py"
    script.write_text(
        f"""if True:
        import multiprocessing
        import spacy
        import farmaner.integrations.spacy

        def main():
            multiprocessing.set_start_method({method!r})
            nlp = spacy.blank("es")
            nlp.add_pipe("farmaner", config={{"link": True}})
            texts = ["Toma hierro150mg.", "Niega alergia a penicilina.", "Nada.", ""] * 2
            def seen(doc):
                spans = [(s.text, s.kb_id_, s._.score) for s in doc.spans["farmaner"]]
                return doc.text, spans, doc._.farmaner, doc._.farmaner_counts
            alone = [seen(nlp(text)) for text in texts]
            assert [seen(doc) for doc in nlp.pipe(texts, n_process=2, batch_size=3)] == alone
            print(alone[1][1][0][:2])

        if __name__ == "__main__":
            main()
        """
    )
    source = str(Path(recognizer.__file__).parents[1])
    quiet = ["-W", "ignore::DeprecationWarning"]  # Python 3.12 warns of every fork with threads
    done = subprocess.run(
        [sys.executable, "-W", "error", *quiet, script],
        env=os.environ | {"PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.stdout == "('penicilina', '764146007')\n", done.stderr


def test_docs_of_a_pipeline_are_read_by_farmaner_as_the_tokens_hold_them(
    fake: Recognizer, tmp_path: Path
) -> None:
    doc = pipeline()("Toma oro15 y penicilina.")
    spacy.tokens.DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "a.spacy")
    (document,) = read_docbin(tmp_path / "a.spacy")
    oro, penicilina = doc._.farmaner
    widened = Document("", doc.text).entity("NORMALIZABLES", 5, 10, score=oro.score)
    assert document.entities == (widened, penicilina)
    docs = spacy.tokens.DocBin().from_disk(tmp_path / "a.spacy").get_docs(spacy.blank("es").vocab)
    assert [again._.farmaner for again in docs] == [(oro, penicilina)]


def test_settings_that_there_are_not_are_refused_by_spacy() -> None:
    with pytest.raises(ValueError, match="unexpected argument: 'modelo'"):
        pipeline(modelo="x")
    with pytest.raises(ValueError, match="backend"):
        pipeline(backend="tpu")


def test_without_spacy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy.language", None)
    monkeypatch.delitem(sys.modules, "farmaner.integrations.spacy")
    with pytest.raises(MissingExtraError, match=r'pip install "farmaner\[spacy\]"'):
        importlib.import_module("farmaner.integrations.spacy")


def test_the_example_prints_substances_with_their_codes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["spacy_pipeline.py"])
    runpy.run_path(str(ROOT / "examples" / "spacy_pipeline.py"), run_name="__main__")
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.split()[1:] == ["creatinina", "15373003"]
    assert last.endswith(" entities begin or end inside a token of spaCy")
