"""The built-in sample: real films, simulated viewers; nothing is downloaded and nobody's ratings are copied.

The films are those of `sample_films`. The viewers are simulated, so a number measured on this sample says how
a model does on this simulation, never how it does on people. What the simulation holds, as real ratings do:

- viewers share a few tastes, lean towards genres and eras, and each loves or avoids whole kinds of films;
- some are generous and some strict, some give half stars and some do not, and a few rate most of the films;
- famous films get more ratings, and people mostly watch what they expect to like: what is missing is not
  missing at random.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.catalogue import Catalogue, Film, year_of
from matinee.ratings import Ratings, Scale
from matinee.sample_films import FILMS, KINDS

N_VIEWERS = 2_000
N_RATINGS = 100_000  # about: each viewer's own number is drawn, then limited

_MEAN, _NOISE = 3.15, 0.62  # stars: a film of average liking, before viewers choose; what no model can know
_FIRST_DAY, _JOINING_DAYS = 1_704_067_200, 500  # 2024-01-01 in seconds since 1970: after the newest film

Floats = NDArray[np.float64]


class _Films(NamedTuple):
    """What the simulation knows of the I films."""

    tastes: Floats  # (I, F) how much a film has of each taste, rows of about unit length
    labels: Floats  # (I, L) 1 for the film's kind and for each of its genres, columns centred
    era: Floats  # (I,) 0 in 1985, 1 in 2010
    fame: Floats  # (I,) 1 to 9
    quality: Floats  # (I,) stars above or below average


def sample_ratings(seed: int = 0) -> tuple[Ratings, Catalogue]:
    """About 100,000 half-star ratings (0.5 to 5) by 2,000 simulated viewers of 340 real films, and the films.

    Item ids are 1, 2, ... in the order of the films' years; user ids are 1 to 2,000. Timestamps are seconds
    since 1970, within 2024 and 2025, in sittings. The same seed gives the same ratings (with the same
    version of NumPy); another gives other viewers.
    """
    rng = np.random.default_rng(seed)
    catalogue = Catalogue(_catalogue())
    films = _films(catalogue)
    liking = _liking(films, rng)
    user, item = _watched(films, liking, rng)
    value = _stars(liking[user, item], user, rng)
    time = _timestamps(user, rng)
    scale = Scale(0.5, 5.0, 0.5)
    ratings = Ratings.from_ids(user + 1, item + 1, value, time, scale)
    return replace(ratings, item_features=catalogue.features(ratings.items)), catalogue


def _catalogue() -> dict[int | str, Film]:
    films: dict[int | str, Film] = {}
    for item_id, line in enumerate(FILMS.strip().splitlines(), start=1):
        title, genres, *_ = line.split("|")
        films[item_id] = Film(title, year_of(title), tuple(genres.split(", ")))
    return films


def _films(catalogue: Catalogue) -> _Films:
    kinds = {name: [float(v) for v in values] for name, *values in map(str.split, KINDS.strip().splitlines())}
    rows = [line.split("|") for line in FILMS.strip().splitlines()]
    tastes = np.array([kinds[row[2]] for row in rows])  # (I, F)
    labels = [[row[2] == kind for kind in kinds] + [g in row[1].split(", ") for g in catalogue.genres] for row in rows]
    years = np.array([film.year for film in catalogue.films.values()], np.float64)
    fame, typed = (np.array([row[column] for row in rows], np.float64) for column in (3, 4))
    # Nine steps are coarser than life, so films of equal liking differ a little: the same way for every seed.
    quality = 0.27 * (typed - typed.mean()) + np.random.default_rng(1895).normal(0, 0.2, len(rows))
    return _Films(
        tastes=tastes / np.sqrt((tastes**2).sum(axis=1, keepdims=True) + 1),
        labels=np.array(labels, np.float64) - np.mean(labels, axis=0),
        era=(years - 1985) / 25,
        fame=fame,
        quality=quality,
    )


def _liking(films: _Films, rng: np.random.Generator) -> Floats:
    """What each viewer would think of each film, (U, I) in stars, before noise and rounding."""
    shape = N_VIEWERS, films.tastes.shape[1]
    by_taste = rng.normal(0, 0.6, shape) @ films.tastes.T  # (U, I)
    by_label = rng.normal(0, 0.22, (N_VIEWERS, films.labels.shape[1])) @ films.labels.T  # (U, I)
    generosity, modern, snob = (rng.normal(0, sd, (N_VIEWERS, 1)) for sd in (0.38, 0.2, 0.06))  # (U, 1) each
    by_era = modern * films.era
    by_fame = snob * (films.fame - films.fame.mean())
    liking: Floats = _MEAN + films.quality + generosity + by_taste + by_label + by_era + by_fame
    return liking


def _watched(films: _Films, liking: Floats, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Who rated what: the rows' users and items, (N,) each, grouped by user.

    Each viewer draws their films without replacement, more likely the famous ones and those they would like.
    The largest of the log weights plus Gumbel noise are such a draw.
    """
    activity = rng.lognormal(0, 0.8, N_VIEWERS)
    count = np.clip(activity * N_RATINGS / activity.sum(), 15, 0.8 * len(films.fame)).astype(np.int64)
    expected = liking - liking.mean(axis=1, keepdims=True)
    curiosity = 0.42 * films.fame + 0.9 * expected + rng.gumbel(size=liking.shape)  # (U, I)
    best_first = np.argsort(-curiosity, axis=1)
    chosen = np.arange(liking.shape[1]) < count[:, None]  # (U, I)
    return np.repeat(np.arange(N_VIEWERS), count), best_first[chosen]


def _stars(liking: Floats, user: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """The stars that are given, (N,), rounded to whole stars by three viewers of ten, else to half stars."""
    step = np.where(rng.random(N_VIEWERS) < 0.3, 1.0, 0.5)[user]
    noisy = liking + rng.normal(0, _NOISE, len(liking))
    stars: Floats = np.clip(np.round(noisy / step) * step, 0.5, 5)
    return np.where(step == 1, np.maximum(stars, 1), stars)


def _timestamps(user: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Seconds since 1970, (N,): a viewer joins one day and rates in sittings of 15 films, nine days apart."""
    shuffled = np.lexsort((rng.random(len(user)), user))
    rank = np.empty(len(user), np.int64)
    rank[shuffled] = np.arange(len(user)) - np.searchsorted(user, user)  # 0, 1, ... within each viewer
    sitting, place = np.divmod(rank, 15)
    joined = rng.integers(0, _JOINING_DAYS, N_VIEWERS)[user]
    evening = rng.integers(17 * 3600, 22 * 3600, N_VIEWERS)[user]
    sat_down = _FIRST_DAY + 86_400 * (joined + 9 * sitting) + evening
    time: NDArray[np.int64] = sat_down + 60 * place + rng.integers(0, 60, len(user))
    return time
