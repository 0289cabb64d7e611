"""The data sets that have names: the built-in sample, and MovieLens as GroupLens publishes it."""

from dataclasses import dataclass

from matinee.errors import UnknownNameError
from matinee.text import did_you_mean

GROUPLENS = "https://files.grouplens.org/datasets/movielens"

CITATION = (
    "F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. "
    "ACM Transactions on Interactive Intelligent Systems 5, 4, Article 19. https://doi.org/10.1145/2827872"
)

SIMULATED = "The films of the sample are real, its viewers are simulated."

_CLOSED = "Research use only; no redistribution and no commercial use without permission from GroupLens."
_OPEN = "Research use; redistribution under the same terms; no commercial use without permission from GroupLens."


@dataclass(frozen=True)
class Entry:
    """What is known of a data set before it is on this machine.

    Attributes:
        name: what people type.
        url: the archive at GroupLens; empty for the sample, which is built in.
        md5: the published checksum of the archive; None: it is in the file `url` + ".md5".
        megabytes: size of the archive in 10^6 bytes, rounded.
        n_ratings, n_users, n_items: counts in the ratings table; films without a rating are not counted.
        scale: lowest, highest and step of the stars.
        licence, citation: what using it asks of you; the archive's README is what counts.
        folder: the name of the folder inside the archive, where it differs from the name.
    """

    name: str
    url: str
    md5: str | None
    megabytes: int
    n_ratings: int
    n_users: int
    n_items: int
    scale: str
    licence: str
    citation: str = CITATION
    folder: str = ""


def _movielens(
    name: str, md5: str | None, megabytes: int, counts: tuple[int, int, int], half: bool, folder: str = ""
) -> Entry:
    is_old = name in {"ml-100k", "ml-1m", "ml-10m"}
    return Entry(
        name=name,
        url=f"{GROUPLENS}/{name}.zip",
        md5=md5,
        megabytes=megabytes,
        n_ratings=counts[0],
        n_users=counts[1],
        n_items=counts[2],
        scale="0.5 to 5 in steps of 0.5" if half else "1 to 5 in steps of 1",
        licence=_CLOSED if is_old else _OPEN,
        folder=folder or name,
    )


# The two "latest" sets change now and then; their counts are those of the editions of 2018-09 and 2023-07.
ENTRIES = (
    Entry(
        name="sample",
        url="",
        md5=None,
        megabytes=0,
        n_ratings=99_136,
        n_users=2_000,
        n_items=340,
        scale="0.5 to 5 in steps of 0.5",
        licence="Part of matinee: real films, simulated viewers; the same licence.",
        citation="",
    ),
    _movielens("ml-100k", "0e33842e24a9c977be4e0107933c0723", 5, (100_000, 943, 1_682), False),
    _movielens("ml-1m", "c4d9eecfca2ab87c1945afe126590906", 6, (1_000_209, 6_040, 3_706), False),
    _movielens("ml-10m", "ce571fd55effeba0271552578f2648bd", 66, (10_000_054, 69_878, 10_677), True, "ml-10M100K"),
    _movielens("ml-20m", "cd245b17a1ae2cc31bb14903e1204af3", 199, (20_000_263, 138_493, 26_744), True),
    _movielens("ml-25m", "6b51fb2759a8657d3bfcbfc42b592ada", 262, (25_000_095, 162_541, 59_047), True),
    _movielens("ml-32m", "d472be332d4daa821edc399621853b57", 239, (32_000_204, 200_948, 84_432), True),
    _movielens("ml-latest-small", None, 1, (100_836, 610, 9_724), True),
    _movielens("ml-latest", None, 351, (33_832_162, 330_975, 83_239), True),
)


def names() -> list[str]:
    """The names that `load` and `fetch` know, the sample first."""
    return [known.name for known in ENTRIES]


def entry(name: str) -> Entry:
    """What is known of a data set.

    Raises:
        UnknownNameError: there is none of this name; the message suggests the nearest ones.
    """
    for known in ENTRIES:
        if known.name == name:
            return known
    hint = did_you_mean(name, names())
    raise UnknownNameError(f"no data set '{name}'.{hint} Type 'matinee data list' to see them all.")
