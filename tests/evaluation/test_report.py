"""Reports as mappings, frames and tables of notebooks."""

import pickle
from dataclasses import fields, replace

import pytest

from matinee.data.split import random_split
from matinee.errors import UnknownNameError
from matinee.evaluation import Report, evaluate
from matinee.evaluation.report import MEASURES
from matinee.models.baseline import Baseline
from matinee.models.popularity import Popularity
from tests.helpers import error_message, small_table


@pytest.fixture(scope="module")
def report() -> Report:
    return evaluate(Baseline, [random_split(small_table(), 0.2)], "<films>")


def test_a_report_maps_measures_to_values(report: Report) -> None:
    assert dict(report) == {name: getattr(report, name) for name in MEASURES}
    assert len(report) == len(MEASURES)
    assert report["rmse"] == report.rmse


def test_a_measure_that_a_model_does_not_have_is_left_out() -> None:
    ranker = evaluate(Popularity, [random_split(small_table(), 0.2)], "films")
    assert "rmse" not in ranker
    assert "ndcg_at_10" in ranker
    told = error_message(UnknownNameError, lambda: ranker["ndgc_at_10"])
    assert told.startswith("This report has no measure 'ndgc_at_10'. Did you mean 'ndcg_at_10'")
    assert error_message(UnknownNameError, lambda: ranker["rmse"]).startswith(
        "This report has no measure 'rmse'."
    )


def test_every_field_that_may_be_missing_is_a_measure_or_known_to_be_none() -> None:
    optional = [field.name for field in fields(Report) if field.default is None]
    assert set(optional) - set(MEASURES) == {"rmse_low", "rmse_high", "recommend_seconds"}


def test_the_frame_has_a_row_for_each_measure_with_its_interval(report: Report) -> None:
    frame = report.to_frame()
    assert frame.columns == ["measure", "value", "low", "high"]
    rows = {name: tuple(ends) for name, *ends in frame.rows()}
    assert list(rows) == list(report)
    assert rows["rmse"] == (report.rmse, report.rmse_low, report.rmse_high)
    assert rows["coverage"] == (report.coverage, None, None)


def test_a_report_without_measures_is_empty(report: Report) -> None:
    empty = replace(report, intervals={}, **dict.fromkeys(MEASURES))  # type: ignore[arg-type]
    assert (len(empty), empty.to_frame().height) == (0, 0)


def test_notebooks_show_the_rows_escaped(report: Report) -> None:
    html = report._repr_html_()
    assert "<th>baseline on &lt;films&gt;, random:0.2</th>" in html
    assert f"<td>RMSE</td><td>{report.rmse:.4f} stars" in html
    assert "<films>" not in html


def test_reports_are_pickled_whole(report: Report) -> None:
    assert pickle.loads(pickle.dumps(report)) == report
