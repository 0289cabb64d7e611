"""The settings that the models have on Spark: which ones matter there, and their defaults."""

from collections.abc import Mapping

from matinee.errors import SettingError, UnsupportedError
from matinee.models import model_named
from matinee.models.base import Recommender
from matinee.models.hybrid import Hybrid
from matinee.models.ials import ImplicitALS
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.text import joined

MODELS = (MatrixFactorization, ImplicitALS, Hybrid)
DEFAULTS: dict[str, dict[str, int | float]] = {
    "mf": {"epochs": 5, "regularization": 0.05, "factor_shrinkage": 4.0},
    "ials": {"factors": 64, "epochs": 8},
    "ease": {},
}
"""Where they differ from those on one machine."""
MATTERING = {
    "mf": "factors epochs regularization factor_shrinkage bias_shrinkage seed",
    "ials": "factors epochs alpha0 regularization nu threshold weights alpha seed",
    "hybrid": "stars lists member_settings holdout seed",
    "ease": "regularization threshold entries seed",
}
"""The settings that have an effect; the others are for algorithms that Spark does not run."""


def spark_model(name: str, settings: Mapping[str, int | str]) -> Recommender:
    """An unfitted model with the settings given and the defaults for Spark.

    Raises:
        UnsupportedError: Spark does not train this model.
        SettingError: a setting has no effect on Spark.
        UnknownNameError: there is no such model or setting.
    """
    kind = model_named(name)
    if kind not in MODELS:
        names = joined([model.name for model in MODELS], "or")
        raise UnsupportedError(
            f"On Spark, matinee trains {names}, not {kind.name}. Leave --engine spark out for a "
            "table that one machine can hold."
        )
    if kind is not Hybrid:
        _refuse_idle(kind.name, settings, "")
        return kind.from_settings({**DEFAULTS[kind.name], **settings})
    return _hybrid(settings)


def _refuse_idle(name: str, settings: Mapping[str, object], prefix: str) -> None:
    known = {setting.name for setting in model_named(name).hypers()}
    for setting in settings:
        if setting in known and setting not in MATTERING[name].split():
            raise SettingError(
                f"{prefix}{setting} has no effect on Spark; leave it out. The settings of {name} "
                f"there are {', '.join(MATTERING[name].split())}."
            )


def _hybrid(settings: Mapping[str, int | str]) -> Hybrid:
    _refuse_idle("hybrid", {one: 0 for one in settings if "." not in one}, "")
    plain = Hybrid.from_settings(settings)
    given: dict[str, set[str]] = {}
    for part in plain.member_settings.split():
        member, _, rest = part.partition(".")
        given.setdefault(member, set()).add(rest.partition("=")[0])
    added: dict[str, int | str] = {}
    for member, one in plain.unfitted_members().items():
        if one.name not in MATTERING or isinstance(one, Hybrid):
            names = "mf, ials and ease"
            raise UnsupportedError(
                f"On Spark, the members of a hybrid are {names}, not {one.name}; leave it out."
            )
        _refuse_idle(one.name, dict.fromkeys(given.get(member, ()), 0), f"{member}.")
        for setting, value in DEFAULTS[one.name].items():
            if setting not in given.get(member, ()):
                added[f"{member}.{setting}"] = str(value)
    return Hybrid.from_settings({**added, **settings})
