"""Writes docs/gallery.md and its figures; the lines of Python on the page are the lines that draw them."""

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

Every figure that matinee draws, here from the built-in sample. Each function returns the matplotlib `Axes`, to be
changed or saved: `plots.save_figure(axes, "figure.pdf")` writes PNG, SVG or PDF, `plots.as_svg(axes, "title")` gives
an `<svg>` element for a page, which takes its colours from the page and so suits a dark one too. What colour says,
a dash, a marker or a place says as well: all figures can be read in black and white.

Made by `python docs/make_gallery.py`. All figures begin with these lines:
"""


class Picture(NamedTuple):
    """One figure of the page; `code` leaves it in `axes`."""

    name: str
    heading: str
    text: str
    code: str


PICTURES = (
    Picture(
        "rating-histogram",
        "How many stars people give",
        "The share of the ratings at each step of the scale; the triangle stands at the mean. Whole stars are more "
        "frequent than half ones, because some people never give half stars.",
        "axes = plots.rating_histogram(data.ratings.value, data.ratings.scale)",
    ),
    Picture(
        "long-tail",
        "How unevenly films are rated",
        "The further the curve bends away from the dashed line, the fewer films hold most of the ratings, and the less "
        "there is to learn about the others. In the sample it bends little, in most real data much more.",
        "axes = plots.long_tail(data.ratings.item_counts)",
    ),
    Picture(
        "learning-curves",
        "How a training went",
        "The error by epoch on the ratings that are trained on, and on others. Where the two part, the model begins to "
        "learn by heart; the ring marks the epoch that predicts best.",
        "axes = plots.learning_curves(model)",
    ),
    Picture(
        "predicted-against-true",
        "Predictions against the truth",
        "For each true rating, the middle half of its predictions is in the box, 90% are between the ends of the "
        "line, and the wider the box, the more ratings. Good predictions climb; all of them are drawn towards the "
        "mean, since nobody's taste can be known fully.",
        "axes = plots.predicted_against_true(test.value, predicted)",
    ),
    Picture(
        "calibration",
        "Whether four stars mean four stars",
        "Where about 4 stars were predicted, the ratings should be 4 on average: the points should lie on the dashed "
        "line, but for their 95% intervals. Below, how often each prediction is made.",
        "axes = plots.calibration(test.value, predicted)",
    ),
    Picture(
        "residuals-users",
        "People with few ratings and with many",
        "Above, the error by how many ratings the model had of a person; below, whether it predicted too much or too "
        "little. The lines are 95% intervals.",
        "known = train.user_counts[test.user_index]\n"
        'axes = plots.residuals(known, predicted - test.value, "training ratings of the person")',
    ),
    Picture(
        "residuals-films",
        "Films with few ratings and with many",
        "The same by the number of ratings of the film: the more are known, the smaller the error.",
        "known = train.item_counts[test.item_index]\n"
        'axes = plots.residuals(known, predicted - test.value, "training ratings of the film")',
    ),
    Picture(
        "bias-ranking",
        "Films that are liked, whoever watches them",
        "How many stars the typical person gives a film beyond the average rating, with the 95% interval and the "
        "number of ratings. A mean rating is higher where generous people watch; this is not.",
        "lines = analysis.bias_ranking(guide) + analysis.bias_ranking(guide, lowest=True)\n"
        "axes = plots.bias_ranking(lines)",
    ),
    Picture(
        "component-ends",
        "What tastes differ in",
        "The direction in which the films differ most, to the people who rate them, and the films farthest out on "
        "both sides. The sentence says what goes with it.",
        "axes = plots.component_ends(analysis.components(guide)[0])",
    ),
    Picture(
        "film-map",
        "A map of the films",
        "Films that the same people like lie near each other; larger dots have more ratings. Colour and shape are the "
        "main genre, which the model never saw.",
        "axes = plots.film_map(make_map(guide))",
    ),
    Picture(
        "schedule",
        "A learning-rate schedule",
        "The learning rate of every step, and Adam's momentum where it changes.",
        'plan = make_schedule(ScheduleSettings("one-cycle", 0.005), epochs=5, steps_per_epoch=100)\n'
        'axes = plots.schedule(plan, 100, "one-cycle")',
    ),
    Picture(
        "learning-rates",
        "Which learning rate to take",
        "The loss while the learning rate rises: it falls as long as the rate is good, and explodes where it is too "
        "high. The dashed line is the suggestion.",
        'found = matinee.lr_find(matinee.DotProduct(schedule="constant"), train)\naxes = plots.learning_rates(found)',
    ),
)


REPORT = """## The report

`matinee report` puts them on one page that needs no network. Its top for an ML-100K model, light and
dark, made by `make_report_pictures.py`:

![the report](figures/report-light.png)
![the report in the dark](figures/report-dark.png)
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
