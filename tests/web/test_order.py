"""The import order inside the web package: each part imports only from those before it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import matinee.web

FOLDER = Path(matinee.web.__file__).parent
ORDER = ("settings", "latency", "db", "http", "serving", "api", "pages", "app", "server")


def part_of(module: str) -> str:
    """The part of the web package that a module belongs to: "db" for "matinee.web.db.people"."""
    return module.removeprefix("matinee.web.").split(".")[0]


def imported_parts(path: Path) -> Iterator[str]:
    """The parts of the web package that a file imports, at the top or in functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "matinee.web":
            modules = [f"matinee.web.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        else:
            continue
        yield from (part_of(module) for module in modules if module.startswith("matinee.web."))


def test_every_file_has_a_place_in_the_order() -> None:
    names = {path.relative_to(FOLDER).with_suffix("").parts[0] for path in FOLDER.rglob("*.py")}
    assert names - {"__init__"} == {*ORDER}


def test_each_part_imports_only_from_parts_before_it() -> None:
    wrong = set()
    for path in FOLDER.rglob("*.py"):
        part = path.relative_to(FOLDER).with_suffix("").parts[0]
        for other in imported_parts(path):
            if other != part and ORDER.index(other) > ORDER.index(part):
                wrong.add(f"{path.relative_to(FOLDER)} imports {other}")
    assert wrong == set()


def test_the_package_docstring_lists_every_module() -> None:
    listed = matinee.web.__doc__ or ""
    files = [path.stem for path in FOLDER.rglob("*.py") if "migrations" not in path.parts]
    words = set(listed.replace(",", " ").split())
    assert {name for name in files if name not in words} == {"__init__"}
