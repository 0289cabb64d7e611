"""What every model can do with its hyperparameters."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

from matinee.errors import UnknownNameError
from matinee.models.display import model_html
from matinee.models.hyperparameters import Hyper, checked
from matinee.text import suggest


@dataclass(kw_only=True, eq=False)
class Configurable:
    """A dataclass whose hyperparameters are declared by `hyper()`."""

    name: ClassVar[str]
    summary: ClassVar[str]

    def __post_init__(self) -> None:
        for setting in self.hypers():
            setattr(self, setting.name, checked(setting, getattr(self, setting.name), self.name))

    @classmethod
    def hypers(cls) -> list[Hyper]:
        """The declared hyperparameters, in the order of declaration."""
        return [
            Hyper(setting.name, setting.default, **setting.metadata)
            for setting in fields(cls)
            if "help" in setting.metadata
        ]

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """A model from names and values, which may be text, as on the command line.

        Args:
            settings: name -> value.

        Raises:
            UnknownNameError: no hyperparameter has this name; the message suggests the
                nearest.
            SettingError: a value has the wrong type or is outside its range.
        """
        cls._require_known(settings, [setting.name for setting in cls.hypers()])
        return cls(**settings)

    @classmethod
    def _require_known(cls, settings: Iterable[str], known: Sequence[str]) -> None:
        for name in settings:
            if name not in known:
                hint = suggest(name, known, "Its settings")
                raise UnknownNameError(f"{cls.name} has no setting '{name}'.{hint}")

    def _repr_html_(self) -> str:
        """The settings and what was learned, as notebooks show them."""
        return model_html(self)

    def settings(self) -> dict[str, Any]:
        """The hyperparameters of this model, by name."""
        return {setting.name: getattr(self, setting.name) for setting in self.hypers()}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments that make an equal, unfitted model, as scikit-learn asks for them.

        Args:
            deep: has no effect: no argument is a model.
        """
        del deep
        return {given.name: getattr(self, given.name) for given in fields(self) if given.init}

    def set_params(self, **params: object) -> Self:
        """Sets hyperparameters by name, for the next `fit`; returns the model.

        Args:
            **params: name -> value.

        Raises:
            UnknownNameError, SettingError: as for `from_settings`; nothing is set then.
        """
        known = self.get_params()
        self._require_known(params, list(known))
        changed = type(self)(**(known | params))
        for name in known:
            setattr(self, name, getattr(changed, name))
        self.__post_init__()  # sets what depends on the hyperparameters
        return self
