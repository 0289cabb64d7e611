"""Rendering: templates and what they may call, answers as whole pages or parts of pages,
static files.

The function behind the address of a page ends in `render(request, "name.html", values)`. A
form that changes something ends in `redirect_back(address)`, which leads back to the page it
was sent from. The script of the pages sends the same forms with the header `X-Part`, gets that
page at once, and puts the parts that changed into the open page.
"""

import json
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlencode, urlsplit

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup
from starlette.staticfiles import StaticFiles
from starlette.types import Scope as ASGIScope

from matinee.data.ratings import Scale
from matinee.data.vocabulary import Id
from matinee.report.html import new_environment
from matinee.text import counted
from matinee.web.http.problems import Problem
from matinee.web.http.security import renew_person_cookie
from matinee.web.pages import texts
from matinee.web.pages.posters import film_label, film_name, poster

MAX_CHOICES = 21
"""A scale with more steps is asked for as a number."""
_SAFE_IN_PATH = re.compile(r"(?!\.+$)[A-Za-z0-9_.~-]+")
_PASSING_STATUSES = (408, 429, 503)


class ErrorPage(TypedDict):
    """Values of error.html."""

    status: int
    heading: str
    detail: str
    request_id: str
    retry_url: str
    """Empty if trying again does not help."""


def render(request: Request, template: str, values: Mapping[str, object]) -> HTMLResponse:
    """A page, or a part of one.

    Args:
        values: for the template, beside `text`, all texts, and `here`, the path of the
            address.
    """
    shared = {"text": texts, "here": request.url.path, "served": request.app.state.server}
    html = _environment().get_template(template).render({**shared, **values})
    response = HTMLResponse(html)
    if request.method == "GET" and not requested_part(request):
        renew_person_cookie(request, response)
    return response


def error_page(request: Request, problem: Problem, request_id: str) -> HTMLResponse:
    """A problem as a page. It does not use the database, which may be the problem."""
    retry_url = ""
    if request.method == "GET" and problem.status_code in _PASSING_STATUSES:
        retry_url = str(request.url.replace(scheme="", netloc=""))
    values = ErrorPage(
        status=problem.status_code,
        heading=texts.ERROR_HEADINGS.get(problem.status_code, texts.ERROR["heading"]),
        detail=texts.ERROR_DETAILS.get(problem.kind, problem.detail),
        request_id=request_id,
        retry_url=retry_url,
    )
    response = render(request, "error.html", values)
    response.status_code = problem.status_code
    response.headers.update(problem.headers or {})
    return response


def requested_part(request: Request) -> str:
    """The part of a page that the script asks for; empty for a whole page."""
    return request.headers.get("x-part", "")


def redirect_back(address: str) -> Response:
    """Leads a browser back after a form, but only to a page of this server."""
    if not is_local(address):
        address = "/"
    return RedirectResponse(address, 303)


def is_local(address: str) -> bool:
    """Whether an address is a path on this server, unlike "//other.example" and what browsers
    take for it."""
    try:
        parts = urlsplit(address)
    except ValueError:  # such as //[
        return False
    if parts.scheme or parts.netloc or "\\" in address or not address.isprintable():
        return False
    return address.startswith("/") and not address.startswith("//")


def film_url(item_id: Id) -> str:
    """The address of a film's page; `map_page.js` makes the same one.

    Browsers and proxies read ".." and "%2F" in a path as steps through folders, so an id that
    contains more than letters, digits and -._~ goes into a query.
    """
    name = str(item_id)
    if _SAFE_IN_PATH.fullmatch(name):
        return f"/films/{name}"
    return f"/films?{urlencode({'id': name})}"


def with_query(path: str, **values: object) -> str:
    """An address with a query, without values that are None, empty, 0 or False."""
    query = urlencode({name: value for name, value in values.items() if value}, doseq=True)
    if not query:
        return path
    return f"{path}?{query}"


class RevalidatedFiles(StaticFiles):
    """Stylesheet and scripts: browsers cache them but ask before use, so all are of one
    version."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: ASGIScope,
        status_code: int = 200,
    ) -> Response:
        """The file, or 304 if it has not changed."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["cache-control"] = "no-cache"
        return response


# -- what templates call -----------------------------------------------------------------


def preload_templates() -> None:
    """Compiles the templates of the first pages, so that no visitor waits for it."""
    names = ("base", "cards", "steps", "rate/rate", "rate/grid", "rate/progress")
    for name in (*names, "for_you/for_you", "for_you/filters"):
        _environment().get_template(f"{name}.html")


def choices(scale: Scale) -> list[float]:
    """The ratings that a scale allows, ascending; empty if there are too many to choose
    from."""
    if not scale.has_stars or not scale.step:
        return []
    n = round((scale.highest - scale.lowest) / scale.step) + 1
    if n > MAX_CHOICES:
        return []
    return [round(scale.lowest + row * scale.step, 4) for row in range(n)]


def is_stars(scale: Scale) -> bool:
    """Whether a scale is drawn as five stars: up to 5 in halves or wholes; others are a row of
    numbers."""
    return scale.has_stars and scale.highest == 5 and scale.lowest > 0 and scale.step in (0.5, 1.0)


def stars(value: float, digits: int = 1) -> str:
    """A number of stars with one decimal, such as 4.2."""
    return f"{value:.{digits}f}"


def signed(value: float) -> str:
    """Such as +0.2 or \u22120.2, with a minus sign instead of a hyphen; 0.0 has no sign."""
    if round(value, 1) == 0:
        return "0.0"
    return _minus_sign(f"{value:+.1f}")


def number(value: float) -> str:
    """Such as 1,234 or 4.5."""
    if value < 1e5:
        return f"{value:,g}"
    return f"{value:,.0f}"


def sentence(text: str) -> str:
    """The text with a capital at its start."""
    return f"{text[:1].upper()}{text[1:]}"


def _minus_sign(text: str) -> str:
    return text.replace("-", "\u2212")


@lru_cache(1)
def _environment() -> jinja2.Environment:
    folder = Path(str(resources.files("matinee.web") / "templates"))
    environment = new_environment(folder)
    environment.filters |= {
        "stars": stars,
        "number": number,
        "of": counted,
        "name": film_name,
        "film_url": film_url,
        "signed": signed,
        "signs": _minus_sign,
    }
    environment.globals |= {
        "choices": choices,
        "is_stars": is_stars,
        "steps": _steps,
        "poster": poster,
        "film_label": film_label,
        "with_query": with_query,
        "script_texts": lambda: json.dumps(texts.SCRIPT),
        "sentence": sentence,
    }
    return environment


@lru_cache(128)
def _steps(scale: Scale, given: float | None) -> Markup:
    """The radio buttons of a scale; cached because every card has them."""
    template = _environment().get_template("steps.html")
    return Markup(template.render(scale=scale, given=given, text=texts))
