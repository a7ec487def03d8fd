"""Scoring by the task's own rules, the classes of errors, and the significance of differences."""

from farmaner.evaluation.analysis import SystemAnalysis, analyze
from farmaner.evaluation.error_classes import ERROR_CLASSES, ErrorClass, NerError
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
from farmaner.evaluation.significance import Comparison, compare

__all__ = [
    "CODALAB",
    "ERROR_CLASSES",
    "RULES",
    "STANDALONE",
    "STRICT",
    "Comparison",
    "Counts",
    "Coverage",
    "ErrorClass",
    "IndexingScore",
    "NerError",
    "NerScore",
    "Rules",
    "SystemAnalysis",
    "analyze",
    "compare",
    "score_indexing",
    "score_ner",
    "score_sets",
    "score_sets_by",
    "sum_counts",
]
