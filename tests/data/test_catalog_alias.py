"""The former spelling of catalog works for who has code that uses it."""

import matinee


def test_the_former_spelling_of_catalog_still_works() -> None:
    data = matinee.load("sample")
    assert matinee.Catalogue is matinee.Catalog
    assert data.catalogue is data.catalog
    guide = matinee.Guide(matinee.Popularity().fit(data.ratings), data.catalog)
    assert guide.catalogue is guide.catalog
