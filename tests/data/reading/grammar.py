"""Random tables of ratings with a known truth, in many spellings; see `check`.

A case is drawn from a grammar: separator, quoting, header, order of the columns, forms of ids,
ratings and times, words for missing values, encoding, line ends, compression, file format. Each
form says what its cells mean, so that a reader that takes them for something else is found out.
"""

import bz2
import gzip
import json
import lzma
import random
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from matinee.data.ratings import NO_TIME
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read
from matinee.errors import MatineeError

Truth = list[tuple[Any, Any, float, int | None]]


@dataclass
class Column:
    """One column: its cells as text, what they mean, and its name."""

    name: str
    cells: list[str]
    values: list[Any]


@dataclass
class Case:
    """A table in a file, the truth, and the options with which it must be readable.

    Attributes:
        path: of the file.
        truth: the rows: user, item, value, seconds since 1970 or None.
        known: option on the command line -> the right fields of `ReadOptions`.
        bad: the numbers of the rows that are bad.
        words: what was drawn, for messages.
    """

    path: Path
    truth: Truth
    known: dict[str, dict[str, Any]]
    bad: set[int] = field(default_factory=set)
    words: list[str] = field(default_factory=list)


# -- columns -----------------------------------------------------------------------------------

_WORDS = ("red", "blue", "green", "north", "south", "old", "new", "little", "big", "last", "city")


def _ids(rng: random.Random, n: int, kind: str) -> tuple[list[str], list[Any], str]:
    """n spellings of ids, what they mean, and the name of the form."""
    numbers = rng.sample(range(1, 60 * n), n)
    forms: dict[str, Callable[[int], tuple[str, Any]]] = {
        "int": lambda number: (str(number), number),
        "float": lambda number: (f"{number}.0", number),
        "scientific": lambda number: (f"{number:.18e}", number),
        "zeros": lambda number: (f"{number:06d}", f"{number:06d}"),
        "letters": lambda number: (f"{kind[0]}{number}", f"{kind[0]}{number}"),
        "uuid": lambda number: ((u := f"{number:08x}-0000-4000-8000-{number:012x}"), u),
        "large": lambda number: (str(number + 2**55), number + 2**55),
        "accents": lambda number: ((u := f"Zoë {number}é"), u),
    }
    titles: dict[str, Callable[[int], tuple[str, Any]]] = {
        "title": lambda number: (
            (t := " ".join(rng.sample(_WORDS, 2)).title() + f" {number}"),
            t,
        ),
        "title, comma": lambda number: (
            (t := f"{rng.choice(_WORDS).title()} {number}, The ({1920 + number % 100})"),
            t,
        ),
    }
    if kind == "item":
        forms |= titles
    name = rng.choice(list(forms))
    made = [forms[name](number) for number in numbers]
    return [text for text, _ in made], [value for _, value in made], name


Form = Callable[[float], str]


def _stars(value: float) -> str:
    return "★" * int(value) + ("½" if value % 1 else "")


