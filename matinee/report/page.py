"""The report as a self-contained HTML page: styles and figures inside, no script, no
network."""

from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from matinee import plots
from matinee._types import Floats
from matinee._version import __version__
from matinee.analysis import BiasLine, Component
from matinee.plots.figure import figure_of, without_glyph_warnings
from matinee.report.content import Content
from matinee.report.findings import Findings
from matinee.report.glossary import about_model, citations, cite_matinee, license_of
from matinee.report.html import asset, render, save_html
from matinee.report.quality import Quality

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
    # The page draws titles in its own fonts, not in matplotlib's
    with without_glyph_warnings():
        pictures = _pictures(content)
    name = content.data.name
    return render(
        "report.html",
        content=content,
        quality=content.measured,
        findings=content.findings,
        pictures=pictures,
        css=Markup(asset("report.css")),
        about=about_model(content.model),
        glossary=content.glossary(),
        data_citations=citations(name),
        license=license_of(name),
        matinee_citation=cite_matinee(),
        version=__version__,
    )


def _pictures(content: Content) -> dict[str, Markup | list[Markup]]:
    """The figures by name, without those of parts that the model lacks."""
    model, data, measured = content.model, content.data, content.measured
    pictures: dict[str, Markup | list[Markup]] = {}
    if data.whole is not None and data.has_stars:
        axes = plots.rating_histogram(model.history_.value, model.scale_)
        pictures["histogram"] = _narrow_svg(axes, "How often each rating was given")
    axes = plots.long_tail(model.item_counts_)
    pictures["long_tail"] = _narrow_svg(
        axes, "The share of the ratings that the most rated films have"
    )
    if content.learning():
        trained = model
        if measured is not None:
            trained = measured.model
        axes = plots.learning_curves(trained)
        pictures["learning"] = _narrow_svg(axes, "Error after each pass over the ratings")
    if measured is not None and measured.predicted is not None:
        pictures |= _quality_pictures(measured, measured.predicted)
    return pictures | _findings_pictures(content.findings)


def _quality_pictures(quality: Quality, predicted: Floats) -> dict[str, Markup]:
    train, test = quality.part.train, quality.part.test
    errors = predicted - test.value
    user_counts = train.user_counts[test.user_index]
    item_counts = train.item_counts[test.item_index]
    boxes = plots.predicted_against_true(test.value, predicted)
    calibration = plots.calibration(test.value, predicted)
    by_activity = plots.residuals(user_counts, errors, "ratings of the person")
    by_popularity = plots.residuals(item_counts, errors, "ratings of the film")
    return {
        "predicted": _narrow_svg(boxes, "Predicted stars by true stars"),
        "calibration": _narrow_svg(calibration, "True stars by predicted stars"),
        "by_activity": _narrow_svg(by_activity, "Error by number of ratings of the person"),
        "by_popularity": _narrow_svg(by_popularity, "Error by number of ratings of the film"),
    }


def _findings_pictures(findings: Findings) -> dict[str, Markup | list[Markup]]:
    pictures: dict[str, Markup | list[Markup]] = {}
    if not isinstance(findings.best, str) and findings.best:
        pictures["best"] = _bias_picture(
            findings.best, findings.unit, "The best liked films by bias"
        )
    if not isinstance(findings.worst, str) and findings.worst:
        pictures["worst"] = _bias_picture(
            findings.worst, findings.unit, "The least liked films by bias"
        )
    if not isinstance(findings.components, str):
        pictures["components"] = [
            _component_picture(component) for component in findings.components
        ]
    if not isinstance(findings.film_map, str):
        axes = plots.film_map(findings.film_map)
        pictures["map"] = Markup(plots.as_svg(axes, "A map of the films"))
    return pictures


def _bias_picture(lines: list[BiasLine], unit: str, title: str) -> Markup:
    axes = plots.bias_ranking(lines)
    if unit == "stars":
        axes.set_xlabel("bias, in stars")
    else:
        axes.set_xlabel("bias, before the sigmoid")
    return _narrow_svg(axes, title)


def _component_picture(component: Component) -> Markup:
    axes = plots.component_ends(component)
    axes.set_title("", loc="left")  # the sentence is below the figure
    return _narrow_svg(axes, component.sentence())


def _narrow_svg(axes: "Axes", title: str, inches: float = 5.0) -> Markup:
    """A figure for a column of the page, narrower than drawn so that its text stays
    readable."""
    figure = figure_of(axes)
    width, height = figure.get_size_inches()
    figure.set_size_inches(inches, height * (inches / width) ** 0.5)
    return Markup(plots.as_svg(axes, title))
