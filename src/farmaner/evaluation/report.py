"""The report of an analysis: one HTML file that needs nothing else, and the same as JSON.

Both hold clinical text, on purpose: whoever reads errors has to see them. The HTML says so at its
top. It is made by a Jinja2 template that escapes everything it is given; styles and script are
inside the file, and its content policy lets a browser load nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from farmaner.document import Document, Entity, Span
from farmaner.errors import ConfigError
from farmaner.evaluation.analysis import (
    NONE,
    SideBySide,
    SystemAnalysis,
    mended_by,
    side_by_side,
)
from farmaner.evaluation.code_analysis import SURFACE_GROUPS
from farmaner.evaluation.code_errors import CODE_ERROR_CLASSES
from farmaner.evaluation.code_report import codes_as_dict, codes_view, figures, places
from farmaner.evaluation.error_classes import ERROR_CLASSES, NerError
from farmaner.evaluation.highlight import document_marks, error_marks
from farmaner.evaluation.official import STRICT
from farmaner.evaluation.plots import plots
from farmaner.evaluation.sentences import Sentences
from farmaner.formats.jsonl import document_to_json
from farmaner.text.highlight import segments

_TEMPLATES = files("farmaner.evaluation") / "templates"


@dataclass(frozen=True, slots=True)
class Report:
    """One analysis, or two of the same gold, with the names of what was read."""

    gold: tuple[Document, ...]
    systems: tuple[SystemAnalysis, ...]
    gold_name: str = "gold"
    train_name: str | None = None

    def __post_init__(self) -> None:
        if len(self.systems) not in (1, 2):
            raise ConfigError(f"report: expected one system or two, found {len(self.systems)}")

    @property
    def side_by_side(self) -> SideBySide | None:
        """What one of two systems gets and the other misses; None for one."""
        return side_by_side(*self.systems) if len(self.systems) == 2 else None

    def as_dict(self) -> dict[str, Any]:
        """Return everything that the HTML shows, ready for JSON."""
        both = self.side_by_side
        return {
            "rules": STRICT.name,
            "gold": self.gold_name,
            "train": self.train_name,
            "error_classes": dict(ERROR_CLASSES),
            "code_error_classes": dict(CODE_ERROR_CLASSES),
            "systems": [self._system_as_dict(index) for index in range(len(self.systems))],
            "side_by_side": None if both is None else asdict(both),
            "documents": [document_to_json(document) for document in self.gold],
        }

    def as_html(self) -> str:
        """Return the report as one HTML page."""
        script = _read("report.js")
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        environment = Environment(
            autoescape=True,
            undefined=StrictUndefined,
            loader=FunctionLoader(_read),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        return environment.get_template("report.html").render(
            report=self,
            classes=ERROR_CLASSES,
            code_classes=CODE_ERROR_CLASSES,
            code_labels=_code_labels(self.systems),
            surface_groups=SURFACE_GROUPS,
            coded=any(system.codes for system in self.systems),
            systems=[self._system_view(index) for index in range(len(self.systems))],
            both=self.side_by_side,
            labels=sorted({label for system in self.systems for label in system.score.by_label}),
            style=Markup(_read("report.css")),  # noqa: S704  the package's own file
            script=Markup(script),  # noqa: S704  the package's own file
            script_digest=digest,
        )

    def _mended(self, index: int) -> Sequence[bool | None]:
        """Return for each error whether the other system gets it right; None without another."""
        errors = self.systems[index].errors
        if len(self.systems) == 1:
            return [None] * len(errors)
        return mended_by(self.systems[1 - index], errors)

    def _system_as_dict(self, index: int) -> dict[str, Any]:
        system = self.systems[index]
        sentences = Sentences(self.gold)
        return {
            "system": system.name,
            **system.score.as_dict(),
            "classes": {name: asdict(counts) for name, counts in system.classes.items()},
            "splits": {
                split: {group: figures(counts) for group, counts in groups.items()}
                for split, groups in system.splits.items()
            },
            "confusion": [
                {"gold": gold, "predicted": predicted, "same_span": same, "other_span": other}
                for (gold, predicted), (same, other) in system.confusion.items()
            ],
            "confidence": _confidence_as_dict(system),
            "n_unscored": system.n_unscored,
            "errors": [
                _error_as_dict(error, system, sentences, right)
                for error, right in zip(system.errors, self._mended(index), strict=True)
            ],
            "codes": None if system.codes is None else codes_as_dict(system.codes, sentences),
        }

    def _system_view(self, index: int) -> dict[str, Any]:
        """Return what the template shows of one system, its texts cut into segments."""
        system, letter = self.systems[index], "AB"[index]
        sentences = Sentences(self.gold)
        errors = []
        anchors: dict[str, list[str]] = {}
        for number, (error, right) in enumerate(
            zip(system.errors, self._mended(index), strict=True), start=1
        ):
            text, sentence = sentences.around(error.document_id, error.surroundings)
            anchors.setdefault(error.document_id, []).append(f"place-{letter}{number}")
            errors.append(
                {
                    "error": error,
                    "number": f"{letter}{number}",
                    "segments": segments(text, sentence, error_marks(error)),
                    "groups": _groups(error, system),
                    "right": right,
                }
            )
        return {
            "letter": letter,
            "analysis": system,
            "errors": errors,
            "confusion": _confusion_table(system),
            "plots": None if system.confidence is None else plots(system.confidence),
            "documents": self._document_views(system, letter, anchors),
            "codes": None if system.codes is None else codes_view(system.codes, letter, sentences),
        }

    def _document_views(
        self, system: SystemAnalysis, letter: str, anchors: Mapping[str, Sequence[str]]
    ) -> list[dict[str, Any]]:
        views = []
        code_places = {} if system.codes is None else places(system.codes, letter)
        for document in self.gold:
            matching = system.matchings[document.id]
            dropped = [e for e in document.entities if e.label in STRICT.dropped_labels]
            marks = document_marks(matching, anchors.get(document.id, ()), dropped)
            marks += code_places.get(document.id, ())
            whole = Span(0, len(document.text)) if document.text else None
            views.append(
                {
                    "id": document.id,
                    "counts": system.splits["document"][document.id],
                    "missing": document.id in system.score.coverage.missing,
                    "segments": segments(document.text, whole, marks) if whole else [],
                }
            )
        return views


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _code_labels(systems: Iterable[SystemAnalysis]) -> list[str]:
    coded = [system.codes for system in systems if system.codes is not None]
    return sorted({entity.label for codes in coded for e in codes.errors for entity in e.entities})


def _groups(error: NerError, system: SystemAnalysis) -> dict[str, str]:
    """Return the groups of the error's gold entity, or of the spurious one where it has none."""
    entity = error.entities[0]
    return {split: rule(entity) for split, rule in system.group_rules.items() if split != "label"}


