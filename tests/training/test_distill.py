"""Teachers with other tokenizers speak about the same words; a student learns from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from farmaner.cli import run
from farmaner.cutting import Cutter
from farmaner.document import Document
from farmaner.encoders import load_encoder
from farmaner.errors import ConfigError, CorpusError, FormatError
from farmaner.evaluation import score_ner
from farmaner.formats.brat import write_brat
from farmaner.recognizer import load
from farmaner.tagging import Scheme, encode_entities
from farmaner.testing import FAKE_TERMS, FakeEncoder, fake_settings, fake_tokenizer
from farmaner.text import Lexicon, split_words
from farmaner.training.config import TrainingConfig
from farmaner.training.distill import (
    Distillation,
    DistillConfig,
    distill,
    unlabelled_texts,
)
from farmaner.training.loop import train
from farmaner.training.soft import (
    SoftText,
    as_document,
    average,
    corrected,
    label_texts,
    read_answers,
    soft_windows,
    text_key,
)
from farmaner.training.steps import open_steps
from farmaner.training.trainer import masked, mixed_loss

pytestmark = pytest.mark.train

Folder = Callable[[str], str]

TEXTS = [
    "Niega alergia a penicilina. Toma paracetamol y ácido fólico.",
    "Albúmina normal. Se añade extracto de valeriana; PCR 12 mg/l.",
    "",
    "   ",
    "Sin tratamiento.",
]
SCHEME = fake_settings().tagging_scheme()


def fake_answers(texts: list[str], folder: Path, family: Any, confidence: float = 6.0) -> int:
    tokenizer = fake_tokenizer(family)
    encoder = FakeEncoder(SCHEME, FAKE_TERMS, tokenizer, confidence=confidence)
    return label_texts(texts, encoder, Cutter(tokenizer, 64), folder)


def test_teachers_of_every_tokenizer_answer_in_the_same_words(tmp_path: Path) -> None:
    for family in ("wordpiece", "metaspace", "bytelevel"):
        fake_answers(TEXTS, tmp_path / family, family)
        answers = read_answers(tmp_path / family)
        assert answers.keys() == {text_key(text) for text in TEXTS}
        text = TEXTS[0]
        said = answers[text_key(text)]
        assert said.dtype == np.float16
        assert said.shape == (len(split_words(text)), len(SCHEME.tags))
        np.testing.assert_allclose(said.astype(float).sum(axis=1), 1.0, atol=2e-3)
        found = as_document(Document("d", text), said, SCHEME)
        assert [entity.text for entity in found.entities] == [
            "penicilina",
            "paracetamol",
            "ácido fólico",
        ]
    one, other = (read_answers(tmp_path / family) for family in ("wordpiece", "bytelevel"))
    for key, said in one.items():
        mean = average([said, other[key]])
        np.testing.assert_allclose(mean.astype(float), said.astype(float), atol=2e-3)


def test_a_teacher_of_another_scheme_or_order_answers_in_the_student_s_tags(
    tmp_path: Path,
) -> None:
    theirs = Scheme("paper", SCHEME.labels[::-1])
    tokenizer = fake_tokenizer("wordpiece")
    encoder = FakeEncoder(theirs, FAKE_TERMS, tokenizer)
    columns = [theirs.number(tag) for tag in SCHEME.word_tags]
    label_texts(TEXTS, encoder, Cutter(tokenizer, 64), tmp_path, columns=columns)
    said = read_answers(tmp_path)[text_key(TEXTS[0])]
    assert said.shape[1] == len(SCHEME.word_tags) < len(theirs.tags)
    np.testing.assert_allclose(said.astype(float).sum(axis=1), 1.0, atol=2e-3)
    found = as_document(Document("d", TEXTS[0]), said, SCHEME)
    assert [(entity.label, entity.text) for entity in found.entities] == [
        ("NORMALIZABLES", "penicilina"),
        ("NORMALIZABLES", "paracetamol"),
        ("NORMALIZABLES", "ácido fólico"),
    ]
    (window,) = soft_windows([SoftText(TEXTS[0], said)], Cutter(tokenizer, 64), theirs)
    assert window.soft is not None
    assert window.soft.shape[1] == len(theirs.tags)


def test_soft_tags_hold_no_text_and_are_found_by_its_hash_alone(tmp_path: Path) -> None:
    fake_answers(TEXTS, tmp_path, "wordpiece")
    (file,) = tmp_path.glob("*.npz")
    with np.load(file) as stored:
        assert hashlib.sha256(TEXTS[0].encode()).hexdigest() in stored.files
        assert {stored[key].dtype for key in stored.files} == {np.dtype(np.float16)}
    assert b"penicilina" not in file.read_bytes()


def test_texts_that_were_answered_are_not_read_again(tmp_path: Path) -> None:
    assert fake_answers(TEXTS[:2], tmp_path, "wordpiece") == 2
    (tmp_path / ".000001.99.part").write_bytes(b"half a file of a killed run")
    assert fake_answers(TEXTS, tmp_path, "wordpiece") == 3
    assert fake_answers(TEXTS, tmp_path, "wordpiece") == 0
    assert len(read_answers(tmp_path)) == 5
    (tmp_path / "000000.npz").write_bytes(b"nothing")
    with pytest.raises(FormatError) as error:
        read_answers(tmp_path)
    assert str(error.value).startswith(f"{tmp_path / '000000.npz'}: expected answers of a teacher")


def test_soft_rows_stand_at_the_first_piece_of_each_word_and_nowhere_else() -> None:
    text = "Niega alergia a penicilina."
    n_words = len(split_words(text))
    rows = np.zeros((n_words, len(SCHEME.tags)), dtype=np.float16)
    rows[np.arange(n_words), np.arange(n_words) % 3] = 1.0
    tokenizer = fake_tokenizer("wordpiece")
    (window,) = soft_windows([SoftText(text, rows)], Cutter(tokenizer, 64), SCHEME)
    counts = tokenizer.encode(text, split_words(text)).counts().tolist()
    assert window.soft is not None
    expected = [-1]
    for number, count in enumerate(counts):
        expected += [number % 3] + [-1] * (count - 1)
    expected += [-1]
    at = [int(row.argmax()) if row.any() else -1 for row in window.soft]
    assert at == expected
    assert set(window.targets.tolist()) == {-100}


def test_a_share_of_pieces_is_masked_others_each_time_and_never_a_special_one_or_padding() -> None:
    torch.manual_seed(0)
    ids = torch.arange(2 * 400).reshape(2, 400) + 10
    attended = torch.ones_like(ids)
    attended[1, 300:] = 0
    first, second = (masked(ids, attended, 3, 0.25) for _ in range(2))
    hidden = first == 3
    assert 0.2 < hidden.sum() / 696 < 0.3
    assert not hidden[:, 0].any()
    assert not hidden[0, 399]
    assert not hidden[1, 299:].any()
    torch.testing.assert_close(first[~hidden], ids[~hidden])
    assert not torch.equal(first, second)
    assert masked(ids, attended, 3, 0.0) is ids
    assert (masked(ids, attended, 3, 1.0) == 3).sum() == 398 + 298


def test_the_loss_is_cross_entropy_on_gold_and_divergence_from_the_teachers() -> None:
    logits = torch.tensor([[[2.0, 0.0], [0.0, 1.0], [0.0, 0.0]]])
    targets = torch.tensor([[0, -100, -100]])
    soft = torch.tensor([[[0.0, 0.0], [0.25, 0.75], [0.0, 0.0]]])
    hard = -torch.log_softmax(logits[0, 0], -1)[0]
    mine = torch.log_softmax(logits[0, 1], -1)
    theirs = soft[0, 1]
    divergence = (theirs * (theirs.log() - mine)).sum()
    torch.testing.assert_close(mixed_loss(logits, targets, None, 3.0), hard)
    torch.testing.assert_close(mixed_loss(logits, targets, soft, 3.0), hard + 3.0 * divergence)
    nothing = torch.full_like(targets, -100)
    torch.testing.assert_close(mixed_loss(logits, nothing, soft, 1.0), divergence)
    assert mixed_loss(logits, nothing, None, 1.0).item() == 0.0
    agreed = mine.exp()[None, None, :].expand(1, 3, 2) * torch.tensor([[[0.0], [1.0], [0.0]]])
    assert mixed_loss(logits, nothing, agreed, 1.0).item() == pytest.approx(0.0, abs=1e-6)


def settings(encoder: str, **values: Any) -> TrainingConfig:
    small = {"max_pieces": 64, "epochs": 2, "batch_size": 8, "learning_rate": 3e-3}
    return TrainingConfig(encoder=encoder, **(small | values))


def decided(text: str, found: str, decisions: dict[str, str]) -> list[tuple[str, str]]:
    """What the answers spell after `decisions`, where `found` (LABEL:name) was found before."""
    scheme = Scheme("iob2", ("DRUG", "PROTEIN"))
    document = Document("d", text)
    entities = []
    for one in filter(None, found.split("|")):
        label, _, name = one.partition(":")
        start = text.index(name)
        entities.append(document.entity(label, start, start + len(name)))
    words = split_words(text)
    tags = encode_entities(entities, words, scheme).tags
    said = np.full((len(words), len(scheme.tags)), 0.05, dtype=np.float16)
    said[np.arange(len(words)), tags] = 0.8
    terms = Lexicon.of(decisions.items())
    soft = corrected(SoftText(text, said), terms, scheme)
    np.testing.assert_allclose(soft.probabilities.astype(float).sum(axis=1), 1.0, atol=2e-3)
    spelt = as_document(document, soft.probabilities, scheme)
    return [(entity.label, entity.text) for entity in spelt.entities]


@pytest.mark.parametrize(
    ("text", "found", "decisions", "expected"),
    [
        ("El INR es 2.", "PROTEIN:INR", {"inr": "O"}, []),
        ("El INR es 2.", "PROTEIN:INR es", {"inr": "O"}, [("PROTEIN", "INR es")]),
        ("Toma CsA hoy.", "PROTEIN:CsA", {"CsA": "DRUG"}, [("DRUG", "CsA")]),
        ("Toma CsA hoy.", "", {"CsA": "DRUG"}, [("DRUG", "CsA")]),
        ("Toma CsA hoy.", "DRUG:CsA", {"CsA": "DRUG"}, [("DRUG", "CsA")]),
        ("Da factor reumatoideo.", "PROTEIN:reumatoideo", {"factor reumatoideo": "PROTEIN"},
         [("PROTEIN", "factor reumatoideo")]),
        ("Canales de calcio.", "PROTEIN:Canales de calcio", {"calcio": "DRUG"},
         [("PROTEIN", "Canales de calcio")]),
        ("El INR.", "", {"inr": "O"}, []),
        ("Sin nada.", "", {"inr": "O"}, []),
    ],
)  # fmt: skip
def test_where_a_name_was_decided_the_decision_counts_and_not_the_teachers(
    text: str, found: str, decisions: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    assert decided(text, found, decisions) == expected


@pytest.mark.slow
def test_a_student_learns_what_only_its_teachers_say(
    notes: list[Document], encoder_folder: Folder, tmp_path: Path
) -> None:
    note = next(note for note in notes if len(note.entities) >= 8)
    scheme = settings("x").tagging_scheme()
    words = split_words(note.text)
    tags = encode_entities(note.entities, words, scheme).tags
    said = np.full((len(words), len(scheme.tags)), 0.01, dtype=np.float16)
    said[np.arange(len(words)), tags] = 0.94
    other = Document("otra", "Niega alergia a penicilina.")
    other = other.with_entities([other.entity("NORMALIZABLES", 16, 26)])
    config = settings(encoder_folder("bert"), epochs=40, batch_size=2, dropout=0.0)
    train(config, [other], output=tmp_path / "m", soft=[SoftText(note.text, said)])
    found = load(tmp_path / "m").recognize(note.text)
    gold = {entity.key for entity in note.entities if entity.label in config.labels}
    assert len({entity.key for entity in found.entities} & gold) >= 0.8 * len(gold)


@pytest.fixture(scope="module")
def teachers(
    notes: list[Document], encoder_folder: Folder, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    """Two teachers with different tokenizers, fitted on the first notes."""
    folder = tmp_path_factory.mktemp("teachers")
    for family in ("bert", "roberta"):
        train(settings(encoder_folder(family), epochs=25), notes[:20], output=folder / family)
    return [folder / "bert", folder / "roberta"]


@pytest.fixture
def data(notes: list[Document], tmp_path: Path) -> dict[str, Path]:
    write_brat(notes[:20], tmp_path / "train")
    write_brat(notes[20:26], tmp_path / "dev")
    lines = [{"source": "altas", "text": note.text} for note in notes[18:34]]
    lines += [{"source": "actas", "text": f"Acta {n}. Se aprueba."} for n in range(4)]
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return {name: tmp_path / name for name in ("train", "dev")} | {"texts": path}


def job_of(data: dict[str, Path], student: TrainingConfig, *teachers: Path) -> Distillation:
    return Distillation(
        DistillConfig(),
        (student,),
        teachers,
        (data["train"],),
        (data["texts"],),
        kept_out=data["dev"],
        dev=data["dev"],
    )


def test_texts_of_dev_are_not_tagged_and_sources_are_chosen_and_cut(
    data: dict[str, Path], notes: list[Document]
) -> None:
    job = job_of(data, settings("x"))
    long_enough = {note.text for note in notes[18:26] if len(note.text) > 100}
    found = list(unlabelled_texts(job))
    assert len(long_enough) >= 4
    assert not long_enough & set(found)
    assert {note.text for note in notes[26:34]} <= set(found)
    of_one = replace(job, config=DistillConfig(sources=("actas",), max_texts=3))
    assert list(unlabelled_texts(of_one)) == [f"Acta {n}. Se aprueba." for n in range(3)]
    with pytest.raises(ConfigError) as error:
        list(unlabelled_texts(replace(job, config=DistillConfig(sources=("notas",)))))
    assert str(error.value) == "sources: expected some of actas, altas, found 'notas'"
    with pytest.raises(CorpusError, match="expected at least one text for the teachers"):
        list(unlabelled_texts(replace(job, texts=())))


def test_a_teacher_with_other_labels_or_none_at_all_is_refused(
    data: dict[str, Path], tmp_path: Path
) -> None:
    fake_settings(("A", "B")).write(tmp_path)
    student = settings("x")
    with open_steps(tmp_path / "run") as steps, pytest.raises(ConfigError) as error:
        distill(job_of(data, student, tmp_path), steps, "", [{}])
    assert str(error.value) == (
        f"{tmp_path}: expected a teacher with the student's labels (NORMALIZABLES, "
        "NO_NORMALIZABLES, PROTEINAS), found A, B"
    )
    with open_steps(tmp_path / "run") as steps, pytest.raises(ConfigError, match="at least one"):
        distill(job_of(data, student), steps, "", [{}])
    replace(fake_settings(student.labels), scheme="io").write(tmp_path)
    with open_steps(tmp_path / "run") as steps, pytest.raises(ConfigError) as error:
        distill(job_of(data, student, tmp_path), steps, "", [{}])
    assert str(error.value) == (
        f"{tmp_path}: expected a teacher with the tags of the student's scheme iob2, "
        "found the scheme io"
    )


def test_decisions_of_a_kind_that_is_no_label_are_refused_before_a_teacher_is_asked(
    data: dict[str, Path], tmp_path: Path
) -> None:
    fake_settings(tuple(settings("x").labels)).write(tmp_path)
    for table, found in (("kind\nTAC\tnothing", "nothing"), ("\nTAC", "one without")):
        (tmp_path / "d.tsv").write_text(f"name\t{table}\n".replace("\t\n", "\n"), encoding="utf-8")
        config = DistillConfig(decisions=str(tmp_path / "d.tsv"))
        job = replace(job_of(data, settings("x"), tmp_path), config=config)
        with open_steps(tmp_path / "run") as steps, pytest.raises(ConfigError) as error:
            distill(job, steps, "", [{}])
        assert str(error.value) == (
            f"{tmp_path / 'd.tsv'}: expected names of the kinds NORMALIZABLES, NO_NORMALIZABLES, "
            f"O, PROTEINAS, found {found!r}"
        )


@pytest.mark.slow
def test_distilling_killed_after_every_line_ends_as_an_unbroken_run(
    teachers: list[Path], data: dict[str, Path], encoder_folder: Folder, tmp_path: Path
) -> None:
    student = settings(encoder_folder("bert"), seed=3)
    job = job_of(data, student, *teachers)

    def attempt(folder: Path, seen: set[str] | None) -> bool:
        def show(line: str) -> None:
            line = line.partition(" done in ")[0].partition("  loss ")[0]
            if seen is not None and line not in seen:
                seen.add(line)
                raise KeyboardInterrupt

        try:
            with open_steps(folder, show=show) as steps:
                distill(job, steps, "", [student.as_input()])
        except KeyboardInterrupt:
            return False
        return True

    assert attempt(tmp_path / "unbroken", None)
    seen: set[str] = set()
    n_killed = 0
    while not attempt(tmp_path / "broken", seen):
        n_killed += 1
    assert n_killed >= 8
    one, other = (tmp_path / name for name in ("unbroken", "broken"))
    for name in ("model/model.safetensors", "report/distillation.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes()
    report = json.loads((one / "report/distillation.json").read_text(encoding="utf-8"))
    assert list(report) == ["teacher-1", "teacher-2", "ensemble", "student"]


@pytest.mark.slow
def test_the_ensemble_of_one_teacher_scores_as_that_teacher_does(
    teachers: list[Path], data: dict[str, Path], notes: list[Document], tmp_path: Path
) -> None:
    from farmaner.encoders import ModelSettings, load_cutter

    gold = notes[:6]
    own = ModelSettings.read(teachers[1])
    encoder, _ = load_encoder(teachers[1])
    label_texts(
        [note.text for note in gold],
        encoder,
        load_cutter(teachers[1], own),
        tmp_path,
    )
    answers = read_answers(tmp_path)
    scheme = Scheme(own.scheme, own.labels)
    found = [as_document(note, average([answers[text_key(note.text)]]), scheme) for note in gold]
    expected = list(load(teachers[1]).recognize_documents(gold))
    assert score_ner(gold, found) == score_ner(gold, expected)
    assert score_ner(gold, found).micro.true_positives > 0


@pytest.mark.slow
def test_the_command_distills_and_prints_who_scores_what(
    teachers: list[Path],
    data: dict[str, Path],
    encoder_folder: Folder,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = tmp_path / "student.toml"
    config.write_text("epochs = 1\nmax_pieces = 64\n", encoding="utf-8")
    flags = ["--teacher", str(teachers[0]), "--texts", str(data["texts"]), "--source", "actas"]
    flags += ["--train", str(data["train"]), "--dev", str(data["dev"]), "--config", str(config)]
    flags += ["--encoder", encoder_folder("bert"), "-o", str(tmp_path / "out")]
    (tmp_path / "d.tsv").write_text("name\tkind\nacta\tO\n", encoding="utf-8")
    flags += ["--decisions", str(tmp_path / "d.tsv")]
    assert run(["distill", *flags]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["teacher-1", "ensemble", "student"]
    assert lines[3] == str(tmp_path / "out" / "model")
    assert load(tmp_path / "out" / "model").recognize("").entities == ()
