"""The API over real HTTP: what it answers, and a sentence for everything that it cannot."""

import httpx
import pytest

from matinee.data.vocabulary import Id
from matinee.recommendation.filters import Filters
from matinee.recommendation.guide import Guide
from tests.web.conftest import OPERATOR, newcomer

RATINGS = [{"item_id": 7, "stars": 5}, {"item_id": "17", "stars": 1.5}, {"item_id": 27, "stars": 4}]
STARS: dict[Id, float] = {7: 5.0, 17: 1.5, 27: 4.0}


@pytest.fixture(scope="module")
def guide(model_file: str) -> Guide:
    return Guide.load(model_file)


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and sentence of a problem document, which must be a whole one."""
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert set(told) - {"errors"} == {"type", "title", "status", "detail", "request_id"}
    assert told["status"] == answer.status_code
    assert told["type"].startswith("urn:matinee:")
    assert told["request_id"] == answer.headers["x-request-id"]
    return answer.status_code, told["detail"]


# -- films ---------------------------------------------------------------------------------------------------------


def test_a_film_is_found_by_the_beginnings_of_words_without_accents(web: httpx.Client) -> None:
    found = web.get("/api/v1/films", params={"q": "amelie"}).json()
    assert [film["item_id"] for film in found["films"]] == [7]
    assert found["films"][0] | {"n_ratings": 0, "mean": 0} == {
        "item_id": 7, "title": "Amélie (2001)", "year": 2001, "genres": ["Comedy", "Romance"],
        "n_ratings": 0, "mean": 0,
    }  # fmt: skip
    assert [film["item_id"] for film in web.get("/api/v1/films?q=epi%20STAR").json()["films"]] == [
        17
    ]


def test_a_misspelt_title_finds_what_resembles_it_and_says_so(web: httpx.Client) -> None:
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


def test_one_film_and_those_like_it(web: httpx.Client, guide: Guide) -> None:
    assert web.get("/api/v1/films/1197").json()["title"] == "1197"
    found = web.get("/api/v1/films/7/similar?k=5&min_ratings=0").json()
    expected = [one.item_id for one in guide.similar(7, 5, min_ratings=0).items]
    assert [item["item_id"] for item in found["items"]] == expected


def test_genres_and_models_are_listed(web: httpx.Client) -> None:
    assert web.get("/api/v1/genres").json() == ["Comedy", "Drama", "Horror", "Romance", "Sci-Fi"]
    (model,) = web.get("/api/v1/models").json()
    assert (model["name"], model["kind"], model["n_items"]) == ("films", "mf", 120)
    assert model["scale"] == {"lowest": 1.0, "highest": 5.0, "step": 0.5}


# -- ratings in the request ----------------------------------------------------------------------------------------


def test_a_list_is_that_of_the_library(web: httpx.Client, guide: Guide) -> None:
    body = {
        "ratings": [*RATINGS, {"item_id": 999, "stars": 3}],
        "k": 6,
        "genre": ["drama"],
        "year_from": 1960,
    }
    told = web.post("/api/v1/recommend", json=body).json()
    expected = guide.recommend(STARS, 6, Filters(("Drama",), years=(1960, None))).items
    assert [item["item_id"] for item in told["items"]] == [one.item_id for one in expected]
    assert [item["stars"] for item in told["items"]] == [
        round(one.stars or 0, 3) for one in expected
    ]
    assert told["unknown"] == ["999"]
    assert told["note"] == ""


def test_films_that_are_rated_or_not_of_interest_are_left_out(web: httpx.Client) -> None:
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


def test_a_list_that_is_short_says_why(web: httpx.Client) -> None:
    told = web.post("/api/v1/recommend", json={"ratings": RATINGS, "genre": ["Romance"]}).json()
    assert told["items"] == []
    assert told["note"].startswith(
        "0 instead of 10: 1 of the 120 films match the filters (of genre Romance), and 1 of them is already rated"
    )
    assert "--" not in told["note"]


def test_the_dials_turn_a_list(web: httpx.Client) -> None:
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


def test_predictions_and_explanations_agree_and_add_up(web: httpx.Client, guide: Guide) -> None:
    told = web.post("/api/v1/predict", json={"ratings": RATINGS, "item_ids": [37, "47"]}).json()
    assert [line["item_id"] for line in told["predictions"]] == [37, 47]
    assert told["predictions"][0]["stars"] == pytest.approx(guide.predict(STARS, 37), abs=1e-3)
    reason = web.post(
        "/api/v1/explain", json={"ratings": RATINGS, "item_id": 37, "reasons": 1}
    ).json()
    assert reason["stars"] == pytest.approx(told["predictions"][0]["stars"], abs=1e-3)
    assert sum(reason["parts"].values()) == pytest.approx(reason["stars"], abs=1e-4)
    assert len(reason["reasons"]) == 1
    listed = web.post(
        "/api/v1/recommend", json={"ratings": RATINGS, "k": 2, "explain": True}
    ).json()["items"]
    assert [item["explanation"]["item_id"] for item in listed] == [
        item["item_id"] for item in listed
    ]


# -- people --------------------------------------------------------------------------------------------------------


def test_a_person_rates_changes_deletes_and_is_recommended_something_else_at_once(
    web: httpx.Client,
) -> None:
    ada = newcomer(web)
    before = web.get("/api/v1/me/recommendations?k=5", headers=ada).json()["items"]
    assert web.put("/api/v1/me/ratings/7", json={"stars": 2}, headers=ada).status_code == 204
    assert web.put("/api/v1/me/ratings/7", json={"stars": 4.5}, headers=ada).status_code == 204
    assert (
        web.post("/api/v1/me/ratings", json={"ratings": RATINGS[1:]}, headers=ada).status_code
        == 204
    )
    kept = web.get("/api/v1/me/ratings", headers=ada).json()
    assert {one["item_id"]: one["stars"] for one in kept["ratings"]} == {7: 4.5, 17: 1.5, 27: 4.0}
    assert kept["ratings"][-1]["title"]
    after = web.get("/api/v1/me/recommendations?k=5", headers=ada).json()["items"]
    assert after != before
    hidden = after[0]["item_id"]
    assert web.put(f"/api/v1/me/not-interested/{hidden}", headers=ada).status_code == 204
    assert web.get("/api/v1/me/recommendations?k=4", headers=ada).json()["items"] == after[1:]
    assert web.delete(f"/api/v1/me/not-interested/{hidden}", headers=ada).status_code == 204
    assert web.delete("/api/v1/me/ratings/27", headers=ada).status_code == 204
    assert problem(web.delete("/api/v1/me/ratings/27", headers=ada)) == (
        404, "There is no rating of this film; see /api/v1/me/ratings for all ratings.",
    )  # fmt: skip
    assert web.get("/api/v1/me", headers=ada).json()["n_ratings"] == 2
    told = web.get("/api/v1/me/films/37/explanation?reasons=2", headers=ada).json()
    assert {reason["item_id"] for reason in told["reasons"]} == {7, 17}


def test_a_taste_compares_with_everybody(web: httpx.Client, guide: Guide) -> None:
    ada = newcomer(web)
    films = [
        item_id for item_id, film in guide.catalog.films.items() if film.genres == ("Horror",)
    ][:6]
    others = [
        item_id for item_id, film in guide.catalog.films.items() if film.genres == ("Drama",)
    ][:6]
    ratings = [{"item_id": one, "stars": 5} for one in films] + [
        {"item_id": one, "stars": 1} for one in others
    ]
    web.post("/api/v1/me/ratings", json={"ratings": ratings}, headers=ada)
    told = web.get("/api/v1/me/taste", headers=ada).json()
    assert [line["name"] for line in told["genres"]] == ["Horror", "Drama"]
    assert told["genres"][0]["beyond"] > 0.5 > -0.5 > told["genres"][1]["beyond"]
    assert told["histogram"] == [{"stars": 1.0, "n": 6}, {"stars": 5.0, "n": 6}]
    assert sum(line["n"] for line in told["everybody"]) == 9_000
    apart = [abs(line["beyond"]) for line in told["disagreements"]]
    assert apart == sorted(apart, reverse=True)
    assert len(apart) == 8
    empty = web.get("/api/v1/me/taste", headers=newcomer(web)).json()
    assert (empty["n_ratings"], empty["mean"], empty["genres"]) == (0, None, [])


def test_everything_is_exported_and_deleted(web: httpx.Client) -> None:
    ada = newcomer(web)
    web.put("/api/v1/me/ratings/7", json={"stars": 4.5}, headers=ada)
    file = web.get("/api/v1/me/export", headers=ada)
    assert file.headers["content-disposition"] == 'attachment; filename="matinee.json"'
    assert [(one["item_id"], one["stars"]) for one in file.json()["ratings"]] == [("7", 4.5)]
    assert web.delete("/api/v1/me", headers=ada).status_code == 204
    status, sentence = problem(web.get("/api/v1/me", headers=ada))
    assert (status, sentence) == (
        401,
        "This token is not valid; the person may have been deleted. Get a token from POST /api/v1/people, and send it "
        "as 'Authorization: Bearer TOKEN' or in the cookie.",
    )


# -- what cannot be done -------------------------------------------------------------------------------------------

OUTSIDE = "6 stars for film '7' are outside the scale 1 to 5 in steps of 0.5."
UNKNOWN = (
    "The model 'films' has no film with id '9'. To find films by title, use /api/v1/films?q=..."
)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "sentence"),
    [
        ("GET", "/api/v1/films/9", None, 404, UNKNOWN),
        ("GET", "/api/v1/films/9/similar", None, 404, UNKNOWN),
        ("GET", "/api/v1/films/7?model=best", None, 404, "There is no model 'best'. The models are: films."),
        ("GET", "/api/v1/nothing", None, 404,
         "There is nothing at this address; see /api/v1/openapi.json for all addresses."),
        ("PATCH", "/api/v1/recommend", {}, 405,
         "This address does not accept that method; see /api/v1/openapi.json for those it accepts."),
        ("GET", "/api/v1/films?page=0", None, 422, "Parameter 'page' must be greater than or equal to 1, not '0'."),
        ("GET", "/api/v1/films?genre=Western", None, 422,
         "No genre 'Western'. The genres are: Comedy, Drama, Horror, Romance, Sci-Fi."),
        ("GET", "/api/v1/films?gener=Drama", None, 422, "Parameter 'gener' does not exist; check its spelling."),
        ("POST", "/api/v1/recommend", {"k": 1000}, 422, "Field 'k' must be less than or equal to 200, not 1000."),
        ("POST", "/api/v1/recommend", {"ratings": [{"item_id": 7, "stars": 6}]}, 422, OUTSIDE),
        ("POST", "/api/v1/recommend", {"ratings": [{"item_id": 7}]}, 422, "Field 'ratings.0.stars' is missing."),
        ("POST", "/api/v1/recommend", {"ratings": RATINGS * 400}, 422,
         "Field 'ratings' must have at most 1000 items, not 1200."),
        ("POST", "/api/v1/predict", {"item_ids": [9]}, 404, UNKNOWN),
        ("POST", "/api/v1/explain", {"item_id": 9}, 404, UNKNOWN),
        ("POST", "/api/v1/operator/reload", None, 401,
         "This address needs the operator's token, as 'Authorization: Bearer TOKEN'."),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told_in_a_sentence(
    web: httpx.Client, method: str, path: str, body: object, status: int, sentence: str
) -> None:
    answer = web.request(method, path, json=body) if body is not None else web.request(method, path)
    assert problem(answer) == (status, sentence)


def test_a_body_that_is_no_json_is_told_where(web: httpx.Client) -> None:
    header = {"content-type": "application/json"}
    status, sentence = problem(web.post("/api/v1/recommend", content=b'{"k": ', headers=header))
    assert status == 422
    assert sentence == "The body is not valid JSON; the error is at character 6: expecting value."
    assert problem(web.post("/api/v1/recommend", content=b"\xff\xfe", headers=header))[0] in (
        400,
        422,
    )
    assert problem(web.post("/api/v1/recommend", content=b"k=1"))[0] == 422


def test_ratings_of_unknown_films_and_outside_the_scale_are_not_kept(web: httpx.Client) -> None:
    ada = newcomer(web)
    assert problem(web.put("/api/v1/me/ratings/9", json={"stars": 3}, headers=ada)) == (
        404,
        UNKNOWN,
    )
    assert problem(web.put("/api/v1/me/ratings/7", json={"stars": 6}, headers=ada)) == (
        422,
        OUTSIDE,
    )
    both = [{"item_id": 17, "stars": 3}, {"item_id": 9, "stars": 3}]
    assert problem(web.post("/api/v1/me/ratings", json={"ratings": both}, headers=ada)) == (
        404,
        UNKNOWN,
    )
    assert web.get("/api/v1/me/ratings", headers=ada).json() == {
        "ratings": [],
        "not_interested": [],
    }


# -- the operator --------------------------------------------------------------------------------------------------


def test_health_tells_the_model_and_the_database(web: httpx.Client) -> None:
    assert web.get("/health/live").json()["status"] == "live"
    told = web.get("/health/ready").json()
    assert (told["status"], told["database"]) == ("ready", "answers")
    assert [(model["name"], model["refused"]) for model in told["models"]] == [("films", None)]


def test_the_operator_sees_models_and_counts_and_nobody_else_does(web: httpx.Client) -> None:
    header = {"Authorization": f"Bearer {OPERATOR}"}
    (model,) = web.get("/api/v1/operator/model", headers=header).json()
    assert (model["kind"], model["settings"]["factors"], model["n_users"]) == ("mf", 8, 300)
    before = web.get("/api/v1/operator/counts", headers=header).json()
    ada = newcomer(web)
    after = web.get("/api/v1/operator/counts", headers=header).json()
    assert (after["people"], after["database"]) == (before["people"] + 1, "sqlite")
    for path in ("/api/v1/operator/model", "/api/v1/operator/counts", "/metrics"):
        for wrong in (
            {},
            ada,
            {"Authorization": "Bearer x"},
            {"Authorization": f"Basic {OPERATOR}"},
        ):
            assert problem(web.get(path, headers=wrong))[0] == 401


def test_figures_count_requests_by_route_and_nothing_personal(web: httpx.Client) -> None:
    ada = newcomer(web)
    web.put("/api/v1/me/ratings/17", json={"stars": 3}, headers=ada)
    text = web.get("/metrics", headers={"Authorization": f"Bearer {OPERATOR}"}).text
    route = 'method="PUT",route="/api/v1/me/ratings/{item_id}",status="204"'
    assert f"matinee_requests_total{{{route}}}" in text
    assert "matinee_request_seconds_bucket" in text
    assert "ratings/17" not in text


@pytest.mark.parametrize(
    "path", ["/health/live", "/api/v1/genres", "/rate", "/static/app.css", "/api/v1/films/none"]
)
def test_head_is_answered_as_get_but_without_a_body(web: httpx.Client, path: str) -> None:
    found, asked = web.get(path), web.head(path)
    assert (asked.status_code, asked.content) == (found.status_code, b"")
    assert asked.headers["content-type"] == found.headers["content-type"]
    if path != "/rate":  # which is not the same twice
        assert asked.headers["content-length"] == found.headers["content-length"]
