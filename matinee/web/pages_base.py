"""What all pages share: templates, what templates may call, answers as whole pages or as parts of one, static files.

A function behind an address of a page ends in `page(request, "name.html", ...)`. A form that changes something ends in
`done(request, back)`, which leads back to where it was sent from; the script of the pages asks for a part of a page
instead, by the header `X-Part`, and puts it into the page that is open.
"""

import json
import re
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup
from starlette.staticfiles import StaticFiles

from matinee.data.ratings import Scale
from matinee.data.titles import spoken
from matinee.data.vocabulary import Id
from matinee.report.html import new_environment
from matinee.text import counted
from matinee.web import texts
from matinee.web.posters import poster
from matinee.web.problems import Problem
from matinee.web.security import renew_cookie

_PLAIN_ID = re.compile(r"(?!\.+$)[A-Za-z0-9_.~-]+")
MOST_CHOICES = 21
"""A scale with more steps is asked for as a number."""


def film_url(item_id: Id) -> str:
    """The address of the page of a film; `map_page.js` makes the same.

    Browsers and proxies take ".." and "%2F" in a path for steps through folders, so an id that is more than letters,
    digits and the signs of names goes into a query.
    """
    name = str(item_id)
    return f"/films/{name}" if _PLAIN_ID.fullmatch(name) else f"/films?{urlencode({'id': name})}"


def with_query(path: str, **values: Any) -> str:
    """An address with a query, without what is None, empty, 0 or False."""
    query = urlencode({name: value for name, value in values.items() if value}, doseq=True)
    return f"{path}?{query}" if query else path


def choices(scale: Scale) -> list[float]:
    """What may be given on a scale, ascending; empty where these are too many to choose from."""
    if not scale.has_stars or not scale.step:
        return []
    n = round((scale.highest - scale.lowest) / scale.step) + 1
    return [round(scale.lowest + place * scale.step, 4) for place in range(n)] if n <= MOST_CHOICES else []


def is_stars(scale: Scale) -> bool:
    """Whether a scale can be drawn as five stars: up to 5 in halves or wholes; others are a row of numbers."""
    return scale.has_stars and scale.highest == 5 and scale.lowest > 0 and scale.step in (0.5, 1.0)


def part_wanted(request: Request) -> str:
    """The part of a page that the script asks for; empty for a whole page."""
    return request.headers.get("x-part", "")


def page(request: Request, name: str, /, **values: Any) -> HTMLResponse:
    """A page, or a part of one, from a template.

    Args:
        name: of the template.
        values: for the template; `text` are all texts, `here` is the path of the address.
    """
    shared = {"text": texts, "here": request.url.path, "served": request.app.state.served}
    answer = HTMLResponse(_environment().get_template(name).render(shared | values))
    if request.method == "GET" and not part_wanted(request):
        renew_cookie(request, answer)
    return answer


def error_page(request: Request, problem: Problem, request_id: str) -> HTMLResponse:
    """What went wrong, for people. Made without the database: it may be what went wrong."""
    heading = texts.ERROR_HEADINGS.get(problem.status_code, texts.ERROR["heading"])
    detail = texts.ERROR_DETAILS.get(problem.kind, problem.detail)
    is_passing = request.method == "GET" and problem.status_code in (408, 429, 503)
    again = str(request.url.replace(scheme="", netloc="")) if is_passing else ""
    values = {"status": problem.status_code, "heading": heading, "detail": detail, "request_id": request_id}
    answer = page(request, "error.html", again=again, **values)
    answer.status_code = problem.status_code
    answer.headers.update(problem.headers or {})
    return answer


def done(back: str) -> Response:
    """Leads a browser back after a form; only to a page of this server."""
    return RedirectResponse(back if is_own(back) else "/", 303)


def is_own(address: str) -> bool:
    """Whether an address is a path of this server: "//other.example" is not, nor is what browsers take for it."""
    try:
        parts = urlsplit(address)
    except ValueError:  # such as //[
        return False
    clean = address.isprintable() and "\\" not in address
    return clean and address.startswith("/") and not address.startswith("//") and not (parts.scheme or parts.netloc)


class OwnStatic(StaticFiles):
    """Stylesheet and scripts: kept by browsers, but asked for again, so that all are of the same version."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """A file, or that it has not changed."""
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "no-cache"
        return response


# -- what templates call -------------------------------------------------------------------------------------------


@lru_cache(1)
def _environment() -> jinja2.Environment:
    made = new_environment(Path(str(resources.files("matinee.web") / "templates")))
    made.filters |= {"stars": stars, "number": number, "of": counted, "name": _name, "film_url": film_url}
    made.filters |= {"signed": signed, "signs": _signs}
    made.globals |= {
        "choices": choices,
        "is_stars": is_stars,
        "steps": _steps,
        "poster": poster,
        "with_query": with_query,
    }
    made.globals |= {"script_texts": lambda: json.dumps(texts.SCRIPT), "sentence": sentence}
    return made


@lru_cache(1)
def read_templates() -> None:
    """Reads the templates of the first page, once, so that nobody waits for it; to read others is quick after them."""
    for name in ("base", "rate", "rate_grid", "rate_progress", "cards", "steps", "for_you", "filters"):
        _environment().get_template(f"{name}.html")


@lru_cache(128)
def _steps(scale: Scale, given: float | None) -> Markup:
    template = _environment().get_template("steps.html")
    return Markup(template.render(scale=scale, given=given, text=texts))


def stars(value: float, digits: int = 1) -> str:
    """Such as 4.2; of a rating that somebody gave, 4 or 4.5."""
    return f"{value:.{digits}f}"


def signed(value: float) -> str:
    """Such as +0.2 or \u22120.2, with the sign of the field instead of a hyphen; 0.0 has none."""
    return _signs(f"{value:+.1f}") if round(value, 1) else "0.0"


def _signs(text: str) -> str:
    return text.replace("-", "\u2212")


def number(value: float) -> str:
    """Such as 1,234, or 4.5."""
    return f"{value:,g}" if value < 1e5 else f"{value:,.0f}"


def _name(title: str) -> str:
    return spoken(title)[0] or title


def sentence(text: str) -> str:
    """With a capital."""
    return f"{text[:1].upper()}{text[1:]}"
