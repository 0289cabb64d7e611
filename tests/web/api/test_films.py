"""The API for films, and for ratings in the request."""

from typing import Any

import httpx
import pytest

from matinee.data.vocabulary import Id
from matinee.recommendation.filters import Filters
from matinee.recommendation.guide import Guide
from matinee.recommendation.reranking import Dials

RATINGS = [{"item_id": 7, "stars": 5}, {"item_id": "17", "stars": 1.5}, {"item_id": 27, "stars": 4}]


STARS: dict[Id, float] = {7: 5.0, 17: 1.5, 27: 4.0}


@pytest.fixture(scope="module")
def guide(model_file: str) -> Guide:
    return Guide.load(model_file)


def test_a_film_is_found_by_the_beginnings_of_words_without_accents(web: httpx.Client) -> None:
    found = web.get("/api/v1/films", params={"q": "amelie"}).json()
    assert [film["item_id"] for film in found["films"]] == [7]
    assert found["films"][0] | {"n_ratings": 0, "mean": 0} == {
        "item_id": 7, "title": "Amélie (2001)", "display_title": "Amélie (2001)", "year": 2001,
        "genres": ["Comedy", "Romance"],
        "n_ratings": 0, "mean": 0, "imdb": "tt0211915", "tmdb": 194, "tags": ["quirky", "R&B?"],
    }  # fmt: skip
    assert [film["item_id"] for film in web.get("/api/v1/films?q=epi%20STAR").json()["films"]] == [
        17
    ]


def test_a_misspelled_title_finds_similar_titles_as_guesses(web: httpx.Client) -> None:
    found = web.get("/api/v1/films?q=satr+wars").json()
    assert found["is_guess"]
    assert found["films"][0]["item_id"] == 17
    assert web.get("/api/v1/films?q=xy").json()["films"] == []


def test_films_are_filtered_sorted_and_paged(web: httpx.Client, guide: Guide) -> None:
    query = "genre=Sci-Fi&genre=Horror&year_from=1960&year_to=1990&min_ratings=5&order=oldest&page_size=7"
    pages = [web.get(f"/api/v1/films?{query}&page={page}").json() for page in range(1, 9)]
    films = [film for page in pages for film in page["films"]]
    assert len(films) == pages[0]["total"] == len({film["item_id"] for film in films})
    counts = dict(
        zip(guide.model.items_.ids.tolist(), guide.model.item_counts_.tolist(), strict=True)
    )
    expected = {
        item_id
        for item_id, film in guide.catalog.films.items()
        if set(film.genres) & {"Sci-Fi", "Horror"}
        and 1960 <= (film.year or 0) <= 1990
        and counts[item_id] >= 5
    }
    assert {film["item_id"] for film in films} == expected
    assert [film["year"] for film in films] == sorted(film["year"] for film in films)
    popular = web.get("/api/v1/films").json()["films"]
    assert [film["n_ratings"] for film in popular] == sorted(
        (film["n_ratings"] for film in popular), reverse=True
    )


def test_a_film_and_similar_films_are_shown(web: httpx.Client, guide: Guide) -> None:
    assert web.get("/api/v1/films/1197").json()["title"] == "1197"
    found = web.get("/api/v1/films/7/similar?k=5&min_ratings=0").json()
    expected = [one.item_id for one in guide.similar(7, 5, min_ratings=0).items]
    assert [item["item_id"] for item in found["items"]] == expected


def test_genres_and_models_are_listed(web: httpx.Client) -> None:
    assert web.get("/api/v1/genres").json() == ["Comedy", "Drama", "Horror", "Romance", "Sci-Fi"]
    (model,) = web.get("/api/v1/models").json()
    assert (model["name"], model["kind"], model["n_items"]) == ("films", "mf", 120)
    assert model["scale"] == {"lowest": 1.0, "highest": 5.0, "step": 0.5}


def test_recommendations_equal_those_of_the_library(web: httpx.Client, guide: Guide) -> None:
    body = {
        "ratings": [*RATINGS, {"item_id": 999, "stars": 3}],
        "k": 6,
        "genre": ["drama"],
        "year_from": 1960,
    }
    result = web.post("/api/v1/recommend", json=body).json()
    expected = guide.recommend(STARS, 6, Filters(("Drama",), years=(1960, None))).items
    assert [item["item_id"] for item in result["items"]] == [one.item_id for one in expected]
    assert [item["stars"] for item in result["items"]] == [
        round(one.stars or 0, 3) for one in expected
    ]
    assert result["unknown"] == ["999"]
    assert result["note"] == ""


