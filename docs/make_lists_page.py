"""Writes the lists of five people in docs/recommending.md: by stars alone, and as `hybrid` makes them.

    python docs/make_lists_page.py

It trains `mf` and `hybrid`, both with their defaults, on all ratings of ml-latest-small.
"""

import re
from pathlib import Path

import numpy as np

import matinee
from matinee.models.base import Recommender

PAGE = Path(__file__).parent / "recommending.md"
MARKERS = "<!-- lists: made by make_lists_page.py -->", "<!-- end of lists -->"
PEOPLE = (1, 50, 100, 300, 600)
N_FILMS, FEW = 8, 10


def by_stars(model: Recommender, user: int) -> list[int]:
    """The unrated films with the highest predictions, as row numbers, best first."""
    stars = model.all_stars(model.users_.id(user))
    stars[model.history_.of(user)[0]] = -np.inf
    return np.argsort(-stars, kind="stable")[:N_FILMS].tolist()


def by_score(model: Recommender, user: int) -> list[int]:
    """The films of the list that `recommend` makes, as row numbers."""
    listed: list[int] = model.top_items(np.array([user]), N_FILMS)[0].tolist()
    return listed


def short(title: str) -> str:
    """A title without its year and other titles, and with the article first."""
    name = re.sub(r" \([^()]*\)", "", title).strip()
    return re.sub(r"^(.*), (The|A|An)$", r"\2 \1", name)


def summary(name: str, lists: list[list[int]], counts: np.ndarray) -> str:
    """What the lists of all people have in common."""
    rare = np.mean([min(counts[films]) < FEW for films in lists])
    most = np.bincount(np.concatenate(lists)).max() / len(lists)
    median = np.median(counts[np.concatenate(lists)])
    return f"| {name} | {rare:.0%} | {median:.0f} | {most:.0%} | {len(np.unique(lists)):,} |"


def section() -> str:
    """The tables as Markdown."""
    data = matinee.load("ml-latest-small")
    stars = matinee.MatrixFactorization().fit(data.ratings)
    hybrid = matinee.Hybrid().fit(data.ratings)
    ids, counts = data.ratings.items.ids.tolist(), data.ratings.item_counts
    lines = [
        "| person | `mf`, by stars alone | `hybrid` |",
        "| --- | --- | --- |",
    ]
    for person in PEOPLE:
        user = data.ratings.users.index(person)
        cells = [
            "; ".join(short(data.catalog[ids[film]].title) for film in films)
            for films in (by_stars(stars, user), by_score(hybrid, user))
        ]
        n_rated = data.ratings.user_counts[user]
        lines.append(f"| {person}, {n_rated} ratings | {cells[0]} | {cells[1]} |")
    everybody = range(data.ratings.n_users)
    lines += [
        "",
        f"| lists of {N_FILMS} for all {len(everybody)} people | with a film that fewer than {FEW} rated "
        "| ratings of a film, median | people who get the most frequent film | different films |",
        "| --- | --: | --: | --: | --: |",
        summary("`mf`, by stars alone", [by_stars(stars, user) for user in everybody], counts),
        summary("`hybrid`", [by_score(hybrid, user) for user in everybody], counts),
    ]
    return "\n".join(lines)


def main() -> None:
    """Writes the section."""
    before, _, rest = PAGE.read_text("utf-8").partition(MARKERS[0])
    after = rest.partition(MARKERS[1])[2]
    page = f"{before}{MARKERS[0]}\n\n{section()}\n\n{MARKERS[1]}{after}"
    PAGE.write_text(page, encoding="utf-8")
    print(f"written: {PAGE.name}")


if __name__ == "__main__":
    main()
