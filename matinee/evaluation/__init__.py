"""Evaluation: a model is fitted on one part of the ratings and measured on the other."""

from matinee.evaluation.evaluate import Evaluation, PartResult, evaluate, evaluate_part, summarize
from matinee.evaluation.per_user import PerUserSums, error_sums, list_sums, pooled
from matinee.evaluation.report import NO_STARS, Report, split_note

__all__ = [
    "NO_STARS",
    "Evaluation",
    "PartResult",
    "PerUserSums",
    "Report",
    "error_sums",
    "evaluate",
    "evaluate_part",
    "list_sums",
    "pooled",
    "split_note",
    "summarize",
]
