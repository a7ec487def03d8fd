"""Distillation: teachers tag text softly, a student learns from them and from gold."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farmaner.encoders import Encoder, ModelSettings, load_cutter, load_encoder
from farmaner.encoders.folder import WEIGHTS_FILE
from farmaner.errors import ConfigError, CorpusError
from farmaner.evaluation.official import NerScore, score_ner
from farmaner.formats.brat import read_brat, read_brat_folders
from farmaner.formats.files import write_text
from farmaner.recognizer import load
from farmaner.training.config import TrainingConfig, check_kinds, check_range
from farmaner.training.fitting import fit
from farmaner.training.run import use_bfloat16
from farmaner.training.soft import (
    SoftText,
    as_document,
    average,
    label_texts,
    read_answers,
    text_key,
)
from farmaner.training.steps import Step, Steps
from farmaner.training.texts import Overlap, read_source_texts

REPORT_FILE = "distillation.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillConfig:
    """What teachers speak about, and how much it weighs.

    `sources` are those of the unlabelled texts that are tagged, none: all of them; `max_texts`
    cuts each source after so many (0: never). `soft_weight` is that of the teachers' part of the
    loss, gold's being 1.
    """

    sources: tuple[str, ...] = ()
    max_texts: int = 0
    soft_weight: float = 1.0

    def __post_init__(self) -> None:
        check_kinds(self)
        check_range("max_texts", self.max_texts, 0, 100_000_000)
        check_range("soft_weight", self.soft_weight, 0.0, 1000.0)


@dataclass(frozen=True, slots=True)
class Distillation:
    """A student to be taught: by whom, on the gold of which folders, on which unlabelled texts.

    Texts that share twelve words in a row with a document of `gold` or `kept_out` are not tagged:
    the first need no teacher, the second are for judging. `dev` judges teachers, their plain
    ensemble and the student, none of which may have seen it.
    """

    config: DistillConfig
    student: TrainingConfig
    teachers: tuple[Step | Path, ...]
    gold: tuple[Path, ...]
    texts: tuple[Path, ...]
    kept_out: Path | None = None
    dev: Path | None = None


def distill(job: Distillation, steps: Steps, place: str, inputs: dict[str, Any]) -> Step:
    """Return the step `model`: the student, fitted.

    Before it come the steps `answers-N`, one of each teacher, after it, with dev documents,
    `report`; `place` stands before their names. `inputs` are the student's settings as a step's
    input.

    Raises ConfigError where teachers and student do not have the same tags, CorpusError where
    there is no unlabelled text.
    """
    folders = [_folder(teacher) for teacher in job.teachers]
    _check_teachers(folders, job.student)
    what = {
        "texts": job.texts,
        "kept_out": job.kept_out,
        "dev": job.dev,
        "config": _choice(job.config),
    }

    def ask(number: int, teacher: Step | Path) -> Step:
        return steps.run(
            f"{place}answers-{number}",
            {"teacher": teacher, **what},
            lambda made: _label(job, _folder(teacher), made),
            resumable=True,
        )

    answers = [ask(number, teacher) for number, teacher in enumerate(job.teachers, 1)]

    def study(folder: Path) -> None:
        fit(
            job.student,
            read_brat_folders(job.gold),
            [],
            folder,
            soft=soft_texts(job, [step.folder for step in answers]),
            soft_weight=job.config.soft_weight,
            show=lambda epoch: steps.show(epoch.summary()),
        )

    student = steps.run(
        f"{place}model",
        {
            "settings": inputs,
            "train": job.gold,
            "answers": answers,
            "soft_weight": job.config.soft_weight,
        },
        study,
        resumable=True,
    )
    if job.dev is not None:
        steps.run(
            f"{place}report",
            {"answers": answers, "student": student, "dev": job.dev},
            lambda folder: _report(job, [step.folder for step in answers], student.folder, folder),
        )
    return student


def unlabelled_texts(job: Distillation) -> Iterator[str]:
    """Yield the texts that teachers tag, in the files' order."""
    folders = (*job.gold, *([job.kept_out] if job.kept_out is not None else []))
    known = read_brat_folders(folders, missing_ann_ok=True)
    overlap = Overlap(document.text for document in known)
    counts: dict[str, int] = {}
    for one in read_source_texts(job.texts):
        counts.setdefault(one.source, 0)
        if job.config.sources and one.source not in job.config.sources:
            continue
        if job.config.max_texts and counts[one.source] >= job.config.max_texts:
            continue
        if one.text not in overlap:
            counts[one.source] += 1
            yield one.text
    for source in job.config.sources:
        if source not in counts:
            raise ConfigError(
                f"sources: expected some of {', '.join(sorted(counts))}, found {source!r}"
            )
    if not any(counts.values()):
        raise CorpusError("texts: expected at least one text for the teachers, found none")


