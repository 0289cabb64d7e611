"""All pages, put into the application, and what they cache while the server runs."""

from fastapi import FastAPI

from matinee.web import (
    pages_film,
    pages_for_you,
    pages_forms,
    pages_group,
    pages_import,
    pages_map,
    pages_models,
    pages_operator,
    pages_rate,
    pages_search,
    pages_you,
)
from matinee.web.pages_base import RevalidatedFiles, error_page, preload_templates
from matinee.web.shelf import FilmCardsCache

_PAGES = (
    pages_rate,
    pages_for_you,
    pages_forms,
    pages_film,
    pages_search,
    pages_you,
    pages_import,
    pages_group,
    pages_map,
    pages_models,
    pages_operator,
)


def include_pages(app: FastAPI) -> None:
    """Adds the pages, their static files, and their caches."""
    app.state.error_page = error_page
    app.state.maps, app.state.film_cards = pages_map.Maps(), FilmCardsCache()
    for module in _PAGES:
        app.include_router(module.router)
    app.mount("/static", RevalidatedFiles(packages=[("matinee.web", "static")]))


def prepare_pages(app: FastAPI) -> None:
    """Makes what the first page of each model would wait for; does nothing if that is done
    already."""
    for live in app.state.served.models:
        app.state.film_cards.of(live.current)
    preload_templates()
