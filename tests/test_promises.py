"""The rules that the code keeps: small functions, imports that point down, words for everything, a README that runs."""

import ast
import io
import os
import re
import shlex
import subprocess
import sys
import tokenize
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from graphlib import TopologicalSorter
from itertools import takewhile
from pathlib import Path

import click
import matplotlib as mpl
import pytest

import matinee
from matinee.cli import main
from matinee.models import MODELS

ROOT = Path(matinee.__file__).parent.parent
SOURCES = sorted((ROOT / "matinee").rglob("*.py"))
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "docs" / "course" / "index.md",
]


def module_name(path: Path) -> str:
    """The name below matinee, as "data.ratings"; empty for matinee itself."""
    parts = path.relative_to(ROOT / "matinee").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


PAGES_WITH_PYTHON = [page for page in PAGES[1:] if "\n```python" in page.read_text("utf-8")]
MODULES = {module_name(path) for path in SOURCES}

BODY_LINES, FILE_LINES = (
    50,
    400,
)  # parameters, nesting, statements and complexity: ruff, in pyproject.toml

GROUND = {
    *(
        "errors",
        "text",
        "_types",
        "_version",
        "system",
        "progress",
        "linalg",
        "files",
        "threads",
        "kernels",
        "array_checks",
        "scratch",
        "block_sums",
    ),
}
"""They import nothing of ours, except `errors` and `_types`."""

LAYERS = (
    GROUND,
    {"data"},
    {"training"},
    {"models"},
    {"evaluation", "recommendation"},
    {"analysis", "experiments"},
    {"plots"},
    {"report"},
    {"web", "spark", "client"},
    {"cli"},
    {"__main__"},
)
"""Bottom to top: a package imports only from lines above its own; siblings on a line do not know each other."""

DATA_OF_MODELS = {
    *("data.arguments", "data.ratings", "data.vocabulary", "data.features", "data.split"),
}
"""What models know of data: neither titles nor how a table is read."""

GENERAL_TESTS = {
    "test_promises",
    "test_one_definition",
    "test_linear_time",
    "test_pairs",
    "test_benchmarks",
    "test_supply_chain",
    "test_site",
    "test_course",
    "test_distribution",
    "test_docstrings",
}
"""Tests of no single module, in tests/ itself."""

LATE_IMPORTS = {
    "kernels": "Numba takes half a second to load",
    "training": "PyTorch takes seconds to load and may not be installed",
    "models.neural.network": "it imports PyTorch",
    "plots": "Matplotlib takes half a second to load",
    "data.reading.read": "it imports Polars, which only a table that is not Ratings yet needs",
    "data.simulation.files": "it imports Polars, which only files of simulated ratings need",
    "data.reading.sql": "it imports SQLAlchemy, which only queries need",
    "data.reading.arrays": "it imports Polars, which only `Ratings.from_ids` needs",
    "recommendation.everybody": "it imports Polars, which only a table of lists needs",
}
"""What functions may import when they run, and why not at the top of their files."""

LATE_IMPORTERS = {
    "cli": "`matinee --help` must not load what a command needs",
    "models.blend": "its members are models, and it is one",
}
"""Who may import anything of ours when a function runs, and why."""

SHARED_CLASS_NAMES = {"Film", "Problem"}
"""Public names that two classes share: the OpenAPI schema needs two of them, and compiled kernels the third."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
TABLES = (ast.Dict, ast.List, ast.Set, ast.Tuple)
NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(parsed(path)))


@cache
def functions(path: Path) -> list[Function]:
    return [node for node in nodes(path) if isinstance(node, Function)]


@cache
def late_nodes(path: Path) -> set[ast.AST]:
    """All that is within functions."""
    return {node for function in functions(path) for node in ast.walk(function)}


# -- budgets -----------------------------------------------------------------------------------------------------


def body_lines(function: Function) -> int:
    """From the first statement after the docstring to the last line."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def code_lines(text: str, module: ast.Module) -> int:
    """Lines with code: neither blank, comment or docstring, nor part of a table of data at the top of a file."""
    exempt: set[int] = set()
    for node in ast.walk(module):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_table = isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, TABLES)
        if isinstance(node, ast.stmt) and (is_text or (is_table and node in module.body)):
            exempt |= set(range(node.lineno, (node.end_lineno or 0) + 1))
    counted: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NO_CODE:
            counted |= set(range(token.start[0], token.end[0] + 1))
    return len(counted - exempt)


def test_a_file_has_at_most_400_lines_of_code() -> None:
    texts = {path: path.read_text("utf-8") for path in SOURCES}
    long = {path: text for path, text in texts.items() if len(text.splitlines()) > FILE_LINES}
    assert long
    lengths = {module_name(path): code_lines(text, parsed(path)) for path, text in long.items()}
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES} == {}


def test_the_body_of_a_function_has_at_most_50_lines() -> None:
    lengths = {
        f"{module_name(path)}.{one.name}": body_lines(one)
        for path in SOURCES
        for one in functions(path)
    }
    assert {name: lines for name, lines in lengths.items() if lines > BODY_LINES} == {}


