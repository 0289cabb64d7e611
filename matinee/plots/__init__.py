"""One function per figure; each returns the matplotlib Axes it drew on, so that callers can add to it or save it.

Lines differ in dash and marker as well as in colour, so that the figures work in black and white.
"""

from matinee.plots.canvas import check_figure_name, save_figure
from matinee.plots.training import learning_curves, learning_rates, schedule

__all__ = ["check_figure_name", "learning_curves", "learning_rates", "save_figure", "schedule"]
