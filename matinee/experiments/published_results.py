"""The most accurate published rating predictions on MovieLens, and `bayes` on the same rows.

Results can be compared within a protocol only: the same rows for training and for testing.
Each published figure says where it comes from: from the publication, or from running the
library again on these rows with two cores. The results of `bayes` are computed on request. No
setting is chosen here: all are the defaults, without the ingredients that a line leaves out.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.data.dataset import Dataset
from matinee.data.datasets.fetch import data_folders, local_copy
from matinee.data.datasets.load import load
from matinee.data.datasets.registry import names
from matinee.data.ratings import NO_TIME, Ratings
from matinee.data.split import Split, given_parts, given_rows
from matinee.errors import DataError, UnknownNameError
from matinee.evaluation import metrics
from matinee.evaluation.calibration import coverage_of
from matinee.models.bayes.model import BayesianMF
from matinee.models.hyperparameters import SettingValue
from matinee.progress import Progress
from matinee.text import find_named, suggest

#: Settings for a quick test that everything works.
QUICK: Mapping[str, SettingValue] = {
    "factors": 8,
    "samples": 20,
    "burn_in": 10,
    "kept": 10,
    "set_rank": 20,
}

PLAIN: Mapping[str, SettingValue] = {"sets": False, "side": False, "times": False}
IDS: Mapping[str, SettingValue] = {"side": False, "times": False}
NO_TIMES: Mapping[str, SettingValue] = {"times": False}
ALL: Mapping[str, SettingValue] = {}
PROBIT: Mapping[str, SettingValue] = {"likelihood": "probit"}

DAY = 86_400
READ, AGAIN = "published", "run again"


class Published(NamedTuple):
    """A published result on the rows of a protocol.

    Attributes:
        who: the method, and its variant.
        uses: what it learns from, besides the ratings.
        seconds: training time; None if it is unknown.
        known: `READ` in the publication, or `AGAIN`: run again on the same rows with two
            cores.
    """

    who: str
    uses: str
    rmse: float
    mae: float | None = None
    seconds: float | None = None
    known: str = READ


class Attempt(NamedTuple):
    """A result of `bayes` to compute: what it learns from, and the settings that it changes.

    Attributes:
        only_days: times are reduced to the day, which is all that other models get.
    """

    name: str
    uses: str
    settings: Mapping[str, SettingValue]
    only_days: bool = False


class BenchmarkProtocol(NamedTuple):
    """The rows for training and for testing, and the results on them.

    Attributes:
        data: the name of the data set, or of a folder beside the data sets.
        folds: the official folds of MovieLens, such as "u1"; empty for the tenth of all rows
            that `tenth` takes.
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
_DAY = Attempt("day", "and the day", ALL, only_days=True)
_ALL = Attempt("all", "and the second", ALL)
_PROBIT = Attempt("probit", "and the second; ordered probit", PROBIT)

