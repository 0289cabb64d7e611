"""The report: what it says against figures computed by hand, what it leaves unsaid, and the page that it is set as."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result

from matinee.analysis import bias_ranking, generosity
from matinee.cli.report import report as report_command
from matinee.data.catalog import Catalog, Film
from matinee.data.ratings import PAIRS, Ratings
from matinee.data.split import random_split
from matinee.errors import MatineeError, SettingError, UnsupportedError
from matinee.evaluation import evaluate
from matinee.evaluation.metrics import rmse
from matinee.models import MODELS, adaptation, model_named
from matinee.models.adaptation import ENOUGH_HELD_OUT
from matinee.models.baseline import Baseline
from matinee.models.bayes.model import BayesianMF
from matinee.models.ials import ImplicitALS
from matinee.models.knn import ItemKNN
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.neural.network import Network
from matinee.models.popularity import Popularity
from matinee.recommendation.guide import Guide
from matinee.recommendation.model_file import Origin
from matinee.report import Content, check_page_name, collect, page, save_page
from matinee.report.glossary import about_model, citations, license_of
from matinee.report.quality import Quality, measure
from matinee.text import counted, share, span
from tests.conftest import simulated
from tests.recommendation.model_files.write import BAYES, table

NASTY = (
    "</script><script>alert(1)</script> (1999)",
    "<b>Bold & \"quoted\" 'twice'</b> (2001)",
    "$x^2$ and $ (1987)",
    "{{ 7 * 7 }} {% raw %}",
    "\u65e5\u672c\u306e\u6620\u753b (1954)",
    "&lt;escaped&gt; &amp; <!-- comment",
)
ONLY_RANKS = (
    "It does not predict stars, so there is no error in stars; only its ranking can be measured."
)


def films(ratings: Ratings) -> Catalog:
    """Titles for all items, the nasty ones for the most rated, so that every table and figure meets them."""
    order = np.argsort(-ratings.item_counts, kind="stable")
    names = dict(zip(ratings.items.ids[order].tolist(), NASTY, strict=False))
    ids = ratings.items.ids.tolist()
    genres = ("Comedy", "Drama", "War & Peace")
    return Catalog({i: Film(names.get(i, f"Film {i} (1990)"), 1990, (genres[i % 3],)) for i in ids})


def guide_of(model: Any, ratings: Ratings, catalog: Catalog | None = None, **origin: Any) -> Guide:
    fitted = model.fit(ratings, n_threads=1)
    return Guide(fitted, catalog or Catalog(), Origin(**({"n_ratings": len(ratings)} | origin)))


@cache
def nasty() -> Content:
    """The report on mf with titles that would break a page; many tests share it and none may change it."""
    ratings = simulated(signal=1.2)
    return collect(
        guide_of(MatrixFactorization(factors=8), ratings, films(ratings), dataset="ml-100k"),
        n_threads=1,
    )


@cache
def html() -> str:
    return page(nasty())


@cache
def ranked() -> Content:
    return collect(guide_of(Popularity(), simulated(60, 30, 900), dataset="mine.csv"), n_threads=1)


def quality(content: Content) -> Quality:
    assert isinstance(content.quality, Quality)
    return content.quality


class Seen(HTMLParser):
    """Elements, attributes and texts of a page, as a browser would find them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


def sentences(what: Any) -> list[str]:
    """All texts of a few words in a JSON object."""
    if isinstance(what, dict):
        return [text for value in what.values() for text in sentences(value)]
    if isinstance(what, list | tuple):
        return [text for value in what for text in sentences(value)]
    return [what] if isinstance(what, str) and what.count(" ") > 3 else []


# -- what is measured --------------------------------------------------------------------------------------------


def test_the_errors_are_those_of_evaluate_on_the_same_split() -> None:
    measured, model = quality(nasty()), nasty().model
    part = random_split(simulated(signal=1.2), 0.2, model.seed)
    for found, make in (
        (measured.errors[1], Baseline),
        (measured.errors[2], lambda: type(model)(**model.settings())),
    ):
        told = evaluate(make, [measured.part], "ml-100k", n_threads=1)
        assert found.rmse == (told.rmse, *told.intervals["rmse"])
        assert found.mae == (told.mae, *told.intervals["mae"])
    assert (
        (len(measured.part.train), len(measured.part.test))
        == (len(part.train), len(part.test))
        == (7_200, 1_800)
    )


