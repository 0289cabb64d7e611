"""Writes docs/gallery.md and its figures; the Python code on the page is the code that draws them."""

from pathlib import Path
from typing import Any, NamedTuple

from matinee import plots

FOLDER = Path(__file__).parent

START = """\
import matinee
from matinee import analysis, plots
from matinee.analysis.film_map import make_map
from matinee.data.split import random_split
from matinee.training.schedules import ScheduleSettings, make_schedule

data = matinee.load("sample")
part = random_split(data.ratings, 0.2)
train, test = part.train, part.test
model = matinee.MatrixFactorization().fit(train, valid=test)
guide = matinee.Guide(model, data.catalog)
predicted = model.predict_ratings(test)
"""

INTRODUCTION = """\
# Gallery

This page shows every figure that matinee draws, for the built-in sample. Each function returns the
matplotlib `Axes`, which you can change or save: `plots.save_figure(axes, "figure.pdf")` writes PNG, SVG
or PDF, and `plots.as_svg(axes, "title")` returns an `<svg>` element for a page. That element takes its
colors from the page, so it also suits dark pages. Dashes, markers and positions repeat what colors
show, so all figures can be read in black and white.

This page is made by `python docs/make_gallery.py`. All figures start with these lines:
"""


class Picture(NamedTuple):
    """One figure of the page; `code` assigns it to `axes`."""

    name: str
    heading: str
    text: str
    code: str


PICTURES = (
    Picture(
        "rating-histogram",
        "How many stars people give",
        "The share of the ratings at each step of the scale; the triangle marks the mean. Whole stars are more "
        "frequent than half stars, because some people never give half stars.",
        "axes = plots.rating_histogram(data.ratings.value, data.ratings.scale)",
    ),
    Picture(
        "long-tail",
        "How unevenly films are rated",
        "The further the curve is from the dashed line, the fewer films have most of the ratings, and the less can be "
        "learned about the others. It is close in the sample, and much further away in most real data.",
        "axes = plots.long_tail(data.ratings.item_counts)",
    ),
    Picture(
        "learning-curves",
        "How a training went",
        "The error by epoch on the training ratings and on other ratings. Where the curves separate, the model starts "
        "to memorize; the ring marks the epoch with the best predictions.",
        "axes = plots.learning_curves(model)",
    ),
    Picture(
        "predicted-against-true",
        "Predictions against the truth",
        "For each true rating, the box contains the middle half of its predictions, and the line 90% of them; a wider "
        "box stands for more ratings. Good predictions rise with the true ratings, but less steeply, since nobody's "
        "taste is fully known.",
        "axes = plots.predicted_against_true(test.value, predicted)",
    ),
    Picture(
        "calibration",
        "Whether four stars mean four stars",
        "Films predicted at about 4 stars should be rated 4 on average: up to their 95% intervals, the points should "
        "be on the dashed line. The histogram below shows how frequent the predictions are.",
        "axes = plots.calibration(test.value, predicted)",
    ),
    Picture(
        "residuals-users",
        "People with few and with many ratings",
        "Above, the error by the number of ratings that the model had of a person; below, whether its predictions were "
        "too high or too low. The lines are 95% intervals.",
        "known = train.user_counts[test.user_index]\n"
        'axes = plots.residuals(known, predicted - test.value, "training ratings of the person")',
    ),
    Picture(
        "residuals-films",
        "Films with few and with many ratings",
        "The same by the number of ratings of the film: the more ratings, the smaller the error.",
        "known = train.item_counts[test.item_index]\n"
        'axes = plots.residuals(known, predicted - test.value, "training ratings of the film")',
    ),
    Picture(
        "bias-ranking",
        "Films that people like, whoever they are",
        "How many stars a typical person gives a film above or below the average rating, with the 95% interval and the "
        "number of ratings. Unlike the mean rating, this bias does not depend on how generous the raters are.",
        "lines = analysis.bias_ranking(guide) + analysis.bias_ranking(guide, lowest=True)\n"
        "axes = plots.bias_ranking(lines)",
    ),
    Picture(
        "component-ends",
        "How tastes differ",
        "The direction in which the films differ most for the people who rate them, with the films at both ends. The "
        "title names the genres and decades that it separates.",
        "axes = plots.component_ends(analysis.components(guide)[0])",
    ),
    Picture(
        "film-map",
        "A map of the films",
        "Films that the same people like are close together; larger dots have more ratings. Color and shape show the "
        "main genre, which the model never saw.",
        "axes = plots.film_map(make_map(guide))",
    ),
    Picture(
        "schedule",
        "A learning-rate schedule",
        "The learning rate of every step, and Adam's momentum if it changes.",
        'plan = make_schedule(ScheduleSettings("one-cycle", 0.005), epochs=5, steps_per_epoch=100)\n'
        'axes = plots.schedule(plan, 100, "one-cycle")',
    ),
    Picture(
        "learning-rates",
        "Which learning rate to use",
        "The loss while the learning rate rises: it falls while the rate is suitable and explodes when it is too "
        "high. The dashed line marks the suggested rate.",
        'found = matinee.lr_find(matinee.DotProduct(schedule="constant"), train)\naxes = plots.learning_rates(found)',
    ),
)


REPORT = """## The report

`matinee report` combines these figures on one page that needs no network. `make_report_pictures.py` took these
pictures of the top of the page for an ML-100K model, light and dark:

![the report](figures/report-light.png)
![the report in dark mode](figures/report-dark.png)
"""


def page() -> str:
    """The whole page as Markdown."""
    parts = [INTRODUCTION, f"```python\n{START}```\n"]
    for name, heading, text, code in PICTURES:
        parts += [
            f"## {heading}\n\n{text}\n",
            f"![{heading}](figures/gallery-{name}.svg)\n",
            f"```python\n{code}\n```\n",
        ]
    return "\n".join([*parts, REPORT])


def draw() -> None:
    """Runs the code of the page from top to bottom and writes each figure."""
    names: dict[str, Any] = {}
    exec(START, names)
    for picture in PICTURES:
        exec(picture.code, names)
        plots.save_figure(names["axes"], FOLDER / "figures" / f"gallery-{picture.name}.svg")


if __name__ == "__main__":
    (FOLDER / "gallery.md").write_text(page(), "utf-8")
    draw()
    print(f"written: gallery.md and {len(PICTURES)} figures")
