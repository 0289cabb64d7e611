"""The words of a title or of a typed search, in the forms in which people write them.

"E.T." is one word, "Rocky II", "rocky two" and "rocky2" are the same two words, "Dr." is
"doctor", and "The Godfather: Part II" is "godfather 2". Titles come from untrusted files, so
every function takes time linear in the length of its text.
"""

import re
from typing import NamedTuple

from matinee.data.titles import fold

LONGEST_TEXT = 300
"""Characters of a title or a search that count."""

_ABBREVIATION = re.compile(r"(?<![^\W_])[^\W\d_](?:[.*][^\W\d_])+(?![^\W_])")
"""Single letters with dots or stars between them, such as E.T or M*A*S*H."""
_NAME_AND_NUMBER = re.compile(r"([a-z]{2,})([0-9]{1,2})")
_UNITS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth"
)
_ROMAN = "ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx"
_NUMBER_WORDS = {
    **{word: number for number, word in enumerate(_UNITS.split(), 1)},
    **{word: 10 * number for number, word in enumerate(_TENS.split(), 2)},
}
_ROMAN_NUMBERS = {word: number for number, word in enumerate(_ROMAN.split(), 2)}
_ORDINAL_WORDS = {}
for _number, _word in enumerate(_ORDINALS.split(), 1):
    _ORDINAL_WORDS[_word] = f"{_number}{('st', 'nd', 'rd', 'th')[min(_number, 4) - 1]}"
PART_WORDS = frozenset(("part", "pt", "chapter", "volume", "vol", "episode"))
"""Words that people leave out before a number."""
_ARTICLES = frozenset("the a an la le les el il der das".split())  # noqa: SIM905
"""Not "die", which begins English titles."""
_SAME = {"dr": "doctor", "mr": "mister", "st": "saint", "mt": "mount", "vs": "versus"}
FILLERS = frozenset("the a an and of in on to for at by with".split())  # noqa: SIM905
"""Words that may be missing or too many in a search."""


class Words(NamedTuple):
    """A text as words.

    Attributes:
        plain: as written, in lower case, without accents.
        usual: with numbers as digits, and abbreviations of words written out.
    """

    plain: tuple[str, ...]
    usual: tuple[str, ...]


def words_of(text: str) -> Words:
    """The words of a text without a year in brackets."""
    short = text[:LONGEST_TEXT].replace("+", " and ")
    short = _ABBREVIATION.sub(lambda found: re.sub(r"[.*]", "", found[0]), short)
    plain: list[str] = []
    for word in fold(short).split():
        apart = _NAME_AND_NUMBER.fullmatch(word)
        plain += apart.groups() if apart else [word]
    return Words(tuple(plain), tuple(_usual(plain)))


def without_article(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words without an article in front, unless it is all there is."""
    if len(words) > 1 and words[0] in _ARTICLES:
        return words[1:]
    return words


def without_fillers(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words that count; all if none does."""
    return tuple(word for word in words if word not in FILLERS) or words


def initials_of(words: tuple[str, ...]) -> str:
    """The first letters of the words: "lotr"."""
    return "".join(word[0] for word in words)


def _usual(plain: list[str]) -> list[str]:
    usual: list[str] = []
    place = 0
    while place < len(plain):
        word, length = _number_at(plain, place)
        is_number = word.isdecimal()
        if is_number and len(usual) > 1 and usual[-1] in PART_WORDS:
            usual.pop()
        usual.append(_SAME.get(word, word))
        place += length
    return usual


def _number_at(plain: list[str], place: int) -> tuple[str, int]:
    """The word at a place, as digits if it is a number, and how many words were used for it."""
    word = plain[place]
    after = plain[place + 1] if place + 1 < len(plain) else ""
    number = _NUMBER_WORDS.get(word)
    if number is not None:
        if number < 10 and after == "hundred":
            return _hundred_at(plain, place, 100 * number)
        unit = _NUMBER_WORDS.get(after, 10)
        if number >= 20 and unit < 10:
            return str(number + unit), 2
        is_count = number > 1 or (place > 0 and plain[place - 1] in PART_WORDS)
        return (str(number) if is_count else word), 1
    if place and word in _ROMAN_NUMBERS:
        return str(_ROMAN_NUMBERS[word]), 1
    if place and word == "i" and plain[place - 1] in PART_WORDS:
        return "1", 1
    return _ORDINAL_WORDS.get(word, word), 1


def _hundred_at(plain: list[str], place: int, hundreds: int) -> tuple[str, int]:
    """ "one hundred and one" is 101."""
    rest = plain[place + 2 : place + 4]
    if rest[:1] == ["and"] and len(rest) == 2 and rest[1] in _NUMBER_WORDS:
        return str(hundreds + _NUMBER_WORDS[rest[1]]), 4
    return str(hundreds), 2
