"""The lists of many users from tiles of scores."""

import numpy as np
import pytest

from matinee.errors import DataError
from matinee.models import top_lists
from matinee.models.ials import ImplicitALS
from matinee.models.matrix_factorization import MatrixFactorization
from tests.conftest import simulated

USERS = np.arange(80)


@pytest.mark.parametrize(
    "new", [ImplicitALS(factors=8, epochs=2), MatrixFactorization(factors=8, epochs=2)]
)
def test_lists_from_tiles_are_those_from_all_scores(
    new: ImplicitALS | MatrixFactorization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(top_lists, "ITEMS_PER_TILE", 100)
    monkeypatch.setattr(top_lists, "USERS_PER_TILE", 30)
    model = new.fit(simulated(80, 250, 2_000), n_threads=1)
    scores = model.scores_of(model.user_vectors(USERS)).copy()
    tile = np.empty((80, 70), np.float32)
    model.fill_scores(model.user_vectors(USERS), slice(90, 160), tile)
    np.testing.assert_allclose(tile, scores[:, 90:160], rtol=1e-5, atol=1e-6)
    for user in USERS:
        scores[user, model.history_.of(int(user))[0]] = -np.inf
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :12]
    assert np.array_equal(model.top_items(USERS, 12), expected)
    model.item_factors_[7, 3] = np.nan
    with pytest.raises(DataError, match="numbers that are not finite"):
        model.top_items(USERS, 12)
