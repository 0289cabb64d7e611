"""The built-in sample: real films, simulated viewers; no download, and nobody's own ratings.

The viewers are simulated, so a number measured on this sample says how a model does on this
simulation, never how it does on people. Like real ratings, the simulated ones have these
properties:

- viewers share a few tastes, lean towards genres and eras, and each loves or avoids whole
  kinds of films;
- some viewers are generous and some strict, some give half stars and some do not, and a few
  rate most of the films;
- famous films get more ratings, and people mostly watch what they expect to like, so ratings
  are not missing at random.

Two tables lie beside this module. `sample_films.csv` has one film per line, in the order of
years; the first has item id 1. Title, year and genres are facts. The *kind* is the group of
similar films that a simulated viewer sees a film in. *Fame* and *liking* (1 to 9) are
impressions, typed in by hand to make the simulation lifelike; they do not measure what real
people think. `sample_kinds.csv` says how much each kind has of each taste.
"""

import csv
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles
from matinee.data.catalog import Catalog, Film
from matinee.data.ratings import Ratings, Scale
from matinee.data.titles import year_of

N_VIEWERS = 2_000
N_RATINGS = 100_000  # about: the number of each viewer is drawn, then limited

_MEAN = 3.15  # stars of a film of average liking, before viewers choose
_NOISE = 0.62  # stars, standard deviation: what no model can predict
_FIRST_DAY = 1_704_067_200  # 2024-01-01 in seconds since 1970: after the newest film
_JOINING_DAYS = 500


class FilmRow(NamedTuple):
    """A line of `sample_films.csv`."""

    film: Film
    kind: str
    fame: float
    liking: float


class _Films(NamedTuple):
    """What the simulation knows of the I films."""

    tastes: Doubles  # (I, F) how much a film has of each taste, rows of about unit length
    labels: Doubles  # (I, L) 1 for the film's kind and for each of its genres, columns centered
    era: Doubles  # (I,) 0 in 1985, 1 in 2010
    fame: Doubles  # (I,) 1 to 9
    quality: Doubles  # (I,) stars above or below average


def sample_ratings(seed: int = 0) -> tuple[Ratings, Catalog]:
    """About 100,000 half-star ratings (0.5 to 5) by 2,000 simulated viewers of 340 real films,
    and the films.

    Item ids are 1, 2, ... in the order of the films' years; user ids are 1 to 2,000.
    Timestamps are seconds since 1970, in sittings within 2024 and 2025. The same seed gives
    the same ratings (with the same version of NumPy); another seed gives other viewers.
    """
    rng = np.random.default_rng(seed)
    rows = film_rows()
    catalog = Catalog({item_id: row.film for item_id, row in enumerate(rows, start=1)})
    films = _films(rows, catalog.genres)
    liking = _liking(films, rng)
    user, item = _watched(films, liking, rng)
    value = _stars(liking[user, item], user, rng)
    time = _timestamps(user, rng)
    scale = Scale(0.5, 5.0, 0.5)
    ratings = Ratings.from_ids(user + 1, item + 1, value, time, scale)
    return replace(ratings, item_features=catalog.features(ratings.items)), catalog


def film_rows() -> list[FilmRow]:
    """The films of the sample, in the order of their ids."""
    rows = []
    for row in _table("sample_films.csv"):
        film = Film(row["title"], year_of(row["title"]), tuple(row["genres"].split("|")))
        rows.append(FilmRow(film, row["kind"], float(row["fame"]), float(row["liking"])))
    return rows


def tastes_of_kinds() -> dict[str, list[float]]:
    """For each kind of film, how much it has of each taste: F numbers."""
    rows = _table("sample_kinds.csv")
    return {row.pop("kind"): [float(amount) for amount in row.values()] for row in rows}


