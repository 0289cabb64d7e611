"""The glossary of the report, what each model does, and what to cite."""

from matinee._version import __version__
from matinee.data.datasets.registry import ENTRIES
from matinee.models.base import Recommender
from matinee.models.members import in_words

GLOSSARY = (
    (
        "Rating, stars",
        "What a person gave a film, on the scale of the data. All errors on this page "
        "are in stars too.",
    ),
    (
        "Training and test part",
        "The model learns from the training part and is tested on the test part, ratings that it "
        "has never seen. A model can memorize what it has seen; only the test part shows whether "
        "it learned anything general.",
    ),
    (
        "MAE",
        "Mean absolute error: how many stars the predictions are off on average. 0 is perfect.",
    ),
    (
        "RMSE",
        "Root mean squared error: like the MAE, but one large error counts more than several small "
        "ones. It is never below the MAE.",
    ),
    (
        "95% interval",
        "With other people of the same kind, the figure would be slightly different. In 95 of 100 "
        "cases, an interval computed like this contains the value for all such people. It says "
        "nothing about other kinds of people or other films.",
    ),
    (
        "Bias",
        "What remains of a mean after accounting for the other side. A film's bias says how much "
        "the people who rated it like it, allowing for how generous they are. A person's bias says "
        "how generous they are, allowing for which films they rated. Zero is average.",
    ),
    (
        "Component",
        "The numbers that describe the films, rotated so that the first one separates the films "
        "most, the second one separates them most in what remains, and so on. The genres and "
        "decades that describe a component are found afterwards, from its films.",
    ),
    (
        "Calibrated",
        "Predictions can be taken literally: films predicted at 4 stars are rated 4 on average.",
    ),
    (
        "NDCG@10, recall@20, hit rate@10",
        "Measures of a ranking, from 0 to 1; higher is better. NDCG@10: are liked films among the "
        "first ten, and near the top? Recall@20: what share of the liked films is among the first "
        "twenty? Hit rate@10: what share of the people have at least one liked film among their "
        "first ten?",
    ),
)


def about_model(model: Recommender) -> str:
    """What a model does, in a sentence or two."""
    weights = model.member_weights()
    return f"{model.summary} Weights: {in_words(weights)}." if weights else model.summary


def citations(dataset: str) -> list[str]:
    """What to cite for the data; empty unless it is a published data set."""
    return [
        entry.citation
        for entry in ENTRIES
        if entry.citation and dataset in (entry.name, entry.folder)
    ]


def license_of(dataset: str) -> str:
    """The terms of use of the data; empty unless it is a published data set."""
    for entry in ENTRIES:
        if dataset in (entry.name, entry.folder):
            return entry.license
    return ""


def cite_matinee() -> str:
    """How to cite the library."""
    return (
        f"The matinee developers. matinee, version {__version__}: film recommendations "
        "people can trust. Software."
    )
