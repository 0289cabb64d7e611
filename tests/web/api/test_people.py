"""The API for people: stored ratings, recommendations, taste, export and deletion."""

import httpx
import pytest

from matinee.recommendation.guide import Guide
from tests.web.conftest import newcomer, read_problem

ME = "/api/v1/me"
RATE = f"{ME}/ratings/7"
RATINGS = [{"item_id": 7, "stars": 5}, {"item_id": "17", "stars": 1.5}, {"item_id": 27, "stars": 4}]
OUTSIDE = "6 stars for film '7' are outside the scale 1 to 5 in steps of 0.5."
UNKNOWN = (
    "The model 'films' has no film with id '9'. To find films by title, use /api/v1/films?q=..."
)


@pytest.fixture
def two_people(web: httpx.Client) -> tuple[dict[str, str], dict[str, str]]:
    """Two people; the first has rated."""
    ada, eve = newcomer(web), newcomer(web)
    web.put(RATE, json={"stars": 5}, headers=ada)
    web.put(f"{ME}/not-interested/27", headers=ada)
    return ada, eve


@pytest.fixture(scope="module")
def guide(model_file: str) -> Guide:
    return Guide.load(model_file)


def test_changed_ratings_change_recommendations_at_once(
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
    stored = web.get("/api/v1/me/ratings", headers=ada).json()
    assert {one["item_id"]: one["stars"] for one in stored["ratings"]} == {7: 4.5, 17: 1.5, 27: 4.0}
    assert stored["ratings"][-1]["title"]
    after = web.get("/api/v1/me/recommendations?k=5", headers=ada).json()["items"]
    assert after != before
    hidden = after[0]["item_id"]
    assert web.put(f"/api/v1/me/not-interested/{hidden}", headers=ada).status_code == 204
    assert web.get("/api/v1/me/recommendations?k=4", headers=ada).json()["items"] == after[1:]
    assert web.delete(f"/api/v1/me/not-interested/{hidden}", headers=ada).status_code == 204
    assert web.delete("/api/v1/me/ratings/27", headers=ada).status_code == 204
    assert read_problem(web.delete("/api/v1/me/ratings/27", headers=ada)) == (
        404, "There is no rating of this film; see /api/v1/me/ratings for all ratings.",
    )  # fmt: skip
    assert web.get("/api/v1/me", headers=ada).json()["n_ratings"] == 2
    result = web.get("/api/v1/me/films/37/explanation?reasons=2", headers=ada).json()
    assert {reason["item_id"] for reason in result["reasons"]} == {7, 17}


def test_the_taste_compares_a_person_with_all_users(web: httpx.Client, guide: Guide) -> None:
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
    result = web.get("/api/v1/me/taste", headers=ada).json()
    assert [line["name"] for line in result["genres"]] == ["Horror", "Drama"]
    assert result["genres"][0]["beyond"] > 0.5 > -0.5 > result["genres"][1]["beyond"]
    assert result["histogram"] == [{"stars": 1.0, "n": 6}, {"stars": 5.0, "n": 6}]
    assert sum(line["n"] for line in result["everybody"]) == 9_000
    apart = [abs(line["beyond"]) for line in result["disagreements"]]
    assert apart == sorted(apart, reverse=True)
    assert len(apart) == 8
    empty = web.get("/api/v1/me/taste", headers=newcomer(web)).json()
    assert (empty["n_ratings"], empty["mean"], empty["genres"]) == (0, None, [])


def test_all_data_can_be_exported_and_deleted(web: httpx.Client) -> None:
    ada = newcomer(web)
    web.put("/api/v1/me/ratings/7", json={"stars": 4.5}, headers=ada)
    file = web.get("/api/v1/me/export", headers=ada)
    assert file.headers["content-disposition"] == 'attachment; filename="matinee.json"'
    assert [(one["item_id"], one["stars"]) for one in file.json()["ratings"]] == [("7", 4.5)]
    assert web.delete("/api/v1/me", headers=ada).status_code == 204
    status, sentence = read_problem(web.get("/api/v1/me", headers=ada))
    assert (status, sentence) == (
        401,
        "This token is not valid; the person may have been deleted. Get a token from POST /api/v1/people, and send it "
        "as 'Authorization: Bearer TOKEN' or in the cookie.",
    )


def test_ratings_of_unknown_films_or_outside_the_scale_are_not_stored(web: httpx.Client) -> None:
    ada = newcomer(web)
    assert read_problem(web.put("/api/v1/me/ratings/9", json={"stars": 3}, headers=ada)) == (
        404,
        UNKNOWN,
    )
    assert read_problem(web.put("/api/v1/me/ratings/7", json={"stars": 6}, headers=ada)) == (
        422,
        OUTSIDE,
    )
    both = [{"item_id": 17, "stars": 3}, {"item_id": 9, "stars": 3}]
    assert read_problem(web.post("/api/v1/me/ratings", json={"ratings": both}, headers=ada)) == (
        404,
        UNKNOWN,
    )
    assert web.get("/api/v1/me/ratings", headers=ada).json() == {
        "ratings": [],
        "not_interested": [],
    }


def test_people_cannot_read_or_change_the_data_of_others(
    web: httpx.Client, two_people: tuple[dict[str, str], dict[str, str]]
) -> None:
    ada, eve = two_people
    hers = web.get(f"{ME}/export", headers=ada).json()
    eves = web.get(f"{ME}/export", headers=eve).json()
    assert (eves["ratings"], eves["not_interested"]) == ([], [])
    assert eves["person_id"] != hers["person_id"]
    assert web.get(f"{ME}/ratings", headers=eve).json() == {"ratings": [], "not_interested": []}
    assert web.delete(RATE, headers=eve).status_code == 404
    assert web.delete(f"{ME}/not-interested/27", headers=eve).status_code == 404
    web.put(RATE, json={"stars": 1}, headers=eve)
    web.delete(ME, headers=eve)
    assert web.get(f"{ME}/export", headers=ada).json() == hers


def test_the_id_of_a_person_gives_no_access(
    web: httpx.Client, two_people: tuple[dict[str, str], dict[str, str]]
) -> None:
    ada, eve = two_people
    person = web.get(ME, headers=ada).json()["person_id"]
    assert web.get(ME, headers={"Authorization": f"Bearer {person}"}).status_code == 401
    assert web.get(f"{ME}?person_id={person}", headers=eve).json()["person_id"] != person
    for path in (f"/api/v1/people/{person}", f"{ME}/{person}", f"{ME}/ratings/{person}"):
        assert web.get(path, headers=eve).status_code in (404, 405)
