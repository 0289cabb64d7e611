"""When the pages create a person."""

from pathlib import Path

import httpx

from matinee.web.settings import Limits, Settings
from tests.web.conftest import serving
from tests.web.pages.conftest import ADDRESSES, HTML, words_on


def test_viewing_pages_creates_no_person(visitor: httpx.Client) -> None:
    for address in ADDRESSES:
        assert "set-cookie" not in visitor.get(address).headers


def test_new_people_are_limited_even_with_an_invalid_cookie(
    model_file: Path, tmp_path: Path
) -> None:
    limits = Limits(people_per_minute=2)
    settings = Settings(
        (model_file,), f"sqlite:///{tmp_path / 'p.db'}", "", limits, log_requests=False
    )
    with serving(settings) as url:
        form = {"item_id": "7", "stars": "4"}
        made = [
            httpx.post(f"{url}/rate", data=form, cookies={"matinee": "made-up"}, headers=HTML)
            for _ in range(3)
        ]
        assert [response.status_code for response in made] == [303, 303, 429]
        assert "Too many new people from this address" in words_on(made[2])
