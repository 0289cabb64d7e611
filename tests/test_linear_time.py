"""Long texts take no long time: every regular expression and every function for foreign text, on runs of 10,000.

A crafted title can make a backtracking expression run for minutes, and nothing can stop it meanwhile.
"""

import ast
import csv
import importlib
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import matinee
from matinee.data import titles
from matinee.data.catalog import Catalog, Film, find_item
from matinee.data.kept_films import _are_alike
from matinee.data.personal.site_exports import plain_cell, read_rows
from matinee.data.reading.heads import layout_of_lines
from matinee.data.reading.number_forms import number
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.preparation import _rewriting, plan_of
from matinee.data.reading.schema import plain_name
from matinee.data.reading.separator import WIDE_SPACES
from matinee.data.reading.sniff import layout_of, plain_integer, plain_number, split_line
from matinee.data.titles import title_key
from matinee.data.vocabulary import Vocabulary
from matinee.errors import MatineeError
from matinee.plots import figure
from matinee.text import did_you_mean, printable
from matinee.web.http.rate_limits import client_key
from matinee.web.pages.posters import poster
from matinee.web.pages.rendering import film_url

ROOT = Path(matinee.__file__).parent.parent
N = 10_000  # what is quadratic takes a quarter of a second or more
MOST_SECONDS = 0.2
"""Of computing time, for one call."""
PARTS = (
    *(
        " ",
        "a",
        "1",
        "(",
        ")",
        "[",
        "]",
        "<",
        ">",
        '"',
        "'",
        ",",
        ".",
        "-",
        ":",
        "/",
        "&",
        "_",
        "\n",
        "\t",
        "\0",
    ),
    *(
        "() ",
        "(a) ",
        "(a)",
        "(1999) ",
        "(1999",
        "a (",
        ", the",
        ", The (",
        "(a.k.a. ",
        "a, ",
        " - ",
        ": ",
        "1.",
        "1,",
    ),
    *(
        "1e",
        "<a>",
        "<a ",
        '"#',
        "é",
        "\u0301",
        "\u0301\u0323",
        "\ufdfa",
        "\udc80",
        "\u2028",
        "ß",
        "\u0663",
        "]:1",
    ),
)
TEXTS = {part: part * (N // len(part)) for part in PARTS}


def ended(text: str) -> list[str]:
    """A run by itself, and with something before and behind it that fits nothing."""
    return [text, f"{text}b", f"a{text}", f"x({text}!", f"[{text}b"]


FILMS = Catalog({1: Film("Heat (1995)", 1995), 2: Film("Amélie (a.k.a. Amelie) (2001)", 2001)})


def _search_page(text: str) -> None:
    FILMS.ids_of_title(text)
    FILMS.ids_of_name(text)
    find_item(text, Vocabulary([1, 2], "item"), FILMS)


def _export(text: str) -> None:
    quoted = text[:N].replace('"', '""')
    _, rows = read_rows(
        f'Date,Name,Year,Letterboxd URI,Rating\n2020,"{quoted}",{text[:9]},x,4\n'.encode(
            errors="replace"
        )
    )
    for row in rows:
        assert len(row.shown) < 100


def _prepared(separator: str, text: str) -> None:
    """All that happens to a text of two lines before its columns are looked for."""
    lines = f"{text}\n1{text}\n"
    named = {"wide spaces": None}.get(separator, separator)
    plan = plan_of(lines, ReadOptions(separator=named))
    if plan.rewrite is not None:
        plan.rewrite(lines.encode(errors="replace"))
    _, rewrite = _rewriting(WIDE_SPACES if named is None else separator, lines.splitlines())
    if rewrite is not None:
        rewrite(lines.encode(errors="replace"))


def _columns(text: str) -> None:
    number(text, ",")
    layout_of(f"user,item,rating\n{text},1,2\n{text},2,3\n", ReadOptions(), "x.csv", ",")


FUNCTIONS: dict[str, Callable[[str], Any]] = {
    **{
        name: getattr(titles, name)
        for name in ("year_of", "split_year", "spoken", "names_of", "article_first")
    },
    **{name: getattr(titles, name) for name in ("fold", "title_key")},
    "printable": printable,
    "did_you_mean": lambda text: did_you_mean(text, ["Heat", "Amelie"]),
    "did_you_mean of long names": lambda text: did_you_mean("Heat", [text, text]),
    "find_item": _search_page,
    "a catalog of a long title": lambda text: Catalog({1: Film(text)}).ids_of_title("Heat"),
    "read_rows": _export,
    "plain_cell": plain_cell,
    "plain_name": plain_name,
    "plain_number": plain_number,
    "plain_integer": plain_integer,
    "split_line": lambda text: split_line(text, ","),
    "layout_of_lines": lambda text: layout_of_lines(f"1:\n{text}\n"),
    "columns_of": _columns,
    "are_alike": lambda text: _are_alike(title_key(text), title_key(f"b{text}")),
    **{
        f"text separated by {separator}": partial(_prepared, separator)
        for separator in (",", "||", "spaces", "wide spaces", "|")
    },
    "canvas.shorten_title": figure.shorten_title,
    "canvas.escape_math": figure.escape_math,
    "client_key": client_key,
    "film_url": film_url,
    "poster": lambda text: poster(text, 1999, [text]),
}


def expressions() -> Iterator[tuple[str, Callable[[Any], Any], bool]]:
    """Where each regular expression of the package is used, the call on a text, and whether it wants bytes."""
    for path in sorted((ROOT / "matinee").rglob("*.py")):
        code = path.read_text("utf-8")
        if "import re\n" not in code:
            continue
        tree, name = ast.parse(code), ".".join(path.relative_to(ROOT).with_suffix("").parts)
        module = importlib.import_module(name.removesuffix(".__init__"))
        compiled = {
            name: value for name, value in vars(module).items() if isinstance(value, re.Pattern)
        }
        called = {ast.unparse(node.value): node.attr for node in attributes(tree)}
        others = {node.attr for node in attributes(tree) if ast.unparse(node.value) not in compiled}
        for name, held in patterns_in(module):
            if name in called:
                continue  # below, with the method that is called
            for method in METHODS & others:
                place = f"{path.relative_to(ROOT)}:{name}.{method} {held.pattern!r}"
                yield place, _call(held, method), isinstance(held.pattern, bytes)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            owner, method = ast.unparse(node.func.value), node.func.attr
            pattern = compiled.get(owner)
            if owner == "re" and method != "compile" and method != "escape":
                flags = next(
                    (ast.unparse(word.value) for word in node.keywords if word.arg == "flags"),
                    "re.NOFLAG",
                )
                pattern = re.compile(
                    ast.literal_eval(node.args[0]), getattr(re, flags.removeprefix("re."))
                )
            if pattern is not None:
                place = f"{path.relative_to(ROOT)}:{node.lineno} {pattern.pattern!r}"
                yield place, _call(pattern, method), isinstance(pattern.pattern, bytes)


METHODS = {"search", "match", "fullmatch", "findall", "finditer"}


def attributes(tree: ast.AST) -> list[ast.Attribute]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]


def patterns_in(module: ModuleType) -> Iterator[tuple[str, re.Pattern[Any]]]:
    """All compiled expressions among the values of a module, also those in tuples and dictionaries."""
    for name, value in vars(module).items():
        if name.startswith("__"):
            continue
        values = [value]
        if isinstance(value, (tuple, list, set, frozenset)):
            values = list(value)
        elif isinstance(value, dict):
            values = [*value, *value.values()]
        yield from ((name, one) for one in values if isinstance(one, re.Pattern))


def _call(pattern: re.Pattern[Any], method: str) -> Callable[[Any], Any]:
    if method == "sub":
        return lambda text: pattern.sub(text[:0], text)
    return getattr(pattern, method)  # type: ignore[no-any-return]


def every_call() -> None:
    """Makes all calls; what is called is written first, so that the last line names the one that was too long."""
    for function in FUNCTIONS.values():  # the first call of some loads a library
        with suppress(MatineeError, ValueError, csv.Error):
            function("a")
    for part, run in TEXTS.items():
        for text in ended(run):
            for name, function in FUNCTIONS.items():
                _timed(f"{name} of {part!r}", function, text)
            for name, call, wants_bytes in EXPRESSIONS:
                _timed(
                    f"{name} on {part!r}",
                    call,
                    text.encode("utf-8", "replace") if wants_bytes else text,
                )


def _timed(name: str, function: Callable[[Any], Any], text: object) -> None:
    print(name, flush=True)
    signal.setitimer(
        signal.ITIMER_VIRTUAL, MOST_SECONDS
    )  # its signal ends the process, even within one expression
    try:
        function(text)
    except (MatineeError, ValueError, csv.Error):
        pass  # a text that is refused must be refused at once, too
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


EXPRESSIONS = list(expressions()) if __name__ == "__main__" else []

if __name__ == "__main__":
    every_call()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer of computing time")
def test_no_expression_and_no_function_takes_long_on_a_long_text() -> None:
    command = [sys.executable, "-m", "tests.test_linear_time"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False
    )
    last = done.stdout.splitlines()[-1:]
    assert done.returncode == 0, (
        f"{last} took more than {MOST_SECONDS:g} s, or broke:\n{done.stderr}"
    )
    assert len(set(done.stdout.splitlines())) > 1_000


def test_the_expressions_of_the_package_are_found() -> None:
    places = [name for name, _, _ in expressions()]
    assert any("data/titles.py" in name for name in places)
    assert any("web/pages/rendering.py" in name for name in places)
    assert len(places) > 20


def test_no_expression_is_compiled_where_the_test_does_not_see_it() -> None:
    """Within functions only in `preparation`, whose functions are called above."""
    for path in sorted((ROOT / "matinee").rglob("*.py")):
        code = path.read_text("utf-8")
        assert "from re import" not in code, path
        if "re.compile" not in code or path.stem == "preparation":
            continue
        tree = ast.parse(code)
        for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
            calls = [
                ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)
            ]
            assert "re.compile" not in calls, f"{path}: {function.name}"