def soft_texts(job: Distillation, answers: Sequence[Path]) -> list[SoftText]:
    """Return the unlabelled texts with what the teachers say of them on average."""
    by_teacher = [read_answers(folder) for folder in answers]
    return [
        SoftText(text, average([said[text_key(text)] for said in by_teacher]))
        for text in dict.fromkeys(unlabelled_texts(job))
    ]


def _choice(config: DistillConfig) -> dict[str, Any]:
    return {key: value for key, value in dataclasses.asdict(config).items() if key != "soft_weight"}


def _folder(teacher: Step | Path) -> Path:
    return teacher.folder if isinstance(teacher, Step) else teacher


def _check_teachers(folders: Sequence[Path], student: TrainingConfig) -> None:
    if not folders:
        raise ConfigError("teachers: expected at least one model folder, found none")
    for folder in folders:
        settings = ModelSettings.read(folder)
        if set(settings.labels) != set(student.labels):
            raise ConfigError(
                f"{folder}: expected a teacher with the student's labels "
                f"({', '.join(student.labels)}), found {', '.join(settings.labels)}"
            )


def _label(job: Distillation, teacher: Path, folder: Path) -> None:
    """Store a teacher's answers to the unlabelled texts, and to dev's for the ensemble's score."""
    settings = ModelSettings.read(teacher)
    encoder = _encoder(teacher, job.student)
    cutter = load_cutter(teacher, settings)
    scheme = settings.tagging_scheme()
    columns = [scheme.number(tag) for tag in job.student.tagging_scheme().word_tags]
    dev = read_brat(job.dev) if job.dev is not None else []
    for texts in (unlabelled_texts(job), (document.text for document in dev)):
        label_texts(texts, encoder, cutter, folder, columns=columns)


def _encoder(teacher: Path, student: TrainingConfig) -> Encoder:
    """Return a teacher's encoder: of its full weights where it has them, as precise as training."""
    if not (teacher / WEIGHTS_FILE).is_file():
        return load_encoder(teacher)[0]
    from farmaner.encoders.torch import TorchEncoder

    return TorchEncoder.from_folder(teacher, bfloat16=use_bfloat16(student.precision))


def _report(job: Distillation, answers: Sequence[Path], student: Path, folder: Path) -> None:
    """Score each teacher, their plain ensemble and the student on dev."""
    gold = read_brat(job.dev) if job.dev is not None else []
    scheme = job.student.tagging_scheme()
    by_teacher = [read_answers(answer) for answer in answers]
    keys = [text_key(document.text) for document in gold]
    scores: dict[str, NerScore] = {}
    for number, said in enumerate(by_teacher, 1):
        found = [as_document(one, said[key], scheme) for one, key in zip(gold, keys, strict=True)]
        scores[f"teacher-{number}"] = score_ner(gold, found)
    found = [
        as_document(one, average([said[key] for said in by_teacher]), scheme)
        for one, key in zip(gold, keys, strict=True)
    ]
    scores["ensemble"] = score_ner(gold, found)
    scores["student"] = score_ner(gold, list(load(student).recognize_documents(gold)))
    content = {name: score.as_dict() for name, score in scores.items()}
    write_text(folder / REPORT_FILE, json.dumps(content, ensure_ascii=False, indent=2) + "\n")
