"""Draws the figures of docs/tutorials.md from real schedules, a real range test and a real training, on the sample."""

from pathlib import Path

import matinee
from matinee import plots
from matinee.data.split import random_split
from matinee.training.schedules import SCHEDULES, ScheduleSettings, make_schedule

FIGURES = Path(__file__).parent / "figures"


def draw() -> None:
    """Writes every figure as SVG."""
    FIGURES.mkdir(exist_ok=True)
    for name in SCHEDULES:
        settings = ScheduleSettings(
            name, 0.005, warm_up_factor=0.5, warm_up_epochs=10, cycle_epochs=2, cycle_multiplier=2
        )
        epochs = 5 if name == "one-cycle" else 14
        axes = plots.schedule(make_schedule(settings, epochs, 100), 100, name)
        plots.save_figure(axes, FIGURES / f"schedule-{name}.svg")
    part = random_split(matinee.load("sample").ratings, 0.2)
    model = matinee.DotProduct(schedule="constant")
    plots.save_figure(
        plots.learning_rates(matinee.lr_find(model, part.train)), FIGURES / "learning-rates.svg"
    )
    trained = matinee.DotProduct(epochs=8).fit(part.train, valid=part.test)
    plots.save_figure(plots.learning_curves(trained), FIGURES / "learning-curves.svg")


if __name__ == "__main__":
    draw()
    print(f"written: {', '.join(sorted(path.name for path in FIGURES.glob('*.svg')))}")
