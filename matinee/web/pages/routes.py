"""Registers all pages with the application and creates the caches they use."""

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from matinee.web.pages import (
    about,
    browse,
    devices,
    film,
    film_map,
    for_you,
    groups,
    import_everything,
    import_ratings,
    models,
    operator,
    operator_access,
    operator_films,
    operator_people,
    operator_training,
    poster_images,
    rate,
    rating_forms,
    ratings_table,
    search,
    watchlist,
    you,
)
from matinee.web.pages.film_cards import FilmCardsCache
from matinee.web.pages.rendering import RevalidatedFiles, error_page, preload_templates

_PAGES = (
    rate,
    for_you,
    rating_forms,
    film,
    search,
    watchlist,
    browse,
    you,
    ratings_table,
    devices,
    import_ratings,
    import_everything,
    groups,
    film_map,
    models,
    operator_access,
    operator,
    operator_people,
    operator_films,
    operator_training,
    about,
    poster_images,
)


def include_pages(app: FastAPI) -> None:
    """Adds the pages, their static files, and their caches."""
    app.state.error_page = error_page
    poster_images.posters_of(app.state.server.settings.posters)  # a wrong one is told at once
    app.state.maps, app.state.film_cards = film_map.Maps(), FilmCardsCache()
    for module in _PAGES:
        app.include_router(module.router)
    app.add_exception_handler(operator_access.SignInNeededError, operator_access.ask_to_sign_in)
    static = RevalidatedFiles(packages=[("matinee.web", "static")])
    app.mount("/static", GZipMiddleware(static, minimum_size=500))


def prepare_pages(app: FastAPI) -> None:
    """Fills the caches that the first request for each model would otherwise wait for."""
    for live in app.state.server.models:
        app.state.film_cards.of(live.current)
    preload_templates()
