"""Completion by the shell, and what `matinee` says without arguments."""

import os
import subprocess
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from matinee.cli import FIRST, main
from matinee.cli.completion import SHELLS, place_of, script_of
from tests.helpers import good, refused, run


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_lies_where_the_shell_looks_for_it(shell: str, home: Path) -> None:
    told = good("--install-completion", shell).stdout
    path = place_of(shell, os.environ).path
    assert path.is_relative_to(home)
    assert path.read_text("utf-8") == script_of(shell, main)
    assert f"_MATINEE_COMPLETE={shell}_complete" in path.read_text("utf-8")
    assert told.startswith(f"Completion for {shell}: {path}. It works in new shells.\n")
    assert ("~/.zshrc" in told, "~/.bashrc" in told) == (shell == "zsh", shell == "bash")
    good("--install-completion", shell)  # again, over the earlier one


def test_the_shell_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert good("--install-completion").stdout.startswith("Completion for fish: ")
    assert (home / ".config" / "fish" / "completions" / "matinee.fish").exists()


@pytest.mark.parametrize(
    ("shell", "told"),
    [
        ("/bin/csh", "There is no completion for the shell 'csh'."),
        ("", "The variable SHELL does not say which shell you use."),
    ],
)
def test_another_shell_is_refused(shell: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", shell)
    names = "Name one:  matinee --install-completion bash|zsh|fish"
    assert refused("--install-completion") == f"{told} {names}"


def test_a_place_that_cannot_be_written_is_said(home: Path) -> None:
    (home / ".zfunc").write_text("")
    path = home / ".zfunc" / "_matinee"
    assert refused("--install-completion", "zsh").startswith(
        f"Cannot write the completion '{path}': "
    )


def test_commands_and_options_are_completed() -> None:
    complete = ShellComplete(main, {}, "matinee", "_MATINEE_COMPLETE")
    assert [item.value for item in complete.get_completions([], "co")] == ["compare"]
    options = [item.value for item in complete.get_completions(["recommend", "m"], "--ge")]
    assert options == ["--genre"]
    assert [item.value for item in complete.get_completions([], "--ins")] == [
        "--install-completion"
    ]


def test_names_of_models_are_completed() -> None:
    complete = ShellComplete(main, {}, "matinee", "_MATINEE_COMPLETE")
    for command in ("train", "tune", "evaluate"):
        names = [item.value for item in complete.get_completions([command, "--model"], "ba")]
        assert names == ["baseline", "bayes"]
    lists = complete.get_completions(["compare", "m", "--models"], "mf,po")
    assert [item.value for item in lists] == ["mf,popularity"]


def test_fish_shows_descriptions_whole_that_have_a_comma() -> None:
    script = script_of("fish", main)
    assert 'string split -m 1 "," $completion' in script
    assert 'string split ","' not in script


def test_bash_can_read_its_script() -> None:
    done = subprocess.run(
        ["bash", "-n"], input=script_of("bash", main), text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_without_arguments_matinee_says_what_to_type_first() -> None:
    result = run()
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{FIRST}\n", "")
    assert "matinee demo" in FIRST
    assert max(map(len, FIRST.splitlines())) <= 100
