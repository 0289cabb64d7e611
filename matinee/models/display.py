"""How a notebook shows a model: its settings, and what it has learned."""

from collections.abc import Iterable
from dataclasses import fields
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from matinee.text import counted, html_table

if TYPE_CHECKING:
    from matinee.models.configurable import Configurable


def model_html(model: "Configurable") -> str:
    """The name, the settings (those that are not the defaults first) and the learned arrays."""
    changed = [one for one in model.hypers() if getattr(model, one.name) != one.default]
    others = [one for one in model.hypers() if one not in changed]
    rows = [(one.name, str(getattr(model, one.name)), one.help) for one in changed + others]
    told = "all at their defaults"
    if changed:
        told = ", ".join(f"{one.name}={getattr(model, one.name)}" for one in changed)
    settings = html_table(("setting", "value", "what it is"), rows)
    learned = _learned_rows(model)
    parts = [
        f"<p><strong>{escape(model.name)}</strong> {escape(model.summary)}</p>",
        f"<details><summary>Settings: {escape(told)}</summary>\n{settings}</details>",
    ]
    if learned:
        parts.append(html_table(("learned", ""), learned))
    else:
        parts.append("<p>Not fitted yet: call fit(ratings).</p>")
    return "\n".join(parts)


def _learned_rows(model: "Configurable") -> list[tuple[str, str]]:
    """Names and shapes, or values, of what `fit` left; empty before."""
    state = vars(model)
    if "users_" not in state:
        return []
    users, items = len(state["users_"]), len(state["items_"])
    n = int(state["item_counts_"].sum())
    unit = "rating" if state["scale_"].has_stars else "pair"
    rows = [("from", f"{counted(n, unit)} by {users:,} users of {items:,} items")]
    members = _members(state.get("members_", ()))
    if members:
        rows.append(("models combined", ", ".join(members)))
    for one in fields(model):
        array = state.get(one.name)
        if "learned" in one.metadata and isinstance(array, np.ndarray):
            rows.append((one.name, _in_words(array)))
    loss = state.get("curve_")
    if loss is not None and len(loss):
        rows.append((f"{loss.loss}, after {counted(len(loss), 'epoch')}", f"{loss.train[-1]:.4f}"))
    return rows


def _members(members: "Iterable[Configurable]") -> list[str]:
    values = members.values() if isinstance(members, dict) else members
    return [member.name for member in values if "users_" in vars(member)]


def _in_words(array: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> str:
    """The value of a single number, otherwise shape and type: "2,000 x 64 float32"."""
    if array.ndim == 0:
        return f"{array.item():.4g}"
    return f"{' x '.join(f'{length:,}' for length in array.shape)} {array.dtype}"
