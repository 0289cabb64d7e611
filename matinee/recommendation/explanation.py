"""Why a film is in a list, and why it gets its predicted stars: the average person, this person,
and each of their ratings.

    stars = mean + item + user + contributions of the person's ratings + rest + clipping

The parts come from the model (`Recommender.parts`) and add up to what `predict` returns. They
are exact for baseline and mf. For models that do not simply add up their parts they are
approximate; `is_exact` and the sentence say so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.data.catalog import Catalog, Film
from matinee.data.vocabulary import Id
from matinee.models.base import Attribution, Person, Recommender, UserState
from matinee.text import counted, html_table, joined

#: The number of ratings that a sentence names; the others are one number.
NAMED = 3
#: The number of films that say why a film is in a list.
BECAUSE = 2
#: Items per block: a model of many draws needs memory for each draw, rating and item.
ITEMS_AT_ONCE = 25
#: A smaller remainder is the rounding error of single precision.
_ROUNDING_ERROR = 1e-5


class Reason(NamedTuple):
    """One rating of the person, and what it adds to the prediction."""

    item_id: Id
    film: Film
    stars: float
    """What the person gave; for implicit feedback, how often."""
    contribution: float
    without: float
    """The same model's prediction for the person without this rating."""


class Liked(NamedTuple):
    """A film that the person likes, because of which another one is in their list."""

    item_id: Id
    film: Film


class Line(NamedTuple):
    """One line of a table of the parts."""

    what: str
    amount: float
    without: float | None = None


