"""A simulation: its rows in blocks, in memory, or as files."""

import math
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from matinee._types import Floats, Longs
from matinee.data.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.ratings import Ratings
from matinee.data.simulation.limits import StarLimits, find_limits
from matinee.data.simulation.population import make_items, ratings_of_items, ratings_of_users
from matinee.data.simulation.shapes import FEWEST, Liking, TableShape, shape
from matinee.errors import SettingError
from matinee.progress import Progress
from matinee.text import counted
from matinee.threads import available_cores

if TYPE_CHECKING:
    from matinee.kernels.simulation import Drawn, Habits, Items

BLOCK_ROWS = 2**18
PILOT_ROWS = 500_000
MOST = 2**31 - 1
"""Of users and items: their ids have 32 bits."""


class _Population(NamedTuple):
    """What blocks are drawn from.

    Attributes:
        ends: (U,) the number of ratings of each user and of all before.
        key: of the users' streams of random numbers.
    """

    ends: Longs
    items: "Items"
    habits: "Habits"
    key: np.uint64


Ids = np.ndarray[tuple[int], np.dtype[np.int32]]


class SimulatedBlock(NamedTuple):
    """Some rows of a simulation, (n,) each, sorted by user and time.

    Attributes:
        variance: the sum over the rows of the variance that no model can explain.
    """

    user_id: Ids
    item_id: Ids
    rating: Floats
    timestamp: Longs
    variance: float


class Summary(NamedTuple):
    """What a simulated table is like.

    Attributes:
        n_ratings: rows.
        floor: the RMSE of a model that knows the true mean of every user and item: no model can
            have less, except by chance.
        deviation: the standard deviation of the ratings: the RMSE of their mean.
    """

    n_ratings: int
    floor: float
    deviation: float

    def __str__(self) -> str:
        return (
            f"RMSE of the mean of all ratings: {self.deviation:.4f}; of a model that knows "
            f"everything but the noise: {self.floor:.4f}. No model can do better."
        )


class Sums:
    """Running sums for a `Summary`."""

    def __init__(self) -> None:
        self.n, self.variance, self.value, self.square = 0, 0.0, 0.0, 0.0

    def add(self, block: SimulatedBlock) -> None:
        """Adds the rows of a block."""
        self.n += len(block.rating)
        self.variance += block.variance
        self.value += float(block.rating.sum(dtype=np.float64))
        self.square += float(np.square(block.rating).sum(dtype=np.float64))

    def summary(self) -> Summary:
        """Of all rows so far."""
        mean = self.value / self.n
        return Summary(
            self.n, math.sqrt(self.variance / self.n), math.sqrt(self.square / self.n - mean**2)
        )


