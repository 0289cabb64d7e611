"""The index behind `title_search`: the names of all films, and which names have a word.

A film has a name for each form of its title: the spoken one, and those in brackets. Each name is
a row of the index; the rows of a film follow each other.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from matinee.data.title_words import (
    PART_WORDS,
    Words,
    initials_of,
    without_article,
    without_fillers,
    words_of,
)
from matinee.data.titles import names_of

Rows = NDArray[np.int64]
ByLength = dict[int, tuple[list[int], list[str]]]

_LAST = "\U0010ffff"
_FEWEST_INITIALS = 3
_MOST_WORDS = 40
_MOST_SEGMENTS = 8


class Postings:
    """Word -> rows, for exact words and for beginnings of words."""

    def __init__(self, rows_of: dict[str, list[int]]) -> None:
        self.words = sorted(rows_of)
        lengths = np.fromiter((len(rows_of[word]) for word in self.words), np.int64)
        self._ends = np.concatenate([[0], np.cumsum(lengths)])
        flat = (row for word in self.words for row in rows_of[word])
        self._rows = np.fromiter(flat, np.int64, int(self._ends[-1]))
        self._place = {word: place for place, word in enumerate(self.words)}

    def __contains__(self, word: str) -> bool:
        return word in self._place

    def exact(self, word: str) -> Rows:
        """The rows with a word."""
        place = self._place.get(word)
        return self._rows[:0] if place is None else self.at(place)

    def at(self, place: int) -> Rows:
        """The rows with the word at a place of `words`."""
        return self._rows[self._ends[place] : self._ends[place + 1]]

    def beginning(self, start: str) -> Rows:
        """The rows with a word that begins with a text; a row may occur twice."""
        low, high = bisect_left(self.words, start), bisect_left(self.words, start + _LAST)
        return self._rows[self._ends[low] : self._ends[high]]

    def split(self, word: str) -> tuple[str, str] | None:
        """Two words of the index that make this one; the longest first one that there is."""
        for end in range(len(word) - 1, 0, -1):
            if word[:end] in self._place and word[end:] in self._place:
                return word[:end], word[end:]
        return None

    @cached_property
    def by_length(self) -> ByLength:
        """The words by their lengths."""
        return by_length(self.words)


class TitleIndex:
    """The names of films.

    Attributes:
        film: (R,) the film of each row.
        first_row: (F,) the first row of each film.
        is_other: (R,) whether the name is one of those in brackets.
        names: the words of each name, without its article.
        usual, plain: the words of `names` as one text.
        joined: the words of `names` without spaces.
    """

    def __init__(self, titles: Sequence[str]) -> None:
        film: list[int] = []
        is_other: list[bool] = []
        self.names: list[Words] = []
        self._with_article: list[Words] = []
        first_row = []
        for place, title in enumerate(titles):
            first_row.append(len(film))
            for number, name in enumerate(_parts(title)):
                words = words_of(name)
                if number and not words.plain:
                    continue
                film.append(place)
                is_other.append(number > 0)
                self._with_article.append(words)
                bare = Words(without_article(words.plain), without_article(words.usual))
                self.names.append(bare)
        self.film, self.first_row = np.array(film, np.int64), np.array(first_row, np.int64)
        self.is_other = np.array(is_other, bool)
        self.usual = [" ".join(name.usual) for name in self.names]
        self.plain = [" ".join(name.plain) for name in self.names]
        self.joined = ["".join(name.usual) for name in self.names]
        self.n_words = np.array([len(name.plain) for name in self.names], np.int64)
        self._index_words(titles)

    def _index_words(self, titles: Sequence[str]) -> None:
        words: dict[str, list[int]] = {}
        pairs: dict[str, list[int]] = {}
        initials: dict[str, list[int]] = {}
        for row, name in enumerate(self._with_article):
            for word in {*name.plain[:_MOST_WORDS], *name.usual[:_MOST_WORDS]}:
                words.setdefault(word, []).append(row)
            plain = self.names[row].plain[:_MOST_WORDS]
            for one, other in pairwise(plain):
                pairs.setdefault(one + other, []).append(row)
            for letters in {initials_of(plain), initials_of(name.plain[:_MOST_WORDS])}:
                if len(letters) >= _FEWEST_INITIALS:
                    initials.setdefault(letters, []).append(row)
        self.segments: dict[str, list[int]] = {}
        for place, title in enumerate(titles):
            row = int(self.first_row[place])
            for segment in map(words_of, _segments(title)):
                letters = initials_of(without_article(segment.plain))
                if len(letters) >= _FEWEST_INITIALS:
                    initials.setdefault(letters, []).append(row)
                for key in keys_of(segment):
                    self.segments.setdefault(key, []).append(row)
        self.words, self.pairs, self.initials = Postings(words), Postings(pairs), Postings(initials)

    @cached_property
    def rows_of_key(self) -> dict[str, list[int]]:
        """Key -> the rows whose name has it; see `keys_of`."""
        rows: dict[str, list[int]] = {}
        for row, name in enumerate(self._with_article):
            for key in keys_of(name):
                rows.setdefault(key, []).append(row)
        return rows

    @cached_property
    def by_length(self) -> ByLength:
        """The joined names by their lengths."""
        return by_length(self.joined)

    @cached_property
    def in_order(self) -> tuple[list[str], list[int]]:
        """The joined names in alphabetical order, and their rows."""
        order = sorted(range(len(self.joined)), key=self.joined.__getitem__)
        return [self.joined[row] for row in order], order

    def rows_beginning(self, joined: str) -> list[int]:
        """The rows whose joined name begins with a text."""
        texts, order = self.in_order
        return order[bisect_left(texts, joined) : bisect_left(texts, joined + _LAST)]


def keys_of(words: Words) -> list[str]:
    """What is equal for equal names, joined, the most exact first: with article, without it,
    numbers as digits, and only the words that count."""
    plain, usual = without_article(words.plain), without_article(words.usual)
    loose = tuple(word for word in without_fillers(usual) if word not in PART_WORDS) or usual
    forms = [words.plain, plain, words.usual, usual, loose]
    return list(dict.fromkeys("".join(form) for form in forms if form))


def _parts(title: str) -> Iterable[str]:
    names = names_of(title)
    return [names[0], *(name for name in dict.fromkeys(names[1:]) if name != names[0])]


def _segments(title: str) -> list[str]:
    """The parts of a title before and after colons and dashes, if there are several."""
    name = names_of(title)[0]
    pieces = [piece for part in name.split(":") for piece in part.split(" - ")]
    pieces = [piece.strip() for piece in pieces if piece.strip()]
    if len(pieces) < 2:
        return []
    return pieces[:_MOST_SEGMENTS]


def by_length(texts: Iterable[str]) -> ByLength:
    """Length -> the places of the texts with it, and these texts."""
    found: ByLength = {}
    for place, text in enumerate(texts):
        places, some = found.setdefault(len(text), ([], []))
        places.append(place)
        some.append(text)
    return found