RATINGS: dict[str, tuple[list[float], Form]] = {
    "wholes": ([1, 2, 3, 4, 5], lambda v: f"{v:g}"),
    "wholes with .0": ([1, 2, 3, 4, 5], lambda v: f"{v:.1f}"),
    "halves": ([0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5], lambda v: f"{v:g}"),
    "ten": (list(range(1, 11)), lambda v: f"{v:g}"),
    "hundred": (list(range(0, 101, 5)), lambda v: f"{v:g}"),
    "decimal comma": ([0.5, 1.5, 2, 2.5, 3, 3.5, 4.5], lambda v: f"{v:.1f}".replace(".", ",")),
    "decimals": ([1.25, 2.75, 3.3125, 4.125, 4.875], lambda v: f"{v:.6f}"),
    "of five": ([1, 2, 3, 4, 5], lambda v: f"{v:g}/5"),
    "stars": ([1, 1.5, 2, 3, 3.5, 4, 5], _stars),
    "scientific": ([1, 2, 3, 4, 5], lambda v: f"{v:.18e}"),
    "signed": ([-2, -1, 0, 1, 2], lambda v: f"{v:g}"),
}
WORDS = {
    "like": ({"like": 1.0, "dislike": 0.0}),
    "boolean": ({"true": 1.0, "false": 0.0}),
    "Boolean": ({"True": 1.0, "False": 0.0}),
    "yes": ({"yes": 1.0, "no": 0.0}),
    "own words": ({"superb": 3.0, "fine": 2.0, "awful": 1.0}),
}
TIMES: dict[str, Form] = {
    "s": lambda t: f"{t:.0f}",
    "s with .0": lambda t: f"{t:.1f}",
    "ms": lambda t: f"{t * 1000:.0f}",
    "us": lambda t: f"{t * 10**6:.0f}",
    "ns": lambda t: f"{t * 10**9:.0f}",
    "iso": lambda t: f"{_moment(t):%Y-%m-%d %H:%M:%S}",
    "iso T": lambda t: f"{_moment(t):%Y-%m-%dT%H:%M:%S}",
    "iso Z": lambda t: f"{_moment(t):%Y-%m-%dT%H:%M:%SZ}",
    "iso fractions": lambda t: f"{_moment(t):%Y-%m-%d %H:%M:%S}.{int(t) % 1000:03d}",
    "iso zone": lambda t: f"{_moment(t + 7200):%Y-%m-%dT%H:%M:%S}+02:00",
    "slashes": lambda t: f"{_moment(t):%Y/%m/%d %H:%M:%S}",
}
DAYS: dict[str, Form] = {
    "date": lambda t: f"{_moment(t):%Y-%m-%d}",
    "YYYYMMDD": lambda t: f"{_moment(t):%Y%m%d}",
    "date with slashes": lambda t: f"{_moment(t):%Y/%m/%d}",
    "dmy": lambda t: f"{_moment(t):%d/%m/%Y}",
    "mdy": lambda t: f"{_moment(t):%m/%d/%Y}",
    "dotted": lambda t: f"{_moment(t):%d.%m.%Y}",
}


def _moment(seconds: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(seconds))


NAMES = {
    "user": ("userId", "user_id", "User ID", "user", "customer_id", "reviewerID", "uid"),
    "item": ("movieId", "item_id", "Movie ID", "item", "product_id", "asin"),
    "rating": ("rating", "Rating", "stars", "score", "user rating"),
    "count": ("plays", "play_count", "count", "Listen Count"),
    "timestamp": ("timestamp", "time", "date", "created_at", "unixtime"),
}
EXTRA = {
    "note": ("good film", "seen twice", "with Ann", "so so"),
    "city": ("Bern", "Oslo", "Lima"),
    "row number": tuple(str(row) for row in range(60)),
}
MISSING = ("", "NA", "null", "NULL", "nan", "None", "N/A")


# -- cases -------------------------------------------------------------------------------------


