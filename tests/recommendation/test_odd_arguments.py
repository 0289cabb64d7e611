"""Whatever is given to a public function, what cannot be meant is refused as a MatineeError."""

import math
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matinee.errors import MatineeError
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.recommendation.guide import Guide

ODD: tuple[Any, ...] = (
    *(None, 2.5, math.nan, math.inf, -1, 0, 10**30, True, 1 + 2j, Decimal(1), np.nan),
    *("5", "", "\udc80", "a\0b", "x" * 10_000, b"x"),
    *([1, 2], (), {}, {(1, 2): 4}, {1: None}, {1: "x"}, {None: 3}, {1: math.nan}, {1: [1]}, set()),
    *(np.array([1, 2]), np.array([]), np.datetime64("2020-01-01"), range(3), slice(1)),
    *(object(), {"a": {"b": 1}}, [[1], [2, 3]], ["\udc80", None]),
)


@cache
def guide() -> Guide:
    return Guide.load(Path(__file__).parent / "model_files" / "mf.matinee")


def user() -> Any:
    return guide().model.users_.id(0)


def item() -> Any:
    return guide().model.items_.id(0)


VERBS: dict[str, Callable[[Any], object]] = {
    "load": lambda odd: Guide.load(odd),
    "recommend": lambda odd: guide().recommend(odd),
    "recommend, k": lambda odd: guide().recommend(user(), odd),
    "recommend, exclude": lambda odd: guide().recommend(user(), 3, exclude=odd),
    "recommend_group": lambda odd: guide().recommend_group(odd),
    "recommend_group, k": lambda odd: guide().recommend_group([user()], odd),
    "recommend_group, how": lambda odd: guide().recommend_group([user()], how=odd),
    "recommend_everybody": lambda odd: next(iter(guide().recommend_everybody(odd))),
    "predict": lambda odd: guide().predict(odd, item()),
    "predict, item": lambda odd: guide().predict(user(), odd),
    "predict_pairs": lambda odd: guide().predict_pairs(odd, [item()]),
    "predict_pairs, items": lambda odd: guide().predict_pairs([user()], odd),
    "predict_pairs, times": lambda odd: guide().predict_pairs([user()], [item()], odd),
    "explain": lambda odd: guide().explain(odd, item()),
    "explain, item": lambda odd: guide().explain(user(), odd),
    "explain_each": lambda odd: guide().explain_each(user(), odd),
    "similar": lambda odd: guide().similar(odd),
    "similar, k": lambda odd: guide().similar(item(), odd),
    "similar, by": lambda odd: guide().similar(item(), by=odd),
    "similar, min_ratings": lambda odd: guide().similar(item(), min_ratings=odd),
    "newcomer": lambda odd: guide().newcomer(odd),
    "item_id": lambda odd: guide().item_id(odd),
    "model.recommend": lambda odd: guide().model.recommend(odd),
    "model.recommend, k": lambda odd: guide().model.recommend(user(), odd),
    "model.recommend, allowed": lambda odd: guide().model.recommend(user(), 3, allowed=odd),
    "model.predict": lambda odd: guide().model.predict(odd, item()),
    "model.predict, item": lambda odd: guide().model.predict(user(), odd),
    "model.similar": lambda odd: guide().model.similar(odd),
    "model.similar, k": lambda odd: guide().model.similar(item(), odd),
    "model.fold_in": lambda odd: guide().model.fold_in(odd),
    "model.predict_ratings": lambda odd: guide().model.predict_ratings(odd),
    "model.fit": lambda odd: MatrixFactorization(epochs=1).fit(odd),
}


@pytest.mark.parametrize("name", VERBS)
def test_odd_arguments_are_refused_in_a_sentence_or_work(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for odd in ODD:
        with suppress(MatineeError):  # any other exception fails
            VERBS[name](odd)
