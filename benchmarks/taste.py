"""Whether a list answers a taste: newcomers who love one genre and dislike another.

    python benchmarks/taste.py                                   # hybrid, latest-small, the usual taste
    python benchmarks/taste.py --model mf --data ml-100k --taste 1

Each newcomer gives the highest stars to the N most rated items of the liked genre (without the disliked one), and the
lowest to the N most rated of the disliked genre. Printed for each N: the mean number of items of the liked and of the
disliked genre among ten, and the fewest ratings of an item in any of these lists.
"""

import argparse

import numpy as np

from matinee.data.datasets.load import load
from matinee.data.vocabulary import Id
from matinee.models import model_named

PAIRS = (
    ("Horror", "Romance"),
    ("Animation", "Thriller"),
    ("Musical", "Action"),
    ("War", "Children"),
    ("Sci-Fi", "Drama"),
    ("Western", "Comedy"),
    ("Documentary", "Action"),
    ("Crime", "Fantasy"),
    ("Film-Noir", "Adventure"),
    ("Comedy", "Horror"),
)
GIVEN = (3, 10, 30)
LENGTH = 10


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description="Lists of newcomers who love one genre.")
    parser.add_argument("--model", default="hybrid", help="name of the model (default: hybrid)")
    parser.add_argument("--data", default="ml-latest-small", help="name of a data set with genres")
    parser.add_argument("--taste", type=float, help="from 0 to 1 (default: that of the model)")
    return parser.parse_args()


def main() -> None:
    """Trains the model and prints a line for each number of ratings."""
    options = parse()
    data = load(options.data)
    model = model_named(options.model)().fit(data.ratings)
    ids: list[Id] = model.items_.ids.tolist()
    genres = [set(data.catalog[item_id].genres) for item_id in ids]
    by_count = np.argsort(-model.item_counts_, kind="stable").tolist()
    known = set().union(*genres)
    for n in GIVEN:
        found = []
        for liked, disliked in PAIRS:
            if not {liked, disliked} <= known:
                continue
            person: dict[Id, float] = {}
            for genre, other, stars in (
                (liked, disliked, model.scale_.highest),
                (disliked, liked, model.scale_.lowest),
            ):
                of = [item for item in by_count if genre in genres[item]]
                alone = [item for item in of if other not in genres[item]]
                person |= {ids[item]: stars for item in alone[:n]}
            profile = model.profile(person)
            scores = model.scores(profile, options.taste)
            scores[profile.item_index] = -np.inf
            listed = np.argsort(-scores, kind="stable")[:LENGTH].tolist()
            counts = [sum(genre in genres[item] for item in listed) for genre in (liked, disliked)]
            found.append([*counts, model.item_counts_[listed].min()])
        table = np.array(found)
        print(
            f"{n:2} loved and {n:2} disliked: {table[:, 0].mean():.1f} of the liked genre, "
            f"{table[:, 1].mean():.1f} of the disliked one; fewest ratings {table[:, 2].min()}"
        )


if __name__ == "__main__":
    main()
