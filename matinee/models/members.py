"""What the models that combine others share: settings of members, weights for lists, progress."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Indices, Longs
from matinee.data.ratings import Grouped, Ratings
from matinee.data.split import Split
from matinee.errors import SettingError, UnknownNameError
from matinee.models.base import Recommender
from matinee.models.configurable import Configurable
from matinee.models.declarations import check_history, restore, state_of
from matinee.models.history import History
from matinee.models.implicit_feedback import AUTO, find_threshold
from matinee.models.interface import Capabilities, FitOptions
from matinee.models.stacking import ndcg, nonnegative_ridge, pairs_of, standardized
from matinee.progress import Progress, Step
from matinee.text import joined, nearest
from matinee.training.checkpoints import State, check_like, prefixed, with_prefix
from matinee.training.loop import end_epoch

Model = TypeVar("Model", bound=Recommender)

ENOUGH = 100
"""The number of held-out ratings, or likes, below which all weights are equal."""
MOST_USERS, USERS_PER_BLOCK = 1000, 64
"""The users whose lists determine the weights."""


def gathered(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with those of members, whose names have a dot, in `member_settings`."""
    dotted = [f"{name}={value}" for name, value in settings.items() if "." in name]
    own = {name: value for name, value in settings.items() if "." not in name}
    if dotted:
        given = str(own.get("member_settings", ""))
        own["member_settings"] = " ".join([given, *dotted]).strip()
    return own


def has_half_life(kind: type[Configurable]) -> bool:
    """Whether a model has the setting `half_life`."""
    return any(setting.name == "half_life" for setting in kind.hypers())


def check_names(
    model: type[Configurable], names: Iterable[str], members: Mapping[str, type[Configurable]]
) -> None:
    """Checks that a model has these settings; a message about one of a member says how to set
    it.

    Args:
        members: the classes of the members, by name.

    Raises:
        UnknownNameError: there is no such setting.
    """
    known = [setting.name for setting in model.hypers()]
    having: dict[str, list[str]] = {}
    for name, kind in members.items():
        for setting in kind.hypers():
            having.setdefault(setting.name, []).append(name)
    for name in names:
        if name in known:
            continue
        told = f"{model.name} has no setting '{name}'"
        if name in having:
            first, *others = having[name]
            ways = [f"{first}.{name} sets it for {first}"]
            ways += [f"{member}.{name} for {member}" for member in others]
            raise UnknownNameError(f"{told}; {joined(ways, 'and')}.")
        close = nearest(name, known) or [f"{having[one][0]}.{one}" for one in nearest(name, having)]
        if close:
            quoted = [f"'{one}'" for one in close]
            raise UnknownNameError(f"{told}. Did you mean {joined(quoted, 'or')}?")
        raise UnknownNameError(
            f"{told}. Its settings are: {', '.join(known)}, and those of its members, such as "
            "mf.factors."
        )


def settings_of_members(
    model: str, text: str, members: Sequence[str], seed: int
) -> dict[str, dict[str, int | str]]:
    """The settings of each member, from a text such as "mf.factors=32 item-knn.k=50".

    Args:
        model: the name of the model that combines them, for messages.
        members: the names of all members.
        seed: the seed of all members, unless the text gives one.

    Raises:
        SettingError: a part of the text has another form or is for no member.
    """
    settings: dict[str, dict[str, int | str]] = {name: {"seed": seed} for name in members}
    for part in text.split():
        name, dot, rest = part.partition(".")
        key, equals, value = rest.partition("=")
        if not (dot and key and equals and value):
            raise SettingError(
                f"{model}: member_settings must look like mf.factors=32 item-knn.k=50, "
                f"unlike '{part}'."
            )
        if name not in settings:
            raise SettingError(
                f"{model}: '{part}' is for '{name}', which is not one of its models: "
                f"{', '.join(settings)}."
            )
        settings[name][key] = value
    return settings


