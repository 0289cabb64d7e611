"""Writes docs/api.md from the docstrings of the public names, so that the page cannot lag behind."""

import inspect
import re
from pathlib import Path
from typing import Any

import matinee
from matinee.models.base import Recommender

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


INTRODUCTION = """# Python API

Made by `make docs` from the docstrings. Everything here is a name of the package: `import matinee`,
then `matinee.load`, `matinee.Guide` and so on. Shapes use the letters of the [notation](notation.md).
The settings of each model are listed with [the command line](cli.md#settings-of-the-models); as
keywords they have the same names.
"""


def page() -> str:
    """The whole page as Markdown."""
    parts = [INTRODUCTION]
    for group, names in GROUPS.items():
        parts.append(f"## {group}\n")
        for name in names:
            parts += _entry(name, getattr(matinee, name))
    parts.append("## Recommender\n")
    parts.append("What every model can do; the classes above add their settings.\n")
    parts += _members(Recommender)
    return "\n".join(parts)


def _entry(name: str, value: Any) -> list[str]:
    if not callable(value):
        return [f"### {name}\n", "The classes of all models, in the order of the command line.\n"]
    is_model = inspect.isclass(value) and issubclass(value, Recommender)
    parts = [f"### {name}\n"]
    is_error = inspect.isclass(value) and issubclass(value, Exception)
    if not is_model and not is_error:
        parts.append(f"```text\n{name}{_signature(value)}\n```\n")
    parts.append(_as_markdown(inspect.getdoc(value) or ""))
    if inspect.isclass(value) and not is_model and not is_error:
        parts += _members(value)
    return parts


def _members(owner: type) -> list[str]:
    """The public methods and properties that the class itself defines, as a list."""
    parts = []
    for name, member in vars(owner).items():
        function = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        if name.startswith("_") or not (
            inspect.isfunction(function) or isinstance(member, property)
        ):
            continue
        shown = f"{name}{_signature(function)}" if inspect.isfunction(function) else name
        parts.append(f"**`{shown}`**\n")
        parts.append(_as_markdown(inspect.getdoc(function) or ""))
    return parts


def _signature(function: Any) -> str:
    """Parameters with defaults and without types, which the docstring states in words."""
    signature = inspect.signature(function)
    shown = []
    for parameter in signature.parameters.values():
        if parameter.name not in ("self", "cls"):
            shown.append(parameter.replace(annotation=inspect.Parameter.empty))
    text = str(signature.replace(parameters=shown, return_annotation=inspect.Signature.empty))
    text = re.sub(r"=(\w+)\([^()]*\)", r"=\1()", text)  # a frozen value of defaults
    return re.sub(r"<[^<>]* object at 0x[0-9a-f]+>|<factory>", "...", text)


def _as_markdown(docstring: str) -> str:
    """A docstring whose sections (Args, Raises, ...) become lists."""
    lines: list[str] = []
    in_section = False
    for line in docstring.splitlines():
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
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"written: {PAGE.name}")