def _table(name: str) -> list[dict[str, str]]:
    with Path(__file__).with_name(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _films(rows: list[FilmRow], genres: list[str]) -> _Films:
    kinds = tastes_of_kinds()
    tastes = np.array([kinds[row.kind] for row in rows])  # (I, F)
    labels = [_labels(row, list(kinds), genres) for row in rows]
    years = np.array([row.film.year for row in rows], np.float64)
    fame = np.array([row.fame for row in rows])
    liking = np.array([row.liking for row in rows])
    # Nine steps are coarse, so films of equal liking differ a little: in the same way for
    # every
    # seed.
    jitter = np.random.default_rng(1895).normal(0, 0.2, len(rows))
    return _Films(
        tastes=tastes / np.sqrt((tastes**2).sum(axis=1, keepdims=True) + 1),
        labels=np.array(labels, np.float64) - np.mean(labels, axis=0),
        era=(years - 1985) / 25,
        fame=fame,
        quality=0.27 * (liking - liking.mean()) + jitter,
    )


def _labels(row: FilmRow, kinds: list[str], genres: list[str]) -> list[bool]:
    return [row.kind == kind for kind in kinds] + [genre in row.film.genres for genre in genres]


def _liking(films: _Films, rng: np.random.Generator) -> Doubles:
    """How much each viewer would like each film, (U, I) in stars, before noise and
    rounding."""
    by_taste = rng.normal(0, 0.6, (N_VIEWERS, films.tastes.shape[1])) @ films.tastes.T  # (U, I)
    by_label = rng.normal(0, 0.22, (N_VIEWERS, films.labels.shape[1])) @ films.labels.T  # (U, I)
    generosity = rng.normal(0, 0.38, (N_VIEWERS, 1))  # (U, 1)
    by_era = rng.normal(0, 0.2, (N_VIEWERS, 1)) * films.era  # (U, I)
    by_fame = rng.normal(0, 0.06, (N_VIEWERS, 1)) * (films.fame - films.fame.mean())  # (U, I)
    liking: Doubles = _MEAN + films.quality + generosity + by_taste + by_label + by_era + by_fame
    return liking


def _watched(
    films: _Films,
    liking: Doubles,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Users and items of the rows, (N,) each, grouped by user.

    Each viewer draws films without replacement, with a higher probability for famous films and
    those they would like. Taking the films with the largest log weight plus Gumbel noise is
    such a draw.
    """
    activity = rng.lognormal(0, 0.8, N_VIEWERS)
    n_films = len(films.fame)
    count = np.clip(activity * N_RATINGS / activity.sum(), 15, 0.8 * n_films).astype(np.int64)
    expected = liking - liking.mean(axis=1, keepdims=True)
    curiosity = 0.42 * films.fame + 0.9 * expected + rng.gumbel(size=liking.shape)  # (U, I)
    best_first = np.argsort(-curiosity, axis=1)
    chosen = np.arange(n_films) < count[:, None]  # (U, I)
    return np.repeat(np.arange(N_VIEWERS), count), best_first[chosen]


def _stars(liking: Doubles, user: NDArray[np.int64], rng: np.random.Generator) -> Doubles:
    """The stars that viewers give, (N,); three viewers in ten round to whole stars, the others
    to half stars.
    """
    step = np.where(rng.random(N_VIEWERS) < 0.3, 1.0, 0.5)[user]
    noisy = liking + rng.normal(0, _NOISE, len(liking))
    stars: Doubles = np.clip(np.round(noisy / step) * step, 0.5, 5)
    return np.where(step == 1, np.maximum(stars, 1), stars)


def _timestamps(user: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Seconds since 1970, (N,): a viewer joins one day and rates in sittings of 15 films, nine
    days apart.
    """
    shuffled = np.lexsort((rng.random(len(user)), user))
    rank = np.empty(len(user), np.int64)
    first_row = np.searchsorted(user, user)  # of the viewer of each row
    rank[shuffled] = np.arange(len(user)) - first_row  # 0, 1, ... within each viewer
    sitting, position = np.divmod(rank, 15)
    joined = rng.integers(0, _JOINING_DAYS, N_VIEWERS)[user]
    evening = rng.integers(17 * 3600, 22 * 3600, N_VIEWERS)[user]  # seconds after midnight
    start = _FIRST_DAY + 86_400 * (joined + 9 * sitting) + evening
    time: NDArray[np.int64] = start + 60 * position + rng.integers(0, 60, len(user))
    return time
