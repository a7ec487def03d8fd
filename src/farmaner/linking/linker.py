"""Linker: entities to concepts, step by step, or an abstention."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from farmaner.document import Concept, Document, Entity
from farmaner.errors import ConfigError
from farmaner.linking.abbreviations import find_abbreviations
from farmaner.linking.approximate import similar_terms
from farmaner.linking.model import Evidence, LinkingModel, any_of, null_features
from farmaner.linking.normalize import Level, plain_key, squashed_key
from farmaner.linking.synonyms import KNOWN
from farmaner.linking.terminology import Terminology
from farmaner.linking.terms import NULL, UNCODED, Term

Step: TypeAlias = Literal[
    "exact", "normalized", "abbreviation", "inflected", "synonyms", "derived", "approximate", "null"
]

STEPS: tuple[Step, ...] = (
    "exact",
    "normalized",
    "abbreviation",
    "inflected",
    "synonyms",
    "derived",
    "approximate",
    "null",
)
"""The steps in their order; the first that finds anything answers."""

UNSCORED_LABELS = ("UNCLEAR",)
"""Labels whose codes the task's scorer does not count (`farmaner.evaluation.official`)."""

_LEVELS: Mapping[Step, Level] = {
    "exact": "plain",
    "normalized": "squashed",
    "inflected": "inflected",
    "synonyms": "squashed",
    "derived": "derived",
}

