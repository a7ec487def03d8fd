"""Distillation: teachers tag text softly, a student learns from them and from gold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from farmaner.encoders import Encoder, ModelSettings, load_cutter, load_encoder
from farmaner.encoders.folder import WEIGHTS_FILE
from farmaner.errors import ConfigError, CorpusError
from farmaner.evaluation.official import NerScore, score_ner
from farmaner.formats.brat import read_brat, read_brat_folders
from farmaner.formats.files import write_text
from farmaner.recognizer import load
from farmaner.tagging import OUTSIDE, Scheme
from farmaner.text import Lexicon, read_lexicon
from farmaner.training.config import TrainingConfig, check_kinds, check_range
from farmaner.training.fitting import fit
from farmaner.training.run import use_bfloat16
from farmaner.training.soft import (
    SoftText,
    as_document,
    average,
    corrected,
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
    loss, gold's being 1. `decisions` is a file of names (`read_lexicon`) whose kind is a label, or
    O: what a reader decided of names that teachers found, which then counts in their stead
    (`corrected`); "" for none.
    """

    sources: tuple[str, ...] = ()
    max_texts: int = 0
    soft_weight: float = 1.0
    decisions: str = ""

    def __post_init__(self) -> None:
        check_kinds(self)
        check_range("max_texts", self.max_texts, 0, 100_000_000)
        check_range("soft_weight", self.soft_weight, 0.0, 1000.0)


@dataclass(frozen=True, slots=True)
class Distillation:
    """Students to be taught: by whom, on the gold of which folders, on which unlabelled texts.

    The students have the same labels and the same scheme; most often there is one.

    Texts that share twelve words in a row with a document of `gold` or `kept_out` are not tagged:
    the first need no teacher, the second are for judging. `dev` judges teachers, their plain
    ensemble and the students, none of which may have seen it.
    """

    config: DistillConfig
    students: tuple[TrainingConfig, ...]
    teachers: tuple[Step | Path, ...]
    gold: tuple[Path, ...]
    texts: tuple[Path, ...]
    kept_out: Path | None = None
    dev: Path | None = None

    @property
    def scheme(self) -> Scheme:
        """The tagging scheme of the students."""
        return self.students[0].tagging_scheme()


def distill(
    job: Distillation, steps: Steps, place: str, inputs: Sequence[dict[str, Any]]
) -> list[Step]:
    """Return the students, fitted: the steps `model`, `model-2` and so on.

    Before them come the steps `answers-N`, one of each teacher, after them, with dev documents,
    `report`; `place` stands before their names. `inputs` are each student's settings as a step's
    input.

    Raises ConfigError where teachers and student do not have the same tags, or decisions speak
    of other labels, CorpusError where there is no unlabelled text, and what `read_lexicon` raises.
    """
    folders = [_folder(teacher) for teacher in job.teachers]
    decisions = _read_decisions(job)
    _check_teachers(folders, job.scheme)
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

    @cache
    def soft() -> list[SoftText]:
        return soft_texts(job, [step.folder for step in answers], decisions)

    def study(number: int, own: dict[str, Any]) -> Step:
        def work(folder: Path) -> None:
            fit(
                job.students[number - 1],
                read_brat_folders(job.gold),
                [],
                folder,
                soft=soft(),
                soft_weight=job.config.soft_weight,
                show=lambda epoch: steps.show(epoch.summary()),
            )

        decided = {"decisions": Path(job.config.decisions)} if job.config.decisions else {}
        return steps.run(
            place + _numbered("model", number),
            {
                "settings": own,
                "train": job.gold,
                "answers": answers,
                "soft_weight": job.config.soft_weight,
                **decided,
            },
            work,
            resumable=True,
        )

    students = [study(number, own) for number, own in enumerate(inputs, 1)]
    if job.dev is not None:
        steps.run(
            f"{place}report",
            {"answers": answers, "students": students, "dev": job.dev},
            lambda folder: _report(
                job,
                [step.folder for step in answers],
                [step.folder for step in students],
                folder,
            ),
        )
    return students


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


def soft_texts(
    job: Distillation, answers: Sequence[Path], decisions: Lexicon | None = None
) -> list[SoftText]:
    """Return the unlabelled texts with what teachers say on average, corrected where decided."""
    by_teacher = [read_answers(folder) for folder in answers]
    soft = [
        SoftText(text, average([said[text_key(text)] for said in by_teacher]))
        for text in dict.fromkeys(unlabelled_texts(job))
    ]
    if decisions is None:
        return soft
    return [corrected(one, decisions, job.scheme) for one in soft]


def _read_decisions(job: Distillation) -> Lexicon | None:
    if not job.config.decisions:
        return None
    decisions = read_lexicon(Path(job.config.decisions))
    known = {*job.scheme.labels, OUTSIDE}
    if other := sorted({*decisions.kinds} - known):
        raise ConfigError(
            f"{job.config.decisions}: expected names of the kinds {', '.join(sorted(known))}, "
            f"found {other[0] or 'one without'!r}"
        )
    return decisions


def _choice(config: DistillConfig) -> dict[str, Any]:
    """Return the settings on which teachers' answers depend."""
    return {"sources": config.sources, "max_texts": config.max_texts}


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"


def _folder(teacher: Step | Path) -> Path:
    return teacher.folder if isinstance(teacher, Step) else teacher


def _check_teachers(folders: Sequence[Path], scheme: Scheme) -> None:
    if not folders:
        raise ConfigError("teachers: expected at least one model folder, found none")
    for folder in folders:
        settings = ModelSettings.read(folder)
        if set(settings.labels) != set(scheme.labels):
            raise ConfigError(
                f"{folder}: expected a teacher with the student's labels "
                f"({', '.join(scheme.labels)}), found {', '.join(settings.labels)}"
            )
        if not {*scheme.word_tags} <= {*settings.tagging_scheme().tags}:
            raise ConfigError(
                f"{folder}: expected a teacher with the tags of the student's scheme "
                f"{scheme.name}, found the scheme {settings.scheme}"
            )


def _label(job: Distillation, teacher: Path, folder: Path) -> None:
    """Store a teacher's answers to the unlabelled texts, and to dev's for the ensemble's score."""
    settings = ModelSettings.read(teacher)
    encoder = _encoder(teacher, job.students[0])
    cutter = load_cutter(teacher, settings)
    scheme = settings.tagging_scheme()
    columns = [scheme.number(tag) for tag in job.scheme.word_tags]
    dev = read_brat(job.dev) if job.dev is not None else []
    for texts in (unlabelled_texts(job), (document.text for document in dev)):
        label_texts(texts, encoder, cutter, folder, columns=columns)


def _encoder(teacher: Path, student: TrainingConfig) -> Encoder:
    """Return a teacher's encoder: of its full weights where it has them, as precise as training."""
    if not (teacher / WEIGHTS_FILE).is_file():
        return load_encoder(teacher)[0]
    from farmaner.encoders.torch import TorchEncoder

    return TorchEncoder.from_folder(teacher, bfloat16=use_bfloat16(student.precision))


def _report(
    job: Distillation, answers: Sequence[Path], students: Sequence[Path], folder: Path
) -> None:
    """Score each teacher, their plain ensemble and the students on dev."""
    gold = read_brat(job.dev) if job.dev is not None else []
    scheme = job.scheme
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
    for number, student in enumerate(students, 1):
        scores[_numbered("student", number)] = score_ner(
            gold, list(load(student).recognize_documents(gold))
        )
    content = {name: score.as_dict() for name, score in scores.items()}
    write_text(folder / REPORT_FILE, json.dumps(content, ensure_ascii=False, indent=2) + "\n")
