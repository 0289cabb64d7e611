"""What ids mean: models and data that contradict the database are refused, and ratings can be moved."""

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import click.testing
import httpx
import pytest

from matinee.cli import main
from matinee.data.catalog import Catalog, Film
from matinee.data.dataset import Dataset
from matinee.data.kept_films import FilmMatcher, KeptFilm, is_same_film
from matinee.data.ratings import Ratings, Scale
from matinee.data.server_ratings import FILMS_COLUMNS, FILMS_TABLE, with_collected
from matinee.data.vocabulary import Id
from matinee.errors import DataError, SettingError, StoreError
from matinee.models.baseline import Baseline
from matinee.recommendation.guide import Guide
from matinee.recommendation.model_file import Origin
from matinee.web.app import create_app
from matinee.web.db import schema
from matinee.web.db.catalog import CatalogConflictError, ServedCatalog
from matinee.web.db.migration_of_ids import move_to_catalog, rescaled
from matinee.web.db.people import Store
from matinee.web.settings import Settings
from tests.web.conftest import UNLIMITED, newcomer, serving
from tests.web.db.conftest import select_rows

HALVES, WHOLE = Scale(0.5, 5, 0.5), Scale(1, 5, 1)
ALIEN = KeptFilm("1", "Alien (1979)", 1979, "tt0078748", 348)
HEAT = KeptFilm("2", "Heat (1995)", 1995, "tt0113277", None)
OLDBOY = KeptFilm("3", "Oldboy (2003)", 2003, "", None)
FARGO = KeptFilm("4", "Fargo (1996)", 1996, "", None)
UNTITLED = KeptFilm("9", "", None, "", None)


def served(*films: KeptFilm, scale: Scale = HALVES) -> ServedCatalog:
    return ServedCatalog(films, scale, "films-of-the-test")


def accept(store: Store, *films: KeptFilm, scale: Scale = HALVES) -> str:
    return store.catalogs.accept(served(*films, scale=scale), "'new.matinee'", "new.matinee")


def model_of(titles: dict[int, str], path: Path, scale: Scale = HALVES) -> Path:
    """A file of a model whose items have these titles."""
    ids = list(titles)
    ratings = Ratings.from_ids(
        [user for user in range(5) for _ in ids],
        ids * 5,
        [1 + (user + row) % 5 for user in range(5) for row, _ in enumerate(ids)],
        scale=scale,
    )
    films: dict[Id, Film] = {item: Film(title, int(title[-5:-1])) for item, title in titles.items()}
    Guide(Baseline().fit(ratings, n_threads=1), Catalog(films), Origin("own", len(ratings))).save(
        path
    )
    return path


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (ALIEN, ALIEN._replace(title="Alien, The 8th Passenger (1979)"), True),
        (
            ALIEN,
            ALIEN._replace(title="Aliens (1986)", year=1986, imdb="tt0090605", tmdb=679),
            False,
        ),
        (OLDBOY, OLDBOY._replace(title="Oldeuboi (Oldboy) (2003)"), True),
        (OLDBOY, OLDBOY._replace(title="Oldboy (2013)", year=2013), False),
        (OLDBOY, OLDBOY._replace(title="Oldboy (2004)", year=2004), True),
        (FARGO, FARGO._replace(title="The Big Lebowski (1996)"), False),
        (FARGO, FARGO._replace(title="Coen Brothers' Fargo (1996)"), True),
        (FARGO, FARGO._replace(title="", year=None), True),
        (HEAT, HEAT._replace(title="", year=None, imdb="tt1"), False),
        (FARGO, FARGO._replace(title="Fargo", year=None), True),
        (FARGO, FARGO._replace(title="Sunrise", year=None), False),
    ],
)
def test_spellings_are_the_same_film_and_other_titles_or_years_are_not(
    one: KeptFilm, other: KeptFilm, same: bool
) -> None:
    assert is_same_film(one, other) is same
    assert is_same_film(other, one) is same