def test_rated_and_hidden_films_are_left_out(web: httpx.Client) -> None:
    first = [
        item["item_id"]
        for item in web.post("/api/v1/recommend", json={"ratings": RATINGS}).json()["items"]
    ]
    assert not {7, 17, 27} & set(first)
    body = {"ratings": RATINGS, "not_interested": [first[0], "12345"]}
    assert web.post("/api/v1/recommend", json=body).json()["items"][0]["item_id"] == first[1]
    everything = web.post(
        "/api/v1/recommend", json=body | {"include_rated": True, "k": 200}
    ).json()["items"]
    assert {7, 17, 27} <= {item["item_id"] for item in everything}
    assert first[0] not in {item["item_id"] for item in everything}


def test_a_short_list_says_why(web: httpx.Client) -> None:
    result = web.post("/api/v1/recommend", json={"ratings": RATINGS, "genre": ["Romance"]}).json()
    assert result["items"] == []
    assert result["note"].startswith(
        "0 instead of 10: 1 of the 120 films match the filters (of genre Romance), and 1 of them is already rated"
    )
    assert "--" not in result["note"]


def test_popularity_and_diversity_change_the_list(web: httpx.Client) -> None:
    def counts(popularity: float) -> int:
        body = {"ratings": RATINGS, "k": 20, "popularity": popularity}
        return sum(
            int(item["n_ratings"])
            for item in web.post("/api/v1/recommend", json=body).json()["items"]
        )

    assert counts(-1) < counts(0) < counts(1)
    varied = web.post("/api/v1/recommend", json={"ratings": RATINGS, "diversity": 0.9}).json()
    assert (
        varied["items"] != web.post("/api/v1/recommend", json={"ratings": RATINGS}).json()["items"]
    )


def test_a_taste_changes_the_list(web: httpx.Client, guide: Guide) -> None:
    def listed(taste: float | None) -> list[int]:
        answer = web.post("/api/v1/recommend", json={"ratings": RATINGS, "taste": taste})
        return [item["item_id"] for item in answer.json()["items"]]

    expected = guide.recommend(STARS, 10, dials=Dials(taste=1)).items
    assert listed(1) == [one.item_id for one in expected]
    assert listed(1) != listed(None)
    assert listed(0) == listed(None)
    for taste in (-0.1, 1.1, "much"):
        body = {"ratings": RATINGS, "taste": taste}
        answer = web.post("/api/v1/recommend", json=body)
        assert answer.status_code == 422
        assert "taste" in answer.json()["errors"][0]["field"]


def test_predictions_and_explanations_agree_and_add_up(web: httpx.Client, guide: Guide) -> None:
    result = web.post("/api/v1/predict", json={"ratings": RATINGS, "item_ids": [37, "47"]}).json()
    assert [line["item_id"] for line in result["predictions"]] == [37, 47]
    assert result["predictions"][0]["stars"] == pytest.approx(guide.predict(STARS, 37), abs=1e-3)
    reason = web.post(
        "/api/v1/explain", json={"ratings": RATINGS, "item_id": 37, "reasons": 1}
    ).json()
    assert reason["stars"] == pytest.approx(result["predictions"][0]["stars"], abs=1e-3)
    assert sum(reason["parts"].values()) == pytest.approx(reason["stars"], abs=1e-4)
    assert len(reason["reasons"]) == 1
    listed = web.post(
        "/api/v1/recommend", json={"ratings": RATINGS, "k": 2, "explain": True}
    ).json()["items"]
    assert [item["explanation"]["item_id"] for item in listed] == [
        item["item_id"] for item in listed
    ]


def test_several_people_get_their_lists_in_one_request(web: httpx.Client) -> None:
    people: list[dict[str, Any]] = [
        {"ratings": RATINGS, "not_interested": [37]},
        {"ratings": []},
        {"ratings": RATINGS[:1]},
    ]
    options = {"k": 4, "genre": ["Drama", "Comedy"]}
    together = web.post("/api/v1/recommend/batch", json={"people": people, **options}).json()
    each = [web.post("/api/v1/recommend", json=one | options).json() for one in people]
    assert together == {"lists": each}
    wrong: Any = {"people": [{"ratings": [{"item_id": "none", "stars": 3}]}]}
    (answer,) = web.post("/api/v1/recommend/batch", json=wrong).json()["lists"]
    assert answer["unknown"] == ["none"]
    wrong["people"][0]["ratings"][0] = {"item_id": 7, "stars": 9}
    assert web.post("/api/v1/recommend/batch", json=wrong).status_code == 422
    many: Any = {"people": [{}] * 51}
    assert web.post("/api/v1/recommend/batch", json=many).status_code == 422


def test_lists_give_the_ids_on_other_sites_and_the_tags(web: httpx.Client) -> None:
    body = {"k": 120, "min_ratings": 0}
    items = web.post("/api/v1/recommend", json=body).json()["items"]
    known = {item["item_id"]: (item["imdb"], item["tmdb"], item["tags"]) for item in items}
    assert known[7] == ("tt0211915", 194, ["quirky", "R&B?"])
    assert known[27] == ("", None, [])
    assert web.get("/api/v1/films/7").json()["imdb"] == "tt0211915"