def _error_as_dict(
    error: NerError, system: SystemAnalysis, sentences: Sentences, right: bool | None
) -> dict[str, Any]:
    text, sentence = sentences.around(error.document_id, error.surroundings)
    return {
        "document": error.document_id,
        "class": error.error_class,
        "missed": _entity(error.missed),
        "spurious": _entity(error.spurious),
        "beside": _entity(error.beside),
        "groups": _groups(error, system),
        "sentence": {"start": sentence.start, "end": sentence.end, "text": sentence.of(text)},
        **({} if right is None else {"other_system_right": right}),
    }


def _entity(entity: Entity | None) -> dict[str, Any] | None:
    if entity is None:
        return None
    return {
        "label": entity.label,
        "start": entity.start,
        "end": entity.end,
        "text": entity.text,
        "score": entity.score,
    }


def _confidence_as_dict(system: SystemAnalysis) -> dict[str, Any] | None:
    found = system.confidence
    if found is None:
        return None
    curve = [{"threshold": p.threshold, **figures(p.counts)} for p in found.curve]
    bins = [asdict(bin_) | {"share_correct": bin_.share_correct} for bin_ in found.bins]
    error = found.expected_calibration_error
    return {"curve": curve, "bins": bins, "expected_calibration_error": error}


def _confusion_table(system: SystemAnalysis) -> dict[str, Any]:
    labels = [*system.score.by_label, NONE]
    rows = [
        (gold, [system.confusion.get((gold, predicted), (0, 0)) for predicted in labels])
        for gold in labels
    ]
    return {"labels": labels, "rows": rows}