@dataclass(frozen=True, eq=False)
class Simulation:
    """Ratings that nobody gave, in the shape of a MovieLens data set, of any size.

    Every user has at least 20 ratings and no item twice, every item at least one. Users rate
    what they come across, more often what suits their tastes, in sittings. A rating is the sum of
    a user's and an item's bias, of tastes, and of noise, cut into stars. Made by `simulate`.

    The rows depend on the sizes and the seed only, not on the number of threads. Memory holds
    the items (60 bytes each), the users (16 bytes each) and a few blocks of rows.

    Attributes:
        shape: what it is like.
        n_ratings, n_users, n_items: its size, exactly.
        seed: of the random numbers.
        liking: what a rating consists of: the deviations of biases, tastes and noise.

    Example:
        >>> simulated = matinee.simulate("ml-100k", n_users=200, seed=1).dataset(n_threads=1)
        >>> simulated.ratings
        Ratings(21,209 ratings by 200 users of 775 items, 1 to 5 in steps of 1)
        >>> simulated.note
        'Simulated by matinee, like ml-100k (seed 1): these are not the ratings of people.'
    """

    shape: TableShape
    n_ratings: int
    n_users: int
    n_items: int
    seed: int = 0
    liking: Liking = field(default_factory=Liking, repr=False)

    @property
    def name(self) -> str:
        """The name of the table, such as "simulated-ml-25m"."""
        return f"simulated-{self.shape.name}"

    @property
    def note(self) -> str:
        """What people must be told wherever results from this table are shown."""
        return (
            f"Simulated by matinee, like {self.shape.name} (seed {self.seed}): these are not the "
            "ratings of people."
        )

    def size(self) -> str:
        """The size in words, such as "100,000 ratings of 1,682 items by 943 users"."""
        items, users = counted(self.n_items, "item"), counted(self.n_users, "user")
        return f"{counted(self.n_ratings, 'rating')} of {items} by {users}"

    def blocks(
        self,
        n_threads: int | None = None,
        *,
        block_rows: int = BLOCK_ROWS,
        first_user: int = 0,
        end_user: int | None = None,
    ) -> Iterator[SimulatedBlock]:
        """The rows, sorted by user and time, in blocks of whole users.

        Args:
            n_threads: None for all cores.
            block_rows: the most rows of a block, unless one user has more; the rows do not
                depend on it.
            first_user, end_user: only the users first_user to end_user - 1, counted from 0.
        """
        population, limits = self._population, self._limits
        if end_user is None:
            end_user = self.n_users
        edges = _edges(population.ends, block_rows, first_user, end_user)
        n_threads = n_threads or available_cores()
        running: deque[Future[SimulatedBlock]] = deque()
        with ThreadPoolExecutor(n_threads) as pool:
            for first, end in pairwise(edges):
                running.append(pool.submit(_block, population, limits, first, end))
                if len(running) > n_threads:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()

    def dataset(self, n_threads: int | None = None) -> Dataset:
        """All rows in memory, with a note that they are simulated."""
        blocks = list(self.blocks(n_threads))
        ratings = Ratings.from_ids(
            np.concatenate([block.user_id for block in blocks]),
            np.concatenate([block.item_id for block in blocks]),
            np.concatenate([block.rating for block in blocks]),
            np.concatenate([block.timestamp for block in blocks]),
            self.shape.scale,
        )
        return Dataset(self.name, ratings, Catalog({}), note=self.note)

    def write(
        self,
        target: "str | os.PathLike[str]",
        *,
        n_parts: int | None = None,
        n_threads: int | None = None,
        progress: Progress | None = None,
    ) -> Summary:
        """Writes all rows, a few blocks at a time; the files are complete or absent.

        Args:
            target: a file that ends in .csv or .parquet; with `n_parts`, a folder that does not
                exist yet or is empty.
            n_parts: the number of Parquet files in the folder, which gets a README.txt, too.
            n_threads: None for all cores.
            progress: called after each block.

        Returns: the unavoidable error.

        Raises:
            SettingError: the name has another ending, something is there already, or the number
                of parts is not from 1 to the number of users.
            UnsupportedError: the place cannot be written to, or has too little room.
        """
        from matinee.data.simulation.files import write

        return write(self, target, n_parts=n_parts, n_threads=n_threads, progress=progress)

    def summary(self, n_threads: int | None = None) -> Summary:
        """The unavoidable error, without keeping any row."""
        sums = Sums()
        for block in self.blocks(n_threads):
            sums.add(block)
        return sums.summary()

    def edges_of_parts(self, n_parts: int) -> list[int]:
        """The first user of each of several parts of about the same size, and the end.

        Args:
            n_parts: 1 or more, and at most one for each user.
        """
        shares = self.n_ratings * np.arange(1, n_parts) / n_parts
        numbers = np.arange(1, n_parts)
        edges = np.searchsorted(self._population.ends, shares) + 1
        # Each part has a user, also where one user has more ratings than a part.
        edges = np.maximum.accumulate(edges - numbers) + numbers
        edges = np.minimum(edges, self.n_users - n_parts + numbers)
        return [0, *edges.tolist(), self.n_users]

    @cached_property
    def _population(self) -> _Population:
        from matinee.kernels.simulation import Habits

        sizes = (self.n_ratings, self.n_users, self.n_items)
        streams = [np.random.default_rng([self.seed, number]) for number in range(4)]
        counts = ratings_of_users(self.shape, *sizes, streams[0])
        wanted = ratings_of_items(self.shape, *sizes, streams[1])
        activity = np.log(counts)
        liking = self.liking
        habits = Habits(
            n_ratings=self.n_ratings,
            bias=liking.user,
            strictness=liking.strictness,
            activity=float(activity.mean()),
            activity_spread=max(float(activity.std()), 1e-9),
            taste=liking.taste,
            noise=liking.noise,
            choice=liking.choice,
            first=float(self.shape.first),
            last=float(self.shape.last),
            rush=self.shape.rush,
        )
        items = make_items(wanted, counts, liking, streams[2])
        key = streams[3].integers(2**64, dtype=np.uint64)
        return _Population(np.cumsum(counts, out=counts), items, habits, key)

    @cached_property
    def _limits(self) -> StarLimits:
        """From a pilot: every so many users."""
        users = np.arange(0, self.n_users, max(1, self.n_ratings // PILOT_ROWS))
        return find_limits(self.shape, _drawn(self._population, users), self.liking.noise)


def _edges(ends: Longs, block_rows: int, first: int, end: int) -> list[int]:
    """The first user of each block, and the end of the last one."""
    edges = [first]
    while edges[-1] < end:
        before = int(ends[edges[-1] - 1]) if edges[-1] else 0
        following = int(np.searchsorted(ends, before + block_rows, "right"))
        edges.append(min(end, max(edges[-1] + 1, following)))
    return edges


def _drawn(population: _Population, users: Longs) -> "Drawn":
    """The rows of some users, before feelings become stars."""
    from matinee.kernels.simulation import Drawn, Users, draw

    starts = np.where(users > 0, population.ends[users - 1], 0)
    counts = population.ends[users] - starts
    n = int(counts.sum())
    expected, felt = np.empty(n, np.float32), np.empty(n, np.float32)
    rows = Drawn(np.empty(n, np.int32), expected, felt, np.empty(n, np.int64))
    draw(Users(users, counts, starts), population.items, population.habits, population.key, rows)
    return rows


def _block(population: _Population, limits: StarLimits, begin: int, end: int) -> SimulatedBlock:
    from matinee.kernels.simulation import grade

    users = np.arange(begin, end)
    rows = _drawn(population, users)
    rating = np.empty(len(rows.item), np.float32)
    variance = grade(
        rows,
        limits.limits,
        limits.stars,
        limits.variance,
        limits.lowest,
        limits.step,
        rating,
    )
    counts = np.diff(population.ends[begin:end], prepend=population.ends[begin - 1] if begin else 0)
    user_id = np.repeat(users.astype(np.int32) + 1, counts)
    return SimulatedBlock(user_id, rows.item + np.int32(1), rating, rows.time, variance)


def simulate(
    like: str,
    *,
    n_ratings: int | None = None,
    n_users: int | None = None,
    n_items: int | None = None,
    seed: int = 0,
) -> Simulation:
    """A table of ratings that nobody gave, in the shape of a MovieLens data set, of any size.

    Nothing is drawn yet: `Simulation.dataset` gives it in memory, `Simulation.write` as files.

    Args:
        like: "ml-100k", "ml-1m", "ml-20m", "ml-25m" or "ml-32m".
        n_ratings, n_users: None for that of the real data set; if one of them is given, the
            other is in proportion.
        n_items: None for that of the real data set, times the square root of the growth of the
            ratings.
        seed: 0 or more; another seed gives another table.

    Raises:
        UnknownNameError: there is no such shape.
        SettingError: there is no table of this size.

    Example:
        >>> simulation = matinee.simulate("ml-100k", n_users=200, seed=1)
        >>> simulation.size()
        '21,209 ratings of 775 items by 200 users'
    """
    chosen = shape(like)
    _check_arguments(seed, {"ratings": n_ratings, "users": n_users, "items": n_items})
    mean = chosen.n_ratings / chosen.n_users
    if n_ratings is None:
        n_ratings = chosen.n_ratings if n_users is None else round(mean * n_users)
    if n_users is None:
        n_users = max(1, round(n_ratings / mean))
    if n_items is None:
        n_items = round(chosen.n_items * math.sqrt(n_ratings / chosen.n_ratings))
        n_items = min(max(n_items, FEWEST), n_ratings)
    problem = _problem_of_size(n_ratings, n_users, n_items)
    if problem:
        raise SettingError(problem)
    return Simulation(chosen, n_ratings, n_users, n_items, seed)


def _check_arguments(seed: int, numbers: dict[str, int | None]) -> None:
    for what, number in numbers.items():
        if number is not None and number < 1:
            raise SettingError(f"The number of {what} must be at least 1, not {number:,}.")
    if seed < 0:
        raise SettingError(f"The seed must be at least 0, not {seed}.")


def _problem_of_size(n_ratings: int, n_users: int, n_items: int) -> str:
    """Why there is no table of this size, as a sentence; empty if there is one."""
    ratings, users = counted(n_ratings, "rating"), counted(n_users, "user")
    items = counted(n_items, "item")
    if max(n_users, n_items) > MOST:
        return f"There can be at most {MOST:,} users and as many items."
    if n_ratings < FEWEST * n_users:
        fewer = f"--users {n_ratings // FEWEST} or less, or " if n_ratings >= FEWEST else ""
        return (
            f"{ratings} are too few for {users}: each has at least {FEWEST}. "
            f"Use {fewer}--ratings {FEWEST * n_users} or more."
        )
    if n_items < FEWEST:
        return f"Each user rates at least {FEWEST} items, but there are only {items}."
    if n_ratings > n_users * n_items:
        return (
            f"{ratings} are too many for {users} and {items}, which have {n_users * n_items:,} "
            "pairs. Use fewer ratings, or more users or items."
        )
    if n_ratings < n_items:
        return (
            f"{ratings} are too few for {items}: each has at least one. "
            f"Use --items {n_ratings} or less."
        )
    return ""
