"""One function per figure. Each returns the matplotlib Axes, to be changed or saved.

Lines differ in dash and marker as well as in color, so that the figures work in black and
white.
"""

from matinee.plots.analysis import bias_ranking, component_ends
from matinee.plots.film_map import film_map
from matinee.plots.output import as_svg, check_figure_name, save_figure
from matinee.plots.quality import calibration, predicted_against_true, residuals
from matinee.plots.ratings import long_tail, rating_histogram
from matinee.plots.training import learning_curves, learning_rates, schedule

__all__ = [
    "as_svg",
    "bias_ranking",
    "calibration",
    "check_figure_name",
    "component_ends",
    "film_map",
    "learning_curves",
    "learning_rates",
    "long_tail",
    "predicted_against_true",
    "rating_histogram",
    "residuals",
    "save_figure",
    "schedule",
]
