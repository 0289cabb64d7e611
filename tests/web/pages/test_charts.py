"""The charts of the page You."""

from matinee.analysis.taste import StarCount
from matinee.data.ratings import PAIRS, Scale
from matinee.web.pages.charts import columns_of, histogram, lean_bar


def test_columns_are_the_steps_of_the_scale_or_ten_bins() -> None:
    halves = columns_of(
        [StarCount(5.0, 3), StarCount(0.5, 1)], [StarCount(3.0, 10)], Scale(0.5, 5, 0.5)
    )
    assert [one.label for one in halves] == [
        "0.5",
        "1",
        "1.5",
        "2",
        "2.5",
        "3",
        "3.5",
        "4",
        "4.5",
        "5",
    ]
    assert (halves[-1].own, halves[0].own, halves[5].everyone) == (0.75, 0.25, 1.0)
    tenths = columns_of([StarCount(100.0, 1), StarCount(0.0, 1)], None, Scale(0, 100, 1))
    assert (len(tenths), tenths[0].own, tenths[-1].own, tenths[0].everyone) == (10, 0.5, 0.5, None)
    assert columns_of([], None, PAIRS) == []
    assert 'height="100"' in histogram(halves)


def test_a_bar_extends_toward_its_sign_and_is_clipped() -> None:
    assert 'class="more" x="50" y="2" width="25"' in lean_bar(0.5, 1)
    assert 'class="less" x="0" y="2" width="50"' in lean_bar(-7, 1)


def test_what_is_written_as_0_has_no_bar() -> None:
    for value in (0.0, 0.04, -0.04):
        assert 'class="more"' not in lean_bar(value, 0.05)
        assert 'class="less"' not in lean_bar(value, 0.05)
    assert 'class="more"' in lean_bar(0.06, 0.06)
