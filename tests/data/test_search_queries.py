"""Titles as people type them, and the film that must stand first, on MovieLens."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from matinee.data.catalog import Catalog, Film, find_item
from matinee.data.title_search import TitleSearch
from matinee.data.titles import year_of
from matinee.data.vocabulary import Vocabulary
from matinee.errors import UnknownNameError
from tests.conftest import real_data

QUERIES = """
the matrix > Matrix, The (1999)
matrix the > Matrix, The (1999)
THE MATRIX > Matrix, The (1999)
Matrix, The (1999) > Matrix, The (1999)
matrix 1999 > Matrix, The (1999)
the matrix (1999) > Matrix, The (1999)
a beautiful mind > Beautiful Mind, A (2001)
beautiful mind > Beautiful Mind, A (2001)
few good men > Few Good Men, A (1992)
an american werewolf in london > American Werewolf in London, An (1981)
it > It (2017)
her > Her (2013)
ran > Ran (1985)
m > M (1931)
up > Up (2009)
heat > Heat (1995)
pi > Pi (1998)
big > Big (1988)
ted > Ted (2012)
jaws > Jaws (1975)
cars > Cars (2006)
go > Go (1999)
300 > 300 (2007)
2012 > 2012 (2009)
8mm > 8MM (1999)
rocky > Rocky (1976)
alien > Alien (1979)
fargo > Fargo (1996)
saw > Saw (2004)
seven > Seven (a.k.a. Se7en) (1995)
se7en > Seven (a.k.a. Se7en) (1995)
mash > M*A*S*H (a.k.a. MASH) (1970)
m*a*s*h > M*A*S*H (a.k.a. MASH) (1970)
et > E.T. the Extra-Terrestrial (1982)
e.t. > E.T. the Extra-Terrestrial (1982)
E.T > E.T. the Extra-Terrestrial (1982)
e t > E.T. the Extra-Terrestrial (1982)
ai > A.I. Artificial Intelligence (2001)
a.i. > A.I. Artificial Intelligence (2001)
escape from la > Escape from L.A. (1996)
la confidential > L.A. Confidential (1997)
mib > Men in Black (a.k.a. MIB) (1997)
xmen > X-Men (2000)
x-men > X-Men (2000)
x men > X-Men (2000)
spiderman > Spider-Man (2002)
spider man > Spider-Man (2002)
spider-man 2 > Spider-Man 2 (2004)
spiderman 3 > Spider-Man 3 (2007)
amazing spiderman > Amazing Spider-Man, The (2012)
walle > WALL·E (2008)
wall e > WALL·E (2008)
wall-e > WALL·E (2008)
faceoff > Face/Off (1997)
face off > Face/Off (1997)
kickass > Kick-Ass (2010)
kick ass > Kick-Ass (2010)
oldboy > Old Boy (2003)
old boy > Old Boy (2003)
lalaland > La La Land (2016)
goodfellas > Goodfellas (1990)
good fellas > Goodfellas (1990)
the god father > Godfather, The (1972)
fight club > Fight Club (1999)
fightclub > Fight Club (1999)
starwars > Star Wars: Episode IV - A New Hope (1977)
deadpool > Deadpool (2016)
dead pool > Deadpool (2016)
zombie land > Zombieland (2009)
super bad > Superbad (2007)
godfather 2 > Godfather: Part II, The (1974)
the godfather part ii > Godfather: Part II, The (1974)
godfather part two > Godfather: Part II, The (1974)
godfather 3 > Godfather: Part III, The (1990)
godfather2 > Godfather: Part II, The (1974)
the god father 2 > Godfather: Part II, The (1974)
rocky 2 > Rocky II (1979)
rocky 4 > Rocky IV (1985)
rocky iv > Rocky IV (1985)
rocky four > Rocky IV (1985)
rambo 2 > Rambo: First Blood Part II (1985)
rambo 3 > Rambo III (1988)
alien 2 > Aliens (1986)
alien 3 > Alien³ (a.k.a. Alien 3) (1992)
alien 4 > Alien: Resurrection (1997)
harry potter 1 > Harry Potter and the Sorcerer's Stone (a.k.a. Harry Potter and the Philosopher's Stone) (2001)
harry potter 2 > Harry Potter and the Chamber of Secrets (2002)
harry potter 3 > Harry Potter and the Prisoner of Azkaban (2004)
harry potter 4 > Harry Potter and the Goblet of Fire (2005)
harry poter 3 > Harry Potter and the Prisoner of Azkaban (2004)
harry potter 6 > Harry Potter and the Half-Blood Prince (2009)
matrix 2 > Matrix Reloaded, The (2003)
matrix 3 > Matrix Revolutions, The (2003)
die hard 2 > Die Hard 2 (1990)
die hard 3 > Die Hard: With a Vengeance (1995)
die hard 4 > Live Free or Die Hard (2007)
terminator 2 > Terminator 2: Judgment Day (1991)
terminator two > Terminator 2: Judgment Day (1991)
terminator 4 > Terminator Salvation (2009)
mad max 2 > Road Warrior, The (Mad Max 2) (1981)
mad max 3 > Mad Max Beyond Thunderdome (1985)
mad max 4 > Mad Max: Fury Road (2015)
jurassic park 2 > Lost World: Jurassic Park, The (1997)
jurassic park 3 > Jurassic Park III (2001)
indiana jones 2 > Indiana Jones and the Temple of Doom (1984)
indiana jones 3 > Indiana Jones and the Last Crusade (1989)
star wars 1 > Star Wars: Episode I - The Phantom Menace (1999)
star wars 4 > Star Wars: Episode IV - A New Hope (1977)
star wars 5 > Star Wars: Episode V - The Empire Strikes Back (1980)
star wars episode 6 > Star Wars: Episode VI - Return of the Jedi (1983)
starwars 5 > Star Wars: Episode V - The Empire Strikes Back (1980)
star trek 4 > Star Trek IV: The Voyage Home (1986)
pirates of the caribbean 2 > Pirates of the Caribbean: Dead Man's Chest (2006)
pirates of the caribbean 3 > Pirates of the Caribbean: At World's End (2007)
mission impossible 2 > Mission: Impossible II (2000)
mission impossible 4 > Mission: Impossible - Ghost Protocol (2011)
xmen 2 > X2: X-Men United (2003)
x-men 3 > X-Men: The Last Stand (2006)
kill bill 1 > Kill Bill: Vol. 1 (2003)
kill bill 2 > Kill Bill: Vol. 2 (2004)
kill bill volume two > Kill Bill: Vol. 2 (2004)
back to the future 2 > Back to the Future Part II (1989)
back to the future iii > Back to the Future Part III (1990)
toy story 3 > Toy Story 3 (2010)
toystory2 > Toy Story 2 (1999)
lethal weapon 3 > Lethal Weapon 3 (1992)
home alone 2 > Home Alone 2: Lost in New York (1992)
ghostbusters 2 > Ghostbusters II (1989)
batman 2 > Batman Returns (1992)
hunger games 2 > The Hunger Games: Catching Fire (2013)
shrek 3 > Shrek the Third (2007)
fast and furious 5 > Fast Five (Fast and the Furious 5, The) (2011)
oceans 11 > Ocean's Eleven (2001)
oceans eleven > Ocean's Eleven (2001)
ocean's 12 > Ocean's Twelve (2004)
oceans 13 > Ocean's Thirteen (2007)
7 samurai > Seven Samurai (Shichinin no samurai) (1954)
12 monkeys > Twelve Monkeys (a.k.a. 12 Monkeys) (1995)
twelve angry men > 12 Angry Men (1957)
ten things i hate about you > 10 Things I Hate About You (1999)
5th element > Fifth Element, The (1997)
6th sense > Sixth Sense, The (1999)
twenty eight days later > 28 Days Later (2002)
forty year old virgin > 40-Year-Old Virgin, The (2005)
fifty first dates > 50 First Dates (2004)
district nine > District 9 (2009)
big hero six > Big Hero 6 (2014)
eight mile > 8 Mile (2002)
apollo thirteen > Apollo 13 (1995)
500 days of summer > (500) Days of Summer (2009)
gone in sixty seconds > Gone in 60 Seconds (2000)
lotr > Lord of the Rings: The Fellowship of the Ring, The (2001)
lotr 2 > Lord of the Rings: The Two Towers, The (2002)
lotr 3 > Lord of the Rings: The Return of the King, The (2003)
lotr two towers > Lord of the Rings: The Two Towers, The (2002)
lotr return of the king > Lord of the Rings: The Return of the King, The (2003)
tdk > Dark Knight, The (2008)
potc > Pirates of the Caribbean: The Curse of the Black Pearl (2003)
bttf > Back to the Future (1985)
fellowship of the ring > Lord of the Rings: The Fellowship of the Ring, The (2001)
two towers > Lord of the Rings: The Two Towers, The (2002)
empire strikes back > Star Wars: Episode V - The Empire Strikes Back (1980)
return of the jedi > Star Wars: Episode VI - Return of the Jedi (1983)
wrath of khan > Star Trek II: The Wrath of Khan (1982)
a new hope > Star Wars: Episode IV - A New Hope (1977)
raiders of the lost ark > Raiders of the Lost Ark (Indiana Jones and the Raiders of the Lost Ark) (1981)
chest pirates > Pirates of the Caribbean: Dead Man's Chest (2006)
private ryan > Saving Private Ryan (1998)
shawshank > Shawshank Redemption, The (1994)
strangelove > Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb (1964)
doctor strangelove > Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb (1964)
mister and missus smith > Mr. & Mrs. Smith (2005)
mr and mrs smith > Mr. & Mrs. Smith (2005)
lilo and stitch > Lilo & Stitch (2002)
thelma and louise > Thelma & Louise (1991)
batman and robin > Batman & Robin (1997)
romeo + juliet 1996 > William Shakespeare's Romeo + Juliet (1996)
schindlers list > Schindler's List (1993)
bridget joness diary > Bridget Jones's Diary (2001)
singin in the rain > Singin' in the Rain (1952)
amelie > Amelie (Fabuleux destin d'Amélie Poulain, Le) (2001)
amélie > Amelie (Fabuleux destin d'Amélie Poulain, Le) (2001)
leon > Léon: The Professional (a.k.a. The Professional) (Léon) (1994)
la haine > Hate (Haine, La) (1995)
haine > Hate (Haine, La) (1995)
sen to chihiro > Spirited Away (Sen to Chihiro no kamikakushi) (2001)
mononoke hime > Princess Mononoke (Mononoke-hime) (1997)
das boot > Boot, Das (Boat, The) (1981)
la vita e bella > Life Is Beautiful (La Vita è bella) (1997)
der untergang > Downfall (Untergang, Der) (2004)
el laberinto del fauno > Pan's Labyrinth (Laberinto del fauno, El) (2006)
heat 1995 > Heat (1995)
batman 1989 > Batman (1989)
king kong 2005 > King Kong (2005)
king kong 1933 > King Kong (1933)
2001 > 2001: A Space Odyssey (1968)
planet of the apes 2001 > Planet of the Apes (2001)
blade runner 2049 > Blade Runner 2049 (2017)
1994 > Forrest Gump (1994)
the matrx > Matrix, The (1999)
teh matrix > Matrix, The (1999)
matirx > Matrix, The (1999)
the departd > Departed, The (2006)
the shinning > Shining, The (1980)
forest gump > Forrest Gump (1994)
shindlers list > Schindler's List (1993)
blade runer > Blade Runner (1982)
harry poter > Harry Potter and the Sorcerer's Stone (a.k.a. Harry Potter and the Philosopher's Stone) (2001)
silence of the lamb > Silence of the Lambs, The (1991)
silence of the lambs the > Silence of the Lambs, The (1991)
pupl fiction > Pulp Fiction (1994)
goodfelas > Goodfellas (1990)
memeto > Memento (2000)
incepton > Inception (2010)
gladaitor > Gladiator (2000)
eternal sunshne > Eternal Sunshine of the Spotless Mind (2004)
pirats of the carribean > Pirates of the Caribbean: The Curse of the Black Pearl (2003)
the dark night > Dark Knight, The (2008)
clockwork ornge > Clockwork Orange, A (1971)
requiem for a dreem > Requiem for a Dream (2000)
braveheart movie > Braveheart (1995)
101 dalmations > 101 Dalmatians (1996)
the big lebowsky > Big Lebowski, The (1998)
intersteller > Interstellar (2014)
donny darko > Donnie Darko (2001)
apocalipse now > Apocalypse Now (1979)
ghandi > Gandhi (1982)
casablanka > Casablanca (1942)
godf > Godfather, The (1972)
pulp f > Pulp Fiction (1994)
lord of the r > Lord of the Rings: The Fellowship of the Ring, The (2001)
shaws > Shawshank Redemption, The (1994)
forrest g > Forrest Gump (1994)
"""


def pairs(lines: str) -> list[tuple[str, str]]:
    """The query and the title of each line."""
    return [
        (query, title)
        for query, _, title in (line.partition(" > ") for line in lines.split("\n"))
        if query
    ]


@pytest.fixture(scope="module")
def movielens() -> tuple[list[str], TitleSearch, Catalog, Vocabulary]:
    folder: Path = real_data("ml-latest-small")
    with (folder / "ratings.csv").open(encoding="utf-8") as file:
        n_ratings = Counter(int(row["movieId"]) for row in csv.DictReader(file))
    with (folder / "movies.csv").open(encoding="utf-8") as file:
        films = {int(row["movieId"]): row["title"] for row in csv.DictReader(file)}
    films = {item_id: title for item_id, title in films.items() if n_ratings[item_id]}
    titles, items = list(films.values()), Vocabulary(list(films), "item")
    catalog = Catalog({one: Film(title, year_of(title)) for one, title in films.items()})
    ordered = [films[item_id] for item_id in items.ids.tolist()]
    counts = np.array([n_ratings[item_id] for item_id in items.ids.tolist()])
    assert len(titles) == len(ordered)
    return ordered, catalog.title_search(items, counts), catalog, items


def test_there_are_two_hundred_queries() -> None:
    assert len({query for query, _ in pairs(QUERIES)}) >= 200


def test_the_film_that_is_meant_stands_first(
    movielens: tuple[list[str], TitleSearch, Catalog, Vocabulary],
) -> None:
    titles, search, _, _ = movielens
    wrong = {}
    for query, title in pairs(QUERIES):
        assert title in titles, title
        found = [titles[place] for place in search.search(query).places[:3].tolist()]
        if found[:1] != [title]:
            wrong[query] = found
    assert wrong == {}


def test_an_item_by_title_is_the_film_that_stands_first_or_is_suggested_first(
    movielens: tuple[list[str], TitleSearch, Catalog, Vocabulary],
) -> None:
    titles, _, catalog, items = movielens
    counts = np.zeros(len(items))  # those of the search that is already made are used
    wrong = {}
    for query, title in pairs(QUERIES):
        try:
            found = titles[find_item(f"title:{query}", items, catalog, counts)]
        except UnknownNameError as error:
            if " is the title of " in str(error):
                continue
            found = title if f"Did you mean '{title}' (id " in str(error) else str(error)
        if found != title:
            wrong[query] = found
    assert wrong == {}


def test_a_better_known_film_of_a_similar_title_is_a_guess_below_the_exact_one(
    movielens: tuple[list[str], TitleSearch, Catalog, Vocabulary],
) -> None:
    titles, search, _, _ = movielens
    found = search.search("inglorious bastards")
    assert [titles[place] for place in found.places[:2].tolist()] == [
        "Inglorious Bastards (Quel maledetto treno blindato) (1978)",
        "Inglourious Basterds (2009)",
    ]
    assert found.n_hits == 1