PROTOCOLS = (
    BenchmarkProtocol(
        name="u1",
        title="ML-100K, the official fold u1",
        data="ml-100k",
        folds=("u1",),
        published=(
            Published("myFM, rank 10", "user, item", 0.907, None, 4.3, AGAIN),
            Published("GLocal-K (its best test epoch)", "user, item", 0.8889),
            Published("RecKross", "user, item", 0.8910),
            Published("myFM, rank 10", "and who rated what", 0.890, None, 11, AGAIN),
            Published("GHRS", "and features", 0.887),
            Published("myFM, rank 10", "and features of users and films", 0.886, None, 18, AGAIN),
            Published("myFM, regression, rank 10", "and the day", 0.8833),
            Published("myFM, regression, rank 10", "and the day", 0.8809, None, 19, AGAIN),
            Published("myFM, ordered probit, rank 10", "and the day", 0.8808, 0.6921, 41),
            Published(
                "myFM, ordered probit, rank 10 (one of two seeds)",
                "and the day",
                0.8808,
                None,
                36,
                AGAIN,
            ),
        ),
        attempts=(_PLAIN, _IDS, _SIDE, _DAY, _ALL, _PROBIT),
    ),
    BenchmarkProtocol(
        name="folds",
        title="ML-100K, the mean of the five official folds",
        data="ml-100k",
        folds=("u1", "u2", "u3", "u4", "u5"),
        published=(
            Published("biased MF (MyMediaLite, five random folds)", "user, item", 0.9076),
            Published("myFM, rank 10", "user, item", 0.897, None, None, AGAIN),
            Published("SVD++ (MyMediaLite, five random folds)", "and who rated what", 0.9065),
            Published(
                "SigmoidUserAsymmetricFM (MyMediaLite, five random folds)",
                "and who rated what",
                0.8906,
                0.6999,
            ),
        ),
        attempts=(_PLAIN, _IDS, _SIDE, _DAY, _ALL),
    ),
    BenchmarkProtocol(
        name="ml-1m",
        title="ML-1M, the tenth of its rows that the 90/10 literature tests on",
        data="ml-1m",
        folds=(),
        published=(
            Published("myFM, regression, rank 32", "user, item", 0.8300, None, 167, AGAIN),
            Published("GLocal-K", "user, item", 0.8227, None, 7880),
            Published("RecKross", "user, item", 0.8224),
            Published("myFM, regression, rank 32", "and who rated what", 0.8197, None, 439, AGAIN),
            Published(
                "myFM, ordered probit, rank 32", "and who rated what", 0.8183, None, 534, AGAIN
            ),
            Published("myFM, ordered probit (another random tenth)", "and the day", 0.8140),
        ),
        attempts=(
            _PLAIN,
            _IDS,
            Attempt("minute", "and features, 60 seconds", {"times": False, "seconds": 60.0}),
            _SIDE,
            _DAY,
            _ALL,
        ),
    ),
    BenchmarkProtocol(
        name="ml-1m-part",
        title="ML-1M, its first 2,999 users with the times of their ratings, "
        "a random tenth of the rows",
        data="ml-1m-users-1-2999",
        folds=(),
        published=(),
        attempts=(_PLAIN, _IDS, _SIDE, _DAY, _ALL),
    ),
)


@dataclass(frozen=True)
class ResultLine:
    """A result, published or computed.

    Attributes:
        who, uses, seconds: see `Published`.
        known: "published", "run again", or "this run".
        coverage: for each of `calibration.LEVELS`, the share of test ratings inside the prediction
            interval; empty for published results.
        settings: those that differ from the defaults; empty for published results.
    """

    who: str
    uses: str
    rmse: float
    mae: float | None
    seconds: float | None
    known: str
    coverage: tuple[float, ...] = ()
    settings: Mapping[str, SettingValue] = field(default_factory=dict)


@dataclass(frozen=True)
class ProtocolResult:
    """All results of one protocol; the note says which ones the data does not allow."""

    protocol: str
    title: str
    lines: list[ResultLine]
    note: str

    def to_dict(self) -> dict[str, Any]:
        """All fields, for JSON."""
        return asdict(self)


def protocol_named(name: str) -> BenchmarkProtocol:
    """The protocol with this name.

    Raises:
        UnknownNameError: there is none; the message suggests the nearest.
    """
    return find_named("protocol", name, PROTOCOLS)


def run_protocol(
    protocol: BenchmarkProtocol,
    folder: Path | None = None,
    *,
    attempts: Sequence[str] = (),
    quick: bool = False,
    seed: int = 0,
    n_threads: int | None = None,
    progress: Progress | None = None,
    on_read: Callable[[Dataset], None] | None = None,
) -> ProtocolResult:
    """The published results of a protocol, and those of `bayes`, computed now.

    Args:
        folder: the folder that holds the data sets, as `ml-100k` and so on; None: they are
            where `matinee.load` finds them.
        attempts: the names of the results to compute; empty for all.
        quick: computes with small models, as a test.
        on_read: gets the data, of several folds the first.

    Raises:
        DataError: the data does not exist, or is not that of the protocol.
        UnknownNameError: there is no such result.
    """
    names_of_lines = [attempt.name for attempt in protocol.attempts]
    for name in attempts:
        if name not in names_of_lines:
            hint = suggest(name, names_of_lines, "Its lines")
            raise UnknownNameError(f"{protocol.name} has no line '{name}'.{hint}")
    parts = parts_of(protocol, folder, on_read)
    has_times = parts[0].train.timestamp is not None
    lines = [_published_line(published) for published in protocol.published]
    note = ""
    for attempt in protocol.attempts:
        if attempts and attempt.name not in attempts:
            continue
        if not has_times and attempt.settings.get("times") is not False:
            note = "These ratings have no timestamps, so the models that use them are left out."
            continue
        settings = dict(attempt.settings)
        if quick:
            settings |= QUICK
        model = BayesianMF.from_settings({**settings, "seed": seed})
        known = [_with_days(part) for part in parts] if attempt.only_days else parts
        lines.append(_computed_line(model, attempt, known, n_threads, progress))
    return ProtocolResult(protocol.name, protocol.title, lines, note)