def test_the_ranking_is_that_of_evaluate_on_the_same_split() -> None:
    measured = quality(ranked())
    for found, make in zip(measured.ranking, (Popularity, Baseline), strict=True):
        told = evaluate(make, [measured.part], "mine.csv", n_threads=1)
        assert found.ndcg_at_10 == (told.ndcg_at_10, *told.intervals["ndcg_at_10"])
        assert found.hit_rate_at_10 == (told.hit_rate_at_10, *told.intervals["hit_rate_at_10"])
        assert (found.coverage, found.n_users) == (told.coverage, told.n_ranked_users)


def test_giving_everybody_the_mean_is_measured_by_hand() -> None:
    measured = quality(nasty())
    off = measured.part.test.value - measured.part.train.value.mean()
    assert measured.errors[0].name == "mean"
    assert measured.errors[0].rmse.value == pytest.approx(np.sqrt((off**2).mean()), rel=1e-6)
    assert measured.errors[0].mae.value == pytest.approx(np.abs(off).mean(), rel=1e-6)


def test_the_groups_hold_every_test_rating_once_and_their_own_means() -> None:
    measured = quality(nasty())
    test, predicted = measured.part.test, measured.predicted
    assert predicted is not None
    counts = measured.part.train.user_counts[test.user_index]
    for groups, by in ((measured.by_activity, counts), (measured.calibration, predicted)):
        assert sum(group.n for group in groups) == len(test)
        assert all(one.high < other.low for one, other in pairwise(groups))
        for group in groups:
            mine = (by >= group.low) & (by <= group.high)
            assert group.n == mine.sum()
            assert group.mae == pytest.approx(
                np.abs(predicted[mine] - test.value[mine]).mean(), rel=1e-5
            )
            assert (group.predicted, group.true) == pytest.approx(
                (predicted[mine].mean(), test.value[mine].mean())
            )
    assert 3 <= len(measured.by_activity) <= 4


def test_the_sentences_contain_the_figures() -> None:
    measured = quality(nasty())
    mean, _, mine = measured.errors
    assert measured.predicted is not None
    errors = np.abs(measured.predicted - measured.part.test.value)
    assert measured.sentences() == [
        f"On average, mf is off by {mine.mae.value:.2f} stars; predicting the mean for every film is off by "
        f"{mean.mae.value:.2f}. Half of its predictions are within {np.median(errors):.2f} stars of the true rating, "
        f"{np.mean(errors <= 1):.0%} within 1 star.",
        "mf is significantly better than the baseline (p < 0.001).",
    ]
    assert nasty().summary() == (
        "This page is about a film recommender. It learned from 9,000 ratings that 300 people gave to 120 films "
        "(data set ml-100k). It predicts how many stars a person would give a film that they have not rated. "
        f"On average, it is off by {mine.mae.value:.2f} stars on a scale from 1 to 5; predicting the mean for every "
        f"film would be off by {mean.mae.value:.2f}."
    )


