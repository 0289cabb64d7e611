"""The former spelling of catalog still works, for code that uses it."""

import pytest

import matinee
from matinee.errors import SettingError


@pytest.fixture(scope="module")
def data() -> matinee.Dataset:
    return matinee.load("sample")


@pytest.fixture(scope="module")
def model(data: matinee.Dataset) -> matinee.Popularity:
    return matinee.Popularity().fit(data.ratings)


def test_the_former_spelling_of_catalog_still_works(
    data: matinee.Dataset, model: matinee.Popularity
) -> None:
    assert matinee.Catalogue is matinee.Catalog
    assert data.catalogue is data.catalog
    guide = matinee.Guide(model, data.catalog)
    assert guide.catalogue is guide.catalog


def test_a_guide_takes_the_catalog_under_either_name(
    data: matinee.Dataset, model: matinee.Popularity
) -> None:
    assert matinee.Guide(model, catalog=data.catalog).catalog is data.catalog
    assert matinee.Guide(model, catalogue=data.catalog).catalog is data.catalog


def test_a_guide_refuses_both_names_at_once(
    data: matinee.Dataset, model: matinee.Popularity
) -> None:
    with pytest.raises(SettingError, match="catalogue, its former spelling, not both"):
        matinee.Guide(model, catalog=data.catalog, catalogue=data.catalog)