_PARTS = re.compile(r"[/()\[\]=,]")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A code for an entity: its probability, the step that found it, and the term it found.

    `source` is the term's, as in `Term`.
    """

    code: str
    score: float
    step: Step
    term: str
    evidence: Evidence | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    """The candidates of the first step that had any, or the table of a name known uncoded."""

    candidates: tuple[Candidate, ...] = ()
    table: str | None = None


class Linker:
    """Gives entities their concepts by one terminology.

    `steps` are those to take; `threshold` is the least score with which a code is given, else
    the entity is left without one. None takes the terminology's own, which was tuned when it was
    built. Entities of `skipped_labels` get no code: the task's scorer counts none for UNCLEAR.
    Immutable after it is made, and safe to share between threads.
    """

    def __init__(
        self,
        terminology: Terminology,
        *,
        steps: Sequence[Step] = STEPS,
        threshold: float | None = None,
        skipped_labels: Iterable[str] = UNSCORED_LABELS,
    ) -> None:
        unknown = [step for step in steps if step not in STEPS]
        if unknown:
            raise ConfigError(f"steps: expected some of {', '.join(STEPS)}, found {unknown[0]!r}")
        self.terminology = terminology
        self.model = LinkingModel.of(terminology.meta)
        self.threshold = self.model.threshold if threshold is None else threshold
        self._steps = tuple(step for step in STEPS if step in steps)
        self._skipped = frozenset(skipped_labels)

    def link(self, document: Document) -> Document:
        """Return the document with a concept for every entity that has one, and for no other.

        Equal names with equal labels get equal codes within a document. Names that may have no
        code support one another: the likeliest of them gets `<null>` by the probability that any
        of them has none.
        """
        context = _Context.of(document)
        best: dict[tuple[str, str], Candidate | None] = {}
        for entity in document.entities:
            key = entity.text, entity.label
            if key not in best:
                best[key] = self._best(entity, context)
        nulls = {
            (squashed_key(text), label): found.score
            for (text, label), found in best.items()
            if found is not None and found.code == NULL
        }
        likeliest, any_null = max(nulls.values(), default=1.0), any_of(nulls.values())
        for key, found in best.items():
            if found is not None and found.code == NULL and found.score == likeliest:
                best[key] = replace(found, score=any_null)
        entities = tuple(
            replace(entity, concept=self._concept(best[entity.text, entity.label]))
            for entity in document.entities
        )
        return replace(document, entities=entities)

    def link_documents(self, documents: Iterable[Document]) -> Iterator[Document]:
        """Yield the documents linked, one by one."""
        return map(self.link, documents)

    def candidates(self, document: Document, entity: Entity, limit: int = 10) -> list[Candidate]:
        """Return what an entity may mean, the best first; empty where nothing is found.

        The threshold is not applied, and skipped labels are not skipped.
        """
        return self._candidates(entity, _Context.of(document))[:limit]

    def evidence(
        self, document: Document
    ) -> Iterator[tuple[Entity, str | None, Mapping[str, float]]]:
        """Yield entities with the best candidate's code and features, for learning.

        Where no step before the last finds any, the code is None and the features are those of
        a name that may have no code. Skipped labels are passed over.
        """
        context = _Context.of(document)
        for entity in document.entities:
            if entity.label in self._skipped:
                continue
            found = self._find(entity, context)
            if found.candidates:
                best = found.candidates[0]
                assert best.evidence is not None  # noqa: S101  every step but null gives it
                yield entity, best.code, best.evidence.features()
            else:
                features = null_features(entity.text, entity.label, table=found.table)
                yield entity, None, features

    def _best(self, entity: Entity, context: _Context) -> Candidate | None:
        if entity.label in self._skipped:
            return None
        return next(iter(self._candidates(entity, context)), None)

    def _concept(self, best: Candidate | None) -> Concept | None:
        if best is None or best.score < self.threshold:
            return None
        return Concept(best.code, best.score)

    def _candidates(self, entity: Entity, context: _Context) -> list[Candidate]:
        found = self._find(entity, context)
        if found.candidates or "null" not in self._steps:
            return list(found.candidates)
        score = self.model.null_score(entity.text, entity.label, table=found.table)
        return [Candidate(NULL, score, "null", "")] if score > 0 else []

    def _find(self, entity: Entity, context: _Context) -> _Found:
        name = " ".join(entity.text.split())
        other = context.other_name(name)
        for step in self._steps:
            if step == "abbreviation" and other:
                found = self._by_other_name(other, entity.label)
            else:
                found = self._step(step, name, entity.label)
                if not found and step == "derived":
                    found = self._by_parts(name, entity.label)
            if found and found[0].code == UNCODED:
                return _Found((), found[0].source.removeprefix(KNOWN))
            if found:
                coded = (candidate for candidate in found if candidate.code != UNCODED)
                return _Found(tuple(coded))
        return _Found()

    def _by_other_name(self, name: str, label: str) -> list[Candidate]:
        for step in self._steps:
            found = self._step(step, name, label)
            if found and found[0].code != UNCODED:
                return self._relabelled(found, "abbreviation")
        return []

    def _by_parts(self, name: str, label: str) -> list[Candidate]:
        """Return what a name of several parts means, if all say the same: *AST/GOT*."""
        parts = [part.strip() for part in _PARTS.split(name) if part.strip()]
        if len(parts) < 2:
            return []
        answers = []
        for part in parts:
            for step in self._steps[: self._steps.index("derived")]:
                found = self._step(step, part, label)
                if found:
                    answers.append(found[0])
                    break
        codes = {answer.code for answer in answers}
        if len(answers) < len(parts) or len(codes) > 1 or UNCODED in codes:
            return []
        return self._relabelled([answers[0]], "derived")

    def _relabelled(self, found: Iterable[Candidate], step: Step) -> list[Candidate]:
        """Return candidates as of another step, scored anew."""
        relabelled = []
        for candidate in found:
            if candidate.evidence is None:
                continue
            evidence = replace(candidate.evidence, step=step)
            score = self.model.score(evidence)
            relabelled.append(replace(candidate, step=step, evidence=evidence, score=score))
        return relabelled

    def _step(self, step: Step, name: str, label: str) -> list[Candidate]:
        if step == "approximate":
            return self._rank(step, label, name, similar_terms(self.terminology, name))
        if step not in _LEVELS:
            return []
        terms = self.terminology.lookup(name, _LEVELS[step])
        if step == "derived":
            terms = [t for t in terms if self.terminology.code(t) != UNCODED]
        elif step != "synonyms":
            terms = [t for t in terms if not self.terminology.source(t).startswith(KNOWN)]
        return self._rank(step, label, name, [(term, 1.0) for term in terms])

    def _rank(
        self, step: Step, label: str, name: str, terms: Sequence[tuple[int, float]]
    ) -> list[Candidate]:
        """Return one candidate a code, scored by the evidence of its terms."""
        weights: dict[str, float] = defaultdict(float)
        best: dict[str, tuple[float, Term]] = {}
        for index, similarity in terms:
            term = self.terminology[index]
            agrees = not term.label or term.label == label
            if not agrees and step != "exact":
                continue
            weights[term.code] += (term.count + 0.1) * (1.0 if agrees else 0.01) * similarity**8
            if term.code not in best or similarity > best[term.code][0]:
                best[term.code] = similarity, term
        total = sum(weights.values())
        found = []
        for code, weight in weights.items():
            similarity, term = best[code]
            evidence = Evidence(
                step=step,
                similarity=similarity,
                share=weight / total,
                label_agrees=not term.label or term.label == label,
                is_null=code == NULL,
                name=name,
            )
            score = self.model.score(evidence)
            found.append(Candidate(code, score, step, term.text, evidence, term.source))
        return sorted(found, key=lambda candidate: -candidate.score)


class _Context:
    """What a document says of its names: the abbreviations that it defines."""

    def __init__(self, other_names: Mapping[str, str]) -> None:
        self._other_names = other_names

    @classmethod
    def of(cls, document: Document) -> _Context:
        names: dict[str, str] = {}
        for definition in find_abbreviations(document.text):
            names.setdefault(squashed_key(definition.short), definition.long)
            names.setdefault(plain_key(definition.long), definition.short)
        return cls(names)

    def other_name(self, name: str) -> str | None:
        """Return the long form of a short name, or the short form of a long one."""
        return self._other_names.get(squashed_key(name)) or self._other_names.get(plain_key(name))