def list_weights(
    members: Sequence[Recommender], part: Split, seed: int, regularization: float
) -> Doubles | None:
    """The weights of models that rank, (M,), with sum 1, learned from held-out items that users
    like.

    A liked item should rank above each of the 500 with the highest mean score that the person has
    not rated or does not like; the target is 1 for the difference of the scores in each pair.

    Args:
        members: fitted on the training part.
        regularization: the penalty of unequal weights, in held-out likes.

    Returns:
        None if there are too few likes, or no model ranks them above others.
    """
    n_models, n_likes = len(members), 0
    gram, right = np.zeros((n_models, n_models)), np.zeros(n_models)
    for scores, liked, known in _held_out_likes(members, part, seed):
        squares, differences = pairs_of(scores, liked, known)
        gram += len(liked) * squares
        right += len(liked) * differences
        n_likes += len(liked)
    if n_likes < ENOUGH or right.sum() <= 0:
        return None
    # Scaled so that the best multiple of equal weights, to which the penalty pulls, sums to 1
    right *= gram.sum() / (len(gram) * right.sum())
    weights = nonnegative_ridge(gram, right, regularization / n_likes)
    return np.asarray(weights / weights.sum())


def chosen_weights(
    members: Sequence[Recommender], part: Split, candidates: Doubles, seed: int
) -> Doubles:
    """The weights, (M,), whose lists find the held-out likes best: the first ones, unless others
    are better by more than two standard errors of the difference.

    Lists are judged by NDCG@10 for at most 1,000 users.

    Args:
        members: fitted on the training part.
        candidates: (C, M).
    """
    each = []
    for scores, liked, known in _held_out_likes(members, part, seed):
        totals = candidates @ scores  # (C, I)
        totals[:, known] = -np.inf
        each.append(ndcg(totals, liked))
    if not each:
        return np.asarray(candidates[0])
    quality = np.stack(each, axis=1)  # (C, users)
    gains = quality - quality[0]
    mean, error = gains.mean(axis=1), gains.std(axis=1) / np.sqrt(len(each))
    mean[mean <= 2 * error] = 0.0
    return np.asarray(candidates[int(mean.argmax())])


class _UserLikes(NamedTuple):
    """What the lists of one user should find."""

    scores: Floats  # (M, I), standardized
    liked: NDArray[np.int32]  # held out
    known: NDArray[np.int32]  # rated in the training part


def _held_out_likes(members: Sequence[Recommender], part: Split, seed: int) -> Iterator[_UserLikes]:
    """At most `MOST_USERS` users, drawn at random, who like something in the test part."""
    threshold = find_threshold(AUTO, part.train, "members")
    held_out, rated = part.test.by_user, part.train.by_user
    users = np.unique(part.test.user_index[part.test.value >= threshold])
    users = np.random.default_rng(seed).permutation(users)[:MOST_USERS]
    for first in range(0, len(users), USERS_PER_BLOCK):
        block = users[first : first + USERS_PER_BLOCK]
        scores = np.stack([_standard_scores(model, block) for model in members])  # (M, B, I)
        for row, user in enumerate(block.tolist()):
            positions = _positions(held_out, user)
            liked = held_out.indices[positions][held_out.value[positions] >= threshold]
            yield _UserLikes(scores[:, row], liked, rated.indices[_positions(rated, user)])


def combined(own: Capabilities, members: Iterable[Recommender]) -> Capabilities:
    """The capabilities of a model that answers by these fitted members."""
    each = [member.capabilities for member in members]
    return replace(
        own,
        needs_history=any(member.needs_history for member in each),
        thread_safe=all(member.thread_safe for member in each),
    )


def in_words(weights: Mapping[str, float]) -> str:
    """The weights as text, such as "0.55 mf + 0.45 item-knn"."""
    return " + ".join(f"{weight:.2f} {name}" for name, weight in weights.items())


def vector_ends(members: Iterable[Recommender]) -> Longs:
    """The end of the vector of each fitted member, one after the other."""
    widths = [len(member.fold_in({}).vector) for member in members]
    return np.cumsum(widths, dtype=np.int64)


def _standard_scores(model: Recommender, user_index: Indices) -> Floats:
    return standardized(model.scores_of(model.user_vectors(user_index)))


def _positions(group: Grouped, user: int) -> slice:
    return slice(group.indptr[user], group.indptr[user + 1])