def test_the_counting_counts() -> None:
    code = (
        '"""A module."""\n'
        "\n"
        "TABLE = {\n"
        '    "a": 1,\n'
        "}\n"
        "\n"
        "\n"
        "def f(a, b):  # with a comment\n"
        '    """Two\n    lines."""\n'
        "    # a comment\n"
        '    text = """one\n'
        "\n"
        '    three"""\n'
        "    return {\n"
        "        a: text,\n"
        "    }\n"
    )
    module = ast.parse(code)
    function = module.body[-1]
    assert isinstance(function, ast.FunctionDef)
    assert body_lines(function) == 6
    assert code_lines(code, module) == 7


# -- imports -----------------------------------------------------------------------------------------------------


@cache
def imports(path: Path) -> set[str]:
    """Our own modules that a file imports anywhere, as "ratings" or "models.base"."""
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import by the full name"
            base = ROOT / (node.module or "").replace(".", "/")
            parts = [
                one.name
                for one in node.names
                if (base / one.name).is_dir() or (base / f"{one.name}.py").exists()
            ]
            found |= {f"{node.module}.{part}" for part in parts} or {node.module or ""}
        elif isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
    return {name.removeprefix("matinee.") for name in found if name.split(".")[0] == "matinee"}


def layer(name: str) -> int:
    """The line of a module's package in `LAYERS`."""
    package = name.split(".")[0]
    places = [number for number, packages in enumerate(LAYERS) if package in packages]
    assert places, (
        f"matinee.{package} is in none of the LAYERS of this test; a new file belongs to a package"
    )
    return places[0]


def test_imports_point_down() -> None:
    wrong = set()
    for path in SOURCES:
        name = module_name(path)
        package = name.split(".")[0]
        if name:  # not matinee itself, which imports nothing
            others = {one for one in imports(path) if one.split(".")[0] != package}
            if package in GROUND:
                wrong |= {f"{name} imports {one}" for one in others - {"errors", "_types"}}
            else:
                wrong |= {f"{name} imports {one}" for one in others if layer(one) >= layer(name)}
    assert wrong == set()


def test_models_know_only_the_ratings_of_data() -> None:
    wrong = set()
    for path in (ROOT / "matinee" / "models").rglob("*.py"):
        of_data = {one for one in imports(path) if one.split(".")[0] == "data"}
        wrong |= {f"{module_name(path)} imports {one}" for one in of_data - DATA_OF_MODELS}
    assert wrong == set()


def early_imports(path: Path) -> set[str]:
    """Our own modules that a file imports when it is loaded."""
    late = late_nodes(path)
    early = [node for node in nodes(path) if isinstance(node, ast.ImportFrom) and node not in late]
    for_types = {
        inner
        for node in nodes(path)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    names = set()
    for node in early:
        if node not in for_types and (node.module or "").startswith("matinee."):
            module = (node.module or "").removeprefix("matinee.")
            inside = {f"{module}.{one.name}" for one in node.names} & MODULES
            names |= inside or {module}
    return names


def test_no_modules_import_each_other_in_a_circle() -> None:
    order = TopologicalSorter(
        {module_name(path): early_imports(path) for path in SOURCES if module_name(path)}
    )
    order.prepare()  # raises CycleError, which names the circle


def test_nothing_imports_the_command_line_or_the_web_pages() -> None:
    wrong = set()
    for path in SOURCES:
        if module_name(path).split(".")[0] not in {"cli", "web", "__main__"}:
            wrong |= {
                (module_name(path), one)
                for one in imports(path)
                if one.split(".")[0] in {"cli", "web"}
            }
    assert wrong == set()
    stub = ast.parse((ROOT / "matinee" / "__init__.pyi").read_text("utf-8"))
    public = {node.module or "" for node in stub.body if isinstance(node, ast.ImportFrom)}
    assert not {name for name in public if name.split(".")[0] in {"cli", "web"}}


def is_below(name: str, packages: Iterable[str]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in packages)


def late_imports(path: Path) -> set[str]:
    """Our own modules that the functions of a file import when they run."""
    modules = {node.module or "" for node in late_nodes(path) if isinstance(node, ast.ImportFrom)}
    return {name.removeprefix("matinee.") for name in modules if name.startswith("matinee.")}


def test_a_function_imports_only_what_is_slow_to_load() -> None:
    wrong = set()
    for path in SOURCES:
        name = module_name(path)
        if not is_below(name, LATE_IMPORTERS):
            wrong |= {
                f"{name} imports {one}"
                for one in late_imports(path)
                if not is_below(one, LATE_IMPORTS)
            }
    assert wrong == set()


def test_kernels_print_nothing_and_open_nothing() -> None:
    for path in (ROOT / "matinee" / "kernels").glob("*.py"):
        calls = {ast.unparse(node.func) for node in nodes(path) if isinstance(node, ast.Call)}
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


def test_public_class_names_are_unique() -> None:
    homes: dict[str, list[str]] = {}
    for path in SOURCES:
        if module_name(path).startswith("client."):
            continue  # it names what the API answers as the API does
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(module_name(path))
    shared = {name: modules for name, modules in homes.items() if len(modules) > 1}
    assert set(shared) == SHARED_CLASS_NAMES, shared


def test_no_test_imports_another() -> None:
    wrong = set()
    for path in sorted((ROOT / "tests").rglob("*.py")):
        code = path.read_text("utf-8")
        names = re.findall(r"^ *(?:from|import) ([\w.]+)", code, re.MULTILINE)
        wrong |= {
            f"{path.name} imports {name}"
            for name in names
            if name.split(".")[-1].startswith("test_")
        }
    assert wrong == set()


def test_every_test_is_in_the_folder_of_its_package() -> None:
    packages = {str(path.parent.relative_to(ROOT / "matinee")) for path in SOURCES}
    folders = {
        path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")
    }
    assert {str(folder) for folder in folders if folder.name not in ("browser", "fuzz")} <= packages
    flat = {path.stem for path in (ROOT / "tests").glob("test_*.py")}
    assert flat <= {f"test_{path.stem}" for path in (ROOT / "matinee").glob("*.py")} | GENERAL_TESTS


def test_model_names_are_unique_and_can_be_typed() -> None:
    names = [model.name for model in MODELS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)


def tracked_files() -> list[Path]:
    """The files under version control; in an unpacked archive, which has none, the folders that matter."""
    git = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if git.returncode == 0 and git.stdout:
        return [path for name in git.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    folders = [ROOT / name for name in ("matinee", "tests", "docs", "benchmarks")]
    return [
        path
        for folder in folders
        for path in folder.rglob("*.*")
        if path.suffix in {".py", ".md", ".txt"}
    ]


def test_no_file_names_a_folder_of_one_machine() -> None:
    folder = re.compile(
        r"(?<![\w.~)}*-])/(?:" + "|".join(("work", "tmp", "root", "home", "Users")) + r")(?![\w-])"
    )
    found = []
    for path in tracked_files():
        try:
            lines = path.read_text("utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.name}:{number}: {line}"
            for number, line in enumerate(lines, 1)
            if folder.search(line)
        ]
    assert found == []


# -- pages -------------------------------------------------------------------------------------------------------


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}[^\n]*\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )


def shell_lines(page: Path) -> list[list[str]]:
    """The commands in the shell blocks of a page, as words, without comments and prompts."""
    lines = "\n".join(blocks(page, "(?:sh|bash|console)")).replace("\\\n", " ").splitlines()
    return [
        words for line in lines if (words := shlex.split(line.removeprefix("$ "), comments=True))
    ]


def check_command(words: list[str]) -> None:
    """Parses a command without running it; click raises if there is no such command, option or value."""
    command: click.Command = main
    parent, rest = click.Context(main, info_name="matinee", **main.context_settings), words
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        assert rest[0] in command.commands, f"there is no command {' '.join(words)}"
        command, rest = command.commands[rest[0]], rest[1:]
    with suppress(click.exceptions.Exit):  # --help and --version
        command.make_context(command.name, list(rest), parent=parent)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_exists_with_its_options(page: Path) -> None:
    for words in shell_lines(page):
        if words[0] == "matinee":
            check_command(
                list(takewhile(lambda word: word not in {"|", ">", "2>", "&&"}, words[1:]))
            )
        elif words[0] == "make":
            assert f"\n{words[1]}:" in (ROOT / "Makefile").read_text("utf-8"), words


def test_the_readme_shows_commands_and_code() -> None:
    readme = ROOT / "README.md"
    assert [words for words in shell_lines(readme) if words[0] == "matinee"]
    assert blocks(readme, "python")


@pytest.mark.parametrize("page", PAGES_WITH_PYTHON, ids=lambda page: page.name)
@pytest.mark.usefixtures("one_torch_thread")
def test_the_python_on_a_page_runs_from_top_to_bottom(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mpl.use("agg")
    code = "\n".join(blocks(page, "python"))
    exec(compile(code, page.name, "exec"), {"__name__": "__main__"})


def test_the_python_of_the_readme_needs_nothing_but_what_it_imports(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(blocks(ROOT / "README.md", "python"))],
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


@pytest.mark.parametrize(
    ("script", "page"), [("make_cli_page", "cli.md"), ("make_api_page", "api.md")]
)
def test_a_generated_page_is_that_of_the_program(script: str, page: str) -> None:
    made = subprocess.run(
        [sys.executable, "-c", f"import {script}; print({script}.page(), end='')"],
        cwd=ROOT / "docs",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout == (ROOT / "docs" / page).read_text(encoding="utf-8"), "type: make docs"


def test_the_page_of_the_api_has_every_public_name() -> None:
    headings = re.findall(
        r"^### (\w+)$", (ROOT / "docs" / "api.md").read_text("utf-8"), re.MULTILINE
    )
    former_spellings = {"Catalogue"}
    assert set(headings) | former_spellings | {"__version__"} >= set(matinee.__all__)
