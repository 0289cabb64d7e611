"""The most accurate published predictions of MovieLens ratings, and what `bayes` makes of the same rows.

Results are compared within a protocol only: the same rows to learn from and the same rows to be tested on. How a
published figure is known is said with each: read in its publication, or measured by running the library again on the
very rows and on two cores. Ours are made when asked for. No setting is chosen here: they are the defaults, less the
ingredients that a line does without.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.data.datasets.fetch import data_folders, local_copy
from matinee.data.datasets.load import load
from matinee.data.datasets.registry import names
from matinee.data.split import Split, given_parts, given_rows
from matinee.errors import DataError, UnknownNameError
from matinee.evaluation import metrics
from matinee.models.bayes.model import BayesianMF
from matinee.progress import Progress
from matinee.text import did_you_mean

LEVELS = (0.5, 0.8, 0.95)
"""Of the intervals whose coverage is measured."""
QUICK: Mapping[str, Any] = {"factors": 8, "samples": 20, "burn_in": 10, "kept": 10, "set_rank": 20}
"""Settings to see that everything works."""

PLAIN: Mapping[str, Any] = {"sets": False, "side": False, "times": False}
IDS: Mapping[str, Any] = {"side": False, "times": False}
NO_TIMES: Mapping[str, Any] = {"times": False}
ALL: Mapping[str, Any] = {}
PROBIT: Mapping[str, Any] = {"likelihood": "probit"}

READ, AGAIN = "published", "run again"


class Published(NamedTuple):
    """A result of others on the rows of a protocol.

    Attributes:
        who: the method, and how.
        uses: what it learns from beside the ratings.
        known: `READ` in its publication, or `AGAIN`: run again on the same rows with two cores.
    """

    who: str
    uses: str
    rmse: float
    mae: float | None = None
    seconds: float | None = None
    known: str = READ


class Attempt(NamedTuple):
    """A line of ours: what it learns from, and with which settings other than the defaults."""

    name: str
    uses: str
    settings: Mapping[str, Any]


class Protocol(NamedTuple):
    """Which rows are learnt from and which are tested.

    Attributes:
        data: the name of the data set, or of a folder beside the others.
        folds: of MovieLens' own folds, such as "u1"; none: the tenth of all rows that `tenth` takes.
    """

    name: str
    title: str
    data: str
    folds: tuple[str, ...]
    published: tuple[Published, ...]
    attempts: tuple[Attempt, ...]


_PLAIN = Attempt("plain", "user, item", PLAIN)
_IDS = Attempt("ids", "and who rated what", IDS)
_SIDE = Attempt("side", "and features of users and films", NO_TIMES)
_ALL = Attempt("all", "and when", ALL)
_PROBIT = Attempt("probit", "and when; ordered probit", PROBIT)

PROTOCOLS = (
    Protocol(
        "u1",
        "ML-100K, the official fold u1",
        "ml-100k",
        ("u1",),
        (
            Published("myFM, rank 10", "user, item", 0.907, None, 4.3, AGAIN),
            Published("GLocal-K (its best test epoch)", "user, item", 0.8889),
            Published("RecKross", "user, item", 0.8910),
            Published("myFM, rank 10", "and who rated what", 0.890, None, 11, AGAIN),
            Published("GHRS", "and features", 0.887),
            Published("myFM, rank 10", "and features of users and films", 0.886, None, 18, AGAIN),
            Published("myFM, regression, rank 10", "and when", 0.8833),
            Published("myFM, regression, rank 10", "and when", 0.8809, None, 19, AGAIN),
            Published("myFM, ordered probit, rank 10", "and when", 0.8808, 0.6921, 41),
            Published("myFM, ordered probit, rank 10 (one of two seeds)", "and when", 0.8808, None, 36, AGAIN),
        ),
        (_PLAIN, _IDS, _SIDE, _ALL, _PROBIT),
    ),
    Protocol(
        "folds",
        "ML-100K, the mean of the five official folds",
        "ml-100k",
        ("u1", "u2", "u3", "u4", "u5"),
        (
            Published("biased MF (MyMediaLite)", "user, item", 0.9076),
            Published("myFM, rank 10", "user, item", 0.897, None, None, AGAIN),
            Published("SVD++ (MyMediaLite)", "and who rated what", 0.9065),
            Published("SigmoidUserAsymmetricFM (MyMediaLite)", "and who rated what", 0.8906, 0.6999),
        ),
        (_PLAIN, _IDS, _SIDE, _ALL),
    ),
    Protocol(
        "ml-1m",
        "ML-1M, the tenth of its rows that the 90/10 literature tests on",
        "ml-1m",
        (),
        (
            Published("myFM, regression, rank 32", "user, item", 0.8300, None, 167, AGAIN),
            Published("GLocal-K", "user, item", 0.8227, None, 7880),
            Published("RecKross", "user, item", 0.8224),
            Published("myFM, regression, rank 32", "and who rated what", 0.8197, None, 439, AGAIN),
            Published("myFM, ordered probit, rank 32", "and who rated what", 0.8183, None, 534, AGAIN),
        ),
        (
            _PLAIN,
            _IDS,
            Attempt("minute", "and features, 60 seconds", {"times": False, "seconds": 60.0}),
            _SIDE,
            _ALL,
        ),
    ),
    Protocol(
        "ml-1m-part",
        "ML-1M, its first 2,999 users with the times of their ratings, a random tenth of the rows",
        "ml-1m-users-1-2999",
        (),
        (),
        (_PLAIN, _IDS, _SIDE, _ALL),
    ),
)


@dataclass(frozen=True)
class Line:
    """A result: of others, or ours.

    Attributes:
        known: "published", "run again", or "this run".
        coverage: for each of `LEVELS` the part of the test ratings that lies in the interval; ours only.
        settings: those that differ from the defaults; ours only.
    """

    who: str
    uses: str
    rmse: float
    mae: float | None
    seconds: float | None
    known: str
    coverage: tuple[float, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """All results of one protocol; the note says what the data rules out."""

    protocol: str
    title: str
    lines: list[Line]
    note: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def protocol_named(name: str) -> Protocol:
    """The protocol of this name; raises UnknownNameError with those there are."""
    known = {protocol.name: protocol for protocol in PROTOCOLS}
    if name not in known:
        raise UnknownNameError(f"no protocol '{name}'.{did_you_mean(name, known)} There are: {', '.join(known)}.")
    return known[name]


def run_protocol(
    protocol: Protocol,
    folder: Path | None = None,
    *,
    attempts: Sequence[str] = (),
    quick: bool = False,
    seed: int = 0,
    n_threads: int | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """The published results of a protocol and ours, made now.

    Args:
        folder: where the data sets are, as `ml-100k` and so on; None: where `matinee.load` finds them.
        attempts: names of the lines of ours to make; all if there are none.

    Raises:
        DataError: the data is not there, or not that of the protocol.
        UnknownNameError: there is no such line.
    """
    known = [attempt.name for attempt in protocol.attempts]
    for name in attempts:
        if name not in known:
            raise UnknownNameError(f"{protocol.name} has no line '{name}'. There are: {', '.join(known)}.")
    parts = parts_of(protocol, folder)
    has_times = parts[0].train.timestamp is not None
    possible = [one for one in protocol.attempts if has_times or one.settings.get("times") is False]
    ruled_out = [one for one in protocol.attempts if one not in possible and (one.name in attempts or not attempts)]
    lines = [Line(*published) for published in protocol.published]
    for attempt in possible:
        if attempt.name in attempts or not attempts:
            settings = {**attempt.settings, **(QUICK if quick else {})}
            model = BayesianMF.from_settings({**settings, "seed": seed})
            lines.append(_measured(model, attempt, parts, n_threads, progress))
    note = "These ratings have no times, which rules out what uses them: when somebody rated." if ruled_out else ""
    return Comparison(protocol.name, protocol.title, lines, note)


def _measured(
    model: BayesianMF, attempt: Attempt, parts: list[Split], n_threads: int | None, progress: Progress | None
) -> Line:
    """Means over the parts, of the seconds too."""
    rows = []
    for part in parts:
        started = time.perf_counter()
        model.fit(part.train, n_threads=n_threads, progress=progress)
        seconds = time.perf_counter() - started
        predicted = model.predict_ratings(part.test)
        inside = coverage(part.test.value, predicted, model.predict_deviations(part.test))
        rows.append(
            [metrics.rmse(part.test.value, predicted), metrics.mae(part.test.value, predicted), seconds, *inside]
        )
    rmse, mae, seconds, *inside = np.mean(rows, axis=0).tolist()
    settings, defaults = model.settings(), {one.name: one.default for one in model.hypers()}
    changed = {name: value for name, value in settings.items() if value != defaults[name]}
    return Line("matinee bayes", attempt.uses, rmse, mae, seconds, "this run", tuple(inside), changed)


def coverage(
    true: NDArray[np.floating], predicted: NDArray[np.floating], deviations: NDArray[np.floating]
) -> tuple[float, ...]:
    """The part of true ratings inside the interval about the prediction, for each of `LEVELS`; all (N,), in stars."""
    off = np.abs(predicted.astype(np.float64) - true) / deviations
    return tuple(float(np.mean(off <= NormalDist().inv_cdf((1 + level) / 2))) for level in LEVELS)


# -- the rows ----------------------------------------------------------------------------------------------------


def tenth(n_rows: int) -> NDArray[np.int64]:
    """The row numbers of the test part that the 90/10 literature takes of ML-1M: the first tenth of all rows after
    NumPy's old generator has shuffled them with the seed 1234 (as GLocal-K and SparseFC do)."""
    rows = np.arange(n_rows)
    np.random.RandomState(1234).shuffle(rows)
    return rows[: n_rows // 10]


def parts_of(protocol: Protocol, folder: Path | None = None) -> list[Split]:
    """The rows of a protocol, as for `run_protocol`: to learn from and to be tested on, a pair for each fold."""
    with _unpacked(protocol, folder) as place:
        return list(_parts(protocol, place))


def _parts(protocol: Protocol, place: Path) -> Iterator[Split]:
    for fold in protocol.folds:
        train, test = place / f"{fold}.base", place / f"{fold}.test"
        if not (train.is_file() and test.is_file()):
            raise DataError(f"The folder {place} has no {train.name} and {test.name}, the official folds of ML-100K.")
        yield given_parts(load(train).ratings, load(test).ratings)
    if not protocol.folds:
        data = load(place)
        n_rows = len(data.ratings) if data.source_rows is None else int(data.source_rows.max()) + 1
        yield given_rows(data.ratings, tenth(n_rows), data.source_rows)


@contextmanager
def _unpacked(protocol: Protocol, folder: Path | None) -> Iterator[Path]:
    """The folder with the data of a protocol; that of a zip lasts as long as the context."""
    place = _place(protocol.data, folder)
    if place.is_dir():
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="matinee-") as temporary:
        try:
            shutil.unpack_archive(place, temporary, "zip")
        except (shutil.ReadError, OSError) as error:
            raise DataError(f"{place} cannot be unpacked: {error}.") from error
        inside = [path for path in Path(temporary).iterdir() if path.is_dir() and path.name != "__MACOSX"]
        yield inside[0] if len(inside) == 1 else Path(temporary)


def _place(name: str, folder: Path | None) -> Path:
    """The folder or zip of a data set, or of a folder beside the data sets.

    Raises:
        DataError: it is not there.
    """
    places = [at / name for at in data_folders()]
    where = "on this machine"
    if folder is not None:
        places = [folder / name, folder / f"{name}.zip"]
        where = f"in {folder}"
    elif name in names():
        copy = local_copy(name)
        places = [] if copy is None else [copy]
    for place in places:
        if place.exists():
            return place
    advice = f"Put the folder {name} beside the other data sets"
    if name in names():
        advice = f"Type 'matinee data fetch {name}'"
    raise DataError(f"The data '{name}' is not {where}. {advice}, or give the folder that holds it with --data.")
