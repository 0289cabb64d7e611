"""Titles that resemble a misspelled search, for `title_search`."""

import numpy as np
from numpy.typing import NDArray

from matinee.data.title_index import ByLength, Postings, TitleIndex
from matinee.data.title_words import FILLERS, Words, without_article

Scores = NDArray[np.float64]

_SIMILARITY_WEIGHT = 60.0
_KNOWN_WEIGHT = 9.0
"""How much the ratings of a film weigh, against the similarity of its title."""
_LEAST_COVERED = 0.6
"""Share of the typed words that a title must have, misspelled or not."""
_LEAST_COVERED_ELSE = 0.4
"""If no title has that share."""
_LEAST_SIMILAR = 0.7
_FILLER_WEIGHT = 0.3
_SHORTEST_WORD = 3
_SHORTEST_AS_WHOLE = 8
_COST = 1.25
_COST_OF_FIRST = 0.5
"""A wrong first letter is rare."""


def similar_titles(
    index: TitleIndex, words: Words, known: Scores, *, as_whole: bool = False
) -> Scores:
    """A score from 0 to 69 for each film, (F,); 0 for films that do not resemble the text.

    Args:
        known: (F,) from 0 for films without ratings to 1 for the most rated film.
        as_whole: only films whose title as a whole resembles a text that is not short.
    """
    similarity = _whole(index, words)  # (R,)
    if not as_whole:
        similarity = np.maximum(similarity, _by_words(index, words))
    elif len("".join(words.usual)) < _SHORTEST_AS_WHOLE:
        similarity[:] = 0
    of_film = np.maximum.reduceat(similarity, index.first_row)
    return np.where(of_film > 0, _SIMILARITY_WEIGHT * of_film + _KNOWN_WEIGHT * known, 0.0)


def corrected(index: TitleIndex, words: Words, counts: Scores) -> str:
    """The text with each unknown word replaced by the known word that is meant most likely; empty
    if all are known or nothing is similar."""
    replaced = []
    for word in words.usual:
        if word in index.words or word.isdecimal() or len(word) < _SHORTEST_WORD:
            replaced.append(word)
            continue
        near = _near_words(index.words, word)
        if not near:
            return ""
        closest = min(near.values())
        ranks = {
            place: counts[index.film[index.words.at(place)]].max()
            for place, distance in near.items()
            if distance == closest
        }
        replaced.append(index.words.words[max(ranks, key=lambda place: (ranks[place], -place))])
    if tuple(replaced) == words.usual:
        return ""
    return " ".join(replaced)


def _most_changes(length: int) -> int:
    """Letters that may be wrong in a text of this length."""
    if length < 6:
        return 1
    return 2 if length < 9 else 3


def _near_words(postings: Postings, word: str) -> dict[int, float]:
    """Places of the words that resemble a word -> letters that differ; the first counts more, and
    letters that are only in another order count as one."""
    near: dict[int, float] = {}
    letters = sorted(word)
    for place, distance in _near(postings.by_length, word, _most_changes(len(word))).items():
        other = postings.words[place]
        changed = 1 if distance > 1 and sorted(other) == letters else distance
        near[place] = changed + (0 if other[0] == word[0] else _COST_OF_FIRST)
    return near


def _near(groups: ByLength, text: str, most: int) -> dict[int, int]:
    """Place of each text within a distance -> its distance: letters to change, add, leave out,
    or swap with the next."""
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import cdist

    near = {}
    for length in range(max(1, len(text) - most), len(text) + most + 1):
        places, some = groups.get(length, ((), ()))
        if not some:
            continue
        distances = cdist([text], some, scorer=OSA.distance, score_cutoff=most, dtype=np.uint8)[0]
        for at in np.flatnonzero(distances <= most).tolist():
            near[places[at]] = int(distances[at])
    return near


def _by_words(index: TitleIndex, words: Words) -> Scores:
    """The similarity of each row by its words, (R,), from 0 to 1."""
    n_rows = len(index.names)
    covered, n_covered, total = np.zeros(n_rows), np.zeros(n_rows), 0.0
    typed = list(dict.fromkeys(words.usual))
    for word in typed:
        weight = _FILLER_WEIGHT if word in FILLERS else 1.0 + min(len(word), 10) / 20
        quality = _quality(index, word, is_last=word == typed[-1])
        covered += weight * quality
        n_covered += quality > 0
        total += weight
    share = covered / total
    of_title = np.minimum(1.0, n_covered / np.maximum(1, index.n_words))
    least = _LEAST_COVERED if (share >= _LEAST_COVERED).any() else _LEAST_COVERED_ELSE
    return np.where(share >= least, 0.8 * share + 0.2 * of_title, 0.0)


def _quality(index: TitleIndex, word: str, *, is_last: bool) -> Scores:
    """How well the best word of each row fits a typed word, from 0 to 1, (R,)."""
    quality = np.zeros(len(index.names))
    if len(word) >= _SHORTEST_WORD and not word.isdecimal():
        kinds = [(index.words, 1.0)]
        if word not in index.words:
            kinds.append((index.pairs, 0.9))
        for postings, factor in kinds:
            near = _near_words(postings, word)
            for place in sorted(near, key=near.__getitem__, reverse=True):
                rows, length = postings.at(place), len(postings.words[place])
                fit = factor * max(0.4, 1 - _COST * near[place] / (min(len(word), length) + 2))
                quality[rows] = np.maximum(quality[rows], fit)
    if is_last and len(word) > 1 and not word.isdecimal():
        rows = index.words.beginning(word)
        quality[rows] = np.maximum(quality[rows], 0.8)
    quality[index.words.exact(word)] = 1.0
    return quality


def _whole(index: TitleIndex, words: Words) -> Scores:
    """The similarity of each row as a whole, without spaces, (R,)."""
    similarity = np.zeros(len(index.names))
    for form in {"".join(without_article(words.usual)), "".join(words.usual)}:
        if len(form) < _SHORTEST_WORD:
            continue
        near = _near(index.by_length, form, max(1, len(form) // 4))
        for row, distance in near.items():
            fit = 1 - distance / max(len(form), len(index.joined[row]))
            if fit >= _LEAST_SIMILAR:
                similarity[row] = max(similarity[row], fit)
    return similarity
