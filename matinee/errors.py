"""Every exception that matinee raises on purpose.

    MatineeError
    ├── DataError            a table, split or catalog cannot be used: says file, row and value
    │   └── OutOfScaleError  a rating of a new person is outside the scale
    ├── DownloadError        a data set could not be downloaded
    ├── UnknownNameError     an unknown user, item, data set or model: suggests the nearest
    ├── SettingError         a value is outside its range, or options exclude each other
    ├── UnsupportedError     the chosen model cannot do this: names one that can
    ├── NotFittedError       the model has not been fitted yet
    ├── ModelFileError       a model file is truncated, foreign, newer or tampered with
    ├── EngineError          Spark, or Java for it, is missing, cannot start or gives up
    ├── StoreError           the database of people's ratings cannot be opened or reached
    └── ApiError             a server refuses a request of `matinee.client`, or does not answer

A message is one or two sentences: what was wrong, with the value and its place, and what to
type next. The command line prints it unchanged and exits with status 1.
"""


class MatineeError(Exception):
    """The root of all exceptions that matinee raises on purpose.

    Example:
        >>> try:
        ...     guide.predict(1, "Allien")
        ... except matinee.MatineeError as error:
        ...     print(error)
        No item or title 'Allien' among the 340 items. Did you mean 'Alien (1979)' (id 107)...
    """


class DataError(MatineeError):
    """A ratings table, split or catalog cannot be used."""


class OutOfScaleError(DataError):
    """A rating of a new person lies outside the scale of the training data."""


class DownloadError(MatineeError):
    """A data set could not be downloaded."""


class UnknownNameError(MatineeError):
    """A user, item, title, data set, model or setting does not exist."""


class SettingError(MatineeError):
    """A value is outside its range, or two options exclude each other."""


class UnsupportedError(MatineeError):
    """The chosen model cannot do what was asked."""


class NotFittedError(MatineeError):
    """The model has not been fitted yet."""


class ModelFileError(MatineeError):
    """A model file is truncated, foreign, newer than this library, or tampered with."""


class StoreError(MatineeError):
    """The database of people's ratings cannot be opened, reached or migrated."""


class EngineError(MatineeError):
    """Spark, or what it needs, is not installed, cannot start or gives up."""


class ApiError(MatineeError):
    """A server refused a request, or no server answered.

    Attributes:
        status: the HTTP status; 0 if no server answered.
        kind: the kind of the problem, such as "unknown-film"; empty if it is not known.
        request_id: the id of the request in the server's log; empty if it is not known.
    """

    def __init__(
        self, message: str, *, status: int = 0, kind: str = "", request_id: str = ""
    ) -> None:
        super().__init__(message)
        self.status, self.kind, self.request_id = status, kind, request_id
