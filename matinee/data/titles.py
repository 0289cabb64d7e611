"""Parse film titles: year, name as spoken, other names, and a key for comparison.

Titles come from untrusted files, so every function takes time linear in the length of its
text.
"""

import re
import unicodedata

_YEAR = re.compile(r"\((\d{4})(?:[-\u2013]\d{0,4})?\)$")
_LONGEST_YEAR = len("(1999-2001)")
#: Articles that catalogs put behind a title, after a comma.
_ARTICLES = frozenset("the a an la le les el los las il der die das l'".split())  # noqa: SIM905
_ENGLISH_ARTICLES = frozenset({"the", "a", "an"})
_NOT_LETTERS = re.compile(r"[\W_]+")
#: Apostrophes go; letters that Unicode does not take apart into a letter and an accent change.
_TRANSLATED = str.maketrans(
    {"'": "", "\u2019": "", "\u00f8": "o", "\u00d8": "O", "\u0142": "l", "\u0141": "L"}
    | {"\u0111": "d", "\u0110": "D", "\u00e6": "ae", "\u00c6": "AE", "\u0153": "oe"}
    | {"\u0152": "OE", "\u0131": "i"}
)
_NUMERALS = "ii iii iv v vi vii viii ix x xi xii xiii xiv xv".split()  # noqa: SIM905
_NUMBER_WORDS = "two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905
#: Words for numbers from 2, and Roman numerals, as digits.
_DIGITS = {
    word: str(number)
    for words in (_NUMERALS, _NUMBER_WORDS)
    for number, word in enumerate(words, 2)
}
_FIRST_DIGITS = {word: str(number) for number, word in enumerate(_NUMBER_WORDS, 2)}
_PART = frozenset(("part", "pt", "chapter", "volume", "vol"))
_MOST_OTHER_NAMES = 10
#: Characters from which a key is made; normalizing many combining accents takes quadratic time.
_LONGEST_KEY = 500


def year_of(title: str) -> int | None:
    """The year in brackets at the end of a title, 1999 for "(1999-2001)"; None if it has
    none."""
    return split_year(title)[1]


def split_year(title: str) -> tuple[str, int | None]:
    """The title without the year in brackets at its end, and the year, or None if it has
    none."""
    bare = title.strip()
    match = _YEAR.search(bare, max(0, len(bare) - _LONGEST_YEAR))
    if match is None:
        return bare, None
    return bare[: match.start()].rstrip(), int(match[1])


def spoken(title: str) -> tuple[str, str]:
    """The spoken name and the other names: ("The Matrix", "") for "Matrix, The (1999)".

    The year is left out; the other names stand in brackets at the end.
    """
    name, *others = names_of(title)
    return name, ", ".join(others)


def display_title(title: str, year: int | None) -> str:
    """The title as people say it, with its year: "The Matrix (1999)" for "Matrix, The (1999)"."""
    name = spoken(title)[0] or title
    return f"{name} ({year})" if year else name


def names_of(title: str) -> list[str]:
    """All names in a title: the spoken name, then at most ten names in brackets at the end.

    "City of Lost Children, The (Cité des enfants perdus, La) (1995)" gives "The City of Lost
    Children" and "La Cité des enfants perdus".
    """
    text = split_year(title)[0] or title.strip()
    others: list[str] = []
    end = len(text)
    while text.endswith(")", 0, end) and len(others) < _MOST_OTHER_NAMES:
        start = text.rfind("(", 0, end)
        is_name = start > 0 and start + 2 < end and text.find(")", start, end) == end - 1
        if not is_name:
            break
        other = text[start + 1 : end - 1].strip().removeprefix("a.k.a. ")
        if other:
            others.append(article_first(other))
        end = start
        while text[end - 1].isspace():
            end -= 1
    return [article_first(text[:end]), *reversed(others)]


def article_first(name: str) -> str:
    """A name with its article in front: "The Matrix" for "Matrix, The"."""
    main, _, article = name.rpartition(", ")
    article_key = article.lower().replace("\u2019", "'")
    if not main or article_key not in _ARTICLES:
        return name
    if article_key.endswith("'"):
        return article + main
    return f"{article} {main}"


def fold(text: str) -> str:
    """Normalized text for search: "amelie and co 2001" for "Amélie & Co. (2001)".

    Lower case, without accents and apostrophes, with single spaces between words; empty if the
    text has neither letters nor digits.
    """
    short = text[:_LONGEST_KEY].replace("&", " and ").translate(_TRANSLATED)
    if not short.isascii():
        decomposed = unicodedata.normalize("NFKD", short)
        short = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(_NOT_LETTERS.sub(" ", short.casefold()).split())


def title_key(title: str) -> str:
    """A key that is equal for equal titles: "amelie" for "Amélie (2001)", "matrix" for
    "Matrix, The".

    The text of `fold` without the year and without an English article. A title without letters
    or digits, such as "???", is its own key.
    """
    name = split_year(title)[0] or title.strip()
    words = fold(article_first(name)).split()
    if len(words) > 1 and words[0] in _ENGLISH_ARTICLES:
        words = words[1:]
    return " ".join(words) or name[:_LONGEST_KEY].casefold()


def numeral_key(title: str) -> str:
    """`title_key` with numbers as digits: "rocky 2" for "Rocky II", and "godfather 2" for "The
    Godfather: Part Two"."""
    words = title_key(title).split()
    numbered = [words[0]] if words else []  # "X" and "Ten" are titles, not numbers
    for word in words[1:]:
        digits = _DIGITS.get(word, word)
        if digits.isdecimal() and len(numbered) > 1 and numbered[-1] in _PART:
            numbered.pop()
        numbered.append(digits)
    return " ".join(numbered)


def joined_key(title: str) -> str:
    """`numeral_key` without spaces, and with a first word such as "twelve" as digits: equal for
    "12 Boats" and "Twelve Boats", and for "Old Boy" and "Oldboy"."""
    first, _, rest = numeral_key(title).partition(" ")
    return _FIRST_DIGITS.get(first, first) + rest.replace(" ", "")
