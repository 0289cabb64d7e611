"""Evaluation: fits models on one part of the ratings and measures them on the other.

metrics, ranking      errors of predicted stars; measures of recommended lists
per_user              sums per user, for intervals and paired tests
significance          intervals and paired tests over users
parts                 splits, or ratings to split
evaluate, report      one model on one split or on folds; its results
comparison, isolated, paired_tests   several models on the same split
tuning, tuning_study  a search for better settings
"""

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
