"""Paired significance tests: the best model by a measure, and which models differ from it.

All models were measured on the same users, so two of them are compared user by user. Which
model is best is only known after the measurement; therefore all pairs of models are tested,
and the p-values are corrected for the number of pairs.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import combinations
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.evaluation import Evaluation, PerUserSums
from matinee.evaluation.significance import differences_of, holm, interval, sign_flip_test
from matinee.text import joined

#: The measures by which models are compared, and their labels; lower is better for the RMSE alone.
MEASURES = {"rmse": "RMSE", "ndcg_at_10": "NDCG@10"}
#: The significance level.
LEVEL = 0.05


@dataclass(frozen=True)
class Difference:
    """The difference between a model and the best one by a measure.

    Attributes:
        difference: the value of the model less that of the best.
        low, high: the 95% interval of the difference, paired over users.
        p_value: of the sign-flip test over users, corrected for all pairs of models (Holm). So
            it is valid although the best model was chosen by the same data.
    """

    name: str
    difference: float
    low: float
    high: float
    p_value: float

    @property
    def is_worse(self) -> bool:
        """Whether the model is significantly worse than the best."""
        return self.p_value < LEVEL

    def words(self) -> str:
        """Such as "mf (0.0009, 95% interval -0.0004 to 0.0021)"."""
        words = f"{self.name} ({self.difference:.4f}"
        if isfinite(self.low):
            words += f", 95% interval {self.low:.4f} to {self.high:.4f}"
        return f"{words})"

    def to_dict(self) -> dict[str, Any]:
        """All fields for JSON."""
        return {**asdict(self), "is_worse": self.is_worse}


@dataclass(frozen=True)
class PairedTests:
    """The best model by one measure, and how the others differ from it.

    Attributes:
        others: all models but the best, best first.
        ties: groups of models, best first, within which no two differ significantly. Every
            such pair is in at least one group.
    """

    measure: str
    best: str
    others: list[Difference]
    ties: list[list[str]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """All fields but the measure, for JSON."""
        others = [difference.to_dict() for difference in self.others]
        return {"best": self.best, "others": others, "ties": self.ties}

    def mark(self, name: str) -> str:
        """Returns "*" for the best model, "=" for one that is not significantly worse, else ""."""
        if name == self.best:
            return "*"
        for difference in self.others:
            if difference.name == name and not difference.is_worse:
                return "="
        return ""

    def sentence(self) -> str:
        """The best model, from which others no difference was found, and the ties among those.

        That no difference was found does not mean that there is none, so the sentence says how
        large it may be.
        """
        by = f"By {MEASURES[self.measure]}, {self.best} is the"
        if not self.others:
            return f"{by} only model measured."
        equal = [difference.words() for difference in self.others if not difference.is_worse]
        if not equal:
            verdict = f"{by} best, and significantly better than all others."
        else:
            verdict = (
                f"{by} best, but no significant difference was found between it and "
                f"{joined(equal)}."
            )
        ties = [joined(tie) for tie in self.ties if self.best not in tie]
        if not ties:
            return verdict
        pairs = ", or between ".join(ties)
        return f"{verdict} Among the others, no significant difference was found between {pairs}."


def paired_tests(evaluations: Mapping[str, Evaluation], measure: str) -> PairedTests | None:
    """Compares all models that have a measure, by their names; None if no model has it."""
    sums: dict[str, PerUserSums] = {}
    values: dict[str, float] = {}
    for name, evaluation in evaluations.items():
        for measures in (evaluation.errors, evaluation.lists):
            if measures is not None and measure in measures.names:
                sums[name] = measures
                values[name] = getattr(evaluation.report, measure)
    if not sums:
        return None
    ranked = sorted(sums, key=lambda name: values[name], reverse=measure != "rmse")
    return against_first({name: sums[name] for name in ranked}, measure)


def against_first(sums: Mapping[str, PerUserSums], measure: str) -> PairedTests:
    """Compares all models with the first; the p-values are corrected for all pairs of models.

    Args:
        sums: of each model, for the same users in the same order.
    """
    names = list(sums)
    by_model = [per_user.only(measure) for per_user in sums.values()]
    if len(names) == 1:
        return PairedTests(measure, names[0], [])
    totals = np.concatenate([per_user.totals for per_user in by_model], axis=1)  # (U, M)
    left, right = np.array(
        list(combinations(range(len(names)), 2))
    ).T  # (P,), pairs with the first come first
    p_values = holm(sign_flip_test(differences_of(totals[:, right], totals[:, left])))  # (P,)
    is_tied = np.eye(len(names), dtype=bool)  # (M, M)
    is_tied[left, right] = is_tied[right, left] = p_values >= LEVEL
    values = [per_user.values().item() for per_user in by_model]
    samples = [per_user.samples()[:, 0] for per_user in by_model]
    others = []
    for place in range(1, len(names)):
        low, high = interval(samples[place] - samples[0])
        p_value = float(p_values[place - 1])
        others.append(Difference(names[place], values[place] - values[0], low, high, p_value))
    ties = [[names[place] for place in tie] for tie in _ties(is_tied)]
    return PairedTests(measure, names[0], others, ties)


def _ties(is_tied: NDArray[np.bool_]) -> list[list[int]]:
    """Groups of models that are all tied, from an (M, M) table; each tied pair is in some."""
    ties: list[list[int]] = []
    for pair in np.argwhere(np.triu(is_tied, 1)).tolist():
        if any(set(pair) <= set(tie) for tie in ties):
            continue
        tie = pair
        for place in range(len(is_tied)):
            if place not in tie and is_tied[place, tie].all():
                tie = [*tie, place]
        ties.append(sorted(tie))
    return ties
