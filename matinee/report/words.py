"""The report's plain words: what each model does, the glossary, and whom to cite."""

from matinee._version import __version__
from matinee.datasets import ENTRIES
from matinee.models.base import Recommender
from matinee.models.blend import in_words, weights_of

MODEL_WORDS = {
    "baseline": (
        "It adds up three numbers: the mean of all ratings, how generous the person is, and how well liked the film "
        "is. It knows no tastes."
    ),
    "popularity": "It ranks films by how many people rated them: the same list for everybody, and no stars.",
    "mf": (
        "It describes every person's taste and every film by a row of numbers; where the two rows agree, it predicts "
        "more stars than the mean, the generosity of the person and the popularity of the film would give."
    ),
    "dot-product": (
        "It describes every person's taste and every film by a row of numbers, learnt in small steps as neural "
        "networks learn; where the two rows agree, it predicts more stars."
    ),
    "plain-mf": (
        "It describes every person's taste and every film by a short row of numbers and predicts stars from how well "
        "the two rows agree, and from nothing else."
    ),
    "mlp": (
        "It describes every person's taste and every film by a row of numbers, and a neural network turns a pair of "
        "rows into stars."
    ),
    "bayes": (
        "It draws many tables of tastes that explain the ratings about equally well and averages what they predict; "
        "how far they are apart tells how sure it is. Who rated what, and when, counts as well as the stars."
    ),
    "item-knn": (
        "It looks for films that the same people rated alike, and predicts stars from what the person gave to those."
    ),
    "user-knn": (
        "It looks for people whose ratings resemble the person's own, and predicts stars from what those gave the film."
    ),
    "ials": (
        "It describes every person and every film by a row of numbers, such that the rows agree where the person liked "
        "the film, and hardly anywhere else. It ranks, and predicts no stars."
    ),
    "ease": (
        "It gives every pair of films a weight: how much liking one of them says about the other, beyond what all "
        "other films say already. A film's score is the sum over what the person liked; it predicts no stars."
    ),
    "blend": (
        "It asks several other models and adds up their answers, each times a weight that it earned on ratings kept "
        "aside."
    ),
    "network": "It is a neural network of somebody's own, trained by matinee.",
}

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
    """What a model does, in a sentence or two; for a model that is new here, what its class says of itself."""
    told = MODEL_WORDS.get(model.name) or (type(model).__doc__ or "").strip().split("\n")[0]
    weights = weights_of(model)
    return f"{told} Here that is {in_words(weights)}." if weights else told


def citations(dataset: str) -> list[str]:
    """Whom to cite for the data; empty if its name is none of the published sets'."""
    return [one.citation for one in ENTRIES if one.citation and dataset in (one.name, one.folder)]


def licence(dataset: str) -> str:
    """What using the data asks of you; empty if its name is none of the published sets'."""
    return next((one.licence for one in ENTRIES if dataset in (one.name, one.folder)), "")


def cite_matinee() -> str:
    """How to cite the library."""
    return f"The matinee developers. matinee, version {__version__}: film recommendations people can trust. Software."