@pytest.mark.parametrize("seed", [0, 11])  # without factors, mf and the baseline differ by rounding
def test_where_there_are_no_tastes_the_model_is_not_called_better(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    # Otherwise the tests hold one part out, and the choice is chance
    monkeypatch.setattr(adaptation, "ENOUGH_HELD_OUT", ENOUGH_HELD_OUT)
    table = simulated(100, 40, 1_200, signal=0, seed=seed)
    told = quality(collect(guide_of(MatrixFactorization(factors=4), table), n_threads=1))
    assert re.fullmatch(
        r"No significant difference between mf and the baseline was found \(p = [\d.]+\)\.",
        told.comparison,
    )


def test_watching_the_test_part_changes_no_prediction() -> None:
    measured, model = quality(nasty()), nasty().model
    alone = type(model)(**model.settings()).fit(measured.part.train, n_threads=1)
    assert measured.is_watched
    assert np.array_equal(alone.predict_ratings(measured.part.test), measured.predicted)  # type: ignore[arg-type]


def test_a_model_that_stops_by_a_part_of_its_own_never_sees_the_test_part() -> None:
    told = quality(
        collect(
            guide_of(MatrixFactorization(factors=4, patience=2), simulated(60, 30, 900)),
            n_threads=1,
        )
    )
    alone = MatrixFactorization(factors=4, patience=2).fit(told.part.train, n_threads=1)
    assert not told.is_watched
    assert np.array_equal(alone.predict_ratings(told.part.test), told.predicted)  # type: ignore[arg-type]


def test_the_mistakes_are_the_largest_errors_in_both_directions() -> None:
    measured, found = quality(nasty()), nasty().mistakes
    assert measured.predicted is not None
    assert found is not None
    errors = measured.predicted - measured.part.test.value
    assert [one.predicted - one.stars for one in found.too_high] == pytest.approx(
        np.sort(errors)[::-1][:5].tolist()
    )
    assert [one.predicted - one.stars for one in found.too_low] == pytest.approx(
        np.sort(errors)[:5].tolist()
    )
    train = measured.part.train
    for one in (*found.too_high, *found.too_low):
        assert one.predicted == pytest.approx(
            measured.model.predict(one.user_id, one.item_id), abs=1e-5
        )
        assert one.n_user == train.user_counts[train.users.index(one.user_id)]
        assert one.n_item == train.item_counts[train.items.index(one.item_id)]
        assert one.why.startswith(f"{one.predicted:.1f} stars: ")


def test_measuring_reports_every_epoch() -> None:
    steps: list[tuple[int, int]] = []
    guide = guide_of(MatrixFactorization(epochs=3), simulated(40, 30, 600))
    collect(guide, n_threads=1, progress=lambda step: steps.append((step.done, step.total)))
    assert steps == [(1, 3), (2, 3), (3, 3)]


# -- the other parts ---------------------------------------------------------------------------------------------


def test_the_data_are_counted_by_hand() -> None:
    ratings = Ratings.from_ids([1, 1, 1, 2, 2, 3], [10, 20, 30, 10, 20, 10], [5, 4, 3, 4, 4, 1])
    told = collect(
        guide_of(Baseline(), ratings, Catalog({10: Film("Ten")})), is_measured=False
    ).data
    assert (told.n_ratings, told.n_users, told.n_items, told.n_titles) == (6, 3, 3, 1)
    assert (told.density, told.mean, told.busiest_share, told.median_count) == pytest.approx(
        (6 / 9, 21 / 6, 0.5, 2)
    )
    assert told.most_rated == [
        (10, "Ten", 3, pytest.approx(10 / 3)),
        (20, "20", 2, 4.0),
        (30, "30", 1, 3.0),
    ]
    assert told.to_dict()["histogram"] == [
        {"stars": stars, "count": n} for stars, n in ((1.0, 1), (3.0, 1), (4.0, 3), (5.0, 1))
    ]
    assert told.to_dict()["sentences"] == [
        "3 people gave 6 ratings to 3 films, on a scale from 1 to 5 in steps of 1; the mean is 3.50.",
        "Of all pairs of a person and a film, 67% are rated; the model has to predict the others.",
        "Shown by id, as they have no title: 2 films.",
        "The most frequent rating is 4 (50%). Half of the people rated 2 films or more; the most active person "
        "rated 3.",
        "The most rated film has 50% of all ratings; half of the films have 2 ratings or fewer. The fewer ratings a "
        "film has, the less can be learned about it.",
    ]


def test_the_examples_are_a_person_in_the_middle_and_a_newcomer_with_five_ratings() -> None:
    typical, newcomer = nasty().examples
    model, counts = nasty().model, nasty().model.history_.counts
    user = re.match(r"User (\d+) has (\d+) ratings, the median of all people", typical.who)
    assert user is not None
    assert int(user[2]) == counts[model.users_.index(user[1])] == np.sort(counts)[150]
    for one in (typical, newcomer):
        assert len(one.recommended) == 5
        stars = [rating.stars for rating in one.ratings]
        assert len(stars) == 5
        assert min(stars[:3]) >= max(stars[3:])
        assert one.note == ""
    known = {told.item_id: told.stars for told in newcomer.ratings}
    for pick, wanted in zip(
        newcomer.recommended, nasty().guide.recommend(known, 5).items, strict=True
    ):
        assert (pick.item_id, pick.stars) == (wanted.item_id, wanted.shown)
        assert pick.why == nasty().guide.explain(known, wanted.item_id).sentence()


def test_the_findings_are_those_of_the_analysis() -> None:
    found, guide = nasty().findings, nasty().guide
    assert found.best == bias_ranking(guide, 10)
    assert found.worst == bias_ranking(guide, 10, lowest=True)
    assert found.strict == generosity(guide, 5, lowest=True)
    assert not isinstance(found.components, str)
    assert [one.number for one in found.components] == [1, 2, 3, 4]


def test_the_settings_are_all_there_with_what_differs_from_the_default() -> None:
    told = {one.name: one for one in nasty().settings()}
    assert set(told) == set(nasty().model.settings()) - {"seed"}
    assert [one.name for one in told.values() if not one.is_default] == ["factors"]
    assert told["factors"].value == 8


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_model_is_described_in_plain_words(model: Any) -> None:
    told = about_model(model())
    assert told.startswith("It ")
    assert told.endswith(".")
    assert not re.search("factoriz|gradient|kernel|Bayes", told)


def test_a_published_data_set_is_cited_and_any_other_is_not() -> None:
    assert "The MovieLens Datasets" in citations("ml-100k")[0]
    assert citations("ml-10M100K") == citations("ml-10m")
    assert (
        license_of("sample") == "Part of matinee: real films, simulated viewers; the same license."
    )
    assert (citations("sample"), citations("mine.csv"), license_of("mine.csv")) == ([], [], "")


def test_numbers_become_words() -> None:
    assert [share(part) for part in (0, 0.0004, 0.063, 0.34, 1)] == [
        "0%",
        "less than 0.1%",
        "6.3%",
        "34%",
        "100%",
    ]
    assert [counted(1, "person", "people"), counted(2_000, "person", "people")] == [
        "1 person",
        "2,000 people",
    ]
    assert [span(1, 20), span(7, 7)] == ["1 to 20", "7"]


# -- what a model lacks ------------------------------------------------------------------------------------------


def test_each_section_mentions_that_the_model_only_ranks() -> None:
    told, seen = ranked(), Seen(page(ranked()))
    assert ONLY_RANKS in seen.text
    assert (
        "It ranks films for a person, but does not predict how many stars they would give."
        in seen.text
    )
    assert (
        "It does not train in passes over the data, so there is no learning curve. It has no settings."
        in seen.text
    )
    assert "It does not predict stars, so there are no errors in stars." in seen.text
    assert told.findings.best == "popularity learns no biases; use mf, dot-product or baseline."
    assert [one.note for one in told.examples] == [
        "popularity cannot explain what it recommends; use hybrid."
    ] * 2
    assert seen.text.count("popularity cannot explain") == 2
    assert len(seen.all("svg")) == 2


def test_the_page_of_a_file_without_histories_says_what_is_missing(tmp_path: Path) -> None:
    ratings = simulated(60, 30, 900)
    guide_of(MatrixFactorization(factors=4), ratings, has_history=False).save(
        tmp_path / "bare.matinee"
    )
    told = collect(Guide.load(tmp_path / "bare.matinee"))
    assert told.quality == (
        "The quality cannot be measured, as this file was saved without histories (who rated what). "
        "'matinee evaluate DATA' measures it from the ratings."
    )
    assert (told.examples, told.mistakes, told.data.whole) == ([], None, None)
    assert told.data.n_ratings == 900
    assert told.data.mean == pytest.approx(ratings.value.mean(), abs=1e-5)
    seen = Seen(page(told)).text
    assert (
        "This file was saved without histories, so the distribution of the ratings is unknown."
        in seen
    )
    assert (
        "This file was saved without histories, so it contains no people to recommend films to."
        in seen
    )
    json.dumps(told.to_dict(), allow_nan=False)


def test_an_unmeasured_report_says_how_to_measure() -> None:
    told = collect(nasty().guide, is_measured=False)
    assert told.quality == (
        "The quality was not measured for this page, as measuring trains another model with the same settings. "
        "To measure it, make the page without --no-measure."
    )
    assert told.mistakes is None
    assert told.to_dict()["quality"] == {"note": told.quality}
    assert told.findings.best == nasty().findings.best


SMALL: dict[str, Ratings] = {
    "one rating": Ratings.from_ids([1], [1], [3.0]),
    "three items of one user": Ratings.from_ids([1, 1, 1], [1, 2, 3], [1.0, 3.0, 5.0]),
    "one item": Ratings.from_ids(list(range(6)), [1] * 6, [1, 2, 3, 4, 5, 5]),
    "no stars, only who has what": Ratings.from_ids(
        [1, 1, 2, 2, 3, 3], [1, 2, 1, 2, 2, 3], [1] * 6
    ),
    "ids that are text": Ratings.from_ids(
        list("abcabc"), ["<x>"] * 3 + ["y", "y", "z"], [1, 2, 3, 4, 5, 5]
    ),
}


@pytest.mark.parametrize("ratings", SMALL.values(), ids=SMALL.keys())
@pytest.mark.parametrize("model", [MatrixFactorization, Baseline], ids=lambda model: model.name)
def test_the_smallest_tables_have_a_report(model: Callable[[], Any], ratings: Ratings) -> None:
    without_stars: dict[Any, Any] = {Baseline: ItemKNN, MatrixFactorization: ImplicitALS}
    able = without_stars[model] if ratings.scale == PAIRS else model
    told = collect(guide_of(able(), ratings), n_threads=1)
    json.dumps(told.to_dict(), allow_nan=False)
    assert counted(len(ratings), ratings.unit) in told.summary()
    if isinstance(told.quality, Quality):
        assert " that the figures are mostly chance." in told.quality.protocol()
    else:
        assert told.quality == (
            "The quality could not be measured: The split random:0.2 leaves no ratings in the test part."
        )


def test_the_page_of_a_table_of_three_items_is_whole() -> None:
    seen = Seen(
        page(collect(guide_of(Baseline(), SMALL["three items of one user"]), is_measured=False))
    )
    assert "The films have no titles in this file and are shown by their ids." in seen.text
    assert "This person has rated every film, so there is nothing left to recommend." in seen.text
    assert "No publication is known for these data." in seen.text
    assert "unnamed" not in seen.text


def test_a_custom_network_is_not_retrained() -> None:
    with pytest.raises(UnsupportedError) as caught:
        measure(Network(module=cast(Any, None)), SMALL["one item"])
    assert str(caught.value) == (
        "A network of your own cannot be trained from its file; measure it in Python with matinee.evaluate."
    )


# -- the page ----------------------------------------------------------------------------------------------------


def test_nasty_titles_are_text_and_nothing_else() -> None:
    seen = Seen(html())
    assert seen.all("script", "b", "i", "iframe", "object", "embed", "link", "base", "form") == [
        {} for _ in seen.all("b")
    ]
    told = re.sub(r"\s+", " ", seen.text)
    for title in NASTY[:4]:
        assert title in told
    assert "49" not in re.findall(r"\{\{.{10}", told)
    assert "alert(1)</script>" not in html()
    assert "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in html()


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    seen = Seen(html())
    assert seen.all("meta")[1] == {
        "http-equiv": "Content-Security-Policy",
        "content": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'",
    }
    for tag, attributes in seen.elements:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:image/")), (tag, value)
    style = html().partition("<style>")[2].partition("</style>")[0]
    assert not re.search(r"url\(|@import|expression", style)
    assert all(place.startswith("#") for place in re.findall(r"url\(([^)]*)\)", html()))


def test_every_link_leads_to_a_section_and_no_id_is_there_twice() -> None:
    seen = Seen(html())
    ids = [attributes["id"] for _, attributes in seen.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [(attributes["href"] or "")[1:] for attributes in seen.all("a")]
    assert links == [attributes["id"] for attributes in seen.all("section")]
    assert len(links) == 8


def test_the_page_can_be_heard_as_well_as_seen() -> None:
    seen = Seen(html())
    ids = {attributes.get("id") for _, attributes in seen.elements}
    assert seen.elements[0] == ("html", {"lang": "en"})
    assert len(seen.all("h1")) == len(seen.all("main")) == len(seen.all("nav")) == 1
    assert len(seen.all("table")) == len(seen.all("caption")) > 4
    for heading in seen.all("th"):
        assert heading.get("scope") in ("row", "col")
    figures = seen.all("svg")
    assert len(figures) == len(seen.all("figcaption")) == 14
    for figure in figures:
        assert figure["role"] == "img"
        assert figure["aria-labelledby"] in ids
    levels = [int(tag[1]) for tag, _ in seen.elements if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def luminance(color: str) -> float:
    """Relative luminance by WCAG 2.2 of a color such as #fff or #16181b."""
    digits = color.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_texts_and_figures_have_the_contrast_that_wcag_aa_asks_for(mode: int) -> None:
    css = (files("matinee.report") / "assets" / "report.css").read_text("utf-8")
    colors = dict(
        re.findall(r"--([\w-]+): (#\w+);", re.findall(r":root \{(.*?)\}", css, re.DOTALL)[mode])
    )
    paper = luminance(colors["paper"])
    for name, least in (("ink", 7), ("soft", 4.5), ("accent", 4.5), ("plot-blue", 4.5), ("plot-orange", 4.5),
                        ("plot-gray", 4.5)):  # fmt: skip
        light, dark = sorted((paper, luminance(colors[name])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= least, name
    assert colors["plot-paper"] == colors["paper"]


def test_the_same_model_file_gives_the_same_bytes(tmp_path: Path) -> None:
    nasty().guide.save(tmp_path / "one.matinee")
    save_page(collect(Guide.load(tmp_path / "one.matinee"), n_threads=2), tmp_path / "page.html")
    written = (tmp_path / "page.html").read_bytes()
    assert written == html().encode()
    assert len(written) < 500_000


def test_the_object_and_the_page_agree() -> None:
    told = nasty().to_dict()
    json.dumps(told, allow_nan=False)
    assert set(told) == {
        *("summary", "data", "model", "quality", "learnt", "examples", "mistakes"),
        *("citations", "glossary", "version"),
    }
    text = Seen(html()).text
    missing = [line for line in sentences(told) if " ".join(line.split()) not in text]
    helps = {" ".join(title.split()) for title in NASTY}
    assert [line for line in missing if " ".join(line.split()) not in helps] == []
    assert told["quality"]["errors"][2]["rmse"] == quality(nasty()).errors[2].rmse._asdict()


def test_a_title_that_is_no_unicode_is_written_all_the_same(tmp_path: Path) -> None:
    ratings = SMALL["three items of one user"]
    odd = Catalog({1: Film("half a pair \ud83c")})
    save_page(
        collect(guide_of(Baseline(), ratings, odd), is_measured=False), tmp_path / "page.html"
    )
    assert "half a pair ?" in (tmp_path / "page.html").read_text("utf-8")


# -- files and the command line ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ratings.csv", "'.csv' is not a supported format; use .html, .htm."),
        ("films.matinee", "'.matinee' is not a supported format; use .html, .htm."),
        ("page", "its name has no ending; use .html, .htm."),
        ("missing/page.html", "the folder '{folder}/missing' does not exist; create it first."),
    ],
)
def test_a_page_is_never_written_over_something_else(name: str, told: str, tmp_path: Path) -> None:
    expected = f"Cannot write the page '{tmp_path / name}': {told.format(folder=tmp_path)}"
    with pytest.raises(SettingError, match=f"^{re.escape(expected)}$"):
        check_page_name(tmp_path / name)


def test_a_path_that_cannot_be_written_raises_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(SettingError) as caught:
        save_page(replace(ranked()), tmp_path / "page.html")
    assert str(caught.value) == (
        f"Cannot write the page '{tmp_path / 'page.html'}': it is a folder; add the name of a file."
    )


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "small.matinee"
    guide_of(MatrixFactorization(factors=4), simulated(40, 30, 500)).save(path)
    return path


def run(*words: object) -> Result:
    result = CliRunner().invoke(
        report_command, [str(word) for word in words], prog_name="report", standalone_mode=True
    )
    if result.exception and not isinstance(result.exception, SystemExit | MatineeError):
        raise result.exception
    return result


def test_the_command_writes_the_page_and_reports_its_path(model_file: Path, tmp_path: Path) -> None:
    place = tmp_path / "page.html"
    done = run(model_file, "--out", place, "--no-measure")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"Written: {place} (0.1 MB). Open it in a browser; it needs no network.\n"
    assert place.read_text("utf-8") == page(collect(Guide.load(model_file), is_measured=False))


def test_the_command_prints_one_object(model_file: Path) -> None:
    done = run(model_file, "--json", "--threads", 1)
    assert done.exit_code == 0
    assert json.loads(done.stdout) == json.loads(
        json.dumps(collect(Guide.load(model_file)).to_dict())
    )
    assert done.stdout.count("\n") == 1


def test_the_command_needs_a_place_or_an_object(model_file: Path) -> None:
    done = run(model_file)
    assert done.exit_code == 2
    assert done.stderr.endswith(
        "Error: Missing output: use --out report.html, or --json for a JSON object.\n"
    )


def test_a_wrong_path_is_reported_before_anything_is_measured(
    model_file: Path, tmp_path: Path
) -> None:
    done = run(model_file, "--out", tmp_path / "page.txt")
    assert isinstance(done.exception, SettingError)
    assert not list(tmp_path.iterdir())


def test_the_help_of_the_command_names_its_options() -> None:
    told = report_command.get_help(click.Context(report_command))
    assert all(option in told for option in ("--out", "--no-measure", "--threads", "--json"))


# -- the model that is measured is the one that is reported ------------------------------------------------------

OLD = Path(__file__).parents[1] / "recommendation" / "model_files"
LACKING = (
    "This file was written by an earlier version of matinee, which saved neither timestamps nor features of users and "
    "items; this model may have learned from them, and the one that was measured did not."
)


@pytest.mark.parametrize("name", ["bayes", "blend"])
def test_a_model_with_times_and_features_is_measured_with_them(name: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = dict(BAYES)
    if name == "blend":
        settings = {"models": "mf,bayes"} | {f"bayes.{key}": value for key, value in BAYES.items()}
    ratings = table()
    model = model_named(name).from_settings(settings).fit(ratings, n_threads=1)
    Guide(model, Catalog(), Origin("simulated", len(ratings))).save(tmp_path / "m.matinee")
    found = collect(Guide.load(tmp_path / "m.matinee"), n_threads=1).quality
    assert isinstance(found, Quality)
    whole = ratings.subset(ratings.by_user.row)
    errors = []
    for known in (whole, replace(whole, timestamp=None, user_features=None, item_features=None)):
        part = random_split(known, 0.2, model.seed)
        other = type(model).from_settings(settings).fit(part.train, valid=part.test, n_threads=1)
        errors.append(rmse(part.test.value, other.predict_ratings(part.test)))
    assert found.errors[-1].rmse.value == errors[0] != errors[1]
    assert "earlier version" not in found.protocol()


@pytest.mark.parametrize(("name", "is_said"), [("bayes", True), ("blend", True), ("mf", False)])
def test_the_page_of_an_old_file_says_that_times_and_features_are_missing(
    name: str, is_said: bool
) -> None:
    found = collect(Guide.load(OLD / f"{name}.matinee"), n_threads=1).quality
    assert isinstance(found, Quality)
    assert found.protocol().endswith(LACKING) == is_said


def test_nothing_is_reported_missing_for_a_model_that_uses_neither(tmp_path: Path) -> None:
    model = BayesianMF.from_settings(BAYES | {"times": False, "side": False}).fit(
        table(), n_threads=1
    )
    assert (model.history_.timestamp, model.history_.item_features) == (None, None)
    model.history_ = replace(model.history_, is_complete=False)  # as from an old file
    Guide(model, Catalog(), Origin("simulated", 400)).save(tmp_path / "m.matinee")
    found = collect(Guide.load(tmp_path / "m.matinee"), n_threads=1).quality
    assert isinstance(found, Quality)
    assert "earlier version" not in found.protocol()
