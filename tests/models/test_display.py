"""What a notebook shows of a model."""

import pytest

from matinee.data.ratings import Ratings
from matinee.models.base import Recommender
from matinee.models.baseline import Baseline
from matinee.models.blend import Blend
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.popularity import Popularity


def test_an_unfitted_model_shows_its_settings_those_that_were_set_first() -> None:
    html = MatrixFactorization(epochs=3)._repr_html_()
    assert "<strong>mf</strong>" in html
    assert "Settings: epochs=3</summary>" in html
    assert html.index("<td>epochs</td><td>3</td>") < html.index("<td>factors</td>")
    assert "Not fitted yet" in html
    assert "Settings: all at their defaults</summary>" in Baseline()._repr_html_()


def test_a_fitted_model_shows_what_it_learned(ratings: Ratings) -> None:
    model = MatrixFactorization(factors=2, epochs=2).fit(ratings)
    html = model._repr_html_()
    assert "<td>from</td><td>9,000 ratings by 300 users of 120 items</td>" in html
    assert "<td>user_factors_</td><td>300 x 2 float32</td>" in html
    assert f"<td>global_mean_</td><td>{model.global_mean_.item():.4g}</td>" in html
    assert f", after 2 epochs</td><td>{model.curve_.train[-1]:.4f}</td>" in html
    assert "Not fitted" not in html


def test_a_model_of_models_names_them(ratings: Ratings) -> None:
    html = Blend(models="baseline,popularity").fit(ratings)._repr_html_()
    assert "<td>models combined</td><td>baseline, popularity</td>" in html


def test_texts_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Popularity, "summary", "1 < 2")
    model: Recommender = Popularity()
    assert "1 &lt; 2" in model._repr_html_()
