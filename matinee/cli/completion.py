"""matinee --install-completion: the Tab key completes commands and options in three shells."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import click
from click.shell_completion import get_completion_class

from matinee.errors import SettingError
from matinee.files import reason_of, write_atomically

SHELLS = ("bash", "zsh", "fish")
FROM_ENVIRONMENT = "auto"
"""The value of the option without a value: the shell that $SHELL names."""
_VARIABLE = "_MATINEE_COMPLETE"


def model_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The names of models that begin like this; of a list with commas, its last part."""
    from matinee.models import MODELS

    del context, parameter
    before, comma, begun = incomplete.rpartition(",")
    return [f"{before}{comma}{model.name}" for model in MODELS if model.name.startswith(begun)]


class Place(NamedTuple):
    """Where the script of a shell belongs, and what else it needs."""

    path: Path
    remark: str


def shell_of(wanted: str, environment: Mapping[str, str]) -> str:
    """The name of a shell that can complete.

    Args:
        wanted: bash, zsh or fish, or `FROM_ENVIRONMENT`.

    Raises:
        SettingError: it is none of these.
    """
    name = wanted
    if wanted == FROM_ENVIRONMENT:
        name = Path(environment.get("SHELL", "")).name
    if name not in SHELLS:
        told = f"There is no completion for the shell '{name}'."
        if not name:
            told = "The variable SHELL does not say which shell you use."
        raise SettingError(f"{told} Name one:  matinee --install-completion bash|zsh|fish")
    return name


def place_of(shell: str, environment: Mapping[str, str]) -> Place:
    """The file that the shell loads by itself, or what its start file must say."""
    home = Path(environment.get("HOME") or Path.home())
    if shell == "fish":
        config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
        return Place(config / "fish" / "completions" / "matinee.fish", "")
    if shell == "zsh":
        path = home / ".zfunc" / "_matinee"
        lines = "fpath+=~/.zfunc; autoload -Uz compinit; compinit"
        return Place(path, f"If ~/.zshrc does not have it yet, add this line:  {lines}")
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    path = data / "bash-completion" / "completions" / "matinee"
    return Place(path, f"Without the package bash-completion, add to ~/.bashrc:  source '{path}'")


def script_of(shell: str, command: click.Command) -> str:
    """The script that asks the program what can come next."""
    kind = get_completion_class(shell)
    assert kind is not None  # click has all of SHELLS
    complete = kind(command, {}, "matinee", _VARIABLE)
    # Not `source`, which starts bash to ask for its version.
    script = complete.source_template % complete.source_vars()
    # click's script for fish cuts descriptions at their first comma.
    return script.replace('(string split "," $completion)', '(string split -m 1 "," $completion)')


def install(wanted: str, command: click.Command) -> str:
    """Writes the script to where the shell looks for it.

    Returns: where it is, and what else to do, in sentences.

    Raises:
        SettingError: the shell is unknown, or the file cannot be written.
    """
    shell = shell_of(wanted, os.environ)
    place = place_of(shell, os.environ)
    try:
        place.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place.path, script_of(shell, command).encode())
    except OSError as error:
        reason = reason_of(error)
        raise SettingError(f"Cannot write the completion '{place.path}': {reason}.") from error
    told = f"Completion for {shell}: {place.path}. It works in new shells."
    return f"{told}\n{place.remark}".rstrip()