def test_films_are_found_by_external_id_then_title_and_year() -> None:
    here = [
        KeptFilm("10", "Alien: Director's Cut (2003)", 2003, "tt0078748", None),
        KeptFilm("20", "Alien (1979)", 1979, "", None),
        KeptFilm("30", "Oldboy (2013)", 2013, "", None),
        KeptFilm("31", "Oldboy (2003)", 2003, "", None),
        KeptFilm("40", "Fargo (1997)", 1997, "", None),
        KeptFilm("50", "Twins (1988)", 1988, "", None),
        KeptFilm("51", "Twins (1988)", 1988, "", None),
    ]
    matcher = FilmMatcher(here)
    twins = KeptFilm("5", "Twins (1988)", 1988, "", None)
    found = [matcher.find(film) for film in (ALIEN, OLDBOY, FARGO, HEAT, twins, UNTITLED)]
    assert found == ["10", "31", "40", None, None, None]


def test_a_model_of_more_films_is_accepted_and_of_other_films_is_refused(store: Store) -> None:
    assert accept(store, ALIEN, HEAT) == ""
    assert accept(store, ALIEN, HEAT, OLDBOY) == ""
    assert accept(store, OLDBOY) == ""  # and one of fewer
    other = [
        film._replace(title=f"Film {film.item_id} (1950)", year=1950, imdb="", tmdb=None)
        for film in (ALIEN, HEAT, OLDBOY)
    ]
    for _ in range(2):
        with pytest.raises(CatalogConflictError) as caught:
            accept(store, *other, FARGO)
        assert "'new.matinee' contradicts " in str(caught.value)
        assert "id 1 is 'Alien (1979)' in the database and 'Film 1 (1950)' here; id 2 is" in str(
            caught.value
        )
        assert "matinee migrate new.matinee --db" in str(caught.value)
    assert set(store.catalogs.kept()) == {"1", "2", "3"}
    assert store.catalogs.kept()["1"] == ALIEN


def test_titles_and_external_ids_are_completed(store: Store) -> None:
    accept(store, OLDBOY._replace(title="", year=None))
    accept(store, OLDBOY._replace(imdb="tt0364569"))
    assert store.catalogs.kept()["3"] == OLDBOY._replace(imdb="tt0364569")


def test_without_titles_the_ids_must_be_mostly_the_same(store: Store) -> None:
    films = [KeptFilm(str(number), "", None, "", None) for number in range(100)]
    accept(store, *films)
    accept(store, *films[:95], KeptFilm("x", "", None, "", None))
    with pytest.raises(CatalogConflictError, match="only 40 of its 80 ids are among the 101"):
        accept(store, *films[:40], *(KeptFilm(f"y{n}", "", None, "", None) for n in range(40)))


def test_a_scale_on_which_stored_ratings_do_not_lie_is_refused(store: Store) -> None:
    accept(store, ALIEN)
    ada = store.create_person().id
    accept(store, ALIEN, scale=WHOLE)  # nothing is rated yet
    store.rate(ada, "1", 4)
    accept(store, ALIEN, scale=WHOLE._replace(lowest=0))
    store.rate(ada, "1", 4.5)
    with pytest.raises(CatalogConflictError, match=r"1 of its 1 rating, such as 4\.5, are not on"):
        accept(store, ALIEN, scale=Scale(1, 5, 2))
    store.rate(ada, "1", 4)
    with pytest.raises(
        CatalogConflictError, match="its ratings go up to 5, and those here up to 10"
    ):
        accept(store, ALIEN, scale=Scale(1, 10, 1))


def test_ratings_from_before_get_the_films_of_the_first_model(store: Store) -> None:
    store.rate(store.create_person().id, "1", 4)
    assert accept(store, ALIEN, HEAT) == (
        "The database had no titles for its 1 rating; from now on their ids mean the films of "
        "'new.matinee' (films-of-the-test)."
    )
    assert accept(store, ALIEN, HEAT) == ""


