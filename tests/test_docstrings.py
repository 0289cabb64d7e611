"""The reference: every public name says what it is, takes, returns and raises, with an example that runs."""

import ast
import doctest
import importlib
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import matinee
from matinee import errors
from matinee.models import MODELS
from matinee.models.base import Recommender
from matinee.models.configurable import Configurable

NO_OBJECTS = {"MODELS", "__version__", "Catalogue"}
"""Public names that are values, or another spelling of one."""

MODEL_BASES = (Recommender, Configurable)
"""Their methods are those of every model."""

EVERYWHERE = {"n_threads", "progress", "person", "k", "filters"}
"""Parameters that mean the same in every call; the page of the API says what."""

FROM_THE_LITERATURE = {
    *(model.__name__ for model in MODELS if model.name != "popularity"),
    *("Report", "Dials", "compare", "components", "lr_find", "make_map", "tune"),
}
"""Names whose docstrings have a source."""

SHAPE = re.compile(r"\([A-Za-z0-9 +]+,(?: ?[A-Z]\w*)*\)")
"""Such as (N,) and (U, F)."""

SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises|Source|Example):", re.MULTILINE)
ENTRY = re.compile(r"^ {4}((?:\*{0,2}\w+(?:, )?)+): ", re.MULTILINE)
NO_VERB = re.compile(
    r"(?:The|A|An|All|Any|Both|Each|Every|Fewer|How|Item|Labels|Names|Number|One|Predicted|Ratings|"
    r"Role|Some|Such|That|User|What|Where|Whether|Which|Why|`)\b|`"
)
"""How the summary of a function begins that says what the function returns."""


class Entry(NamedTuple):
    """A public class, function, method or property."""

    name: str
    value: Any
    is_member: bool

    @property
    def function(self) -> Callable[..., Any] | None:
        """What runs; None for a class."""
        if isinstance(self.value, property):
            return self.value.fget
        if isinstance(self.value, cached_property):
            return self.value.func
        return self.value if inspect.isfunction(self.value) else None

    @property
    def text(self) -> str:
        return inspect.getdoc(self.function or self.value) or ""

    def section(self, *headings: str) -> str:
        """The lines below some headings, up to the next heading."""
        parts = SECTION.split(self.text)
        return "".join(
            body for name, body in zip(parts[1::2], parts[2::2], strict=True) if name in headings
        )

    def documented(self, *headings: str) -> set[str]:
        """The names of the entries of some sections."""
        entries = ENTRY.findall(self.section(*headings))
        return {name.strip("* ") for entry in entries for name in entry.split(",")}


def public_members(owner: type) -> Iterator[Entry]:
    """The methods and properties of a class, without those that a class above it documents."""
    above = {name for base in owner.__mro__[1:] for name in vars(base)}
    for name, member in vars(owner).items():
        value = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        shown = inspect.isfunction(value) or isinstance(value, property | cached_property)
        if shown and name not in above and not name.startswith("_"):
            yield Entry(f"{owner.__name__}.{name}", value, True)


def entries() -> list[Entry]:
    found = []
    for name in matinee.__all__:
        if name not in NO_OBJECTS:
            value = getattr(matinee, name)
            found.append(Entry(name, value, False))
            if inspect.isclass(value):
                found += public_members(value)
    for base in MODEL_BASES:
        found += public_members(base)
    return found


def needed_names(entry: Entry) -> set[str]:
    """The parameters of a call, or the fields of a class."""
    if entry.function is not None:
        code = entry.function.__code__
        count = code.co_argcount + code.co_kwonlyargcount
        return set(code.co_varnames[:count]) - {"self", "cls"} - EVERYWHERE
    if issubclass(entry.value, MODEL_BASES) or not is_dataclass(entry.value):
        return set()
    return {field.name for field in fields(entry.value) if field.init and field.name[0] != "_"}


def is_of_arrays(annotation: object) -> bool:
    return bool(re.search(r"NDArray|Floats|Doubles|Longs|Indices|Reals|ndarray", str(annotation)))


def raised(function: Callable[..., Any]) -> set[str]:
    """Our own exceptions that the body of a function raises itself."""
    body = ast.parse(textwrap.dedent(inspect.getsource(function)))
    calls = [node.exc for node in ast.walk(body) if isinstance(node, ast.Raise)]
    names = {ast.unparse(call.func) for call in calls if isinstance(call, ast.Call)}
    return {name for name in names if hasattr(errors, name)}


def faults(entry: Entry) -> Iterator[str]:
    summary = re.sub(r"\s+", " ", entry.text.partition("\n\n")[0])
    if not re.fullmatch(r"[A-Z0-9`\"].*[.:]", summary):
        yield f"begins without a sentence: {summary!r}"
    documented = entry.documented("Args", "Attributes")
    mentioned = set(re.findall(r"`(\w+)`", entry.text))
    missing = needed_names(entry) - documented - mentioned
    if missing:
        yield f"does not say what these are: {', '.join(sorted(missing))}"
    if entry.function is not None:
        annotations = entry.function.__annotations__
        if any(map(is_of_arrays, annotations.values())) and not SHAPE.search(entry.text):
            yield "has arrays, and says no shape"
        returns = str(annotations.get("return"))
        silent = returns in ("None", "Self", "typing.Self") or isinstance(entry.value, property)
        if not silent and not NO_VERB.match(summary) and not entry.section("Returns", "Yields"):
            yield f"does not say what it returns: {summary!r}"
        for name in sorted(raised(entry.function)):
            if name not in entry.text:
                yield f"does not say when it raises {name}"
    if not entry.is_member and ">>> " not in entry.section("Example"):
        yield "has no example"
    if entry.name in FROM_THE_LITERATURE and not re.search(r"\b(19|20)\d\d\b", entry.text):
        yield "has no source"


def test_every_public_name_is_documented() -> None:
    found = [f"{entry.name} {fault}" for entry in entries() for fault in faults(entry)]
    assert found == []


# -- the examples ------------------------------------------------------------------------------------------------

ROOT = Path(matinee.__file__).parent.parent
WITH_EXAMPLES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "matinee").rglob("*.py"))
    if ">>> " in path.read_text("utf-8")
]


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """What the examples begin with, as the page of the API shows it: the sample, a model and a guide."""
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    block = re.search(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert block is not None
    found: dict[str, Any] = {}
    exec(block[1], found)
    return found


@pytest.mark.usefixtures("one_torch_thread")
@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_of_a_module_run(module: str, names: dict[str, Any]) -> None:
    tests = doctest.DocTestFinder().find(importlib.import_module(module), extraglobs=names)
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    problems: list[str] = []
    for one in tests:
        runner.run(one, out=problems.append)
    assert problems == []
    assert runner.summarize(verbose=False).attempted > 0
