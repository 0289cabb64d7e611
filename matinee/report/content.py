"""Everything that a report says, before it is set as a page."""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from matinee._version import __version__
from matinee.errors import MatineeError
from matinee.guide import Guide
from matinee.models.base import Recommender
from matinee.progress import Progress
from matinee.report.data import TheData, the_data
from matinee.report.examples import Example, Mistakes, examples, mistakes
from matinee.report.learnt import Learnt, learnt
from matinee.report.quality import Quality, measure
from matinee.report.words import GLOSSARY, about_model, citations, cite_matinee, licence
from matinee.text import counted

NOT_MEASURED = (
    "The quality was not measured for this page. Measuring trains a model of the same settings anew; make the page "
    "without --no-measure to get it."
)
NO_HISTORY = (
    "This file was saved without who rated what, so there is nothing to measure on. "
    "'matinee evaluate DATA' measures on the ratings themselves."
)


class Setting(NamedTuple):
    """One hyperparameter of the model."""

    name: str
    value: Any
    is_default: bool
    help: str


@dataclass(frozen=True, eq=False)
class Content:
    """The parts of a report.

    Attributes:
        quality: what was measured, or the sentence that says why nothing was.
        examples: empty for a file without histories.
        mistakes: None where nothing was measured, or the model predicts no stars.
    """

    guide: Guide
    data: TheData
    quality: Quality | str
    learnt: Learnt
    examples: list[Example]
    mistakes: Mistakes | None

    @property
    def model(self) -> Recommender:
        """The model of the file."""
        return self.guide.model

    def summary(self) -> str:
        """The whole report in a paragraph."""
        data, model = self.data, self.model
        lines = [
            f"This page is about a recommender of films. It learnt from {self._source()}"
            f"{f' (the data set {data.name})' if licence(data.name) else ''}."
        ]
        if not model.has_stars:
            lines.append("It puts films into an order for somebody; how many stars they would give it does not say.")
        elif isinstance(self.quality, str):
            lines.append("It predicts how many stars a person would give a film that they have not rated yet.")
        else:
            mean, mine = self.quality.errors[0], self.quality.errors[-1]
            lowest, highest, _ = model.scale_
            lines.append(
                "It predicts how many stars a person would give a film that they have not rated yet, and is off by "
                f"{mine.mae.value:.2f} stars on average, on a scale from {lowest:g} to {highest:g}; giving "
                f"every film the mean would be off by {mean.mae.value:.2f}."
            )
        if data.note:
            lines.append(data.note)
        return " ".join(lines)

    def _source(self) -> str:
        people, films = counted(self.data.n_users, "person", "people"), counted(self.data.n_items, "film")
        if self.data.has_stars:
            return f"{counted(self.data.n_ratings, 'rating')} that {people} gave {films}"
        return f"who has what: {counted(self.data.n_ratings, 'pair')} of {people} and {films}"

    def settings(self) -> list[Setting]:
        """The hyperparameters but for the seed, in the order of their declaration."""
        values = self.model.settings()
        return [
            Setting(one.name, values[one.name], values[one.name] == one.default, one.help)
            for one in self.model.hypers()
            if one.name != "seed"
        ]

    def learning(self) -> str:
        """What the training did, epoch by epoch, in a sentence; empty if the model does not learn in epochs."""
        curve = self.model.curve_
        if curve is None or len(curve) == 0:
            return ""
        unit = "ratings" if self.model.scale_.has_stars else "pairs"
        return (
            f"Training went over all {unit} {counted(len(curve), 'time')}; its error on them "
            f"({curve.loss}) went from {curve.train[0]:.3f} to {curve.train[-1]:.3f}."
        )

    @property
    def names_people(self) -> bool:
        """Whether ids of users stand in it, and ratings of theirs."""
        return bool(self.examples)

    @property
    def has_reasons(self) -> bool:
        """Whether a sentence stands below any recommended film."""
        return any(pick.why for one in self.examples for pick in one.picks)

    def glossary(self) -> list[tuple[str, str]]:
        """The words that this report uses, and what they mean."""
        is_measured = not isinstance(self.quality, str)
        has_errors = not isinstance(self.quality, str) and bool(self.quality.errors)
        has_ranking = not isinstance(self.quality, str) and bool(self.quality.ranking)
        has_biases = not isinstance(self.learnt.best, str)
        unused = {
            "Rating, stars": not self.data.has_stars,
            "Training and test part": not is_measured,
            "MAE": not has_errors,
            "RMSE": not has_errors and "RMSE" not in self.learning(),
            "95% interval": not is_measured and not has_biases,
            "Bias": not has_biases,
            "Component": isinstance(self.learnt.components, str),
            "Calibrated": not has_errors,
            "NDCG@10, recall@20, hit rate@10": not has_ranking,
        }
        return [(word, meaning) for word, meaning in GLOSSARY if not unused.get(word, False)]

    def to_dict(self) -> dict[str, Any]:
        """For JSON: all numbers, rankings and sentences, no pictures."""
        name = self.data.name
        measured = {"note": self.quality} if isinstance(self.quality, str) else self.quality.to_dict()
        return {
            "summary": self.summary(),
            "data": self.data.to_dict(),
            "model": {
                "name": self.model.name,
                "about": about_model(self.model),
                "settings": {one.name: one.value for one in self.settings()},
                "seed": self.model.seed,
                "learning": self.learning(),
                "trained_by": self.guide.origin.version,
            },
            "quality": measured,
            "learnt": self.learnt.to_dict(),
            "examples": [asdict(one) for one in self.examples],
            "mistakes": None if self.mistakes is None else asdict(self.mistakes),
            "citations": {"data": citations(name), "licence": licence(name), "matinee": cite_matinee()},
            "glossary": dict(self.glossary()),
            "version": __version__,
        }


def collect(
    guide: Guide, *, is_measured: bool = True, n_threads: int | None = None, progress: Progress | None = None
) -> Content:
    """All that a report says of a model; the same file gives the same content.

    Args:
        is_measured: whether to train a model of the same settings anew to measure how good it is.
        n_threads: None means all cores; changes no number.
        progress: called after each step of that training.
    """
    history = guide.model.history_
    ratings = None if history.is_empty else history.to_ratings()
    quality: Quality | str = NOT_MEASURED
    if ratings is None:
        quality = NO_HISTORY
    elif is_measured:
        try:
            quality = measure(guide.model, ratings, n_threads=n_threads, progress=progress)
        except MatineeError as error:
            quality = f"The quality could not be measured here: {error}"
    return Content(
        guide,
        the_data(guide, ratings),
        quality,
        learnt(guide),
        examples(guide),
        None if isinstance(quality, str) else mistakes(quality, guide.catalogue),
    )