@dataclass(frozen=True)
class Explanation:
    """What the prediction of one item for one person is made of.

    Attributes:
        item_id, film: the item.
        stars: what `predict` returns; None for a model that only ranks: its parts add up to
            the score.
        score: the sum before clipping.
        mean: the mean of all ratings.
        item: what the average person gives this item, less the mean.
        user: what this person gives the average item, less what the average person gives it.
        reasons: the person's ratings, in descending order of the absolute contribution. Empty
            if ratings only count through `user` (baseline), and for users of a file without
            histories.
        rest: the part that the ratings do not explain. It is 0 for a new person, and in a model
            whose known users are what their ratings alone give, such as mf. In `mlp` and
            `Network`, and in mf of files of earlier versions, the parameters of a known user
            were trained together with everyone else's, and differ a little.
        clipping: negative if the score is above the scale, positive if it is below.
        is_exact: whether the parts are what the prediction consists of; they are approximate for
            models that do not simply add up their parts.
        n_ratings: ratings of this item by all users.
        n_own_ratings: ratings of this person, as far as the model knows them.
        has_ratings: False for implicit feedback.
        n_others: the number of the person's ratings that are not among the reasons.
        others_contribution: what these add together.
        because: films that the person likes, and because of which this item is in their list,
            strongest first, at most 2 (`Recommender.because`). Empty if none is a reason, and
            for models whose lists follow from the stars.

    Example:
        >>> me, _ = guide.newcomer({"Alien": 5, "Titanic": 1.5})
        >>> why = guide.explain(me, "The Matrix")
        >>> why.film.title, why.is_exact
        ('The Matrix (1999)', True)
        >>> [reason.film.title for reason in why.reasons]
        ['Alien (1979)', 'Titanic (1997)']
        >>> parts = why.mean + why.item + why.user
        >>> parts += sum(reason.contribution for reason in why.reasons)
        >>> abs(parts + why.rest + why.clipping - why.stars) < 0.001
        True
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
    n_others: int = 0
    others_contribution: float = 0.0
    because: tuple[Liked, ...] = ()

    @property
    def digits(self) -> int:
        """Decimal places of the parts: 2 for stars, 3 for a score, which has no unit."""
        if self.stars is None:
            return 3
        return 2

    def sentence(self) -> str:
        """Why the item is in a list, and the prediction with its strongest reasons, in words."""
        if self.stars is None:
            start = f"score {self.score:.3f}"
            clauses = self._about_anybody()
        else:
            start = f"{self.stars:.1f} stars"
            clauses = [self._about_the_film(), *self._about_the_person()]
        if self.because:
            start = f"{self._about_the_list()} {start}"
        if self.reasons:
            clauses.append(self._about_ratings())
        if not self._is_negligible(self.rest):
            clauses.append(f"{self._rest_name()} {self._adds(self.rest)}")
        if self._knows_nothing():
            things = "ratings" if self.has_ratings else "films"
            clauses.append(f"none of your {things} are known")
        if not self._is_negligible(self.clipping):
            clauses.append(f"that is {self.score:.2f}, {self._clipping_name()}")
        sentence = f"{start}: {'; '.join(clauses)}."
        if not self.is_exact:
            sentence += " The parts are approximate for this model."
        return sentence

    def lines(self, k: int | None = None) -> list[Line]:
        """The parts with the k strongest reasons (None: all), rounded, then the prediction.

        The rounding error has a separate line, so that the column adds up.
        """
        shown, n_others, others = self._cut(k)
        parts = [Line("the average rating", self.mean), Line(self._item_name(), self.item)]
        parts.append(Line(f"you rate {_higher_or_lower(self.user)} than most", self.user))
        for reason in shown:
            parts.append(Line(self._name(reason), reason.contribution, reason.without))
        other = "other rating" if self.has_ratings else "other"
        parts.append(Line(counted(n_others, other), others))
        parts.append(Line(self._rest_name(), self.rest))
        parts.append(Line(self._clipping_name(), self.clipping))
        # + 0.0 turns -0.0 into 0.0
        rounded = [part._replace(amount=round(part.amount, self.digits) + 0.0) for part in parts]
        total = round(self.score + self.clipping, self.digits)
        lost = round(total - sum(line.amount for line in rounded), self.digits)
        rounded.append(Line("rounding", lost))
        lines = [line for line in rounded if line.amount or line.without is not None]
        lines.append(Line(self._predicted(), total))
        return lines

    @property
    def about_without(self) -> str:
        """What `Reason.without` is, for below a table; empty if there are no reasons."""
        if not self.reasons:
            return ""
        condition = "if you had not given this rating"
        if not self.has_ratings:
            condition = "if you did not have it"
        also = ""
        if self.user:
            also = "; your generosity is then re-estimated too"
        return f"Without it: the {self._predicted()} {condition}{also}."

    def _repr_html_(self) -> str:
        """The sentence and the parts, with the ten strongest reasons, as notebooks show them."""
        rows = [
            (line.what, f"{line.amount:+.{self.digits}f}", _stars_text(line.without))
            for line in self.lines(10)
        ]
        headings = (self.film.title, "stars" if self.stars is not None else "score", "without it")
        return html_table(headings, rows, [self.sentence(), self.about_without])

    def to_dict(self, k: int | None = None) -> dict[str, Any]:
        """The parts and reasons as plain values, for JSON.

        The values of `parts` add up to `stars`, or to `score` if there are no stars.

        Args:
            k: how many reasons; the others are one number. None means all.
        """
        shown, n_others, others = self._cut(k)
        parts = {
            "mean": self.mean,
            "item": self.item,
            "user": self.user,
            "reasons": sum(reason.contribution for reason in shown),
            "other_ratings": others,
            "rest": self.rest,
            "clipping": self.clipping,
        }
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
            "because": [
                {"item_id": liked.item_id, "title": liked.film.title} for liked in self.because
            ],
            "n_other_ratings": n_others,
            "n_ratings": self.n_ratings,
            "is_exact": self.is_exact,
            "sentence": self.sentence(),
        }

    def _cut(self, k: int | None) -> tuple[list[Reason], int, float]:
        """The first k reasons, and the number and the sum of the others."""
        shown = self.reasons[:k]
        others = self.reasons[len(shown) :]
        added = sum(reason.contribution for reason in others) + self.others_contribution
        return shown, len(others) + self.n_others, added

    def _is_negligible(self, amount: float) -> bool:
        """Whether it is 0 after rounding."""
        return abs(amount) < 0.5 * 0.1**self.digits

    def _knows_nothing(self) -> bool:
        """Whether nothing in the prediction comes from this person."""
        parts = (self.user, self.rest)
        return self.n_own_ratings == 0 and all(self._is_negligible(part) for part in parts)

    def _predicted(self) -> str:
        if self.stars is None:
            return "score"
        return "prediction"

    def _adds(self, amount: float, *, is_plural: bool = False) -> str:
        """Such as "adds 0.31" or, for a plural subject, "subtract 0.12"."""
        verb = "subtract"
        if amount > 0:
            verb = "add"
        if not is_plural:
            verb += "s"
        return f"{verb} {abs(amount):.{self.digits}f}"

    def _name(self, reason: Reason) -> str:
        title = reason.film.title
        if not self.has_ratings:
            if reason.stars == 1:
                return title
            return f"{reason.stars:,.0f} times {title}"
        stars = f"{reason.stars:g} {_star_or_stars(reason.stars)}"
        if reason.item_id == self.item_id:
            return f"your own {stars} for {title}"
        return f"your {stars} for {title}"

    def _item_name(self) -> str:
        if self.n_ratings == 0:
            return "nobody has rated it, so it counts as average"
        if not self.has_ratings:
            return "how many people have it"
        return f"the average person gives it {_more_or_less(self.item)} than the average rating"

    def _rest_name(self) -> str:
        if self.reasons:
            return "the training residual"
        return "your taste as learned in training"

    def _clipping_name(self) -> str:
        if self.clipping < 0:
            return "above the top of the scale"
        return "below the bottom of the scale"

    def _about_the_list(self) -> str:
        """Why the item is in a list, before the prediction."""
        titles = joined([liked.film.title for liked in self.because])
        if self.has_ratings and self.stars is not None:
            return f"People who like {titles} like this; you would give it"
        if self.has_ratings:
            return f"People who like {titles} like this;"
        return f"People who have {titles} have this;"

    def _about_anybody(self) -> list[str]:
        """What a score is before the person's ratings count."""
        amount = self.mean + self.item + self.user
        if self._is_negligible(amount):
            return []
        things = "ratings" if self.has_ratings else "films of yours"
        return [f"what does not depend on individual {things} {self._adds(amount)}"]

    def _about_the_film(self) -> str:
        if self.n_ratings == 0:
            return "nobody has rated it, so it counts as average"
        if self._is_negligible(self.item):
            return "the average person gives it the average rating"
        compared = f"{abs(self.item):.2f} {_more_or_less(self.item)} than"
        return f"the average person gives it {compared} the average rating"

    def _about_the_person(self) -> list[str]:
        if self.user == 0:  # exactly 0 if the model has no such part
            return []
        if self._is_negligible(self.user):
            return ["you rate as most people do"]
        return [f"you rate {abs(self.user):.2f} {_higher_or_lower(self.user)} than most"]

    def _about_ratings(self) -> str:
        named = []
        for reason in self.reasons[:NAMED]:
            if not self._is_negligible(reason.contribution):
                named.append(reason)
        clauses = []
        for reason in named:
            is_plural = self.has_ratings and reason.stars != 1
            adds = self._adds(reason.contribution, is_plural=is_plural)
            clauses.append(f"{self._name(reason)} {adds}")
        _, n_others, others = self._cut(len(named))
        if n_others:
            clauses.append(self._about_others(n_others, others, has_named=bool(named)))
        return ", ".join(clauses)

    def _about_others(self, n: int, contribution: float, *, has_named: bool) -> str:
        """What the n ratings that a sentence does not name add together."""
        is_plural = n != 1
        things = counted(n, "rating" if self.has_ratings else "film")
        subject = f"through your taste, your {things}"
        if has_named and self.has_ratings:
            subject = f"and {counted(n, 'more rating')}"
        elif has_named:
            subject = f"and {n:,} more"
        if is_plural:
            subject += " together"
        if not self._is_negligible(contribution):
            return f"{subject} {self._adds(contribution, is_plural=is_plural)}"
        if is_plural:
            return f"{subject} change nothing"
        return f"{subject} changes nothing"