def test_a_database_of_the_earlier_version_keeps_its_data(database: str) -> None:
    import sqlalchemy as sa
    from alembic import command
    from alembic.config import Config

    from matinee.web.db import engine as engines

    engine = engines.open_engine(database)
    config = Config()
    config.set_main_option("script_location", str(engines._MIGRATIONS))
    with engine.execution_options(writes=True).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.execute(sa.text("INSERT INTO people VALUES ('ada', 'hash', 5)"))
        connection.execute(sa.text("INSERT INTO ratings VALUES ('ada', '1', 4.5, 7, 8)"))
        connection.execute(sa.text("INSERT INTO not_interested VALUES ('ada', '2', 9)"))
    engine.dispose()
    store = Store.open(database)
    data = store.load_person("ada")
    assert (data.ratings, data.not_interested) == ([("1", 4.5, 7)], ["2"])
    assert accept(store, ALIEN, HEAT).startswith("The database had no titles for its 1 rating;")
    store.close()
    assert select_rows(database, "SELECT n_moves FROM this_database") == [(0,)]


def test_ratings_are_moved_and_what_has_no_place_is_set_aside(store: Store) -> None:
    accept(store, ALIEN, HEAT, OLDBOY, FARGO)
    ada, bo = store.create_person().id, store.create_person().id
    store.rate_many(ada, {"1": 5, "2": 4.5, "3": 3, "8": 2}, {"1": 100, "2": 200, "3": 300})
    store.rate_many(bo, {"2": 1})
    store.hide(bo, "1")
    store.hide(bo, "4")
    # Alien and Heat swap their ids, and Oldboy is not there
    new = served(HEAT._replace(item_id="1"), ALIEN._replace(item_id="2"), FARGO)
    before = store.export(ada)
    trial = move_to_catalog(store, new, is_trial=True)
    assert store.export(ada) == before
    with pytest.raises(CatalogConflictError):
        store.catalogs.accept(new, "'b'", "b")
    report = move_to_catalog(store, new, is_trial=False)
    assert report == trial
    assert report.n_new_ids == 2
    assert [(one.film.item_id, one.n_entries) for one in report.unmapped] == [("3", 1), ("8", 1)]
    with pytest.raises(StoreError, match="have been moved to another catalog"):
        store.load_person(ada)
    with pytest.raises(StoreError, match="Restart the server"):
        store.rate(ada, "1", 1)
    url = store.database.engine.url.render_as_string(hide_password=False)
    opened = Store.open(url)
    assert opened.catalogs.accept(new, "'b'", "b") == ""
    data = opened.load_person(ada)
    assert [tuple(rating) for rating in data.ratings] == [("1", 4.5, 200), ("2", 5, 100)]
    assert opened.load_person(bo).stars() == {"1": 1}
    assert set(opened.load_person(bo).not_interested) == {"2", "4"}
    aside = opened.export(ada)["set_aside"]
    assert [(row["item_id"], row["title"], row["stars"], row["reason"]) for row in aside] == [
        ("3", "Oldboy (2003)", 3.0, "unknown"),
        ("8", "", 2.0, "unknown"),
    ]
    assert aside[0]["given_at"] == 300
    opened.delete_person(ada)
    assert select_rows(url, "SELECT * FROM set_aside") == []
    opened.close()


