"""Rendering: templates, the functions they call, error pages, redirects and static files.

The handler of a page ends with `render(request, "name.html", values)`. The handler of a form ends
with `redirect_back(address)`, which leads back to the page with the form. `app.js` sends the same
forms with the header `X-Part`, gets that page without a redirect, and replaces the parts of the
open page that have changed.
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
from jinja2.ext import Extension
from markupsafe import Markup
from starlette.staticfiles import StaticFiles
from starlette.types import Scope as ASGIScope

from matinee.data.ratings import Scale
from matinee.data.vocabulary import Id
from matinee.report.html import new_environment
from matinee.text import counted
from matinee.web.api.dependencies import ServerState
from matinee.web.http.problems import Problem
from matinee.web.http.security import renew_person_cookie
from matinee.web.pages import texts
from matinee.web.pages.poster_images import poster_url
from matinee.web.pages.posters import film_label, film_name, poster

MAX_CHOICES = 21
"""A scale with more steps than this gets a number field instead of radio buttons."""
_SAFE_IN_PATH = re.compile(r"(?!\.+$)[A-Za-z0-9_.~-]+")
_SIMULATED = ("sample", "simulated")
"""Data sets of invented people."""
_INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)
_RETRYABLE_STATUSES = (408, 429, 503)


class ErrorPage(TypedDict):
    """Values of error.html."""

    status: int
    heading: str
    detail: str
    request_id: str
    retry_url: str
    """Empty if trying again does not help."""


def render(request: Request, template: str, values: Mapping[str, object]) -> HTMLResponse:
    """Renders a page.

    Args:
        values: variables of the template. It also gets `text`, the module of texts; `here`, the
            path of the request; `site`, the address of the server; `served`, what it runs with;
            and `watchlist`, the person's film ids as text.
    """
    shared = {
        "text": texts,
        "here": request.url.path,
        "site": f"{request.url.scheme}://{request.url.netloc}",
        "served": request.app.state.server,
        "watchlist": getattr(request.state, "watchlist", frozenset()),
    }
    html = _environment().get_template(template).render({**shared, **values})
    response = HTMLResponse(html)
    if request.method == "GET" and not requested_part(request):
        renew_person_cookie(request, response)
    return response


def error_page(request: Request, problem: Problem, request_id: str) -> HTMLResponse:
    """Renders a problem, without using the database, which may be its cause."""
    retry_url = ""
    if request.method == "GET" and problem.status_code in _RETRYABLE_STATUSES:
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
    """The value of the header `X-Part`, which `app.js` sends; empty for other requests."""
    return request.headers.get("x-part", "")


def redirect_back(address: str) -> Response:
    """Redirects to an address on this server, or to the start page for any other address."""
    if not is_local(address):
        address = "/"
    return RedirectResponse(address, 303)


def is_local(address: str) -> bool:
    """Whether an address is a path on this server, unlike "//other.example" and spellings that
    browsers treat like it."""
    try:
        parts = urlsplit(address)
    except ValueError:  # such as //[
        return False
    if parts.scheme or parts.netloc or "\\" in address or not address.isprintable():
        return False
    return address.startswith("/") and not address.startswith("//")


def film_url(item_id: Id) -> str:
    """The address of a film's page; `filmUrl` in `map_page.js` does the same.

    Browsers and proxies interpret ".." and "%2F" in a path, so an id that is only dots or contains
    anything but letters, digits and -._~ goes into a query.
    """
    name = str(item_id)
    if _SAFE_IN_PATH.fullmatch(name):
        return f"/films/{name}"
    return f"/films?{urlencode({'id': name})}"


def with_query(path: str, **values: object) -> str:
    """A path with a query string that omits values that are None, empty or False."""
    given = {
        name: value
        for name, value in values.items()
        if value or (value == 0 and value is not False)
    }
    query = urlencode(given, doseq=True)
    if not query:
        return path
    return f"{path}?{query}"


class RevalidatedFiles(StaticFiles):
    """Static files that browsers cache but revalidate before use, so that all are of one
    version."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: ASGIScope,
        status_code: int = 200,
    ) -> Response:
        """The file, or status 304 if the browser's copy is current."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["cache-control"] = "no-cache"
        return response


# -- filters and functions of the templates ----------------------------------------------


def preload_templates() -> None:
    """Compiles the templates that most visitors open first, so that no request waits for it."""
    names = ("base", "cards", "steps", "rate/rate", "rate/grid", "rate/progress")
    for name in (*names, "for_you/for_you", "for_you/filters"):
        _environment().get_template(f"{name}.html")


def choices(scale: Scale) -> list[float]:
    """The ratings that a scale allows, ascending; empty for implicit feedback, a continuous scale
    or more than `MAX_CHOICES` ratings."""
    if not scale.has_stars or not scale.step:
        return []
    n = round((scale.highest - scale.lowest) / scale.step) + 1
    if n > MAX_CHOICES:
        return []
    return [round(scale.lowest + row * scale.step, 4) for row in range(n)]


def is_stars(scale: Scale) -> bool:
    """Whether a scale is drawn as five stars, that is, ends at 5 with steps of 0.5 or 1; others
    are drawn as a row of numbers."""
    return scale.has_stars and scale.highest == 5 and scale.lowest > 0 and scale.step in (0.5, 1.0)


def stars(value: float, digits: int = 1) -> str:
    """A number of stars, by default with one decimal: 4.2."""
    return f"{value:.{digits}f}"


def signed(value: float) -> str:
    """A number with a sign, such as +0.2 or \u22120.2; 0.0 has no sign."""
    if round(value, 1) == 0:
        return "0.0"
    return _minus_sign(f"{value:+.1f}")


def number(value: float) -> str:
    """A number with a thousands separator, such as 1,234 or 4.5."""
    if value < 1e5:
        return f"{value:,g}"
    return f"{value:,.0f}"


def milliseconds(value: float) -> str:
    """A time to three digits, such as 0.25, 12.3 or 1,150."""
    return number(float(f"{value:.3g}"))


def sentence(text: str) -> str:
    """The text with its first letter capitalized."""
    return f"{text[:1].upper()}{text[1:]}"


def _is_sample(server: ServerState) -> bool:
    """Whether the first model was trained on simulated ratings, such as those of the demo."""
    return server.models.snapshot().guide.origin.dataset in _SIMULATED


def _minus_sign(text: str) -> str:
    """Replaces hyphens with minus signs."""
    return text.replace("-", "\u2212")


class _Unindented(Extension):
    """Removes the indentation of templates, a tenth of what pages weigh."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The template without white space at the beginnings of its lines."""
        del name, filename
        return _INDENTATION.sub("", source)


@lru_cache(1)
def _environment() -> jinja2.Environment:
    folder = Path(str(resources.files("matinee.web") / "templates"))
    environment = new_environment(folder)
    environment.add_extension(_Unindented)
    environment.filters |= {
        "stars": stars,
        "milliseconds": milliseconds,
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
        "poster_url": poster_url,
        "film_label": film_label,
        "with_query": with_query,
        "script_texts": lambda: json.dumps(texts.SCRIPT),
        "sentence": sentence,
        "sample_data": _is_sample,
    }
    return environment


@lru_cache(128)
def _steps(scale: Scale, given: float | None) -> Markup:
    """Renders the radio buttons of a scale; cached because every card contains them."""
    template = _environment().get_template("steps.html")
    return Markup(template.render(scale=scale, given=given, text=texts))
