"""The API reference: Swagger UI at /docs, ReDoc at /redoc, and the OpenAPI document at
/openapi.json.

Scripts and styles come from the package fastapi-offline, so the pages load nothing from elsewhere.
"""

import secrets
from pathlib import Path
from typing import TypedDict

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from matinee.report.html import new_environment
from matinee.web.http.problems import OrjsonResponse
from matinee.web.http.security import content_security_policy

router = APIRouter(include_in_schema=False)

ASSETS = "/docs/assets"
_TEMPLATES = new_environment(Path(__file__).parents[1] / "templates" / "reference")


class ReferencePage(TypedDict):
    """Values of the templates in reference/."""

    assets: str
    document: str
    """The address of the OpenAPI document."""
    nonce: str
    """A secret that allows the style sheets that ReDoc writes into the page."""


def include_reference(app: FastAPI) -> None:
    """Adds the pages and their static files."""
    app.include_router(router)
    assets = StaticFiles(packages=[("fastapi_offline", "static")])
    app.mount(ASSETS, GZipMiddleware(assets, minimum_size=500))


@router.get("/openapi.json")
async def document(request: Request) -> Response:
    """The same document as at /api/v1/openapi.json."""
    return OrjsonResponse(request.app.openapi())


@router.get("/docs")
async def swagger(request: Request) -> Response:
    """Swagger UI, in which each address can be tried."""
    return _page(request, "swagger.html")


@router.get("/redoc")
async def redoc(request: Request) -> Response:
    """ReDoc, for reading and printing."""
    return _page(request, "redoc.html")


def _page(request: Request, template: str) -> Response:
    nonce = secrets.token_urlsafe(16)
    values = ReferencePage(assets=ASSETS, document=request.app.openapi_url, nonce=nonce)
    response = HTMLResponse(_TEMPLATES.get_template(template).render(values))
    policy = content_security_policy(f"'self' 'nonce-{nonce}'")
    response.headers["content-security-policy"] = policy
    return response
