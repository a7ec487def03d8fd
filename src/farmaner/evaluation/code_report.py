"""What the report shows of a system's codes: as JSON, and for its template."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from farmaner.document import Entity, Span
from farmaner.evaluation.code_analysis import CodeAnalysis
from farmaner.evaluation.code_errors import CodeError
from farmaner.evaluation.scoring import Counts
from farmaner.evaluation.sentences import Sentences
from farmaner.text.highlight import Mark, segments


def figures(counts: Counts) -> dict[str, float]:
    """Return counts with the figures derived from them."""
    derived = {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
    return asdict(counts) | derived


def codes_as_dict(codes: CodeAnalysis, sentences: Sentences) -> dict[str, Any]:
    """Return the analysis of codes, ready for JSON."""
    return {
        **codes.score.as_dict(),
        "classes": {name: asdict(counts) for name, counts in codes.classes.items()},
        "splits": {
            split: {group: figures(counts) for group, counts in groups.items()}
            for split, groups in codes.splits.items()
        },
        "errors": [_error_as_dict(error, codes, sentences) for error in codes.errors],
    }


def codes_view(codes: CodeAnalysis, letter: str, sentences: Sentences) -> dict[str, Any]:
    """Return what the template shows of codes, texts cut into segments."""
    errors = []
    for number, error in enumerate(codes.errors, start=1):
        text, sentence = sentences.around(error.document_id, error.surroundings)
        errors.append(
            {
                "error": error,
                "number": f"{letter}{number}",
                "segments": segments(text, sentence, _marks(error)),
                "surface": _surface(error, codes),
            }
        )
    return {"analysis": codes, "errors": errors}


def places(codes: CodeAnalysis, letter: str) -> dict[str, list[Mark]]:
    """Return by document where a link to each error leads; these marks show nothing."""
    marks: dict[str, list[Mark]] = {}
    for number, error in enumerate(codes.errors, start=1):
        start = error.surroundings.start
        mark = Mark(Span(start, start + 1), (), "", f"code-place-{letter}{number}")
        marks.setdefault(error.document_id, []).append(mark)
    return marks


def _marks(error: CodeError) -> list[Mark]:
    gold = [] if error.gold is None else [Mark(error.gold.span, ("gold",), "")]
    predicted = [] if error.predicted is None else [Mark(error.predicted.span, ("predicted",), "")]
    return gold + predicted


def _surface(error: CodeError, codes: CodeAnalysis) -> str | None:
    """Return what train knew of the error's name; None where no train was given."""
    if codes.surface_group is None:
        return None
    if error.missed is not None and error.gold is not None:
        return codes.surface_group(error.gold, error.missed)
    if error.predicted is None or error.predicted.concept is None:
        return None
    return codes.surface_group(error.predicted, error.predicted.concept.code)


def _error_as_dict(error: CodeError, codes: CodeAnalysis, sentences: Sentences) -> dict[str, Any]:
    text, sentence = sentences.around(error.document_id, error.surroundings)
    return {
        "document": error.document_id,
        "class": error.error_class,
        "missed": error.missed,
        "spurious": error.spurious,
        "gold": _entity(error.gold),
        "predicted": _entity(error.predicted),
        "surface": _surface(error, codes),
        "sentence": {"start": sentence.start, "end": sentence.end, "text": sentence.of(text)},
    }


def _entity(entity: Entity | None) -> dict[str, Any] | None:
    if entity is None:
        return None
    concept = entity.concept
    return {
        "label": entity.label,
        "start": entity.start,
        "end": entity.end,
        "text": entity.text,
        "code": None if concept is None else concept.code,
        "code_score": None if concept is None else concept.score,
    }
