"""The analysis of a system's errors: classes, splits, confusion, confidence, two side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from farmaner.document import Document, Entity
from farmaner.errors import CorpusError
from farmaner.evaluation.code_analysis import CodeAnalysis, analyze_codes
from farmaner.evaluation.confidence import Confidence, confidence
from farmaner.evaluation.error_classes import (
    ERROR_CLASSES,
    ClassCounts,
    ErrorClass,
    Matching,
    NerError,
    match_entities,
)
from farmaner.evaluation.official import STRICT, NerScore, score_ner
from farmaner.evaluation.scoring import Counts
from farmaner.evaluation.splits import Group, groups, seen_labels, split_counts

ItemKey: TypeAlias = tuple[str, str, int, int]
Verdict: TypeAlias = Literal["both", "only A", "only B", "neither"]
NONE = "none"
VERDICTS: tuple[Verdict, ...] = ("both", "only A", "only B", "neither")


@dataclass(frozen=True, slots=True)
class SystemAnalysis:
    """One system against gold under the strict rules.

    `matchings` holds found entities and errors by document id, `documents` the system's own
    documents, `splits` the counts by split and group, `confusion` how many gold entities (first
    label) stand against predicted ones (second): exactly on the same span, and over it only in
    part; `none` where nothing stands against it. `confidence` is None where not every
    predicted entity has a score; `n_unscored` says how many have none. `group_rules` tells which
    group of each split but `document` an entity belongs to. `codes` is None where gold or system
    has none.
    """

    name: str
    score: NerScore
    documents: Mapping[str, Document]
    matchings: Mapping[str, Matching]
    splits: Mapping[str, Mapping[str, Counts]]
    confusion: Mapping[tuple[str, str], tuple[int, int]]
    confidence: Confidence | None
    n_unscored: int
    group_rules: Mapping[str, Group] = field(repr=False, compare=False)
    codes: CodeAnalysis | None = None

    @property
    def errors(self) -> tuple[NerError, ...]:
        """Every error, by document and place."""
        return tuple(error for matching in self.matchings.values() for error in matching.errors)

    @property
    def classes(self) -> dict[ErrorClass, ClassCounts]:
        """The counts of every class; they add up to the score's."""
        counts = dict.fromkeys(ERROR_CLASSES, ClassCounts())
        for error in self.errors:
            missed, spurious = error.missed is not None, error.spurious is not None
            counts[error.error_class] += ClassCounts(1, int(missed), int(spurious))
        return counts

    def found_keys(self) -> set[ItemKey]:
        """Return the items that gold and system share: document id, label, start, end."""
        return {
            (id_, *entity.key)
            for id_, matching in self.matchings.items()
            for entity in matching.found
        }


def analyze(
    gold: Iterable[Document],
    system: Iterable[Document],
    *,
    name: str = "system",
    train: Iterable[Document] | None = None,
) -> SystemAnalysis:
    """Return the analysis of a system's documents against gold's, by the strict rules.

    With `train`, entities are also split by whether their surface form was seen there.
    CorpusError where an id comes twice, a document is not in gold, its text is another or no
    document is shared; UnsupportedError on a discontinuous entity.
    """
    expected, answers = list(gold), list(system)
    trained = None if train is None else list(train)
    score = score_ner(expected, answers, STRICT)
    documents = {document.id: document for document in answers}
    matchings = {}
    for document in sorted(expected, key=lambda document: document.id):
        answer = documents.get(document.id)
        if answer is not None and answer.text != document.text:
            raise CorpusError(
                f"{name}: expected {document.id} to have gold's text of {len(document.text)} "
                f"characters, found another of {len(answer.text)}"
            )
        entities = () if answer is None else answer.entities
        matchings[document.id] = match_entities(
            document.id, document.entities, entities, STRICT.dropped_labels
        )
    seen = None if trained is None else seen_labels(trained, STRICT.dropped_labels)
    rules = groups(seen)
    splits = {
        split: split_counts(matchings.values(), rule, order)
        for split, (rule, order) in rules.items()
    }
    splits["document"] = _by_document(matchings)
    scored, n_unscored = _verdicts(matchings)
    n_gold = score.micro.true_positives + score.micro.false_negatives
    coded = _has_codes(expected) and _has_codes(answers)
    return SystemAnalysis(
        name=name,
        score=score,
        documents=documents,
        matchings=matchings,
        splits=splits,
        confusion=_confusion(matchings),
        confidence=confidence(scored, n_gold) if scored and not n_unscored else None,
        n_unscored=n_unscored,
        group_rules={split: rule for split, (rule, _) in rules.items()},
        codes=analyze_codes(expected, answers, train=trained) if coded else None,
    )