def make(seed: int, folder: Path) -> Case:
    """The case of a seed, written into a folder."""
    rng = random.Random(seed)
    users, user_values, user_form = _ids(rng, rng.randint(6, 12), "user")
    items, item_values, item_form = _ids(rng, rng.randint(5, 10), "item")
    pairs = [(u, i) for u in range(len(users)) for i in range(len(items))]
    rng.shuffle(pairs)
    pairs = pairs[: rng.randint(24, min(60, len(pairs)))]
    known: dict[str, dict[str, Any]] = {}
    columns = {
        "user": Column("", [users[u] for u, _ in pairs], [user_values[u] for u, _ in pairs]),
        "item": Column("", [items[i] for _, i in pairs], [item_values[i] for _, i in pairs]),
    }
    words = [f"users {user_form}", f"items {item_form}"]
    text_forms = {"zeros", "letters", "uuid", "accents", "title", "title, comma", "int", "large"}
    if {user_form, item_form} <= text_forms:
        known["--text-ids"] = {"text_ids": True}
    words.append(_add_values(rng, columns, known, len(pairs)))
    words.append(_add_times(rng, columns, known, len(pairs)))
    bad = _spoil(rng, columns, known)
    names = list(columns)
    has_header = rng.random() < 0.8
    if has_header:
        is_usual = rng.random() < 0.8
        for role, column in columns.items():
            column.name = rng.choice(NAMES[role]) if is_usual else f"{role[0].upper()}col"
            _name_column(known, role, column.name)
        for name, texts in EXTRA.items():
            if rng.random() < 0.15:
                cells = [texts[row % len(texts)] for row in range(len(pairs))]
                columns[name] = Column(name, cells, cells)
        names = list(columns)
        rng.shuffle(names)
    else:
        known["--no-header"] = {"header": False}
        for number, role in enumerate(names, 1):
            _name_column(known, role, str(number))
    if {"rating", "count"}.isdisjoint(columns):
        known["--pairs"] = {"pairs": True}
    ordered = [columns[name] for name in names]
    path = _write(rng, folder / f"case{seed}", ordered, has_header, known, words)
    truth = [
        (
            columns["user"].values[row],
            columns["item"].values[row],
            _value_of(columns, row),
            columns["timestamp"].values[row] if "timestamp" in columns else None,
        )
        for row in range(len(pairs))
    ]
    return Case(path, truth, known, bad, words)


def _name_column(known: dict[str, dict[str, Any]], role: str, name: str) -> None:
    known[f"--{role}-column"] = {role: name}


def _value_of(columns: dict[str, Column], row: int) -> float:
    for role in ("rating", "count"):
        if role in columns:
            return float(columns[role].values[row])
    return 1.0


def _add_values(
    rng: random.Random, columns: dict[str, Column], known: dict[str, dict[str, Any]], n: int
) -> str:
    """Adds ratings, words, counts or nothing; returns the name of the form."""
    draw = rng.random()
    if draw < 0.12:
        return "pairs"
    if draw < 0.22:
        values = [float(max(1, round(rng.lognormvariate(1, 1.2)))) for _ in range(n)]
        values[0], values[1] = 1.0, 1234.0
        thousands = rng.random() < 0.3
        cells: list[str] = [f"{v:,.0f}" if thousands else f"{v:.0f}" for v in values]
        columns["count"] = Column("", cells, values)
        known["--decimal"] = {"decimal": "."}
        return "counts" + (" with thousands" if thousands else "")
    if draw < 0.34:
        name = rng.choice(list(WORDS))
        meaning = WORDS[name]
        drawn = list(meaning) + [rng.choice(list(meaning)) for _ in range(n - len(meaning))]
        columns["rating"] = Column("", list(drawn), [meaning[word] for word in drawn])
        known["--map"] = {"value_map": meaning}
        return f"words {name}"
    name = rng.choice(list(RATINGS))
    choices, form = RATINGS[name]
    values = [choices[0], choices[-1]] + [rng.choice(choices) for _ in range(n - 2)]
    rng.shuffle(values)
    columns["rating"] = Column("", [form(value) for value in values], values)
    known["--scale"] = {"scale": (min(choices), max(choices))}
    if name == "decimal comma":
        known["--decimal"] = {"decimal": ","}
    elif name != "of five":
        known["--decimal"] = {"decimal": "."}
    return f"ratings {name}"


