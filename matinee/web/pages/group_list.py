"""The films on a group's list: what each member would probably give, and what members said."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matinee.data.vocabulary import Id
from matinee.web.db.groups import Mark
from matinee.web.db.people import PersonData
from matinee.web.pages.film_cards import FilmCards
from matinee.web.serving.film_search import FilmSummary


class MemberStars(NamedTuple):
    """What a member would probably give a film."""

    name: str
    stars: float


class GroupFilm(FilmSummary):
    """A film on the group's list."""

    stars: float | None
    """Predicted for the group; None if the model only ranks."""
    by_member: list[MemberStars]
    """Highest first; without members who have not rated anything."""
    seen_by: list[str]
    """Names of the members who have seen it."""
    vetoed_by: list[str]
    own_mark: str
    """"seen", "veto" or empty."""


def group_films(
    cards: FilmCards,
    films: Mapping[Id, float | None],
    people: Sequence[PersonData],
    names: Mapping[str, str],
    marks: Sequence[Mark],
    person: str,
) -> list[GroupFilm]:
    """The films with what is predicted for each member and what members said about them.

    Args:
        films: item id -> stars predicted for the group.
        people: the members' data, in the order of `names`.
        names: person id -> name in the group.
        person: the member who sees the page.
    """
    snapshot = cards.snapshot
    indices = [snapshot.index_of(item_id) for item_id in films]
    predicted: list[list[MemberStars]] = [[] for _ in indices]
    model = snapshot.guide.model
    for data, name in zip(people, names.values(), strict=True):
        profile = snapshot.fold_in(data.stars(), strict=False).profile
        if not data.ratings:
            continue
        for row, card in zip(
            predicted, cards.predicted(profile, indices, model.ranking(profile, None)), strict=True
        ):
            if card["stars"] is not None:
                row.append(MemberStars(name, card["stars"]))
    lines = []
    for index, stars, by_member in zip(indices, films.values(), predicted, strict=True):
        line = snapshot.films.summary(index)
        own = [mark for mark in marks if mark.item_id == str(line["item_id"])]
        by_member.sort(key=lambda one: -one.stars)
        lines.append(
            GroupFilm(
                **line,
                stars=stars,
                by_member=by_member,
                seen_by=[names[mark.person_id] for mark in own if mark.kind == "seen"],
                vetoed_by=[names[mark.person_id] for mark in own if mark.kind == "veto"],
                own_mark="".join(mark.kind for mark in own if mark.person_id == person),
            )
        )
    return lines
