"""Titles that no page can show, and ids that can have no address."""

from dataclasses import replace
from pathlib import Path

import pytest

from matinee.data.catalog import Catalog, Film
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import ModelFileError
from matinee.models.baseline import Baseline
from matinee.recommendation.guide import Guide
from matinee.web.serving.registry import ModelRegistry
from matinee.web.serving.servable import servable
from tests.conftest import simulated

SIGN = "\N{REPLACEMENT CHARACTER}"


def guide_of(films: dict[Id, Film], odd_id: str = "tt9") -> Guide:
    ratings = simulated(20, 5, 60)
    ids = sorted([*(f"tt{place}" for place in range(4)), odd_id])
    ratings = replace(ratings, items=Vocabulary(ids, "item"))
    return Guide(Baseline().fit(ratings, n_threads=1), Catalog(films))


def test_what_is_no_letter_is_replaced_in_all_texts_of_a_served_film(tmp_path: Path) -> None:
    odd = Film("caf\udce9", 1999, ("\ud800", "Drama"), "tt\udfff", 7, ("a\0b",))
    fine = Film("Amélie", 2001, ("Drama",))
    guide_of({"tt0": odd, "tt1": fine}).save(tmp_path / "m.matinee")
    served = ModelRegistry([tmp_path / "m.matinee"]).snapshot().guide.catalog
    assert served["tt0"] == Film(
        f"caf{SIGN}", 1999, (SIGN, "Drama"), f"tt{SIGN}", 7, (f"a{SIGN}b",)
    )
    assert served["tt1"] == fine


def test_a_model_with_valid_texts_is_served_as_it_is() -> None:
    guide = guide_of({"tt0": Film("Amélie")})
    assert servable(guide, "m") is guide


@pytest.mark.parametrize(("odd_id", "shown"), [("tt9\udce9", "tt9\\xe9"), ("tt9\0", "tt9\\x00")])
def test_a_model_whose_item_ids_have_no_address_is_not_served(odd_id: str, shown: str) -> None:
    with pytest.raises(ModelFileError) as caught:
        servable(guide_of({}, odd_id), "m")
    assert str(caught.value) == (
        f"The model 'm' cannot be served: the item id '{shown}' has no address, because it holds a "
        "zero or is not valid Unicode. Train it on a table with valid ids; --encoding names the "
        "encoding of a file."
    )