def _add_times(
    rng: random.Random, columns: dict[str, Column], known: dict[str, dict[str, Any]], n: int
) -> str:
    """Adds times or nothing; returns the name of the form."""
    if rng.random() < 0.4:
        return "no times"
    start = rng.randint(10**9, 1_600_000_000)
    seconds = [start + rng.randint(0, 200_000_000) for _ in range(n)]
    name = rng.choice([*TIMES, *DAYS])
    values: list[Any] = list(seconds)
    form = TIMES.get(name)
    if form is None:
        form = DAYS[name]
        values = [second // 86_400 * 86_400 for second in seconds]
    formats = {"dotted": "dmy", "s with .0": "s"}
    if name in {"s", "ms", "us", "ns", "YYYYMMDD", "dmy", "mdy", *formats}:
        known["--time-format"] = {"time_format": formats.get(name, name)}
    cells: list[str] = [form(second) for second in seconds]
    if rng.random() < 0.1:
        word = rng.choice(MISSING)
        for row in rng.sample(range(n), 2):
            cells[row], values[row] = word, None
        name += f", two missing ({word!r})"
    columns["timestamp"] = Column("", cells, values)
    return f"times {name}"


def _spoil(
    rng: random.Random, columns: dict[str, Column], known: dict[str, dict[str, Any]]
) -> set[int]:
    """Makes a row or two bad; returns their numbers."""
    if rng.random() > 0.15:
        return set()
    known["--skip-bad-rows"] = {"skip_bad_rows": True}
    n = len(columns["user"].cells)
    rows = set(rng.sample(range(2, n), rng.randint(1, 2)))
    for row in rows:
        role = rng.choice([role for role in columns if role != "timestamp"])
        columns[role].cells[row] = rng.choice(MISSING)
    return rows


# -- files -------------------------------------------------------------------------------------


def _write(
    rng: random.Random,
    path: Path,
    columns: list[Column],
    has_header: bool,
    known: dict[str, dict[str, Any]],
    words: list[str],
) -> Path:
    draw = rng.random()
    if has_header and draw < 0.1:
        return _write_json(path, columns, words)
    if has_header and draw < 0.2:
        words.append("parquet")
        frame = pl.DataFrame({column.name: column.cells for column in columns})
        frame.write_parquet(path := path.with_suffix(".parquet"))
        return path
    text = _text(rng, columns, has_header, known, words)
    return _pack(rng, path, _encode(rng, text, known, words), words)


def _write_json(path: Path, columns: list[Column], words: list[str]) -> Path:
    words.append("JSON lines")
    names = [column.name for column in columns]
    rows = zip(*(column.cells for column in columns), strict=True)
    lines = [json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in rows]
    path = path.with_suffix(".jsonl")
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def _text(
    rng: random.Random,
    columns: list[Column],
    has_header: bool,
    known: dict[str, dict[str, Any]],
    words: list[str],
) -> str:
    rows = [[column.name for column in columns]] if has_header else []
    rows += [list(row) for row in zip(*(column.cells for column in columns), strict=True)]
    cells = [cell for row in rows for cell in row]
    separators = ["\t", ",", ";", "|"] * 3
    if not any(" " in cell or not cell for cell in cells):
        separators += [" ", "aligned"]
    if not any(":" in cell or '"' in cell for cell in cells):
        separators.append("::")
    separator = rng.choice(separators)
    words.append(f"separator {separator!r}")
    if separator == "aligned":
        widths = [max(map(len, column)) + rng.randint(2, 4) for column in zip(*rows, strict=True)]
        lines = [
            "".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        known["--separator"] = {"separator": " "}
    else:
        known["--separator"] = {"separator": separator}
        quotes_all = separator != "::" and rng.random() < 0.2
        words.append("quoted" if quotes_all else "quoted where needed")
        lines = [
            separator.join(_quoted(cell, separator, quotes_all) for cell in row) for row in rows
        ]
    if rng.random() < 0.08:
        words.append("comment line")
        lines.insert(0, "# made by hand")
    elif separator in ";,\t|" and rng.random() < 0.06:
        words.append("sep= line")
        lines.insert(0, f"sep={separator}")
    end = rng.choice(["\n", "\n", "\r\n"])
    return end.join(lines) + rng.choice([end, end, "", end + end])


def _quoted(cell: str, separator: str, quotes_all: bool) -> str:
    if quotes_all or separator in cell or '"' in cell:
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _encode(
    rng: random.Random, text: str, known: dict[str, dict[str, Any]], words: list[str]
) -> bytes:
    encoding = rng.choice(["utf-8"] * 6 + ["utf-8-sig", "utf-16", "latin-1"])
    if encoding == "latin-1" and "★" in text:
        encoding = "utf-8"
    words.append(encoding)
    known["--encoding"] = {"encoding": encoding}
    return text.encode(encoding)


def _pack(rng: random.Random, path: Path, content: bytes, words: list[str]) -> Path:
    kind = rng.choice(["plain"] * 6 + ["gz", "bz2", "xz", "zip", "zst"])
    words.append(kind)
    if kind == "plain":
        path = path.with_suffix(rng.choice([".csv", ".txt", ".tsv", ".data"]))
        path.write_bytes(content)
        return path
    path = path.with_suffix(f".csv.{kind}")
    match kind:
        case "gz":
            path.write_bytes(gzip.compress(content))
        case "bz2":
            path.write_bytes(bz2.compress(content))
        case "xz":
            path.write_bytes(lzma.compress(content))
        case "zst":
            import zstandard

            path.write_bytes(zstandard.compress(content))
        case _:
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("ratings.csv", content)
    return path


# -- checks ------------------------------------------------------------------------------------

MOST_REFUSALS = 8


def check(case: Case) -> str:
    """Reads a case, with the options that refusals name, and compares it with the truth.

    Returns: "as it is", or "with options" where a refusal or a note named some.

    Raises:
        AssertionError: the result differs in silence, or a refusal leads nowhere.
    """
    given: dict[str, Any] = {}
    used: list[str] = []
    for _ in range(MOST_REFUSALS):
        try:
            dataset = read(case.path, replace(ReadOptions(), **given))
        except MatineeError as error:
            new = _options_in(str(error), case, used)
            if not new:
                raise AssertionError(f"{_about(case, used)}\n  refused: {error}") from None
        else:
            difference = _difference(case, dataset)
            if not difference:
                return "with options" if used else "as it is"
            notes = " ".join(dataset.summary.notes) if dataset.summary else ""
            new = _options_in(notes, case, used)
            if not new:
                raise AssertionError(f"{_about(case, used)}\n  {difference}\n  notes: {notes}")
        for option in new:
            used.append(option)
            given |= case.known[option]
    raise AssertionError(f"{_about(case, used)}\n  refused {MOST_REFUSALS} times")


def _options_in(text: str, case: Case, used: list[str]) -> list[str]:
    named = re.findall(r"--[a-z-]+[a-z]", text)
    return [
        option for option in dict.fromkeys(named) if option in case.known and option not in used
    ]


def _about(case: Case, used: list[str]) -> str:
    return f"{case.path.name}: {'; '.join(case.words)}; options {' '.join(used) or 'none'}"


def _difference(case: Case, dataset: Any) -> str:
    """What differs from the truth; empty if nothing does."""
    ratings = dataset.ratings
    times: list[int | None] = [None] * len(ratings)
    if ratings.timestamp is not None:
        times = [None if time == NO_TIME else time for time in ratings.timestamp.tolist()]
    found = {
        (str(user), str(item)): (value, time)
        for user, item, value, time in zip(
            ratings.users.ids[ratings.user_index].tolist(),
            ratings.items.ids[ratings.item_index].tolist(),
            ratings.value.tolist(),
            times,
            strict=True,
        )
    }
    expected = {
        (str(user), str(item)): (value, time)
        for row, (user, item, value, time) in enumerate(case.truth)
        if row not in case.bad
    }
    if found.keys() != expected.keys():
        extra, lost = sorted(found.keys() - expected.keys()), sorted(expected.keys() - found.keys())
        return f"extra pairs {extra[:3]}, lost pairs {lost[:3]}"
    for pair, (value, time) in expected.items():
        got_value, got_time = found[pair]
        if abs(got_value - value) > 1e-5 * max(1, abs(value)):
            return f"the value of {pair} is {got_value:g} instead of {value:g}"
        if got_time != time:
            return f"the time of {pair} is {got_time} instead of {time}"
    return ""
