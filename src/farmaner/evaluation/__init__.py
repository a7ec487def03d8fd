"""Scoring: counts and derived figures (`scoring`), and the task's own rules (`official`)."""

from farmaner.evaluation.official import (
    CODALAB,
    RULES,
    STANDALONE,
    STRICT,
    Coverage,
    IndexingScore,
    NerScore,
    Rules,
    score_indexing,
    score_ner,
)
from farmaner.evaluation.scoring import Counts, score_sets, score_sets_by, sum_counts

__all__ = [
    "CODALAB",
    "RULES",
    "STANDALONE",
    "STRICT",
    "Counts",
    "Coverage",
    "IndexingScore",
    "NerScore",
    "Rules",
    "score_indexing",
    "score_ner",
    "score_sets",
    "score_sets_by",
    "sum_counts",
]
