"""Everything that a report says, before it becomes a page."""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from matinee._version import __version__
from matinee.errors import MatineeError
from matinee.models.base import Recommender
from matinee.models.hyperparameters import SettingValue
from matinee.progress import Progress
from matinee.recommendation.guide import Guide
from matinee.report.examples import Example, Mistakes, examples, mistakes
from matinee.report.findings import Findings, findings
from matinee.report.glossary import GLOSSARY, about_model, citations, cite_matinee, license_of
from matinee.report.quality import Quality, measure
from matinee.report.training_data import TrainingData, training_data
from matinee.text import counted

NOT_MEASURED = (
    "The quality was not measured for this page, as measuring trains another model with the same "
    "settings. To measure it, make the page without --no-measure."
)
NO_HISTORY = (
    "The quality cannot be measured, as this file was saved without histories (who rated what). "
    "'matinee evaluate DATA' measures it from the ratings."
)


class Setting(NamedTuple):
    """One hyperparameter of the model."""

    name: str
    value: SettingValue
    is_default: bool
    help: str


@dataclass(frozen=True, eq=False)
class Content:
    """The parts of a report.

    Attributes:
        quality: the measured quality, or a sentence that says why there is none.
        examples: empty for a file without histories.
        mistakes: None if the quality was not measured, or the model predicts no stars.
    """

    guide: Guide
    data: TrainingData
    quality: Quality | str
    findings: Findings
    examples: list[Example]
    mistakes: Mistakes | None

    @property
    def model(self) -> Recommender:
        """The model of the file."""
        return self.guide.model

    @property
    def measured(self) -> Quality | None:
        """The measured quality, if there is any."""
        if isinstance(self.quality, str):
            return None
        return self.quality

    def summary(self) -> str:
        """The whole report in a paragraph."""
        lines = [f"This page is about a film recommender. It learned from {self._source()}."]
        if self.model.has_stars:
            lines.append(
                "It predicts how many stars a person would give a film that they have not rated."
            )
        else:
            lines.append(
                "It ranks films for a person, but does not predict how many stars they would give."
            )
        if self.measured is not None and self.measured.errors:
            mean, model = self.measured.errors[0], self.measured.errors[-1]
            lowest, highest, _ = self.model.scale_
            lines.append(
                f"On average, it is off by {model.mae.value:.2f} stars on a scale from "
                f"{lowest:g} to "
                f"{highest:g}; predicting the mean for every film would be off by "
                f"{mean.mae.value:.2f}."
            )
        if self.data.note:
            lines.append(self.data.note)
        return " ".join(lines)

    def _source(self) -> str:
        data = self.data
        people = counted(data.n_users, "person", "people")
        films = counted(data.n_items, "film")
        if data.has_stars:
            source = f"{counted(data.n_ratings, 'rating')} that {people} gave to {films}"
        else:
            source = f"{counted(data.n_ratings, 'pair')} of a person and a film ({people}, {films})"
        if license_of(data.name):
            source += f" (data set {data.name})"
        return source

    def settings(self) -> list[Setting]:
        """The hyperparameters except the seed, in the order of their declaration."""
        values = self.model.settings()
        settings = []
        for hyper in self.model.hypers():
            if hyper.name != "seed":
                value = values[hyper.name]
                settings.append(Setting(hyper.name, value, value == hyper.default, hyper.help))
        return settings

    def learning(self) -> str:
        """The course of the training in a sentence; empty if the model does not train in
        epochs."""
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
        """Whether it contains ids of users and their ratings."""
        return bool(self.examples)

    @property
    def has_reasons(self) -> bool:
        """Whether any recommended film has a reason."""
        return any(item.why for example in self.examples for item in example.recommended)

    def glossary(self) -> list[tuple[str, str]]:
        """The terms that this report uses, and what they mean."""
        measured = self.measured
        has_errors = measured is not None and bool(measured.errors)
        has_ranking = measured is not None and bool(measured.ranking)
        has_biases = not isinstance(self.findings.best, str)
        used = {
            "Rating, stars": self.data.has_stars,
            "Training and test part": measured is not None,
            "MAE": has_errors,
            "RMSE": has_errors or "RMSE" in self.learning(),
            "95% interval": measured is not None or has_biases,
            "Bias": has_biases,
            "Component": not isinstance(self.findings.components, str),
            "Calibrated": has_errors,
            "NDCG@10, recall@20, hit rate@10": has_ranking,
        }
        return [(term, meaning) for term, meaning in GLOSSARY if used[term]]

    def to_dict(self) -> dict[str, Any]:
        """Converts to plain values, for JSON: all numbers, rankings and sentences, no pictures."""
        name = self.data.name
        quality: dict[str, Any] = {"note": self.quality}
        if self.measured is not None:
            quality = self.measured.to_dict()
        mistakes = None
        if self.mistakes is not None:
            mistakes = asdict(self.mistakes)
        return {
            "summary": self.summary(),
            "data": self.data.to_dict(),
            "model": {
                "name": self.model.name,
                "about": about_model(self.model),
                "settings": {setting.name: setting.value for setting in self.settings()},
                "seed": self.model.seed,
                "learning": self.learning(),
                "trained_by": self.guide.origin.version,
            },
            "quality": quality,
            "learnt": self.findings.to_dict(),
            "examples": [example.to_dict() for example in self.examples],
            "mistakes": mistakes,
            "citations": {
                "data": citations(name),
                "licence": license_of(name),
                "matinee": cite_matinee(),
            },
            "glossary": dict(self.glossary()),
            "version": __version__,
        }


def collect(
    guide: Guide,
    *,
    is_measured: bool = True,
    n_threads: int | None = None,
    progress: Progress | None = None,
) -> Content:
    """Everything that a report says about a model; the same file gives the same content.

    Args:
        is_measured: whether to measure the quality, by training another model with the same
            settings.
        n_threads: None means all cores; it changes no number.
        progress: called after each step of that training.
    """
    history = guide.model.history_
    ratings = None if history.is_empty else history.to_ratings()
    quality: Quality | str = NOT_MEASURED
    if ratings is None:
        quality = NO_HISTORY
    elif is_measured:
        try:
            known = history.to_training_ratings()
            quality = measure(guide.model, known, n_threads=n_threads, progress=progress)
        except MatineeError as error:
            quality = f"The quality could not be measured: {error}"
    worst = None
    if isinstance(quality, Quality):
        worst = mistakes(quality, guide.catalog)
    return Content(
        guide=guide,
        data=training_data(guide, ratings),
        quality=quality,
        findings=findings(guide),
        examples=examples(guide),
        mistakes=worst,
    )
