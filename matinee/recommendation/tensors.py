"""Histories, ids, texts and catalogs as the tensors of a model file, and back.

What comes from a file is checked; every problem is a DataError, or a KeyError where a tensor is
missing.
"""

from matinee._types import Arrays
from matinee.data.packing import pack_features, unpack_features
from matinee.data.ratings import Scale
from matinee.data.vocabulary import Vocabulary
from matinee.models.history import History


def pack_history(history: History) -> Arrays:
    """The tensors of a history."""
    tensors: Arrays = {
        "model.history_indptr_": history.indptr,
        "model.history_items_": history.item_index,
        "model.history_values_": history.value,
    }
    if history.timestamp is not None:
        tensors["model.history_timestamps_"] = history.timestamp
    tensors |= pack_features(history.user_features, "model.history_user_features_")
    return tensors | pack_features(history.item_features, "model.history_item_features_")


def unpack_history(tensors: Arrays, users: Vocabulary, items: Vocabulary, scale: Scale) -> History:
    """The history from its tensors, as it is in the file."""
    return History(
        users,
        items,
        scale,
        tensors["model.history_indptr_"],
        tensors["model.history_items_"],
        tensors["model.history_values_"],
        tensors.get("model.history_timestamps_"),
        unpack_features(tensors, "model.history_user_features_", len(users)),
        unpack_features(tensors, "model.history_item_features_", len(items)),
    )
