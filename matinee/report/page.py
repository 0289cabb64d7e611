"""The report as one page of HTML that needs nothing else: styles and figures inside, no script, no network."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from matinee import plots
from matinee._version import __version__
from matinee.insight import BiasLine, Component
from matinee.plots.canvas import without_glyph_warnings
from matinee.report.content import Content
from matinee.report.html import asset, render, save_html
from matinee.report.quality import Quality
from matinee.report.words import about_model, citations, cite_matinee, licence

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def save_page(content: Content, path: Path) -> None:
    """Writes the page; the same content gives the same bytes.

    Raises:
        SettingError: the name is not that of a page, or the file cannot be written.
    """
    save_html(page(content), path)


def page(content: Content) -> str:
    """The whole page as HTML."""
    with without_glyph_warnings():  # the page's own font draws titles in a script that matplotlib's lacks
        pictures = _pictures(content)
    name = content.data.name
    return render(
        "report.html",
        content=content,
        quality=None if isinstance(content.quality, str) else content.quality,
        learnt=content.learnt,
        pictures=pictures,
        css=Markup(asset("report.css")),
        about=about_model(content.model),
        glossary=content.glossary(),
        data_citations=citations(name),
        licence=licence(name),
        matinee_citation=cite_matinee(),
        version=__version__,
    )


def _pictures(content: Content) -> dict[str, Any]:
    """The figures by name; those of parts that the model lacks are missing."""
    model, found = content.model, content.learnt
    drawn: dict[str, Any] = {}
    if content.data.whole is not None and content.data.has_stars:
        histogram = plots.rating_histogram(model.history_.value, model.scale_)
        drawn["histogram"] = _svg(histogram, "How often each number of stars was given")
    drawn["long_tail"] = _svg(plots.long_tail(model.item_counts_), "How many of the ratings the films hold")
    measured = None if isinstance(content.quality, str) else content.quality
    if content.learning():
        learner = model if measured is None else measured.model
        drawn["learning"] = _svg(plots.learning_curves(learner), "Error after each pass over the ratings")
    if measured is not None and measured.predicted is not None:
        drawn |= _quality_pictures(measured)
    for name, lines in (("best", found.best), ("worst", found.worst)):
        if not isinstance(lines, str) and lines:
            drawn[name] = _svg(_biases(lines, found.unit), f"The {name} liked films by bias")
    if not isinstance(found.components, str):
        drawn["components"] = [_svg(_component(one), one.sentence()) for one in found.components]
    if not isinstance(found.film_map, str):
        drawn["map"] = _svg(plots.film_map(found.film_map), "A map of the films", 0)
    return drawn


def _biases(lines: list[BiasLine], unit: str) -> "Axes":
    axes = plots.bias_ranking(lines)
    axes.set_xlabel("bias, in stars" if unit == "stars" else "bias, before the sigmoid")
    return axes


def _component(one: Component) -> "Axes":
    """Without the title, for the sentence stands below the figure."""
    axes = plots.component_ends(one)
    axes.set_title("", loc="left")
    return axes


def _quality_pictures(quality: Quality) -> dict[str, Markup]:
    part, predicted = quality.part, quality.predicted
    assert predicted is not None  # else there is nothing to draw
    true, train, errors = part.test.value, part.train, predicted - part.test.value
    by_user, by_item = train.user_counts[part.test.user_index], train.item_counts[part.test.item_index]
    drawn = {
        "predicted": (plots.predicted_against_true(true, predicted), "Predicted stars for each number of true stars"),
        "calibration": (plots.calibration(true, predicted), "True stars for each number of predicted stars"),
        "by_activity": (plots.residuals(by_user, errors, "ratings of the person"), "Error by ratings of the person"),
        "by_popularity": (plots.residuals(by_item, errors, "ratings of the film"), "Error by ratings of the film"),
    }
    return {name: _svg(axes, title) for name, (axes, title) in drawn.items()}


def _svg(axes: "Axes", title: str, inches: float = 5.0) -> Markup:
    """A figure as part of the page, narrower than it was drawn so that its words can be read; 0 leaves it."""
    figure = axes.figure.canvas.figure
    width, height = figure.get_size_inches()
    if inches:
        figure.set_size_inches(inches, height * (inches / width) ** 0.5)
    return Markup(plots.as_svg(axes, title))