def test_two_ids_of_one_film_become_one_and_stars_change_their_scale(store: Store) -> None:
    accept(store, ALIEN, ALIEN._replace(item_id="7"), HEAT)
    ada = store.create_person().id
    store.rate_many(ada, {"1": 3, "7": 4.5, "2": 0.5}, {"1": 10, "7": 20, "2": 30})
    report = move_to_catalog(store, served(ALIEN, HEAT, scale=Scale(1, 10, 1)), is_trial=False)
    assert (report.n_twice, report.n_rescaled) == (1, 2)
    opened = Store.open(store.database.engine.url.render_as_string(hide_password=False))
    assert opened.load_person(ada).stars() == {"1": 9.0, "2": 1.0}
    kept = {
        (row["item_id"], row["stars"], row["reason"]) for row in opened.export(ada)["set_aside"]
    }
    assert kept == {("1", 3.0, "twice"), ("7", 4.5, "rescaled"), ("2", 0.5, "rescaled")}
    opened.close()


def test_stars_keep_their_number_if_the_scale_ends_alike() -> None:
    assert rescaled(4, HALVES, WHOLE) == 4
    assert rescaled(0.5, HALVES, WHOLE) == 1
    assert rescaled(4.5, HALVES, WHOLE) in (4, 5)
    assert rescaled(5, WHOLE, Scale(0, 100, 1)) == 100


TITLES: dict[int, str] = {1: "Alien (1979)", 2: "Heat (1995)", 3: "Oldboy (2003)"}
OTHERS: dict[int, str] = {1: "Ed Wood (1994)", 2: "Alien (1979)", 5: "Heat (1995)"}


class Rater(threading.Thread):
    """Rates three films in turn until it is told to stop, and reads what the server says of them."""

    def __init__(self, url: str, number: int, done: threading.Event) -> None:
        super().__init__()
        self.url, self.number, self.done = url, number, done
        self.token, self.last = "", ("", 0.0)
        self.statuses: set[int] = set()
        self.titles: set[tuple[int, str]] = set()

    def run(self) -> None:
        with httpx.Client(base_url=self.url, timeout=60) as client:
            header = newcomer(client)
            self.token = header["Authorization"].removeprefix("Bearer ")
            turn = self.number
            while not self.done.is_set():
                turn += 1
                item, stars = (1, 2, 3)[turn % 3], 1 + turn % 5
                address = f"/api/v1/me/ratings/{item}"
                answer = client.put(address, json={"stars": stars}, headers=header)
                self.statuses.add(answer.status_code)
                self.last = str(item), float(stars)
                rows = client.get("/api/v1/me/ratings", headers=header).json()["ratings"]
                self.titles.update((row["item_id"], row["title"]) for row in rows)


def wait_for(url: str, status: str) -> dict[str, str]:
    """Waits until the server is ready or degraded; returns the state of its model."""
    deadline = time.monotonic() + 20
    while httpx.get(f"{url}/health/ready").json()["status"] != status:
        assert time.monotonic() < deadline
    return dict(httpx.get(f"{url}/health/ready").json()["models"][0])


def test_a_contradicting_file_under_load_is_refused_and_no_rating_changes_its_film(
    tmp_path: Path,
) -> None:
    path, new = model_of(TITLES, tmp_path / "films.matinee"), tmp_path / "new"
    settings = Settings(
        (path,), str(tmp_path / "people.db"), "", UNLIMITED, 0.03, log_requests=False
    )
    done = threading.Event()
    with serving(settings) as url:
        raters = [Rater(url, number, done) for number in range(3)]
        for rater in raters:
            rater.start()
        version = wait_for(url, "ready")["version"]
        for _ in range(2):
            os.replace(model_of(OTHERS, new), path)
            state = wait_for(url, "degraded")
            assert state["version"] == version
            assert "id 1 is 'Alien (1979)' in the database and 'Ed Wood" in state["refused"]
            os.replace(model_of(TITLES | {8: "Up (2009)"}, new), path)
            version = wait_for(url, "ready")["version"]
        done.set()
        for rater in raters:
            rater.join()
        assert httpx.get(f"{url}/api/v1/films/8").status_code == 200
    store = Store.open(str(tmp_path / "people.db"))
    for rater in raters:
        assert rater.statuses == {204}
        assert rater.titles <= set(TITLES.items())
        person = store.find_person(rater.token)
        assert person is not None
        assert store.load_person(person).stars()[rater.last[0]] == rater.last[1]
    store.close()


