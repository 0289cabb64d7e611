"""What the site is, and how it is installed: about, help, the manifest, and the service worker
with the page that it shows without a connection."""

from pathlib import Path
from typing import TypedDict

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from matinee._version import __version__
from matinee.report.glossary import about_model, citations, license_of
from matinee.web.api.dependencies import Serving
from matinee.web.pages import texts, texts_about
from matinee.web.pages.rendering import render

router = APIRouter(include_in_schema=False)

_STATIC = Path(__file__).parents[1] / "static"
_THEME = "#a3213a"
"""The color of the icon."""
_ICON_SIZES = (192, 512)


class AboutPage(TypedDict):
    """Values of about/about.html."""

    t: dict[str, str]
    model: str
    """What the model does, in a sentence or two."""
    dataset: str
    note: str
    n_ratings: int
    n_films: int
    license: str
    citations: list[str]
    version: str


class TextPage(TypedDict):
    """Values of about/help.html and about/offline.html."""

    t: dict[str, str]
    questions: tuple[tuple[str, str], ...]


@router.get("/about")
def about(request: Request, serving: Serving) -> Response:
    """What the site does, where its ratings come from, and what it stores."""
    guide = serving.models.snapshot().guide
    values = AboutPage(
        t=texts_about.ABOUT,
        model=about_model(guide.model),
        dataset=guide.origin.dataset,
        note=guide.origin.note,
        n_ratings=guide.origin.n_ratings,
        n_films=len(guide.model.items_),
        license=license_of(guide.origin.dataset),
        citations=citations(guide.origin.dataset),
        version=__version__,
    )
    return render(request, "about/about.html", values)


@router.get("/help")
async def help_page(request: Request) -> Response:
    """Questions and answers."""
    values = TextPage(t=texts_about.HELP, questions=texts_about.QUESTIONS)
    return render(request, "about/help.html", values)


@router.get("/offline")
async def offline(request: Request) -> Response:
    """The page that the service worker shows without a connection."""
    return render(request, "about/offline.html", TextPage(t=texts_about.OFFLINE, questions=()))


@router.get("/manifest.webmanifest")
async def manifest() -> Response:
    """What browsers need to install the site as an app."""
    icons: list[dict[str, str]] = [
        {"src": "/static/icon.svg", "sizes": "any", "type": "image/svg+xml"}
    ]
    for size in _ICON_SIZES:
        source, sizes = f"/static/icon-{size}.png", f"{size}x{size}"
        icons.append({"src": source, "sizes": sizes, "type": "image/png", "purpose": "any"})
        icons.append({"src": source, "sizes": sizes, "type": "image/png", "purpose": "maskable"})
    values = {
        "name": texts.APP["name"],
        "short_name": texts.APP["name"],
        "description": texts.APP["description"],
        "id": "/",
        "start_url": "/for-you",
        "scope": "/",
        "display": "standalone",
        "background_color": "#fbfaf7",
        "theme_color": _THEME,
        "icons": icons,
    }
    return JSONResponse(values, media_type="application/manifest+json")


@router.get("/service-worker.js")
async def service_worker() -> Response:
    """The service worker; its address decides for which pages it works, so it is at the root."""
    headers = {"cache-control": "no-cache"}
    return FileResponse(
        _STATIC / "service_worker.js", media_type="text/javascript", headers=headers
    )


@router.get("/favicon.ico")
async def favicon() -> Response:
    """The icon, for browsers that ask for it under this address."""
    return FileResponse(_STATIC / "icon-192.png", headers={"cache-control": "max-age=86400"})
