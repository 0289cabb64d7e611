"""The shapes of the MovieLens data sets: their sizes, and the few numbers that describe them.

No rating of a real person is in here. Sizes and times are published facts. The other numbers were
chosen so that a simulation is close to what is known: for ml-100k and ml-1m the quantiles of the
ratings per user and per item of the real tables, and the errors of `baseline` and `mf` on ml-1m;
for the larger ones published maxima and Gini coefficients. Their quantiles and shares of stars
were not checked against the real tables. The gaps between ratings were read off ml-100k and half of
ml-1m.
"""

from dataclasses import dataclass

from matinee.data.datasets.registry import entry
from matinee.data.ratings import Scale
from matinee.text import find_named

FEWEST = 20
"""The smallest number of ratings of a user, as in MovieLens."""

_WHOLE, _HALF = Scale(1, 5, 1), Scale(0.5, 5, 0.5)


@dataclass(frozen=True)
class TableShape:
    """What a simulation is like.

    Attributes:
        name: of the data set that has this shape.
        scale: of the stars.
        shares: of the ratings with each number of stars, from the lowest; of any sum.
        first, last: the times of the ratings, in seconds since 1970.
        user_spread: deviation of the logarithm of the ratings that a user has above `FEWEST`.
        user_reach: the largest share of the items that a user can rate.
        low_spread, high_spread: the same deviation for the ratings of items, below and above
            the median.
        item_reach: the largest share of the users that can rate an item.
        rush: above 1, most users join early (see `matinee.kernels.simulation.Habits`).
    """

    name: str
    scale: Scale
    shares: tuple[float, ...]
    first: int
    last: int
    user_spread: float
    user_reach: float
    low_spread: float
    high_spread: float
    item_reach: float
    rush: float = 1.0

    @property
    def n_ratings(self) -> int:
        """Of the real data set."""
        return entry(self.name).n_ratings

    @property
    def n_users(self) -> int:
        """Of the real data set."""
        return entry(self.name).n_users

    @property
    def n_items(self) -> int:
        """Of the real data set."""
        return entry(self.name).n_items


@dataclass(frozen=True)
class Liking:
    """What liking consists of, the same for all shapes; chosen on ml-1m.

    Deviations are relative to each other: the stars are cut so that their shares are right.

    Attributes:
        user, item, taste, noise: the deviations of the four parts.
        fame: the correlation of an item's quality with the logarithm of its popularity.
        strictness: that of a user's bias with the logarithm of the number of ratings.
        choice: how much taste decides what is rated.
        factors: the number of tastes; each later one matters less.
    """

    user: float = 0.4
    item: float = 0.6
    taste: float = 0.57
    noise: float = 0.8
    fame: float = 0.5
    strictness: float = -0.2
    choice: float = 1.0
    factors: int = 8


SHAPES = (
    TableShape(
        name="ml-100k",
        scale=_WHOLE,
        shares=(6.1, 11.4, 27.1, 34.2, 21.2),
        first=874_724_710,
        last=893_286_638,
        user_spread=1.35,
        user_reach=0.5,
        low_spread=2.2,
        high_spread=1.5,
        item_reach=0.8,
    ),
    TableShape(
        name="ml-1m",
        scale=_WHOLE,
        shares=(5.6, 10.8, 26.1, 34.9, 22.6),
        first=956_703_932,
        last=1_046_454_590,
        user_spread=1.3,
        user_reach=0.7,
        low_spread=2.2,
        high_spread=1.4,
        item_reach=0.9,
        rush=3.0,
    ),
    TableShape(
        name="ml-20m",
        scale=_HALF,
        shares=(1.2, 3.4, 1.4, 7.2, 4.4, 21.5, 11.0, 27.8, 7.7, 14.5),
        first=789_652_004,
        last=1_427_784_002,
        user_spread=1.4,
        user_reach=0.8,
        low_spread=2.6,
        high_spread=2.9,
        item_reach=0.6,
    ),
    TableShape(
        name="ml-25m",
        scale=_HALF,
        shares=(1.6, 3.1, 1.6, 6.6, 5.1, 19.6, 12.7, 26.6, 8.8, 14.4),
        first=789_652_009,
        last=1_574_327_703,
        user_spread=1.4,
        user_reach=0.8,
        low_spread=2.2,
        high_spread=3.3,
        item_reach=0.6,
    ),
    TableShape(
        name="ml-32m",
        scale=_HALF,
        shares=(1.6, 3.0, 1.7, 6.3, 5.3, 18.9, 13.4, 26.1, 9.3, 14.4),
        first=789_652_004,
        last=1_697_164_147,
        user_spread=1.4,
        user_reach=0.8,
        low_spread=2.2,
        high_spread=3.4,
        item_reach=0.6,
    ),
)


def shape(name: str) -> TableShape:
    """The shape with a name.

    Raises:
        UnknownNameError: there is none; the message suggests the nearest.
    """
    return find_named("shape", name, SHAPES, f"There are: {', '.join(s.name for s in SHAPES)}.")
