"""Why a film is predicted so many stars: what people give it, how this person rates, and what each rating adds.

    stars = mean + item + user + contributions of the person's ratings + rest + clipping

The parts come from the model (`Recommender.parts`) and add up to what `predict` says. For baseline and mf they are
exact; for models in which nothing is simply added they are approximate, which `is_exact` and the sentence say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from matinee.data.catalog import Catalog, Film
from matinee.data.vocabulary import Id
from matinee.models.base import Person, Recommender
from matinee.text import counted

NAMED = 3
"""So many ratings are named in a sentence; the others are one number."""
ITEMS_AT_ONCE = 25
"""A model of many draws needs room for each draw, rating and item."""


class Reason(NamedTuple):
    """One rating of the person, and what it adds to the prediction."""

    item_id: Id
    film: Film
    stars: float
    """What the person gave; how often, where there are no ratings but who has what."""
    contribution: float
    without: float
    """The prediction had this rating not been given, by a person whom the same model knows by the others."""


class Line(NamedTuple):
    """One line of a table of the parts."""

    what: str
    amount: float
    without: float | None = None


@dataclass(frozen=True)
class Explanation:
    """What the prediction of one item for one person is made of.

    Attributes:
        stars: what `predict` says; None for a model that only ranks, where the parts add up to the score.
        score: the sum before clipping.
        mean, item, user: the mean of all ratings; what the typical person gives this item beyond it; what this person
            gives any item beyond the typical person.
        reasons: the person's ratings, largest contribution first, whichever its sign. Empty where they count only
            through `user` (baseline), and for a user of a file without histories.
        rest: what their ratings do not explain. For a newcomer it is 0; the numbers of a known user were learnt
            together with everybody's, by a training that stops early, and end a little elsewhere.
        clipping: what lies beyond the end of the scale, with the sign that takes it away.
        n_ratings: of this item, by everybody.
        n_own_ratings: of this person, as far as the model knows them.
        has_ratings: whether people gave ratings, or only have things.
        others: how many of the person's ratings are not among the reasons, and what they add together.
    """

    item_id: Id
    film: Film
    stars: float | None
    score: float
    mean: float
    item: float
    user: float
    reasons: list[Reason]
    rest: float
    clipping: float
    is_exact: bool
    n_ratings: int
    n_own_ratings: int
    has_ratings: bool = True
    others: tuple[int, float] = (0, 0.0)

    @property
    def digits(self) -> int:
        """After the point, where the parts are shown: stars have two, a score without unit has three."""
        return 3 if self.stars is None else 2

    def sentence(self) -> str:
        """The prediction with its strongest reasons, in words."""
        if self.stars is None:
            start, said = f"score {self.score:.3f}", self._about_anybody(self.mean + self.item + self.user)
        else:
            start, said = f"{self.stars:.1f} stars", [self._about_the_film(), *self._about_the_person()]
        if self.reasons:
            said.append(self._about_ratings())
        if not self._is_little(self.rest):
            said.append(f"{self._rest_name()} {self._adds(self.rest)}")
        if not self.n_own_ratings and self._is_little(self.user) and self._is_little(self.rest):
            said.append(f"{'no rating' if self.has_ratings else 'nothing'} of yours is known")
        if not self._is_little(self.clipping):
            said.append(f"that is {self.score:.2f}, {_beyond(self.clipping)}")
        hedge = "" if self.is_exact else " The parts are approximate for this model."
        return f"{start}: {'; '.join(said)}.{hedge}"

    def lines(self, k: int | None = None) -> list[Line]:
        """The parts with the k strongest reasons (None: all), rounded, and the prediction as the last line.

        What rounding loses is a line of its own, so that the column adds up.
        """
        shown, n_others, others = self._cut(k)
        other = "other rating" if self.has_ratings else "other"
        parts = [
            Line("the average rating", self.mean),
            Line(self._item_name(), self.item),
            Line(f"you rate {_than(self.user, 'higher', 'lower')} than most", self.user),
            *(Line(self._name(reason), reason.contribution, reason.without) for reason in shown),
            Line(counted(n_others, other), others),
            Line(self._rest_name(), self.rest),
            Line(_beyond(self.clipping), self.clipping),
        ]
        rounded = [part._replace(amount=round(part.amount, self.digits) + 0.0) for part in parts]  # never -0.0
        total = round(self.score + self.clipping, self.digits)
        lost = round(total - sum(line.amount for line in rounded), self.digits)
        lines = [line for line in (*rounded, Line("rounding", lost)) if line.amount or line.without is not None]
        return [*lines, Line("score" if self.stars is None else "prediction", total)]

    @property
    def about_without(self) -> str:
        """What `Reason.without` is, for below a table; empty if there are no reasons."""
        if not self.reasons:
            return ""
        what = "score" if self.stars is None else "prediction"
        anew = "; your generosity is then estimated anew too" if self.user else ""
        given = "had this rating not been given" if self.has_ratings else "if you did not have it"
        return f"Without it: the {what} {given}{anew}."

    def to_dict(self, k: int | None = None) -> dict[str, Any]:
        """For JSON. The values of `parts` add up to `stars`, or to `score` where there are none.

        Args:
            k: how many reasons; the others are one number. None means all.
        """
        shown, n_others, others = self._cut(k)
        parts = {"mean": self.mean, "item": self.item, "user": self.user}
        parts |= {"reasons": sum(reason.contribution for reason in shown), "other_ratings": others}
        parts |= {"rest": self.rest, "clipping": self.clipping}
        return {
            "item_id": self.item_id,
            "title": self.film.title,
            "stars": None if self.stars is None else round(self.stars, 6),
            "score": round(self.score, 6),
            "parts": {name: round(part, 6) for name, part in parts.items()},
            "reasons": [
                {
                    "item_id": reason.item_id,
                    "title": reason.film.title,
                    "stars": round(reason.stars, 6),
                    "contribution": round(reason.contribution, 6),
                    "without": round(reason.without, 6),
                }
                for reason in shown
            ],
            "n_other_ratings": n_others,
            "n_ratings": self.n_ratings,
            "is_exact": self.is_exact,
            "sentence": self.sentence(),
        }

    def _cut(self, k: int | None) -> tuple[list[Reason], int, float]:
        """The first k reasons, and the number and the sum of the others."""
        others = [] if k is None else self.reasons[k:]
        n, amount = self.others
        return self.reasons[:k], len(others) + n, sum(reason.contribution for reason in others) + amount

    def _is_little(self, amount: float) -> bool:
        return abs(amount) < 0.5 * 0.1**self.digits

    def _adds(self, amount: float, *, many: bool = False) -> str:
        """Such as "adds 0.31" or, of many things, "take 0.12"."""
        return f"{'add' if amount > 0 else 'take'}{'' if many else 's'} {abs(amount):.{self.digits}f}"

    def _name(self, reason: Reason) -> str:
        if not self.has_ratings:
            return f"{f'{reason.stars:,.0f} times ' if reason.stars != 1 else ''}{reason.film.title}"
        stars = f"{reason.stars:g} star{'s' * (reason.stars != 1)}"
        return f"your {'own ' * (reason.item_id == self.item_id)}{stars} for {reason.film.title}"

    def _item_name(self) -> str:
        if self.n_ratings == 0:
            return "nobody has rated it: taken for an average one"
        if not self.has_ratings:
            return "how many have it"
        return f"the average person gives it {_than(self.item, 'more', 'less')} than the average rating"

    def _rest_name(self) -> str:
        return "what training settled otherwise" if self.reasons else "your taste as training found it"

    def _about_anybody(self, amount: float) -> list[str]:
        on = "ratings" if self.has_ratings else "films of yours"
        return [] if self._is_little(amount) else [f"what does not hang on single {on} {self._adds(amount)}"]

    def _about_the_film(self) -> str:
        if self.n_ratings == 0:
            return "nobody has rated it, so it is taken for an average one"
        if self._is_little(self.item):
            return "the average person gives it the average rating"
        compared = f"{abs(self.item):.2f} {_than(self.item, 'more', 'less')} than"
        return f"the average person gives it {compared} the average rating"

    def _about_the_person(self) -> list[str]:
        if not self._is_little(self.user):
            return [f"you rate {abs(self.user):.2f} {_than(self.user, 'higher', 'lower')} than most"]
        return ["you rate as most do"] if self.user else []  # exactly 0 where the model has no such part

    def _about_ratings(self) -> str:
        named = [reason for reason in self.reasons[:NAMED] if not self._is_little(reason.contribution)]
        _, n_others, others = self._cut(len(named))
        said = [
            f"{self._name(one)} {self._adds(one.contribution, many=one.stars != 1 and self.has_ratings)}"
            for one in named
        ]
        if n_others:
            many = n_others != 1
            nothing = "change nothing" if many else "changes nothing"
            change = nothing if self._is_little(others) else self._adds(others, many=many)
            more = f"and {n_others:,} more" if named else f"through your taste your {n_others:,}"
            what = (" rating" if self.has_ratings else " film" * (not named)) + "s" * many
            what = what if self.has_ratings or not named else ""
            said.append(f"{more}{what} {change}{' together' * many}")
        return ", ".join(said)


def _than(amount: float, more: str, less: str) -> str:
    return more if amount > 0 else less


def _beyond(clipping: float) -> str:
    return f"{_than(-clipping, 'more', 'less')} than the scale has"


def explain(model: Recommender, catalog: Catalog, person: Person, item_id: Id) -> Explanation:
    """What the model's prediction of an item for somebody is made of.

    Raises:
        UnknownNameError: no such user or item.
        UnsupportedError: the model cannot explain; names one that can.
    """
    return explain_each(model, catalog, person, [item_id])[0]


def explain_each(
    model: Recommender,
    catalog: Catalog,
    person: Person,
    item_ids: Sequence[Id],
    k: int | None = None,
    scores: Sequence[float] | None = None,
) -> list[Explanation]:
    """`explain` of several items, in much less time than one by one.

    Args:
        k: so many reasons each (at least those of a sentence), and the others as one number; None means all.
        scores: of the items for this person, where they are known.
    """
    if not item_ids:
        return []
    profile, items = model.profile(person), model.items_.indices(item_ids)
    mine = model.items_.ids[profile.item_index].tolist()
    own = list(zip(mine, [catalog[one] for one in mine], profile.value.tolist(), strict=True))
    blocks = [item_ids[first : first + ITEMS_AT_ONCE] for first in range(0, len(item_ids), ITEMS_AT_ONCE)]
    parts = [one for block in blocks for one in model.parts_each(profile, block)]
    scores = model.scores(profile)[items].tolist() if scores is None else scores
    adds = np.stack([one.ratings for one in parts])  # (K, n), or (K, 0) if they count alike
    without = np.stack([one.without for one in parts])
    if model.has_stars:
        without = np.minimum(np.maximum(without, model.scale_.lowest), model.scale_.highest)
    order = np.argsort(-np.abs(adds), axis=1, kind="stable")[:, : None if k is None else max(k, NAMED)]
    columns = [order, np.take_along_axis(adds, order, axis=1), np.take_along_axis(without, order, axis=1)]
    rows = zip(*(column.tolist() for column in columns), strict=True)
    reasons = [[Reason(*own[place], *of) for place, *of in zip(*row, strict=True)] for row in rows]
    n_others, added = adds.shape[1] - order.shape[1], adds.sum(axis=1)
    more = added - columns[1].sum(axis=1)
    columns = [model.items_.ids[items], model.item_counts_[items], added, more if n_others else np.zeros(len(more))]
    told = zip(*(column.tolist() for column in columns), scores, parts, reasons, strict=True)
    explained = []
    for item_id, n, all_add, others_add, score, of, because in told:
        stars = min(max(score, model.scale_.lowest), model.scale_.highest) if model.has_stars else None
        rest = score - of.mean - of.item - of.user - all_add
        rest = rest if abs(rest) > 1e-5 else 0.0  # less is the rounding of single precision
        clipping = 0.0 if stars is None else stars - score
        amounts = of.mean, of.item, of.user, because, rest, clipping
        about = of.is_exact, n, len(own), model.scale_.has_stars, (n_others, others_add)
        explained.append(Explanation(item_id, catalog[item_id], stars, score, *amounts, *about))
    return explained