def _with_days(part: Split) -> Split:
    """The split with times that tell the day alone."""
    return replace(part, train=_on_days(part.train), test=_on_days(part.test))


def _on_days(ratings: Ratings) -> Ratings:
    time_ = ratings.timestamp
    if time_ is None:
        return ratings
    return replace(ratings, timestamp=np.where(time_ == NO_TIME, NO_TIME, time_ // DAY * DAY))


def _published_line(published: Published) -> ResultLine:
    return ResultLine(
        who=published.who,
        uses=published.uses,
        rmse=published.rmse,
        mae=published.mae,
        seconds=published.seconds,
        known=published.known,
    )


def _computed_line(
    model: BayesianMF,
    attempt: Attempt,
    parts: list[Split],
    n_threads: int | None,
    progress: Progress | None,
) -> ResultLine:
    """The means over the parts, of the training time too."""
    errors, seconds, coverages = [], [], []
    for part in parts:
        started = time.perf_counter()
        model.fit(part.train, n_threads=n_threads, progress=progress)
        seconds.append(time.perf_counter() - started)
        true, predicted = part.test.value, model.predict_ratings(part.test)
        errors.append([metrics.rmse(true, predicted), metrics.mae(true, predicted)])
        coverages.append(coverage_of(true, predicted, model.predict_deviations(part.test)))
    rmse, mae = np.mean(errors, axis=0).tolist()
    defaults = {setting.name: setting.default for setting in model.hypers()}
    settings = model.settings()
    return ResultLine(
        who="matinee bayes",
        uses=attempt.uses,
        rmse=rmse,
        mae=mae,
        seconds=float(np.mean(seconds)),
        known="this run",
        coverage=tuple(np.mean(coverages, axis=0).tolist()),
        settings={name: value for name, value in settings.items() if value != defaults[name]},
    )


# -- the rows ----------------------------------------------------------------------------


def tenth(n_rows: int) -> NDArray[np.int64]:
    """The row numbers of the test part that the literature with 90/10 splits of ML-1M uses.

    They are the first tenth of all rows, after NumPy's legacy generator has shuffled them with
    the seed 1234, as in GLocal-K and SparseFC.
    """
    rows = np.arange(n_rows)
    np.random.RandomState(1234).shuffle(rows)
    return rows[: n_rows // 10]


def parts_of(
    protocol: BenchmarkProtocol,
    folder: Path | None = None,
    on_read: Callable[[Dataset], None] | None = None,
) -> list[Split]:
    """The training and test rows of a protocol, one split for each fold.

    Args:
        folder, on_read: as for `run_protocol`.
    """
    with _unpacked(protocol, folder) as place:
        return list(_parts(protocol, place, on_read or (lambda _: None)))


def _parts(
    protocol: BenchmarkProtocol, place: Path, on_read: Callable[[Dataset], None]
) -> Iterator[Split]:
    for fold in protocol.folds:
        train, test = place / f"{fold}.base", place / f"{fold}.test"
        if not (train.is_file() and test.is_file()):
            raise DataError(
                f"The folder {place} has no {train.name} and {test.name}, the official folds of "
                "ML-100K."
            )
        data = load(train)
        if fold == protocol.folds[0]:
            on_read(data)
        yield given_parts(data.ratings, load(test).ratings)
    if not protocol.folds:
        data = load(place)
        on_read(data)
        n_rows = len(data.ratings)
        if data.source_rows is not None:  # rows without a rating count, too
            n_rows = int(data.source_rows.max()) + 1
        yield given_rows(data.ratings, tenth(n_rows), data.source_rows)


@contextmanager
def _unpacked(protocol: BenchmarkProtocol, folder: Path | None) -> Iterator[Path]:
    """The folder with the data of a protocol; a zip is unpacked while the context lasts."""
    place = _place(protocol.data, folder)
    if place.is_dir():
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="matinee-") as temporary:
        try:
            shutil.unpack_archive(place, temporary, "zip")
        except (shutil.ReadError, OSError) as error:
            raise DataError(f"Cannot unpack {place}: {error}.") from error
        inside = [
            path for path in Path(temporary).iterdir() if path.is_dir() and path.name != "__MACOSX"
        ]
        if len(inside) == 1:
            yield inside[0]
        else:
            yield Path(temporary)


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
    raise DataError(
        f"The data '{name}' is not {where}. {advice}, or give the folder that holds it with --data."
    )
