"""What the arrays of `bayes` must have in common: numbers of draws, levels and times."""

from typing import TYPE_CHECKING

import numpy as np

from matinee.errors import DataError
from matinee.models.bayes.time_effects import check_keys

if TYPE_CHECKING:
    from matinee.models.bayes.model import BayesianMF


def check_arrays(model: "BayesianMF") -> None:
    """Checks the arrays of a model from a file beyond what their declarations can express.

    Raises:
        DataError: they do not fit each other, the settings or the features.
    """
    if model.item_draws_.shape[1] == 0:
        raise DataError(f"{model.name}: there are no draws")
    if (np.diff(model.levels_) <= 0).any() or (np.diff(model.threshold_draws_) < 0).any():
        raise DataError(f"{model.name}: levels_ or threshold_draws_ does not ascend")
    check_keys(model.moment_keys_, model.moment_sizes_, len(model.users_))
    if (len(model.levels_) > 0) != (model.likelihood == "probit"):
        raise DataError(f"{model.name}: levels_ does not fit likelihood={model.likelihood}")
    features, n = model.history_.item_features, len(model.label_draws_)
    if features is not None and n not in (0, len(features.names) + 2):
        raise DataError(f"{model.name}: label_draws_ does not fit the features of the items")
    if len(model.untimed_draws_) not in (0, len(model.user_draws_)):
        raise DataError(f"{model.name}: untimed_draws_ does not fit the users")
    sizes = {len(model.effect_variance_), len(model.moment_variance_)}
    if not sizes <= {0, len(model.moment_sizes_)}:
        raise DataError(f"{model.name}: effect_variance_ does not fit the time effects")
