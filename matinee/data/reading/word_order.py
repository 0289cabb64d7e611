"""From the worst word to the best: the example of --map in messages about ratings in words.

The example is only a proposal, but people copy it, so hate must not be worth more than love.
"""

from collections.abc import Iterable, Sequence

#: From the worst to the best, as `_plain` writes them; those of one line are worth the same.
_LADDER = (
    "hate hated awful terrible worst block blocked never",
    "dislike disliked down thumbsdown bad poor no false negative leave left skip skipped unlike "
    "unliked return returned refund refunded ignore ignored dismiss dismissed abandon abandoned "
    "remove removed unfollow notinterested dropped",
    "impression impressions show shown meh ok okay neutral average fair maybe so none",
    "view viewed views visit visited open opened browse see seen pageview detail",
    "click clicked check checked play played start started read listen listened preview",
    "wishlist wishlisted save saved bookmark bookmarked follow followed planned",
    "cart addtocart addcart basket addtobasket like liked join joined up thumbsup good yes true "
    "positive favorite favorited favourite favourited rent rented share shared",
    "buy bought purchase purchased order ordered transaction checkout sale subscribe subscribed "
    "great complete completed finished",
    "love loved excellent best perfect superb amazing repeat",
)
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_RANKS = {word: rank for rank, line in enumerate(_LADDER) for word in line.split()}
_GRADES = "fedcba"
_MOST_WORDS = 12


def map_example(words: Iterable[str]) -> str:
    """Words with a value each, as --map takes them: `hate=0,meh=1,love=2`.

    Args:
        words: those that nothing here knows stand behind the others, in the given order.
    """
    shown = [word.replace('"', "") for word in words][:_MOST_WORDS]
    plain = [_plain(word) for word in shown]
    if all(word in _NUMBERS for word in plain):
        values = [_NUMBERS.index(word) for word in plain]
    elif all(len(word) == 1 and word in _GRADES for word in plain):
        values = _places([_GRADES.index(word) for word in plain])
    else:
        values = _places([_RANKS.get(word, len(_LADDER) + at) for at, word in enumerate(plain)])
    ordered = sorted(zip(values, range(len(shown)), strict=True))
    return ",".join(f"{shown[at]}={value}" for value, at in ordered)


def _places(ranks: Sequence[int]) -> list[int]:
    distinct = sorted(set(ranks))
    return [distinct.index(rank) for rank in ranks]


def _plain(word: str) -> str:
    return "".join(letter for letter in word.casefold() if letter.isalnum())
