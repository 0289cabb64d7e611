"""The report's plain words: what each model does, the glossary, and whom to cite."""

from matinee._version import __version__
from matinee.datasets import ENTRIES
from matinee.models.base import Recommender
from matinee.models.blend import in_words, weights_of

GLOSSARY = (
    ("Rating, stars", "What a person gave a film, on the scale of the data. All errors here are in stars too."),
    (
        "Training and test part",
        "The model learns from the training part and is tested on ratings that it has never seen, the test part. "
        "Anything can be learnt by heart; only the test part says what was understood.",
    ),
    ("MAE", "Mean absolute error: by how many stars the predictions are off, on average. 0 is perfect."),
    (
        "RMSE",
        "Root mean squared error: like the MAE, but one large error counts for more than several small ones. It is "
        "never below the MAE.",
    ),
    (
        "95% interval",
        "Had other people of the same kind been asked, the figure would have come out a little different. In 95 of 100 "
        "cases an interval drawn like this holds the value that asking everybody would give. It says nothing about "
        "people of another kind, or about other films.",
    ),
    (
        "Bias",
        "What is left of a mean when the other side is taken out. A film's bias says how well it is liked by the "
        "people who rated it, allowing for how generous they are; a person's bias says how generous they are, allowing "
        "for which films they rated. Zero is average.",
    ),
    (
        "Component",
        "The numbers that describe the films, turned so that the first one separates films the most, the second one "
        "the most of what is left, and so on. The model was never told a genre or a year: a component means only what "
        "its films have in common.",
    ),
    (
        "Calibrated",
        "A prediction can be taken at its word: of the films that it gives 4 stars, the ratings average 4.",
    ),
    (
        "NDCG@10, recall@20, hit rate@10",
        "Measures of a ranking, from 0 to 1, higher is better. NDCG@10: are liked films among the first ten, and "
        "early? Recall@20: which part of the liked films is among the first twenty? Hit rate@10: how many people find "
        "at least one liked film among their first ten?",
    ),
)


def about_model(model: Recommender) -> str:
    """What a model does, in a sentence or two."""
    weights = weights_of(model)
    return f"{model.summary} Here that is {in_words(weights)}." if weights else model.summary


def citations(dataset: str) -> list[str]:
    """Whom to cite for the data; empty if its name is none of the published sets'."""
    return [one.citation for one in ENTRIES if one.citation and dataset in (one.name, one.folder)]


def licence(dataset: str) -> str:
    """What using the data asks of you; empty if its name is none of the published sets'."""
    return next((one.licence for one in ENTRIES if dataset in (one.name, one.folder)), "")


def cite_matinee() -> str:
    """How to cite the library."""
    return f"The matinee developers. matinee, version {__version__}: film recommendations people can trust. Software."
