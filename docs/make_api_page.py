"""Writes docs/api.md from the docstrings of the public names, so that the page cannot lag behind."""

import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import matinee
from matinee.models.base import Recommender
from matinee.models.configurable import Configurable

PAGE = Path(__file__).parent / "api.md"

GROUPS = {
    "Data": ["load", "read", "ReadOptions", "Dataset", "Ratings", "Catalog", "Film", "splits", "Split", "simulate", "Simulation"],
    "Models": [
        "MODELS", "Baseline", "Popularity", "MatrixFactorization", "BayesianMF", "UserKNN", "ItemKNN", "ImplicitALS",
        "EASE", "Blend", "Hybrid", "DotProduct", "PlainMF", "EmbeddingMLP", "Network", "lr_find",
    ],
    "Recommending": ["Guide", "Filters", "Dials", "Explanation"],
    "Evaluation": ["evaluate", "Report", "compare", "Comparison", "tune", "Tuning", "Plan"],
    "Analysis": ["bias_ranking", "components", "make_map", "FilmMap", "save_map"],
    "Errors": ["MatineeError"],
}  # fmt: skip
"""The public names by what they are for, in the order of the page."""

BASES = (Recommender, Configurable)
"""What every model inherits."""

SETUP = """\
import matinee

data = matinee.load("sample")
few = data.ratings.of_some_users(5_000, seed=0)  # a part of the ratings, for short trainings
model = matinee.MatrixFactorization().fit(data)
guide = matinee.Guide(model, data.catalog)
"""
"""How the examples begin; the tests run them after it."""

EVERYWHERE = {
    "person": "a user of the training data, by id; or the ratings of anybody, {item id: stars}, from which `fold_in` makes a "
    "profile; or such a profile. `Guide.newcomer` makes a profile from titles.",
    "k": "the length of the list, 1 or more.",
    "filters": "which items may be in the list; see [Filters](#filters).",
    "n_threads": "the number of threads; None means all cores. The results are the same for any number.",
    "progress": "a function that is called with a `Step`: `done`, `total`, `text` and, in a training, `validation`.",
}
"""What parameters mean wherever they occur and the docstring does not say more."""

INTRODUCTION = f"""# Python API

Made by `make docs` from the docstrings. Everything here is a name of the package: `import matinee`,
then `matinee.load`, `matinee.Guide` and so on. Shapes use the letters of the [notation](notation.md).
The settings of each model are listed with [the command line](cli.md#settings-of-the-models); as
keywords they have the same names.

The examples run in the tests, and begin with

```python
{SETUP}```

These parameters mean the same wherever they occur:

{{everywhere}}

All errors are a `MatineeError`; its subclasses are in `matinee.errors`.
"""


def page() -> str:
    """The whole page as Markdown."""
    everywhere = "\n".join(f"- `{name}`: {text}" for name, text in EVERYWHERE.items())
    parts = [INTRODUCTION.format(everywhere=everywhere)]
    for group, names in GROUPS.items():
        parts.append(f"## {group}\n")
        for name in names:
            parts += _entry(name, getattr(matinee, name))
    parts.append("## Recommender\n")
    parts.append("What every model can do; the classes above add their settings.\n")
    for base in BASES:
        parts += _members(base)
    return "\n".join(parts)


def _entry(name: str, value: Any) -> list[str]:
    if not callable(value):
        return [f"### {name}\n", "The classes of all models, in the order of the command line.\n"]
    is_model = inspect.isclass(value) and issubclass(value, Recommender)
    parts = [f"### {name}\n"]
    is_error = inspect.isclass(value) and issubclass(value, Exception)
    if not is_model and not is_error:
        parts.append(f"```text\n{_call(name, value)}\n```\n")
    parts.append(_as_markdown(inspect.getdoc(value) or ""))
    if inspect.isclass(value) and not is_error:
        parts += _members(value)
    return parts


def _members(owner: type) -> list[str]:
    """The public methods and properties that the class itself defines, as a list."""
    parts = []
    for name, function in _public(owner):
        shown = f"{name}{_signature(function)}" if inspect.isfunction(function) else name
        parts.append(f"**`{shown}`**\n")
        parts.append(_as_markdown(inspect.getdoc(function) or ""))
    return parts


def _public(owner: type) -> Iterator[tuple[str, Any]]:
    """Names and values of methods and properties, without those that a class above documents."""
    above = {name for base in owner.__mro__[1:] for name in vars(base)}
    for name, member in vars(owner).items():
        function = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        shown = inspect.isfunction(function) or isinstance(function, property | cached_property)
        if shown and name not in above and not name.startswith("_"):
            yield name, function


def _signature(function: Any) -> str:
    """Parameters with defaults and without types, which the docstring states in words."""
    signature = inspect.signature(function)
    shown = []
    for parameter in signature.parameters.values():
        if parameter.name not in ("self", "cls"):
            shown.append(parameter.replace(annotation=inspect.Parameter.empty))
    text = str(signature.replace(parameters=shown, return_annotation=inspect.Signature.empty))
    text = re.sub(
        r"=(\w+)\([^()]*(?:\([^()]*\)[^()]*)*\)", r"=\1()", text
    )  # a frozen value of defaults
    return re.sub(r"<[^<>]* object at 0x[0-9a-f]+>|<factory>", "...", text)


def _call(name: str, value: Any) -> str:
    """The call of a function or class, with a parameter in each line if it is long."""
    text = f"{name}{_signature(value)}"
    if len(text) <= 90:
        return text
    parameters = text.removeprefix(name)[1:-1].split(", ")
    lines: list[str] = []
    for part in parameters:
        # A default such as (None, None) has commas of its own.
        if lines and (lines[-1].count("(") > lines[-1].count(")")):
            lines[-1] += f", {part}"
        else:
            lines.append(part)
    return f"{name}(\n" + "".join(f"    {line},\n" for line in lines) + ")"


def _as_markdown(docstring: str) -> str:
    """A docstring whose sections (Args, Raises, ...) become lists, and whose example a block."""
    text, _, example = docstring.partition("\nExample:\n")
    lines: list[str] = []
    in_section = False
    for line in text.splitlines():
        heading = re.fullmatch(r"(Args|Attributes|Raises|Returns|Yields):", line)
        entry = re.match(r" {4}(\*{0,2}\w[\w, *.()]*): (.*)", line)
        if heading:
            lines += ["", f"*{heading[1]}*", ""]
            in_section = True
        elif in_section and entry:
            lines.append(f"- `{entry[1]}`: {entry[2]}")
        elif in_section and line.startswith("    "):
            lines.append(f"  {line.strip()}")
        else:
            lines.append(line)
    if example:
        lines += ["", "```pycon", inspect.cleandoc(example), "```"]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"written: {PAGE.name}")
