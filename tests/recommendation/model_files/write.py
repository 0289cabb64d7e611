"""Writes a small model file of every model, and what each answers, for later versions to read.

    python -m tests.recommendation.model_files.write FOLDER

Run once for each version of the format; `tests/test_old_files.py` opens what is in this folder.
"""

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file

from matinee.data.catalog import Catalog, Film
from matinee.data.features import Features
from matinee.data.ratings import PAIRS, Ratings
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import UnsupportedError
from matinee.models import model_named
from matinee.models.base import Recommender
from matinee.models.neural.network import Network
from matinee.recommendation.model_file import Origin, load_model, save_model
from tests.conftest import simulated

if TYPE_CHECKING:
    from torch import nn

NEURAL = {"factors": 3, "epochs": 2, "batch_size": 32}
BAYES: dict[str, Any] = {"factors": 3, "samples": 12, "burn_in": 4, "kept": 4, "set_rank": 4}
SETTINGS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "popularity": {},
    "mf": {"factors": 4, "epochs": 8},
    "bayes": BAYES,
    "bayes-probit": BAYES | {"likelihood": "probit"},
    "user-knn": {},
    "user-knn-cosine": {"similarity": "cosine"},
    "item-knn": {"kept": 12},
    "ials": {"factors": 4, "epochs": 3, "weights": "log"},
    "ease": {"entries": 8},
    "dot-product": NEURAL,
    "mlp": NEURAL | {"hidden": "5,4", "device": "cpu"},
    "plain-mf": NEURAL,
    "blend": {"models": "mf,item-knn,bayes", "holdout": 0.4, "mf.factors": 4, "item-knn.kept": 12}
    | {f"bayes.{name}": value for name, value in BAYES.items()},
    "blend-ranks": {
        "models": "ials,ease,popularity",
        "holdout": 0.4,
        "ials.factors": 4,
        "ease.entries": 8,
    },
    "hybrid": {"mf.factors": 4, "ials.factors": 4, "ials-all.factors": 4, "ease.entries": 8},
    "baseline-texts": {},
    "mf-bare": {"factors": 4, "epochs": 8},
    "item-knn-bare": {"kept": 12},
    "ials-pairs": {"factors": 4, "epochs": 3},
    "network": {"epochs": 2, "batch_size": 32, "device": "cpu"},
}
"""By the name of the file: the model's own, and after a dash what is special."""


def network_module() -> "nn.Module":
    """The module of the file `network.matinee`."""
    import torch
    from torch import nn

    class Tiny(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.users, self.items = nn.Embedding(40, 3), nn.Embedding(25, 3)

        def forward(self, user_index: torch.Tensor, item_index: torch.Tensor) -> torch.Tensor:
            stars: torch.Tensor = 3 + (self.users(user_index) * self.items(item_index)).sum(dim=1)
            return stars

    torch.manual_seed(0)
    return Tiny()


def table(name: str = "") -> Ratings:
    """400 ratings with times and features; with texts as ids, or without stars, where the name asks for it."""
    plain = simulated(40, 25, 400)
    if name.endswith("-texts"):
        users = Vocabulary([f"zoé {user:02}" for user in range(plain.n_users)], "user")
        return replace(
            plain, users=users, items=Vocabulary([f"tt{item:03}" for item in range(25)], "item")
        )
    if name.endswith("-pairs"):
        return replace(plain, value=np.ones(len(plain), np.float32), scale=PAIRS, timestamp=None)
    rng = np.random.default_rng(1)
    ages = Features.of(
        [[f"age: {number}"] for number in rng.integers(3, size=plain.n_users).tolist()]
    )
    genres = Features.of(
        [[f"genre: {number}"] for number in rng.integers(4, size=plain.n_items).tolist()]
    )
    return replace(plain, user_features=ages, item_features=genres)


def unfitted(name: str) -> Recommender:
    """The model of a file before it is trained."""
    if name == "network":
        return Network(module=network_module(), **SETTINGS[name])
    special = ("-probit", "-cosine", "-ranks", "-texts", "-bare", "-pairs")
    model = next((name.removesuffix(end) for end in special if name.endswith(end)), name)
    return model_named(model).from_settings(SETTINGS[name])


def answers(model: Recommender, ratings: Ratings) -> dict[str, Any]:
    """What a model is asked, or the words with which it refuses."""
    user, item = model.users_.id(3), model.items_.id(5)
    new = {model.items_.id(0): ratings.scale.highest, model.items_.id(7): ratings.scale.lowest}
    asked: dict[str, Callable[[], Any]] = {
        "predictions": lambda: model.predict_ratings(
            ratings.subset(np.arange(0, len(ratings), 4))
        ).tolist(),
        "scores": lambda: model.attributed(user).tolist(),
        "newcomer": lambda: model.attributed(new).tolist(),
        "list": lambda: _listed(model, user),
        "similar": lambda: [[one.item_id, one.score] for one in model.similar(item, 100)],
        "parts": lambda: [np.asarray(part).tolist() for part in model.parts(new, item)[1]],
    }
    return {name: _answer(question) for name, question in asked.items()}


def _listed(model: Recommender, user: Id) -> list[Id]:
    """The list of a user; without the caution, which the versions before did not have."""
    listed = [one.item_id for one in model.recommend(user, 100)]
    if model.ranks_by_stars:
        stars = dict(zip(model.items_.ids.tolist(), model.all_stars(user).tolist(), strict=True))
        listed.sort(key=lambda item_id: (-stars[item_id], model.items_.index(item_id)))
    return listed


def _answer(question: Callable[[], Any]) -> Any:
    try:
        return question()
    except UnsupportedError as error:
        return str(error)


def digests(path: Path) -> dict[str, str]:
    """Of each tensor in a file, with its kind and shape."""
    return {
        name: f"{array.dtype} {list(array.shape)} {hashlib.sha256(array.tobytes()).hexdigest()[:16]}"
        for name, array in sorted(load_file(path).items())
    }


def main(folder: Path) -> None:
    """Writes all files and `answers.json`."""
    told = {}
    for name in SETTINGS:
        ratings = table(name)
        model = unfitted(name).fit(ratings, n_threads=1)
        films = {
            item: Film(f"Film {item}", 1990 + place, ("Drama",))
            for place, item in enumerate(ratings.items.ids)
        }
        path = folder / f"{name}.matinee"
        save_model(
            path, model, Catalog(films), Origin("simulated", len(ratings), "", "bare" not in name)
        )
        loaded = load_model(path, network_module() if name == "network" else None)[0]
        told[name] = {"answers": answers(loaded, ratings), "tensors": digests(path)}
        print(f"{name}: {path.stat().st_size:,} bytes")
    (folder / "answers.json").write_text(json.dumps(told, separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