def _stars_text(stars: float | None) -> str:
    return "" if stars is None else f"{stars:.2f}"


def _more_or_less(amount: float) -> str:
    if amount > 0:
        return "more"
    return "less"


def _higher_or_lower(amount: float) -> str:
    if amount > 0:
        return "higher"
    return "lower"


def _star_or_stars(n: float) -> str:
    if n == 1:
        return "star"
    return "stars"


def explain(model: Recommender, catalog: Catalog, person: Person, item_id: Id) -> Explanation:
    """What the model's prediction of an item for a person is made of.

    Raises:
        UnknownNameError: no such user or item.
        UnsupportedError: the model cannot explain; the message names one that can.
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
    """`explain` for several items, in much less time than one call per item.

    Args:
        k: the number of reasons for each item (at least those of a sentence); the others are
            one number. None means all.
        scores: what the parts of each item add up to (`Recommender.attributed`), if it is known
            already.
    """
    if not item_ids:
        return []
    profile = model.profile(person)
    item_index = model.items_.indices(item_ids)
    parts: list[Attribution] = []
    for first in range(0, len(item_ids), ITEMS_AT_ONCE):
        parts += model.parts_each(profile, item_ids[first : first + ITEMS_AT_ONCE])
    if scores is None:
        scores = model.attributed(profile)[item_index].tolist()
    rated = _RatedItems.of(model, catalog, profile)
    because = liked_because(model, profile, item_index)
    explanations = []
    for index, score, item_parts, places in zip(
        item_index.tolist(), scores, parts, because, strict=True
    ):
        liked = tuple(Liked(rated.ids[place], rated.films[place]) for place in places)
        made = _explanation(model, catalog, rated, index, score, item_parts, k)
        explanations.append(replace(made, because=liked))
    return explanations


def liked_because(
    model: Recommender, profile: UserState, item_index: NDArray[np.int32]
) -> list[list[int]]:
    """For each item, the positions in the profile of at most `BECAUSE` liked ratings because of
    which it is in a list; never the item itself."""
    own = profile.item_index.tolist()
    found = []
    for item, places in zip(item_index.tolist(), model.because(profile, item_index), strict=True):
        others = [place for place in places.tolist() if own[place] != item]
        found.append(others[:BECAUSE])
    return found


class _RatedItems(NamedTuple):
    """The n items that a person rated, in the order of their profile."""

    ids: list[Id]
    films: list[Film]
    stars: list[float]

    @classmethod
    def of(cls, model: Recommender, catalog: Catalog, profile: UserState) -> "_RatedItems":
        ids = model.items_.ids[profile.item_index].tolist()
        return cls(ids, [catalog[item_id] for item_id in ids], profile.value.tolist())


def _explanation(
    model: Recommender,
    catalog: Catalog,
    rated: _RatedItems,
    item_index: int,
    score: float,
    parts: Attribution,
    k: int | None,
) -> Explanation:
    """The explanation of one item from its parts and its score."""
    reasons = _reasons(model, rated, parts, k)
    total = float(parts.ratings.sum())
    n_others = len(parts.ratings) - len(reasons)
    others_contribution = 0.0
    if n_others:
        listed = np.array([reason.contribution for reason in reasons], parts.ratings.dtype)
        others_contribution = total - float(listed.sum())
    rest = score - parts.mean - parts.item - parts.user - total
    if abs(rest) <= _ROUNDING_ERROR:
        rest = 0.0
    stars = None
    clipping = 0.0
    if model.has_stars:
        stars = min(max(score, model.scale_.lowest), model.scale_.highest)
        clipping = stars - score
    item_id = model.items_.id(item_index)
    return Explanation(
        item_id=item_id,
        film=catalog[item_id],
        stars=stars,
        score=score,
        mean=parts.mean,
        item=parts.item,
        user=parts.user,
        reasons=reasons,
        rest=rest,
        clipping=clipping,
        is_exact=parts.is_exact,
        n_ratings=int(model.item_counts_[item_index]),
        n_own_ratings=len(rated.ids),
        has_ratings=model.scale_.has_stars,
        n_others=n_others,
        others_contribution=others_contribution,
    )


def _reasons(
    model: Recommender, rated: _RatedItems, parts: Attribution, k: int | None
) -> list[Reason]:
    """The person's ratings as reasons, in descending order of the absolute contribution.

    None if the ratings only count through `user`.
    """
    order = np.argsort(-np.abs(parts.ratings), kind="stable")
    if k is not None:
        order = order[: max(k, NAMED)]
    without = parts.without
    if model.has_stars:
        without = np.clip(without, model.scale_.lowest, model.scale_.highest)
    reasons = []
    for place in order.tolist():
        reason = Reason(
            item_id=rated.ids[place],
            film=rated.films[place],
            stars=rated.stars[place],
            contribution=float(parts.ratings[place]),
            without=float(without[place]),
        )
        reasons.append(reason)
    return reasons
