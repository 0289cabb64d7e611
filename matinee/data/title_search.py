"""Search for films by title, as people type titles. The pages, the map, the API and `--item` use
it.

The films found are of two kinds. *Hits* have what was typed: the title itself, its beginning,
or all of its words, in any of the forms of `title_words` ("xmen", "rocky 2", "lotr"). *Guesses*
only resemble it, and always come after the hits.

Hits are ranked by how they match, then by how many people rated the film:

    exact      the whole title, with or without its article; the spoken title before other names
    numbered   "alien 2": the second film of a series, by its number or by year
    part       a title between colons and dashes: "the two towers"
    start      the title begins with what was typed
    phrase     the title has the words next to each other
    words      the title has all words, in any order

Four digits are a year if a film of that year matches without them, and words of the title
otherwise.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.data.title_guesses import corrected, similar_titles
from matinee.data.title_index import TitleIndex, keys_of
from matinee.data.title_words import FILLERS, Words, without_article, words_of

Scores = NDArray[np.float64]

EXACT, NUMBERED, PART, START, START_OF_WORD = 200.0, 150.0, 110.0, 107.0, 105.5
PHRASE, PHRASE_OF_WORDS, WORDS, BEGINNINGS = 104.0, 102.0, 101.0, 99.0
_OF_YEAR = 95.0
_LEAST_EXACT = 180.0
_SAME_TITLE = EXACT - 3
_POPULARITY = 6.0
"""The most that ratings add: fewer than the difference between the exact title and the rest."""
_OTHER_SPACING = 0.3
_MOST_COMPARED = 2_000
"""Of the titles with all words, the most rated ones are compared with the text in full."""
_YEARS = range(1880, 2036)
_HIGHEST_NUMBER = 30
_SERIES_SHARES = (0.2, 0.05, 0.0)
"""Films of a series have at least this share of the ratings of its most rated film: the first
share that leaves enough films."""
_FEW_HITS = 8
_MOST_GUESSES = 24
_MOST_BETTER_KNOWN = 4
_TIMES_BETTER_KNOWN = 5


class Found(NamedTuple):
    """Films found: their places, best first, and how many of the first ones are hits."""

    places: NDArray[np.int64]
    n_hits: int


class TitleSearch:
    """A search over films, which are known by their places in the given sequences."""

    def __init__(
        self, titles: Sequence[str], years: Sequence[int | None], counts: NDArray[np.generic]
    ) -> None:
        """Makes the index, in about 50 microseconds per film.

        Args:
            titles: as the catalog writes them: "Matrix, The (1999)".
            counts: (F,) ratings of each film.
        """
        self._index = TitleIndex(titles)
        self._years = np.array([year or 0 for year in years], np.int64)
        self._counts = np.asarray(counts, np.float64)
        most = np.log1p(max(1.0, self._counts.max(initial=1)))
        self._popularity = _POPULARITY * np.log1p(self._counts) / most

    def search(self, text: str, allowed: NDArray[np.bool_] | None = None) -> Found:
        """The films that match a text, best first; none for a text without letters and digits.

        Args:
            allowed: (F,) which films may be found; None: all.
        """
        words = words_of(text)
        if not words.plain or not len(self._years):
            return Found(np.empty(0, np.int64), 0)
        if allowed is None:
            allowed = np.ones(len(self._years), bool)
        scores = np.where(allowed, self._all_hits(words), 0.0)
        hits = self._sorted(scores)
        if len(hits) > _FEW_HITS:
            return Found(hits, len(hits))
        guesses = self._guesses(words, scores, allowed)
        return Found(np.concatenate([hits, guesses]), len(hits))

    def exact(self, text: str) -> NDArray[np.int64]:
        """The films whose whole title is this text in one of the forms that people write."""
        scores = self._all_hits(words_of(text))
        return self._sorted(np.where(scores >= _SAME_TITLE, scores, 0.0))

    def _sorted(self, scores: Scores) -> NDArray[np.int64]:
        """The films with a score above 0, by score and ratings."""
        found = np.flatnonzero(scores)
        return found[np.argsort(-(scores + self._popularity)[found], kind="stable")]

    # -- hits ----------------------------------------------------------------------------

    def _all_hits(self, words: Words) -> Scores:
        """The score of each film as a hit, (F,); 0 for the others."""
        if not words.plain:
            return np.zeros(len(self._years))
        scores = self._hits_of_any_year(words)
        places = [place for place, word in enumerate(words.plain) if _is_year(word)]
        if not places:
            return scores
        place = places[-1]
        of_year = self._years == int(words.plain[place])
        rest = words.plain[:place] + words.plain[place + 1 :]
        without = np.full(len(scores), _OF_YEAR - 0.5)
        if rest:
            without = self._hits_of_any_year(words_of(" ".join(rest)))
        return np.maximum(scores, np.where(of_year & (without > 0), without + 0.5, 0.0))

    def _hits_of_any_year(self, words: Words) -> Scores:
        scores = self._hits(words)
        others = self._other_spacings(words)
        for other in others:
            scores = np.maximum(scores, self._hits(other) - _OTHER_SPACING)
        for form in others[:1] or [words]:
            number = form.usual[-1]
            if len(form.usual) > 1 and number.isdecimal() and 0 < int(number) <= _HIGHEST_NUMBER:
                self._add_series(scores, form, int(number))
        return scores

    def _hits(self, words: Words) -> Scores:
        """The score of each film by its best name, without series and years."""
        index = self._index
        rows = self._word_hits(words)
        bare = Words(without_article(words.plain), without_article(words.usual))
        usual, plain = " ".join(bare.usual), " ".join(bare.plain)
        for row in self._most_rated(np.flatnonzero(rows)):
            closer = _closeness(index.usual[row], usual)
            if plain != usual or index.plain[row] != index.usual[row]:
                closer = max(closer, _closeness(index.plain[row], plain))
            rows[row] = max(rows[row], closer)
        joined = {"".join(bare.usual), "".join(bare.plain)}
        for start in joined:
            if len(start) < 2:
                continue
            for row in self._most_rated(index.rows_beginning(start)):
                at_end = _ends_word(index.names[row].usual, len(start))
                rows[row] = max(rows[row], START if at_end else START_OF_WORD - 1)
        for key in keys_of(words):
            for row in index.rows_of_key.get(key, ()):
                rows[row] = max(rows[row], self._exactness(row, plain, joined))
            for row in index.segments.get(key, ()):
                rows[row] = max(rows[row], PART)
        rows -= np.where(rows > 0, 0.02 * np.minimum(index.n_words, 20), 0.0)
        return np.maximum.reduceat(rows, index.first_row)

    def _most_rated(self, rows: Sequence[int] | NDArray[np.int64]) -> list[int]:
        """The rows, or some of those of the most rated films if they are very many."""
        some = np.asarray(rows, np.int64)
        if len(some) > _MOST_COMPARED:
            known = -self._counts[self._index.film[some]]
            some = some[np.argpartition(known, _MOST_COMPARED)[:_MOST_COMPARED]]
        result: list[int] = some.tolist()
        return result

    def _other_spacings(self, words: Words) -> list[Words]:
        """The same text with words taken apart ("xmen") or joined ("god father"), if titles are
        written like this."""
        index, plain = self._index, words.plain
        apart: list[str] = []
        joined: list[str] = []
        for place, word in enumerate(plain):
            halves = None
            if len(word) > 3 and word not in index.words and word in index.pairs:
                halves = index.words.split(word)
            apart += halves or [word]
            both = plain[place - 1] + word if place else ""
            if both in index.words and both not in index.pairs:
                joined[-1] = both
            else:
                joined.append(word)
        others = [other for other in (apart, joined) if len(other) != len(plain)]
        return [words_of(" ".join(other)) for other in others]

    def _exactness(self, row: int, plain: str, joined: set[str]) -> float:
        index = self._index
        if index.plain[row] == plain:
            score = EXACT
        elif index.joined[row] in joined or "".join(index.names[row].plain) in joined:
            score = EXACT - 0.5
        else:
            score = EXACT - 10
        return score - (1.0 if index.is_other[row] else 0.0)

    def _word_hits(self, words: Words) -> Scores:
        """The score of each row that has all words, (R,)."""
        n_rows = len(self._index.names)
        has_all, is_exact = np.ones(n_rows, bool), np.ones(n_rows, bool)
        has_filler = np.zeros(n_rows)
        needed = [word for word in words.usual if word not in FILLERS] or list(words.usual)
        pairs = dict(zip(words.usual, words.plain, strict=False))
        for word in words.usual:
            exact, begun = self._rows_with(word, is_last=word == words.usual[-1])
            if len(words.usual) == len(words.plain) and pairs[word] != word:
                exact |= self._rows_with(pairs[word], is_last=False)[0]
            if word not in needed:
                has_filler += 0.1 * exact
                continue
            has_all &= exact | begun
            is_exact &= exact
        return np.where(has_all, np.where(is_exact, WORDS, BEGINNINGS) + has_filler, 0.0)

    def _rows_with(
        self, word: str, *, is_last: bool
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which rows have a word, and which have one that begins with it or is meant by it."""
        index = self._index
        exact, begun = (np.zeros(len(index.names), bool) for _ in range(2))
        exact[index.words.exact(word)] = True
        if word.isdecimal():
            if len(word) > 1 and is_last:
                begun[index.words.beginning(word)] = True
            return exact, begun
        begun[index.words.beginning(word)] = True
        begun[index.pairs.exact(word)] = True
        if len(word) >= 4:
            begun[index.pairs.beginning(word)] = True
        if not exact.any():
            begun[index.initials.exact(word)] = True
            if len(word) >= 3 and not begun.any():
                begun[index.initials.beginning(word)] = True
        return exact, begun

    # -- series --------------------------------------------------------------------------

    def _add_series(self, scores: Scores, words: Words, number: int) -> None:
        """Adds the film with a number in a series: "rocky 4", "harry potter 3", "alien 2"."""
        stem = words_of(" ".join(words.usual[:-1]))
        for share in _SERIES_SHARES:
            members = self._series(stem, share)
            if number <= len(members):
                break
        usual = " ".join([*without_article(stem.usual), str(number)])
        numbered = []
        for row in self._index.rows_beginning(usual.replace(" ", "")):
            if f"{self._index.usual[row]} ".startswith(f"{usual} "):
                numbered.append(int(self._index.film[row]))
        known = self._counts[members].max(initial=0)
        for film in numbered:
            scores[film] = max(scores[film], NUMBERED)
        if scores.max(initial=0) >= _LEAST_EXACT:
            return
        if any(self._counts[film] >= 0.05 * known for film in numbered):
            return
        if 0 < number <= len(members):
            film = members[number - 1]
            scores[film] = max(scores[film], NUMBERED + 1)
        for film in members:
            scores[film] = max(scores[film], _OF_YEAR)

    def _series(self, stem: Words, share: float) -> list[int]:
        """The well-known films whose titles share words, in the order of their years."""
        if not stem.plain:
            return []
        hits = self._hits(stem)
        usual = " ".join(without_article(stem.usual))
        is_plural = np.zeros(len(hits), bool)
        for row in self._index.rows_beginning("".join(without_article(stem.usual)) + "s"):
            name = self._index.usual[row] + " "
            is_plural[self._index.film[row]] |= name.startswith(usual + "s ")
        by_word = (hits >= PHRASE - 0.5) & ~_is_near(hits, START_OF_WORD)
        if not by_word.any():
            by_word = hits > 0  # "lotr"
        films = np.flatnonzero(by_word | is_plural)
        known = self._counts[films]
        films = films[(known >= share * known.max(initial=0)) & (self._years[films] > 0)]
        exact = films[hits[films] >= EXACT - 2]
        if len(exact):
            first = exact[np.argmax(self._counts[exact])]
            films = films[self._years[films] >= self._years[first]]
        order = np.lexsort([films, self._years[films]])
        result: list[int] = films[order].tolist()
        return result

    # -- guesses -------------------------------------------------------------------------

    def _guesses(self, words: Words, hits: Scores, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Films that were perhaps meant, best first: all that are similar if there is no hit,
        otherwise only much better known ones."""
        index, known = self._index, self._popularity / _POPULARITY
        open_films = allowed & (hits == 0)
        if hits.any():
            scores = similar_titles(index, words, known, as_whole=True)
            most = self._counts[hits > 0].max()
            open_films &= self._counts >= _TIMES_BETTER_KNOWN * (most + 1)
            return self._sorted(np.where(open_films, scores, 0.0))[:_MOST_BETTER_KNOWN]
        scores = similar_titles(index, words, known)
        text = corrected(index, words, self._counts)
        if text:
            scores = np.maximum(scores, self._all_hits(words_of(text)) / 2)
        return self._sorted(np.where(open_films, scores, 0.0))[:_MOST_GUESSES]


def _closeness(name: str, typed: str) -> float:
    """The score of a name that has all typed words."""
    if f"{name} ".startswith(f"{typed} "):
        return START
    if name.startswith(typed):
        return START_OF_WORD
    if f" {typed} " in f" {name} ":
        return PHRASE
    if f" {typed}" in f" {name}":
        return PHRASE_OF_WORDS
    return 0.0


def _ends_word(words: Sequence[str], length: int) -> bool:
    """Whether the first `length` letters of the joined words are whole words."""
    for word in words:
        if length <= 0:
            break
        length -= len(word)
    return length == 0


def _is_year(word: str) -> bool:
    return len(word) == 4 and word.isdecimal() and int(word) in _YEARS


def _is_near(scores: Scores, value: float) -> NDArray[np.bool_]:
    """Which scores are this value less what the length of a title takes off."""
    return (scores <= value) & (scores > value - 0.5)
