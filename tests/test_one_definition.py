"""What is decided once has one place in the code: what counts as liked, and corrections of p-values."""

import re
from pathlib import Path

import numpy as np
import pytest

import matinee
from matinee.analysis.similar_users import _is_loved
from matinee.data.ratings import Ratings, Scale
from matinee.evaluation.ranking import ranking_task
from matinee.models.implicit_feedback import find_threshold, liked_from
from matinee.report.quality import _liked

PACKAGE = Path(matinee.__file__).parent


def places(pattern: str) -> set[str]:
    """The files of the package with code that matches, without docstrings and comments."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        code = re.sub(r'""".*?"""|#[^\n]*', "", path.read_text("utf-8"), flags=re.DOTALL)
        if re.search(pattern, code):
            found.add(path.name)
    return found


def test_the_upper_quarter_of_a_scale_is_taken_in_one_place() -> None:
    quarter = r"0?\.[27]5 \* \([\w.]*highest|highest - \([\w. -]*lowest\) / 4"
    assert places(quarter) == {"implicit_feedback.py"}


def test_holms_correction_is_made_in_one_place() -> None:
    assert places(r"maximum\.accumulate\(np\.minimum|minimum\(1, np\.maximum\.accumulate") == {
        "significance.py"
    }
    assert places(r"def _?holm\b") == {"significance.py"}


@pytest.mark.parametrize(
    ("scale", "lowest_liked"),
    [(Scale(1, 5, 1), 4), (Scale(0.5, 5, 0.5), 4), (Scale(1, 10, 1), 8), (Scale(-10, 10, 0), 5)],
)
def test_all_parts_agree_on_what_is_liked(scale: Scale, lowest_liked: float) -> None:
    step = scale.step or 0.25
    value = np.arange(scale.lowest, scale.highest + step / 2, step)
    ratings = Ratings.from_ids(np.zeros(len(value), int), np.arange(len(value)), value, scale=scale)
    assert (value[value >= liked_from(scale)].min(), _liked(ratings)) == (
        lowest_liked,
        lowest_liked,
    )
    n_liked = int(np.sum(value >= lowest_liked))
    assert ranking_task(ratings).n_relevant.tolist() == [n_liked]
    assert int(np.sum(value >= find_threshold("auto", ratings, "ease"))) == n_liked
    assert int(np.sum(_is_loved(scale, value.astype(np.float32)))) == n_liked