class Stages:
    """Consecutive fits of one training: their progress in one, and their state in one checkpoint,
    from which the training resumes at the fit that was interrupted.

    Stages have names. Of those that are done, a model's learned arrays are kept, or the arrays of
    `compute`.
    """

    def __init__(self, options: FitOptions, n_models: int) -> None:
        self.checkpoint, self.n_threads = options.checkpoint, options.n_threads
        self.progress, self.n_models, self.n_begun = options.progress, n_models, 0
        self.done: dict[str, State] = {}
        saved: State = {}
        if self.checkpoint is not None:
            saved = with_prefix(self.checkpoint.load() or {}, "done.")
        for stage in {name.partition(".")[0] for name in saved}:
            self.done[stage] = with_prefix(saved, f"{stage}.")

    def fit(self, stage: str, model: Model, train: Ratings) -> Model:
        """Fits a model, or restores one that was fitted before an interruption.

        Args:
            stage: the name of the stage, which must be unique in the training.
            model: unfitted; also returned.
        """
        progress = self.skip(model.name)
        if stage in self.done:
            assert self.checkpoint is not None
            with self.checkpoint.reading():
                restore_fitted(model, train, self.done[stage])
            return model
        if self.checkpoint is None:
            return model.fit(train, n_threads=self.n_threads, progress=progress)
        part = None
        if model.capabilities.resumes:
            part = self.checkpoint.part(f"now.{stage}", self._state())
        model.fit(train, n_threads=self.n_threads, progress=progress, checkpoint=part)
        self.done[stage] = fitted_state(model)
        self._end(model.name)
        return model

    def skip(self, name: str) -> Progress | None:
        """Passes by the next of the models.

        Returns:
            The progress callback for it, in percent; None without progress.
        """
        before, total, progress = 100 * self.n_begun, 100 * self.n_models, self.progress
        self.n_begun += 1
        if progress is None:
            return None

        def report(step: Step) -> None:
            done = before + 100 * step.done // max(step.total, 1)
            progress(Step(done, total, f"{name} {step.text}"))

        return report

    def saved(self, stage: str, expected: State) -> State | None:
        """What `keep` kept of a stage before an interruption; None if there was none.

        Args:
            expected: arrays of the same names, dtypes and shapes.
        """
        if self.checkpoint is None or stage not in self.done:
            return None
        with self.checkpoint.reading():
            check_like(self.done[stage], expected)
        return self.done[stage]

    def keep(self, stage: str, arrays: State) -> None:
        """Ends a stage with some arrays; those of earlier stages are not needed any more."""
        if self.checkpoint is not None:
            self.done = {stage: arrays}
            self._end(stage)

    def _end(self, name: str) -> None:
        assert self.checkpoint is not None
        step = Step(100 * self.n_begun, 100 * self.n_models, name)
        end_epoch(self.checkpoint, self._state, self.progress, step)

    def _state(self) -> State:
        state: State = {}
        for stage, arrays in self.done.items():
            state |= prefixed(arrays, f"done.{stage}.")
        return state


@runtime_checkable
class Combining(Protocol):
    """A model that has members."""

    def new_members(self, train: Ratings) -> dict[str, Recommender]:
        """The members of a model of these ratings, by name, not fitted; `scale_` must be set."""


def fitted_state(model: Recommender) -> State:
    """The learned arrays of a fitted model, with those of its members."""
    state = state_of(model)
    for name, member in model.members().items():
        if member.is_fitted:
            state |= prefixed(fitted_state(member), f"member.{name}.")
    return state


def restore_fitted(model: Recommender, train: Ratings, state: State) -> None:
    """Makes an unfitted model one that was fitted on these ratings.

    Args:
        state: of `fitted_state`.

    Raises:
        DataError, KeyError: it is not the state of such a model.
    """
    times, features = model.capabilities.uses_times, model.capabilities.uses_features
    history = History.from_ratings(train, times=times, features=features)
    own = {name: array for name, array in state.items() if not name.startswith("member.")}
    model.scale_ = train.scale
    members: dict[str, Recommender] = {}
    if isinstance(model, Combining):
        members = model.new_members(train)
    for name, member in members.items():
        if part := with_prefix(state, f"member.{name}."):
            restore_fitted(member, train, part)
    check_history(history, own["item_counts_"], own["item_means_"])
    restore(model, history, own, members)
