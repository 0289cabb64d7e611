"""What reading took a table for: columns, scale, times, what was not used, what looks odd."""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from matinee.text import counted, joined, printable

#: Begins `ColumnUse.found` where a well-known layout has no names of columns.
BY_LAYOUT = "by the layout of "


class ColumnUse(NamedTuple):
    """What a column was taken for.

    Attributes:
        role: "user", "item", "rating", "count" or "timestamp".
        name: of the column; its number, from 1, in a table without a header.
        found: how it was found, such as "usual name".
    """

    role: str
    name: str
    found: str


class ScaleEnds(NamedTuple):
    """The lowest and the highest rating, and how many rows have each."""

    lowest: float
    n_lowest: int
    highest: float
    n_highest: int


class TimeSpan(NamedTuple):
    """How the times were read, and the first and the last day."""

    unit: str
    first_day: str
    last_day: str


@dataclass(frozen=True)
class ReadingSummary:
    """What reading took a table for.

    Attributes:
        layout: such as "CSV with a header".
        columns: the columns in use.
        unused: the names of the columns that are not used.
        n_rows: number of ratings or pairs.
        scale: the ends of the scale; None without ratings.
        times: unit and span of the times; None without times.
        n_liked: how many rows count as liked; None without ratings.
        liked_from: the lowest rating that counts as liked.
        notes: sentences about guesses and about what looks implausible, with the option that
            mends it.
    """

    layout: str
    columns: tuple[ColumnUse, ...]
    unused: tuple[str, ...]
    n_rows: int
    scale: ScaleEnds | None
    times: TimeSpan | None
    n_liked: int | None
    liked_from: float | None
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """A few short lines for people."""
        named = [use for use in self.columns if not use.found.startswith(BY_LAYOUT)]
        uses = [f"{use.role} from {_name(use)}" for use in named]
        lines = [f"Read as {self.layout}{': ' * bool(uses)}{joined(uses)}."]
        if self.scale is not None:
            low, n_low, high, n_high = self.scale
            text = f"Ratings from {low:g} ({n_low:,}) to {high:g} ({n_high:,})"
            if self.n_liked is not None:
                text += f"; {self.n_liked:,} of {self.n_rows:,} count as liked"
                text += f" ({self.liked_from:g} or more)"
            lines.append(f"{text}.")
        if self.times is not None:
            unit, first, last = self.times
            lines.append(f"Timestamps ({unit}) from {first} to {last}.")
        if self.unused:
            names = [f"'{printable(name[:40])}'" for name in self.unused[:8]]
            if len(self.unused) > 8:
                names.append(counted(len(self.unused) - 8, "more column"))
            lines.append(f"Columns not used: {joined(names)}.")
        lines.extend(self.notes)
        return lines

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        values = asdict(self)
        values["columns"] = [use._asdict() for use in self.columns]
        for name in ("scale", "times"):
            part = getattr(self, name)
            values[name] = None if part is None else part._asdict()
        return values


def _name(use: ColumnUse) -> str:
    if use.name.isdecimal():
        return f"column {use.name}"
    return f"'{printable(use.name[:40])}'"
