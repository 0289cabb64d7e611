"""Titles beside the ratings: usual names, ids, links and tags; nothing is left out silently."""

from pathlib import Path

import pytest

from matinee.data.catalog import Film
from matinee.data.reading.item_metadata import Titles, titles_beside
from matinee.data.vocabulary import Vocabulary

ITEMS = Vocabulary([1, 2, 3], "item")
TWO = {1: Film("Pelt (1988)", 1988), 2: Film("Quay (2003)", 2003)}


def titles(folder: Path, items: Vocabulary = ITEMS) -> Titles:
    return titles_beside(folder, items, None, "ratings.csv")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("books.csv", "book_id,title\n1,Pelt (1988)\n2,Quay (2003)\n"),
        ("books.csv", "book_id,title,original_publication_year\n1,Pelt (1988),1988.0\n2,Quay (2003),2003.0\n"),
        ("BX-Books.csv", "ISBN;Book-Title;Year-Of-Publication\n1;Pelt (1988);1988\n2;Quay (2003);2003\n"),
        ("anime.csv", "anime_id,name,rating\n1,Pelt (1988),7.5\n2,Quay (2003),8.1\n"),
        ("artists.dat", "id\tname\turl\n1\tPelt (1988)\tu\n2\tQuay (2003)\tu\n"),
        ("movie_titles.csv", "1,1988,Pelt (1988)\n2,NULL,Quay (2003)\n"),
        ("ratings.item", "item_id:token\tmovie_title:token_seq\n1\tPelt (1988)\n2\tQuay (2003)\n"),
        ("items.jsonl", '{"item_id": 1, "title": "Pelt (1988)"}\n{"item_id": 2, "title": "Quay (2003)"}\n'),
        ("meta_ratings.csv", '{"id": "1", "title": "Pelt (1988)"}\n{"id": "2", "title": "Quay (2003)"}\n'),
        ("movies.csv", "movieId,title\n1.0,Pelt (1988)\n2.0,Quay (2003)\n"),
    ],
)  # fmt: skip
def test_tables_of_titles_are_found_by_their_usual_names(
    name: str, content: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    found = titles(tmp_path)
    years = {item_id: film.year for item_id, film in found.catalog.films.items()}
    assert {item_id: film.title for item_id, film in found.catalog.films.items()} == {
        1: "Pelt (1988)",
        2: "Quay (2003)",
    }
    assert years[1] == 1988
    assert (found.file, found.notes) == (tmp_path / name, ())


def test_the_column_with_the_most_rated_ids_is_taken(tmp_path: Path) -> None:
    (tmp_path / "books.csv").write_text(
        "id,book_id,best_book_id,title\n901,1,77,Pelt (1988)\n902,2,78,Quay (2003)\n"
    )
    assert titles(tmp_path).catalog.films == TWO


def test_a_file_of_other_titles_is_named_with_an_id_of_each(tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text("movieId,title\ntt9,Pelt\n")
    assert titles(tmp_path).notes == (
        "movies.csv next to the ratings was not used: it has no title of a rated item "
        "(an id in it is 'tt9', one in the ratings '1').",
    )


def test_an_item_with_several_rows_has_the_genres_of_all(tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text(
        "movieId;title;genres\n1;Pelt (1988);Noir\n2;Quay (2003);War\n1;Der Pelz (1988);War, Noir\n"
    )
    found = titles(tmp_path)
    assert found.catalog[1].genres == ("Noir", "War")
    assert found.notes == (
        "The genres in movies.csv were split at ','.",
        "movies.csv has several titles for 1 id; the last title counts "
        "(1 is 'Der Pelz (1988)', not 'Pelt (1988)'), and the genres of all rows.",
    )


def test_another_table_of_ratings_is_no_table_of_titles(tmp_path: Path) -> None:
    (tmp_path / "songs.csv").write_text("user,song,title,rating\n1,1,One,3\n")
    assert titles(tmp_path).notes == (
        "songs.csv next to the ratings was not used: it is a table of ratings.",
    )


def test_links_and_tags_of_movielens_are_read(tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text("movieId,title\n1,Pelt (1988)\n2,Quay (2003)\n")
    (tmp_path / "links.csv").write_text("movieId,imdbId,tmdbId\n1,0114709,862\n2,113497,\n9,1,1\n")
    users_and_tags = [(user, "Sea") for user in (1, 2)] + [(3, "sea"), (1, "fog"), (1, "Fog")]
    users_and_tags += [(4, f"tag {number:02}") for number in range(12)]
    lines = "".join(f"{user},2,{tag},0\n" for user, tag in users_and_tags)
    (tmp_path / "tags.csv").write_text(f"userId,movieId,tag,timestamp\n{lines}")
    films = titles(tmp_path).catalog.films
    assert (films[1].imdb, films[1].tmdb, films[1].tags) == ("tt0114709", 862, ())
    assert (films[2].imdb, films[2].tmdb) == ("tt0113497", None)
    assert films[2].tags == ("Sea", "Fog", *(f"tag {number:02}" for number in range(8)))


def test_tags_of_the_ten_million_edition_are_read(tmp_path: Path) -> None:
    (tmp_path / "movies.dat").write_text("1::Pelt (1988)::Drama\n")
    (tmp_path / "tags.dat").write_text("15::1::a::b::1215184630\n20::1::calm::1188263867\n")
    assert titles(tmp_path).catalog[1].tags == ("a::b", "calm")


def test_links_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text("movieId,title\n1,Pelt (1988)\n")
    (tmp_path / "links.csv").write_text("a,b\n1,2\n")
    assert titles(tmp_path).notes == (
        "links.csv next to the ratings was not used: it has no column of item ids (its columns are a, b).",
    )


def test_categories_in_lists_and_news_of_mind_are_read(tmp_path: Path) -> None:
    (tmp_path / "business.json").write_text(
        '{"business_id": "a", "name": "Mill", "categories": ["Cafes", "Bakeries"]}\nbroken\n'
    )
    found = titles_beside(tmp_path, Vocabulary(["a", "b"], "item"), "business_id", "review.json")
    assert found.catalog.films == {"a": Film("Mill", None, ("Cafes", "Bakeries"))}
    assert found.notes == (
        "business.json next to the ratings was used in part: it could only be read up to line 1 "
        "(line 2 is not JSON).",
    )
    (tmp_path / "news.tsv").write_text("N5\tsports\tgolf\tA Long Drive\tabstract\n")
    found = titles_beside(tmp_path, Vocabulary(["N5", "N6"], "item"), None, "behaviors.tsv")
    assert found.catalog.films == {"N5": Film("A Long Drive", None, ("sports",))}
