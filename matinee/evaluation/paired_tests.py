"""Which of several models is best by one measure, and which differences are more than chance.

All were tested on the same users, so two are compared person by person; and since the best is only known afterwards,
all pairs of models are tested and the p-values corrected for their number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.evaluation import Evaluation, PerUserSums
from matinee.evaluation.significance import holm, interval, sign_flip_test
from matinee.text import joined

CONTESTS = {"rmse": "RMSE", "ndcg_at_10": "NDCG@10"}
"""The measures by which models are compared, and what people call them; less RMSE is better."""
LEVEL = 0.05


@dataclass(frozen=True)
class Difference:
    """How a model differs from the best by one measure.

    Attributes:
        difference: the model's value less that of the best, with its 95% interval (paired, over users).
        p_value: of the sign-flip test over users, corrected for all pairs of models (Holm), so that it holds for
            whichever model turns out best.
    """

    name: str
    difference: float
    low: float
    high: float
    p_value: float

    @property
    def is_worse(self) -> bool:
        """Whether the difference is more than chance explains."""
        return self.p_value < LEVEL

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**self.__dict__, "is_worse": self.is_worse}


@dataclass(frozen=True)
class Contest:
    """Who is best by one measure, and how the others differ from it, best first.

    Attributes:
        ties: groups of models, best first, no two of which differ by more than chance explains; every such pair is in
            one of them.
    """

    measure: str
    best: str
    others: list[Difference]
    ties: list[list[str]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"best": self.best, "others": [one.to_dict() for one in self.others], "ties": self.ties}

    def mark(self, name: str) -> str:
        """* for the best, = for one that is as good, and nothing for one that is worse."""
        if name == self.best:
            return "*"
        return "=" if any(one.name == name and not one.is_worse for one in self.others) else ""

    def sentence(self) -> str:
        """Who is best, who is as good, and which of the others are as good as each other."""
        equals = [one.name for one in self.others if not one.is_worse]
        best = f"By {CONTESTS[self.measure]}, {self.best} is the best"
        if not self.others:
            return f"{best}, and the only one that has it."
        said = f"{best}, by more than chance explains."
        if equals:
            said = (
                f"{best}; {joined(equals)} {'is' if len(equals) == 1 else 'are'} as good: no difference beyond noise."
            )
        behind = [joined(tie) for tie in self.ties if self.best not in tie]
        if not behind:
            return said
        return f"{said} Behind, there is no difference beyond noise between {', nor between '.join(behind)}."


def contest(outcomes: Mapping[str, Evaluation], measure: str) -> Contest | None:
    """Compares all models that have a measure; None if none has."""
    sums = {
        name: one
        for name, outcome in outcomes.items()
        for one in (outcome.errors, outcome.lists)
        if one is not None and measure in one.names
    }
    if not sums:
        return None
    sign = 1 if measure == "rmse" else -1
    ranked = sorted(sums, key=lambda name: sign * getattr(outcomes[name].report, measure))
    return against_first({name: sums[name] for name in ranked}, measure)


def against_first(sums: Mapping[str, PerUserSums], measure: str) -> Contest:
    """How each model but the first differs from the first, tested with all pairs of models in mind.

    Args:
        sums: of the same users, in the same order, for each model; the first counts as the best.
    """
    names, mine = list(sums), [of.only(measure) for of in sums.values()]
    if len(names) == 1:
        return Contest(measure, names[0], [])
    totals = np.concatenate([of.totals for of in mine], axis=1)  # (U, M)
    one, other = np.array(list(combinations(range(len(names)), 2))).T  # (P,), those with the first come first
    p_values = holm(sign_flip_test(totals[:, other] - totals[:, one]))  # (P,)
    is_alike = np.eye(len(names), dtype=bool)  # (M, M)
    is_alike[one, other] = is_alike[other, one] = p_values >= LEVEL
    values, samples = [of.values().item() for of in mine], [of.samples()[:, 0] for of in mine]
    others = [
        Difference(
            names[place],
            values[place] - values[0],
            *interval(samples[place] - samples[0]),
            p_value=float(p_values[place - 1]),
        )
        for place in range(1, len(names))
    ]
    return Contest(measure, names[0], others, [[names[place] for place in tie] for tie in _ties(is_alike)])


def _ties(is_alike: NDArray[np.bool_]) -> list[list[int]]:
    """Groups of which all members are alike, (M, M) -> lists of positions; every pair that is alike is in one."""
    ties: list[list[int]] = []
    for pair in np.argwhere(np.triu(is_alike, 1)).tolist():
        if any(set(pair) <= set(tie) for tie in ties):
            continue
        tie = pair
        for place in range(len(is_alike)):
            if place not in tie and is_alike[place, tie].all():
                tie = [*tie, place]
        ties.append(sorted(tie))
    return ties
