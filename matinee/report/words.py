"""The glossary of the report, what each model does, and what to cite."""

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
    (
        "Rating, stars",
        "What a person gave a film, on the scale of the data. All errors on this page are in stars too.",
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
    """What a model does, in a sentence or two; for a model that is new here, what its class says of itself."""
    told = MODEL_WORDS.get(model.name) or (type(model).__doc__ or "").strip().split("\n")[0]
    weights = weights_of(model)
    return f"{told} Here that is {in_words(weights)}." if weights else told


def citations(dataset: str) -> list[str]:
    """What to cite for the data; empty unless it is a published data set."""
    return [entry.citation for entry in ENTRIES if entry.citation and dataset in (entry.name, entry.folder)]


def license_of(dataset: str) -> str:
    """The terms of use of the data; empty unless it is a published data set."""
    for entry in ENTRIES:
        if dataset in (entry.name, entry.folder):
            return entry.licence
    return ""


def cite_matinee() -> str:
    """How to cite the library."""
    return f"The matinee developers. matinee, version {__version__}: film recommendations people can trust. Software."


def counted(n: int, one: str, many: str = "") -> str:
    """1 film, 2 films; 1 person, 2 people."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def share(part: float) -> str:
    """A part as people say it: 6.3%, 34%, less than 0.1%."""
    if 0 < part < 0.001:
        return "less than 0.1%"
    return f"{part:.1%}" if 0 < part < 0.1 else f"{part:.0%}"


def span(low: float, high: float) -> str:
    """1 to 20; 7 where both ends are the same."""
    return f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"
