"""The pages beside those for rating: you, import, together, the map, models, the operator; put into the application."""

from fastapi import FastAPI

from matinee.web import pages_group, pages_import, pages_map, pages_models, pages_operator, pages_you


def include_more_pages(app: FastAPI) -> None:
    """Adds the pages, and what they keep while the server runs."""
    app.state.maps = pages_map.Maps()
    for one in (pages_you, pages_import, pages_group, pages_map, pages_models, pages_operator):
        app.include_router(one.router)