def test_a_file_that_came_while_the_database_was_away_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = model_of(TITLES, tmp_path / "films.matinee")
    settings = Settings((path,), str(tmp_path / "people.db"), "", UNLIMITED, log_requests=False)
    server = create_app(settings).state.server
    (model,) = server.models

    def fail(*_: object) -> str:
        raise StoreError("away")

    with monkeypatch.context() as patch:
        patch.setattr(server.store.catalogs, "accept", fail)
        model_of(TITLES | {8: "Up (2009)"}, path)
        assert not model.reload()
        assert model.refusal == "away"
    for _ in range(2):
        model.poll()
    assert model.refusal is None
    assert model.current.find(8) is not None
    server.store.close()


def test_serve_refuses_and_migrate_helps(tmp_path: Path) -> None:
    first, other = (
        model_of(TITLES, tmp_path / "a.matinee"),
        model_of(OTHERS, tmp_path / "b.matinee"),
    )
    database = str(tmp_path / "people.db")
    server = create_app(Settings((first,), database)).state.server
    ada = server.store.create_person().id
    server.store.rate_many(ada, {"1": 5, "2": 4, "3": 3})
    server.store.close()
    run = click.testing.CliRunner().invoke
    refused = run(main, ["serve", str(other), "--db", database, "--port", "0"])
    assert refused.exit_code == 1
    assert refused.stderr.count("Error: ") == 1
    assert (
        f"Error: '{other}' contradicts sqlite:///{database}: id 1 is 'Alien (1979)'"
        in refused.stderr
    )
    command = refused.stderr.strip().partition("catalog:  matinee ")[2].split()
    trial = run(main, [*command, "--dry-run"])
    assert trial.output.endswith("Nothing was changed.\n")
    done = run(main, command)
    assert done.exit_code == 0, done.output
    assert "2 films of 3 found in" in done.output
    assert "  id 3, 'Oldboy (2003)': 1 entry\n" in done.output
    server = create_app(Settings((other,), database)).state.server
    assert server.store.load_person(ada).stars() == {"2": 5, "5": 4}
    server.store.close()
    with pytest.raises(SettingError, match="contradicts"):
        create_app(Settings((first,), database))


def test_two_models_of_one_server_must_agree(tmp_path: Path) -> None:
    files = model_of(TITLES, tmp_path / "a.matinee"), model_of(OTHERS, tmp_path / "b.matinee")
    with pytest.raises(CatalogConflictError, match="id 1 is"):
        create_app(Settings(files, str(tmp_path / "people.db")))


def test_training_refuses_data_of_other_films(database: str) -> None:
    store = Store.open(database)
    accept(store, ALIEN, HEAT)
    store.rate(store.create_person().id, "1", 4)
    store.close()
    ratings = Ratings.from_ids([1, 1, 2], [1, 2, 1], [4, 5, 1], scale=WHOLE)
    films: dict[Id, Film] = {1: Film("Alien (1979)", 1979), 2: Film("Heat (1995)", 1995)}
    same = Dataset("own", ratings, Catalog(films))
    assert with_collected(same, database).note.startswith("Added 1 rating by 1 person")
    other = replace(same, catalog=Catalog(films | {1: Film("Ed Wood (1994)", 1994)}))
    with pytest.raises(DataError) as caught:
        with_collected(other, database)
    assert "id 1 is 'Alien (1979)' in the database and 'Ed Wood (1994)' here" in str(caught.value)
    assert "matinee migrate MODEL --db" in str(caught.value)


def test_the_columns_of_films_are_those_of_the_schema() -> None:
    assert schema.METADATA.tables[FILMS_TABLE] is schema.films
    assert schema.films.columns.keys() == list(FILMS_COLUMNS)
