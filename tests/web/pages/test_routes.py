"""The caches of the pages."""

import asyncio
from pathlib import Path

from matinee.web.app import create_app
from matinee.web.pages.routes import prepare_pages
from matinee.web.settings import Settings
from tests.web.conftest import UNLIMITED


def test_caches_are_filled_before_the_first_request(model_file: Path, tmp_path: Path) -> None:
    app = create_app(
        Settings((model_file,), str(tmp_path / "own.db"), "", UNLIMITED, log_requests=False)
    )
    (live,) = app.state.server.models
    cache = app.state.film_cards

    def has_cards() -> bool:
        cards = cache._by_name.get(live.name)
        return cards is not None and cards.snapshot is live.current

    async def running() -> None:
        async with asyncio.timeout(20), app.router.lifespan_context(app):
            while not has_cards():
                await asyncio.sleep(0.01)

    asyncio.run(running())
    first = cache.of(live.current)
    prepare_pages(app)
    assert cache.of(live.current) is first
    live.reload()
    assert not has_cards()
    prepare_pages(app)
    assert cache.of(live.current).snapshot is live.current
