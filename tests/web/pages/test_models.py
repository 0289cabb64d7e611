"""The page that compares two models."""

import httpx

from tests.web.pages.conftest import rate


def test_two_models_are_compared_on_the_persons_ratings(three_models: str) -> None:
    with httpx.Client(base_url=three_models) as client:
        assert "these are the lists for a new user" in client.get("/models").text
        for place in range(8):
            rate(client, 7 + 10 * place, 1.5 + place % 4)
        page = client.get("/models").text
        assert page.count("Average error on your ratings") == 2
        assert "Where they differ most" in page
        other = client.get("/models", params={"left": "baseline", "right": "plain"}).text
        assert "no, only a ranking" in other
        assert "Where they differ most" not in other
        assert client.get("/models", params={"left": "nonsense"}).status_code == 200