def _has_codes(documents: Iterable[Document]) -> bool:
    return any(entity.concept for document in documents for entity in document.entities)


@dataclass(frozen=True, slots=True)
class SideBySide:
    """What two systems make of the same items: gold entities by label, and spurious ones."""

    gold: Mapping[str, Mapping[Verdict, int]]
    spurious: Mapping[Verdict, int]


def side_by_side(a: SystemAnalysis, b: SystemAnalysis) -> SideBySide:
    """Return how many gold entities both, one or neither found, and how spurious ones overlap."""
    found = a.found_keys(), b.found_keys()
    missed = {key for system in (a, b) for key in _missed_keys(system)}
    gold: dict[str, Counter[Verdict]] = {}
    for key in found[0] | found[1] | missed:
        gold.setdefault(key[1], Counter())[_verdict(key, *found)] += 1
    wrong = _spurious_keys(a), _spurious_keys(b)
    spurious = Counter(_verdict(key, *wrong) for key in wrong[0] | wrong[1])
    return SideBySide(
        {label: {verdict: gold[label][verdict] for verdict in VERDICTS} for label in sorted(gold)},
        {verdict: spurious[verdict] for verdict in VERDICTS if verdict != "neither"},
    )


def mended_by(other: SystemAnalysis, errors: Iterable[NerError]) -> list[bool]:
    """Return for each error of one system whether the other gets it right.

    It does where it found the gold entity; of an error without one, where it does not predict
    the same spurious entity.
    """
    found, spurious = other.found_keys(), _spurious_keys(other)
    return [
        (error.document_id, *error.missed.key) in found
        if error.missed is not None
        else all((error.document_id, *entity.key) not in spurious for entity in error.entities)
        for error in errors
    ]


def _verdict(key: ItemKey, a: set[ItemKey], b: set[ItemKey]) -> Verdict:
    if key in a:
        return "both" if key in b else "only A"
    return "only B" if key in b else "neither"


def _missed_keys(system: SystemAnalysis) -> set[ItemKey]:
    return {(e.document_id, *e.missed.key) for e in system.errors if e.missed is not None}


def _spurious_keys(system: SystemAnalysis) -> set[ItemKey]:
    return {(e.document_id, *e.spurious.key) for e in system.errors if e.spurious is not None}


def _by_document(matchings: Mapping[str, Matching]) -> dict[str, Counts]:
    """Return the counts of each document, those with the most errors first."""
    counts = {
        id_: sum(split_counts([matching], lambda _: "").values(), Counts())
        for id_, matching in matchings.items()
    }
    cost = {id_: c.false_positives + c.false_negatives for id_, c in counts.items()}
    return {id_: counts[id_] for id_ in sorted(counts, key=lambda id_: (-cost[id_], id_))}


def _confusion(matchings: Mapping[str, Matching]) -> dict[tuple[str, str], tuple[int, int]]:
    exact: Counter[tuple[str, str]] = Counter()
    partial: Counter[tuple[str, str]] = Counter()
    for matching in matchings.values():
        exact.update((entity.label, entity.label) for entity in matching.found)
        for error in matching.errors:
            same_span = len({entity.span for entity in error.entities}) == 1
            gold, predicted = _label(error.missed), _label(error.spurious)
            (exact if same_span else partial)[gold, predicted] += 1
    return {pair: (exact[pair], partial[pair]) for pair in sorted(exact.keys() | partial.keys())}


def _label(entity: Entity | None) -> str:
    return NONE if entity is None else entity.label


def _verdicts(matchings: Mapping[str, Matching]) -> tuple[list[tuple[float, bool]], int]:
    """Return (score, correct) of the predicted entities, and how many have no score."""
    scored: list[tuple[float, bool]] = []
    n_unscored = 0
    for matching in matchings.values():
        predicted = [(entity.score, True) for entity in matching.found]
        predicted += [(e.spurious.score, False) for e in matching.errors if e.spurious is not None]
        for score, correct in predicted:
            if score is None:
                n_unscored += 1
            else:
                scored.append((score, correct))
    return scored, n_unscored
