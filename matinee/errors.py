"""Every exception that matinee raises on purpose.

    MatineeError
    ├── DataError            a ratings table, split or catalogue that cannot be used; names the file, row and value
    │   └── OutOfScaleError  a new person's rating lies outside the scale
    ├── DownloadError        a data set that could not be fetched
    ├── UnknownNameError     a user, item, title, data set, model or setting that does not exist; suggests the nearest
    ├── SettingError         a value outside its range, or options that contradict each other
    ├── UnsupportedError     the chosen model cannot do this; names one that can
    ├── NotFittedError       `fit` or `load` comes first
    ├── ModelFileError       a model file that is truncated, foreign, newer or tampered with
    └── StoreError           the database of people's ratings cannot be opened or reached

Each message is one or two sentences for a person: what was wrong, with the value and where it stood, and what to
type next. The command line prints it as it is and exits with 1.
"""


class MatineeError(Exception):
    """The root: catch this to catch everything that matinee raises on purpose."""


class DataError(MatineeError):
    """A ratings table, split or catalogue cannot be used."""


class OutOfScaleError(DataError):
    """A new person's rating lies outside the scale of the training data."""


class DownloadError(MatineeError):
    """A data set could not be fetched."""


class UnknownNameError(MatineeError):
    """A user, item, title, data set, model or setting does not exist."""


class SettingError(MatineeError):
    """A value is outside its range, or two options contradict each other."""


class UnsupportedError(MatineeError):
    """The chosen model cannot do what was asked."""


class NotFittedError(MatineeError):
    """The model was asked before it was fitted."""


class ModelFileError(MatineeError):
    """A model file is truncated, foreign, newer than this library, or tampered with."""


class StoreError(MatineeError):
    """The database in which people's ratings are kept cannot be opened, reached or brought up to date."""
