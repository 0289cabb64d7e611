"""The texts of the operator's pages."""

import re
from pathlib import Path

from matinee.models import MODELS
from matinee.web.pages import texts, texts_operator


def test_every_text_is_used() -> None:
    folder = Path(texts_operator.__file__).parents[1]
    paths = [*folder.glob("pages/*.py"), *folder.glob("templates/operator/*.html")]
    code = "\n".join(path.read_text("utf-8") for path in paths if path.name != "texts_operator.py")
    dynamic = {
        *("lists_chart", "ratings_chart", "people_chart", "sure_missing", "canceling", "ended"),
        *("people", "ratings", "not_interested", "groups", "watchlist", "not_seen"),
        *("reloaded", "not_reloaded", "for_person", "for_own", "for_new"),
    }
    for group in ("OPERATOR", "OPERATOR_PEOPLE", "OPERATOR_FILMS", "TRAINING", "MODELS_PAGE"):
        names = set(getattr(texts, group)) - dynamic
        pattern = r'\b[to](?:\.|\[")({})\b'
        assert [name for name in names if not re.search(pattern.format(name), code)] == [], group
        assert not {*getattr(texts, group)} & {*dir(dict)}  # templates would find the method


def test_every_kind_of_model_has_words() -> None:
    assert {model.name for model in MODELS} == set(texts.MODEL_TYPES)
