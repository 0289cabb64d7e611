"""The rules that the code keeps: small functions, imports that point down, words for everything, a README that runs."""

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import takewhile
from pathlib import Path

import click
import pytest

import matinee
from matinee.cli import main
from matinee.models import MODELS

ROOT = Path(matinee.__file__).parent.parent
SOURCES = sorted((ROOT / "matinee").rglob("*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

BODY_LINES, FILE_LINES, PARAMETERS, NESTING = 50, 400, 7, 3

LAYERS = (
    {"_types", "_version", "errors", "text", "data.titles", "features", "system"},
    {"files", "progress", "ratings", "metrics", "threads", "layouts", "databases", "kernels"},
    {"archives", "catalogue", "projection", "split", "tables"},
    {"training"},
    {"models"},
    {"ranking", "significance"},
    {"titles", "viewers", "bad_rows", "sample", "export_files", "own_ratings"},
    {"certainty", "evaluation", "storage", "explain", "dials", "groups"},
    {"readers", "guide", "contests", "trials"},
    {"collected", "comparison", "datasets", "describe", "convert", "tuning", "insight", "neighbors", "film_map"},
    {"plots", "report.html"},
    {"map_files", "imports"},
    {"records", "reproduce", "report"},
    {"web"},
    {"cli"},
)
"""Packages and modules from the bottom to the top: each imports from lower layers, or from its own package."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)

every_source = pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def functions(path: Path) -> list[Function]:
    return [node for node in ast.walk(parsed(path)) if isinstance(node, Function)]


# -- budgets -----------------------------------------------------------------------------------------------------


def body_lines(function: Function) -> int:
    """From the first statement after the docstring to the last line."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def n_parameters(function: Function) -> int:
    """All parameters but self and cls, with *args and **kwargs."""
    given = function.args
    named = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg) if one]
    return len(named) - (named[:1] in (["self"], ["cls"]))


def is_command(path: Path, function: Function) -> bool:
    """The exceptions: functions of the command line, which have a parameter for each of their options."""
    return path.parent.name == "cli" and any("command" in ast.unparse(one) for one in function.decorator_list)


def nesting(node: ast.AST) -> int:
    """How deep blocks stand in blocks. An elif is beside its if; a function in a function is counted by itself."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef | ast.Lambda):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepest = max(deepest, nesting(child) + (isinstance(child, BLOCKS) and not is_elif))
    return deepest


def code_lines(path: Path) -> int:
    """The lines that hold more than white space, a comment or a docstring."""
    text = path.read_text("utf-8")
    described: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            described |= set(range(node.lineno, (node.end_lineno or 0) + 1))
    lines = enumerate(text.splitlines(), 1)
    return sum(number not in described and not re.match(r"\s*(#|$)", line) for number, line in lines)


@every_source
def test_a_file_has_at_most_400_lines_of_code(path: Path) -> None:
    assert code_lines(path) <= FILE_LINES


@every_source
def test_the_body_of_a_function_has_at_most_50_lines(path: Path) -> None:
    long = {one.name: body_lines(one) for one in functions(path)}
    assert {name: lines for name, lines in long.items() if lines > BODY_LINES} == {}


@every_source
def test_a_function_has_at_most_seven_parameters(path: Path) -> None:
    many = {one.name: n_parameters(one) for one in functions(path) if not is_command(path, one)}
    assert {name: number for name, number in many.items() if number > PARAMETERS} == {}


@every_source
def test_blocks_stand_at_most_three_deep(path: Path) -> None:
    deep = {one.name: nesting(one) for one in functions(path)}
    assert {name: levels for name, levels in deep.items() if levels > NESTING} == {}


def test_the_counting_counts() -> None:
    code = (
        "def f(self, a, /, b, *c, d, **e):\n"
        '    """Two\n    lines."""\n'
        "    if a:\n        pass\n    elif b:\n        for x in c:\n            with d:\n                pass\n"
        "    def inner():\n        while a:\n            pass\n"
    )
    function = ast.parse(code).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert (body_lines(function), n_parameters(function), nesting(function)) == (9, 5, 3)


# -- words -------------------------------------------------------------------------------------------------------


def without_docstring(path: Path) -> Iterator[str]:
    """What people can see from outside (modules, classes, functions, methods of classes) and cannot read about."""
    module = parsed(path)
    if not ast.get_docstring(module) and path.name != "_version.py":
        yield "the module"
    for node in module.body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        inside = node.body if isinstance(node, ast.ClassDef) else []
        for one in (node, *(part for part in inside if isinstance(part, Function | ast.ClassDef))):
            if not one.name.startswith("_") and not ast.get_docstring(one):
                yield one.name


@every_source
def test_all_that_is_public_has_a_docstring(path: Path) -> None:
    assert list(without_docstring(path)) == []


# -- imports -----------------------------------------------------------------------------------------------------


def imports(path: Path) -> set[str]:
    """Our own modules that a file imports anywhere, as "ratings" or "models.base"."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import by the full name"
            base = ROOT / (node.module or "").replace(".", "/")
            parts = [one.name for one in node.names if (base / one.name).is_dir() or (base / f"{one.name}.py").exists()]
            found |= {f"{node.module}.{part}" for part in parts} or {node.module or ""}
        elif isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
    return {name.removeprefix("matinee.") for name in found if name.split(".")[0] == "matinee"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT / "matinee").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def layer(name: str) -> int:
    """The place of a module in `LAYERS`: its own, or else that of its package."""
    place = {listed: number for number, names in enumerate(LAYERS) for listed in names}
    known = name if name in place else name.split(".")[0]
    assert known in place, f"matinee.{known} is in none of the LAYERS of this test; put it where it belongs"
    return place[known]


