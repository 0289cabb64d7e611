"""The film page in words: what is predicted and why, and what similar films have in common."""

from typing import NamedTuple

import numpy as np

from matinee.recommendation.explanation import Explanation
from matinee.text import counted, joined
from matinee.web.pages.explanation_chart import given_stars
from matinee.web.pages.film_cards import FilmCard
from matinee.web.pages.texts_film import FILM
from matinee.web.serving.film_search import FilmSummary
from matinee.web.serving.snapshot import ModelSnapshot

N_NAMED = 2
"""Number of liked films that the sentence names."""
_NOTABLE = 0.05
"""Stars from which a rating is named as a reason."""
_NOTABLE_OF_FILM = 0.15
"""Stars from which a film or a person differs from the average in words."""
_FEW_RATINGS = 4
_LIKED = 0.75
"""The part of the scale from which a rating says that somebody liked a film."""
_MIN_COMMON = 3
_MIN_LIFT = 1.2
"""How much more people must have liked both films than if the two had nothing to do with each
other."""


class Headline(NamedTuple):
    """What is predicted, in words.

    Attributes:
        given: the person's own rating, which the prediction does not use; None without one.
        n_rated: number of ratings that the prediction uses.
    """

    film: FilmCard
    given: float | None
    n_rated: int

    def text(self) -> str:
        """The sentence; empty for a model that says nothing of this film."""
        film, has_own = self.film, self.n_rated > 0
        if film["stars"] is None:
            name = "ranked" if has_own else "ranked_none"
            if not film["rank"]:
                return ""
            return FILM[name].format(rank=f"{film['rank']:,}", n=f"{film['n_ranked']:,}")
        stars = f"{film['stars']:.1f}"
        if self.given is None:
            return FILM["predicted" if has_own else "predicted_none"].format(stars=stars)
        name = "given" if has_own else "given_only"
        return FILM[name].format(given=f"{self.given:g}", stars=stars)


def reasons_in_words(explanation: Explanation) -> str:
    """Why the prediction is what it is: what other people think, and the strongest of the
    person's ratings that are reasons as people understand it."""
    sentences = []
    if explanation.because:
        text = FILM["because" if explanation.has_ratings else "because_have"]
        names = joined([liked.film.title for liked in explanation.because])
        sentences.append(text.format(names=names))
    if explanation.stars is None:
        return " ".join([*sentences, *_films_seen(explanation)])
    sentences.append(_about_the_film(explanation))
    if abs(explanation.user) >= _NOTABLE_OF_FILM:
        sentences.append(FILM["generous" if explanation.user > 0 else "strict"])
    return " ".join([*sentences, *_about_ratings(explanation)])


def _about_the_film(explanation: Explanation) -> str:
    if not explanation.n_ratings:
        return FILM["nobody"]
    if explanation.n_ratings <= _FEW_RATINGS:
        people = counted(explanation.n_ratings, "person has", "people have")
        return FILM["few"].format(n=people)
    if abs(explanation.item) < _NOTABLE_OF_FILM:
        return FILM["average"]
    return FILM["above" if explanation.item > 0 else "below"]


def _about_ratings(explanation: Explanation) -> list[str]:
    """Liked films that raise the prediction, and a disliked one that lowers it. A disliked film
    that raises it is part of the sum, but nothing that people would call a reason."""
    reasons, sentences = explanation.reasons, []
    if not reasons:
        return []
    middle = sum(reason.stars for reason in reasons) / len(reasons)
    liked = [r for r in reasons if r.contribution >= _NOTABLE and r.stars >= middle]
    disliked = [r for r in reasons if r.contribution <= -_NOTABLE and r.stars < middle]
    if liked:
        names = joined([reason.film.title for reason in liked[:N_NAMED]])
        sentences.append(FILM["liked"].format(names=names))
    if disliked:
        given, name = given_stars(disliked[0].stars), disliked[0].film.title
        sentences.append(FILM["pulls"].format(given=given, name=name))
    return sentences


def _films_seen(explanation: Explanation) -> list[str]:
    """The films that raise a score most."""
    names = [r.film.title for r in explanation.reasons if r.contribution > 0][:N_NAMED]
    if not names or explanation.because:
        return []
    if explanation.has_ratings:
        return [FILM["liked"].format(names=joined(names))]
    return [FILM["alike"].format(names=joined(names))]


# -- similar films -----------------------------------------------------------------------


def add_reasons(snapshot: ModelSnapshot, index: int, cards: list[FilmCard]) -> list[FilmCard]:
    """The similar films that have something in common with a film, and say so."""
    film = snapshot.films.summary(index)
    others = [snapshot.index_of(card["item_id"]) for card in cards]
    n_common = people_in_common(snapshot, index, others)
    found = []
    people = FILM["both_like" if snapshot.guide.model.scale_.has_stars else "both_seen"]
    for card, n in zip(cards, n_common, strict=True):
        reason, is_enough = _in_common(film, card, snapshot.films.common_genres)
        if n or is_enough:
            clauses = [reason, people.format(n=f"{n:,}") if n else ""]
            card["why"] = " ".join(clause for clause in clauses if clause)
            found.append(card)
    return found


def _in_common(film: FilmSummary, card: FilmCard, common: set[str]) -> tuple[str, bool]:
    """What two films have in common, and whether that is a reason by itself."""
    own_tags = {tag.casefold() for tag in film["tags"]}
    tags = [tag for tag in card["tags"] if tag.casefold() in own_tags]
    if tags:
        return FILM["both_tags"].format(tag=tags[0]), True
    shared = [genre for genre in card["genres"] if genre in film["genres"]]
    genres = joined(sorted(shared, key=lambda genre: genre in common)[:2])
    decade = ""
    if film["year"] and card["year"] and film["year"] // 10 == card["year"] // 10:
        decade = f"{film['year'] // 10 * 10}s"
    if genres and decade:
        return FILM["both_genre_decade"].format(genres=genres, decade=decade), True
    if genres:
        return FILM["both_genres"].format(genres=genres), len(shared) > 1 or genres not in common
    if decade:
        return FILM["both_decade"].format(decade=decade), False
    return "", False


def people_in_common(snapshot: ModelSnapshot, index: int, others: list[int]) -> list[int]:
    """For each other film, how many people of the training data liked both, or have both for
    implicit feedback; 0 if they are few, or not more than chance brings together."""
    model = snapshot.guide.model
    history, scale = model.history_, model.scale_
    if not others or not len(history.value):
        return [0] * len(others)
    row_of_item = np.full(len(model.items_), -1)
    row_of_item[[index, *others]] = np.arange(1 + len(others))
    row = row_of_item[history.item_index]
    wanted = row >= 0
    if scale.has_stars:
        wanted &= history.value >= scale.lowest + _LIKED * (scale.highest - scale.lowest)
    row, user = row[wanted], history.user_index[wanted]
    n_users = len(model.users_)
    liked_it = np.zeros(n_users, bool)
    liked_it[user[row == 0]] = True
    n_each = np.bincount(row, minlength=1 + len(others))[1:]
    n_both = np.bincount(row[liked_it[user]], minlength=1 + len(others))[1:]
    expected = n_each * liked_it.sum() / max(1, n_users)
    is_more = (n_both >= _MIN_COMMON) & (n_both >= _MIN_LIFT * expected)
    return [int(n) for n in np.where(is_more, n_both, 0)]
