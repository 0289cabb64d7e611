"""Everything that is asked of a model, whose answers must consist of finite numbers."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass

import numpy as np
import orjson
import polars as pl

from matinee.analysis.biases import disagreements, generosity
from matinee.analysis.components import components
from matinee.analysis.film_map import make_map
from matinee.analysis.similar_users import neighbors
from matinee.analysis.taste import taste_of
from matinee.errors import MatineeError
from matinee.recommendation.filters import Filters
from matinee.recommendation.guide import Guide
from matinee.recommendation.reranking import Dials
from matinee.web.serving.film_search import FilmIndex


def check_finite(answer: object, place: str) -> None:
    """Raises AssertionError where an answer holds a number that is not finite."""
    if isinstance(answer, float | np.floating):
        assert math.isfinite(answer), f"{place} is {answer}"
    elif isinstance(answer, np.ndarray):
        assert answer.dtype.kind != "f" or np.isfinite(answer).all(), f"{place}: {answer}"
    for name, part in _parts(answer):
        check_finite(part, f"{place}.{name}")


def _parts(answer: object) -> Iterable[tuple[object, object]]:
    """What an answer consists of, with names."""
    if isinstance(answer, pl.DataFrame):
        return [(column.name, column.to_numpy()) for column in answer.iter_columns()]
    if isinstance(answer, Mapping):
        return answer.items()
    if is_dataclass(answer) and not isinstance(answer, type):
        return [(one.name, getattr(answer, one.name)) for one in fields(answer)]
    if isinstance(answer, Iterable) and not isinstance(answer, str | bytes | np.ndarray):
        return enumerate(answer)
    return ()


def questions(guide: Guide) -> dict[str, Callable[[], object]]:
    """What people and the server ask of a model, by name."""
    model = guide.model
    users, items = model.users_.ids.tolist(), model.items_.ids.tolist()
    user, item = users[len(users) // 2], items[len(items) // 2]
    new = {items[0]: model.scale_.highest, items[-1]: model.scale_.lowest}
    dials = Dials(popularity=0.3, diversity=0.4, taste=0.6)
    return {
        "recommend": lambda: guide.recommend(user),
        "recommend to a newcomer": lambda: guide.recommend(new, include_seen=True),
        "recommend with dials": lambda: guide.recommend(new, 5, dials=dials),
        "recommend to a group": lambda: guide.recommend_group([user, new], 3),
        "predict": lambda: guide.predict(user, item),
        "predict for a newcomer": lambda: guide.predict(new, item),
        "predict all": lambda: guide.predict_pairs(users, [item] * len(users)),
        "similar": lambda: guide.similar(item, min_ratings=0),
        "similar by co-rating": lambda: guide.similar(item, by="co-rating"),
        "explain": lambda: guide.explain(user, item).to_dict(),
        "explain to a newcomer": lambda: guide.explain(new, item).to_dict(),
        "reasons": lambda: [why.sentence() for why in guide.explain_each(user, items[:5], 3)],
        "neighbors": lambda: neighbors(guide, user),
        "neighbors of a newcomer": lambda: neighbors(guide, new).people,
        "everybody": lambda: list(guide.recommend_everybody(3)),
        "generosity": lambda: generosity(guide, 3),
        "disagreements": lambda: disagreements(guide, 3),
        "map": lambda: make_map(guide, k=3, min_ratings=0),
        "taste": lambda: taste_of(guide, {0: new[items[0]], len(items) - 1: new[items[-1]]}),
        "films of the server": lambda: _shown_films(FilmIndex(guide)),
        "components": lambda: [part.to_dict() for part in components(guide, 2, 3, min_ratings=0)],
    }


def _shown_films(films: FilmIndex) -> object:
    """What pages show of films; it must be possible to send it."""
    found = films.search("film 3", Filters(), "relevance"), films.decades, films.top_tags
    summaries = [films.summary(index) for index in range(5)]
    orjson.dumps([summaries, str(found)])
    return found, summaries


def ask(guide: Guide) -> None:
    """Asks everything; a MatineeError is an answer.

    Raises:
        AssertionError: a number of an answer is not finite.
    """
    for name, question in questions(guide).items():
        try:
            answer = question()
        except MatineeError:
            continue
        check_finite(answer, name)
