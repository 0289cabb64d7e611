"""The data sets that have names: the built-in sample, and MovieLens as GroupLens publishes
it."""

from dataclasses import dataclass

from matinee.text import find_named

GROUPLENS = "https://files.grouplens.org/datasets/movielens"

CITATION = (
    "F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. "
    "ACM Transactions on Interactive Intelligent Systems 5, 4, Article 19. "
    "https://doi.org/10.1145/2827872"
)

SIMULATED = "The films of the sample are real, its viewers are simulated."

_CLOSED = (
    "Research use only; no redistribution and no commercial use without permission from GroupLens."
)
_OPEN = (
    "Research use; redistribution under the same terms; no commercial use without permission from "
    "GroupLens."
)
_WHOLE_STARS = "1 to 5 in steps of 1"
_HALF_STARS = "0.5 to 5 in steps of 0.5"


@dataclass(frozen=True)
class Entry:
    """What is known about a data set before it is downloaded.

    Attributes:
        name: what people type.
        url: of the archive at GroupLens; empty for the sample, which is built in.
        md5: the published checksum of the archive; None if it is in the file `url` + ".md5".
        megabytes: size of the archive in 10^6 bytes, rounded.
        n_ratings, n_users, n_items: counts in the ratings table, without films that have no
            rating.
        scale: lowest, highest and step of the stars.
        license, citation: what its users must do; the README in the archive is authoritative.
        folder: the name of the folder in the archive, if it is not `name`.
    """

    name: str
    url: str
    md5: str | None
    megabytes: int
    n_ratings: int
    n_users: int
    n_items: int
    scale: str
    license: str
    citation: str = CITATION
    folder: str = ""


# The two "latest" sets change now and then; their counts are of the editions 2018-09 and
# 2023-07.
ENTRIES = (
    Entry(
        name="sample",
        url="",
        md5=None,
        megabytes=0,
        n_ratings=99_136,
        n_users=2_000,
        n_items=340,
        scale=_HALF_STARS,
        license="Part of matinee: real films, simulated viewers; the same license.",
        citation="",
    ),
    Entry(
        name="ml-100k",
        url=f"{GROUPLENS}/ml-100k.zip",
        md5="0e33842e24a9c977be4e0107933c0723",
        megabytes=5,
        n_ratings=100_000,
        n_users=943,
        n_items=1_682,
        scale=_WHOLE_STARS,
        license=_CLOSED,
    ),
    Entry(
        name="ml-1m",
        url=f"{GROUPLENS}/ml-1m.zip",
        md5="c4d9eecfca2ab87c1945afe126590906",
        megabytes=6,
        n_ratings=1_000_209,
        n_users=6_040,
        n_items=3_706,
        scale=_WHOLE_STARS,
        license=_CLOSED,
    ),
    Entry(
        name="ml-10m",
        url=f"{GROUPLENS}/ml-10m.zip",
        md5="ce571fd55effeba0271552578f2648bd",
        megabytes=66,
        n_ratings=10_000_054,
        n_users=69_878,
        n_items=10_677,
        scale=_HALF_STARS,
        license=_CLOSED,
        folder="ml-10M100K",
    ),
    Entry(
        name="ml-20m",
        url=f"{GROUPLENS}/ml-20m.zip",
        md5="cd245b17a1ae2cc31bb14903e1204af3",
        megabytes=199,
        n_ratings=20_000_263,
        n_users=138_493,
        n_items=26_744,
        scale=_HALF_STARS,
        license=_OPEN,
    ),
    Entry(
        name="ml-25m",
        url=f"{GROUPLENS}/ml-25m.zip",
        md5="6b51fb2759a8657d3bfcbfc42b592ada",
        megabytes=262,
        n_ratings=25_000_095,
        n_users=162_541,
        n_items=59_047,
        scale=_HALF_STARS,
        license=_OPEN,
    ),
    Entry(
        name="ml-32m",
        url=f"{GROUPLENS}/ml-32m.zip",
        md5="d472be332d4daa821edc399621853b57",
        megabytes=239,
        n_ratings=32_000_204,
        n_users=200_948,
        n_items=84_432,
        scale=_HALF_STARS,
        license=_OPEN,
    ),
    Entry(
        name="ml-latest-small",
        url=f"{GROUPLENS}/ml-latest-small.zip",
        md5=None,
        megabytes=1,
        n_ratings=100_836,
        n_users=610,
        n_items=9_724,
        scale=_HALF_STARS,
        license=_OPEN,
    ),
    Entry(
        name="ml-latest",
        url=f"{GROUPLENS}/ml-latest.zip",
        md5=None,
        megabytes=351,
        n_ratings=33_832_162,
        n_users=330_975,
        n_items=83_239,
        scale=_HALF_STARS,
        license=_OPEN,
    ),
)


def names() -> list[str]:
    """The names of all data sets, the sample first."""
    return [known.name for known in ENTRIES]


def entry(name: str) -> Entry:
    """What is known about a data set.

    Raises:
        UnknownNameError: no data set has this name; the message suggests the nearest ones.
    """
    return find_named("data set", name, ENTRIES, "Type 'matinee data list' to see them all.")