@every_source
def test_imports_point_down(path: Path) -> None:
    name = module_name(path)
    if not name:  # matinee itself names what is public; only the command line is not for import
        assert not any(one.startswith(("cli", "web")) for one in imports(path))
        return
    package = name.split(".")[0]
    wrong = {one for one in imports(path) if one.split(".")[0] != package and layer(one) >= layer(name)}
    assert wrong == set()


@every_source
def test_nothing_imports_the_command_line_or_the_web_pages(path: Path) -> None:
    if module_name(path).split(".")[0] not in {"cli", "web"}:
        assert not {one for one in imports(path) if one.split(".")[0] in {"cli", "web"}}


def test_kernels_import_nothing_of_ours() -> None:
    for path in (ROOT / "matinee" / "kernels").glob("*.py"):
        assert all(one.split(".")[0] == "kernels" for one in imports(path)), path


def test_models_never_import_what_is_for_people() -> None:
    for path in (ROOT / "matinee" / "models").glob("*.py"):
        assert not imports(path) & {"catalogue", "guide", "titles", "storage"}, path


def test_kernels_print_nothing_and_open_nothing() -> None:
    for path in (ROOT / "matinee" / "kernels").glob("*.py"):
        calls = {ast.unparse(node.func) for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)}
        assert not calls & {"print", "open"}, path


# -- names -------------------------------------------------------------------------------------------------------


def test_the_public_names_are_those_of_the_stub_and_all_can_be_imported() -> None:
    stub = ast.parse((ROOT / "matinee" / "__init__.pyi").read_text("utf-8"))
    names = next(ast.literal_eval(node.value) for node in stub.body if isinstance(node, ast.Assign))
    assert sorted(names) == matinee.__all__
    assert len(set(names)) == len(names)
    for name in names:
        assert getattr(matinee, name) is not None


def test_dir_shows_the_public_names_even_before_they_are_used() -> None:
    code = "import matinee; print(*dir(matinee))"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(shown) >= set(matinee.__all__)
    assert not {"Any", "TYPE_CHECKING", "import_module", "lazy_loader"} & set(shown)


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    name = "Nonsense"
    with pytest.raises(AttributeError, match="No matinee attribute Nonsense"):
        getattr(matinee, name)


def test_model_names_are_unique_and_can_be_typed() -> None:
    names = [model.name for model in MODELS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)


def tracked_files() -> list[Path]:
    """The files under version control; in an unpacked archive, which has none, the folders that matter."""
    git = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if git.returncode == 0 and git.stdout:
        return [path for name in git.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    folders = [ROOT / name for name in ("matinee", "tests", "docs", "benchmarks")]
    return [path for folder in folders for path in folder.rglob("*.*") if path.suffix in {".py", ".md", ".txt"}]


def test_no_file_names_a_folder_of_one_machine() -> None:
    folder = re.compile(r"(?<![\w.~)}*-])/(?:" + "|".join(("work", "tmp", "root", "home", "Users")) + r")(?![\w-])")
    found = []
    for path in tracked_files():
        try:
            lines = path.read_text("utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [f"{path.name}:{number}: {line}" for number, line in enumerate(lines, 1) if folder.search(line)]
    assert found == []


# -- pages -------------------------------------------------------------------------------------------------------


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}[^\n]*\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def shell_lines(page: Path) -> list[list[str]]:
    """The commands in the shell blocks of a page, as words, without comments and prompts."""
    lines = "\n".join(blocks(page, "(?:sh|bash|console)")).replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line.removeprefix("$ "), comments=True))]


def check_command(words: list[str]) -> None:
    """Parses a command without running it; click raises if there is no such command, option or value."""
    command: click.Command = main
    rest = words
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        assert rest[0] in command.commands, f"there is no command {' '.join(words)}"
        command, rest = command.commands[rest[0]], rest[1:]
    with suppress(click.exceptions.Exit):  # --help and --version
        command.make_context("matinee", list(rest))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_exists_with_its_options(page: Path) -> None:
    for words in shell_lines(page):
        if words[0] == "matinee":
            check_command(list(takewhile(lambda word: word not in {"|", ">", "2>", "&&"}, words[1:])))
        elif words[0] == "make":
            assert f"\n{words[1]}:" in (ROOT / "Makefile").read_text("utf-8"), words


def test_the_readme_shows_commands_and_code() -> None:
    readme = ROOT / "README.md"
    assert [words for words in shell_lines(readme) if words[0] == "matinee"]
    assert blocks(readme, "python")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_python_on_a_page_runs_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    code = "\n".join(blocks(page, "python"))
    if code:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
        assert "://" in target or (page.parent / target).exists(), target


def test_the_page_of_the_command_line_is_that_of_the_program() -> None:
    made = subprocess.run(
        [sys.executable, "-c", "import make_cli_page; print(make_cli_page.page(), end='')"],
        cwd=ROOT / "docs",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout == (ROOT / "docs" / "cli.md").read_text(encoding="utf-8"), "type: make docs"
