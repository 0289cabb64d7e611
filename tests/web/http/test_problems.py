"""Problem documents: every error is answered with a sentence that says what to do."""

import httpx
import pytest

from tests.web.conftest import read_problem

RATINGS = [{"item_id": 7, "stars": 5}, {"item_id": "17", "stars": 1.5}, {"item_id": 27, "stars": 4}]
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
         "There is nothing at this address; see /docs for all addresses."),
        ("PATCH", "/api/v1/recommend", {}, 405,
         "This address does not accept that method; see /docs for those it accepts."),
        ("GET", "/api/v1/films?page=0", None, 422, "Parameter 'page' must be greater than or equal to 1, not '0'."),
        ("GET", "/api/v1/films?page=two", None, 422, "Parameter 'page' must be a valid integer, not 'two'."),
        ("GET", "/api/v1/films?genre=Western", None, 422,
         "No genre 'Western'. The genres are: Comedy, Drama, Horror, Romance, Sci-Fi."),
        ("GET", "/api/v1/films?gener=Drama", None, 422, "Parameter 'gener' does not exist; check its spelling."),
        ("POST", "/api/v1/recommend", {"k": 1000}, 422, "Field 'k' must be less than or equal to 200, not 1000."),
        ("POST", "/api/v1/recommend", {"ratings": [{"item_id": 7, "stars": 6}]}, 422, OUTSIDE),
        ("POST", "/api/v1/recommend", {"ratings": [{"item_id": 7}]}, 422, "Field 'ratings.0.stars' is missing."),
        ("POST", "/api/v1/recommend", {"ratings": RATINGS * 400}, 422,
         "Field 'ratings' must have at most 1000 items, not 1200."),
        ("POST", "/api/v1/predict", None, 422, "The request needs a JSON object as its body, and the header Content-Type: application/json."),
        ("POST", "/api/v1/predict", [7], 422, "The request needs a JSON object as its body, and the header Content-Type: application/json."),
        ("POST", "/api/v1/predict", {"item_ids": [9]}, 404, UNKNOWN),
        ("POST", "/api/v1/explain", {"item_id": 9}, 404, UNKNOWN),
        ("POST", "/api/v1/operator/reload", None, 401,
         "This address needs the operator's token, as 'Authorization: Bearer TOKEN'."),
    ],
)  # fmt: skip
def test_every_error_is_described_in_a_sentence(
    web: httpx.Client, method: str, path: str, body: object, status: int, sentence: str
) -> None:
    answer = web.request(method, path, json=body) if body is not None else web.request(method, path)
    assert read_problem(answer) == (status, sentence)


def test_invalid_json_is_reported_with_its_place(web: httpx.Client) -> None:
    header = {"content-type": "application/json"}
    status, sentence = read_problem(
        web.post("/api/v1/recommend", content=b'{"k": ', headers=header)
    )
    assert status == 422
    assert sentence == "The body is not valid JSON; the error is at character 6: expecting value."
    assert read_problem(web.post("/api/v1/recommend", content=b"\xff\xfe", headers=header))[0] in (
        400,
        422,
    )
    assert read_problem(web.post("/api/v1/recommend", content=b"k=1"))[0] == 422
