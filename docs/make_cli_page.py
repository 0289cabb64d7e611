"""Writes docs/cli.md from the command line itself, so that the page cannot lag behind."""

from pathlib import Path

import click

from matinee.cli import main
from matinee.models import MODELS

PAGE = Path(__file__).parent / "cli.md"


def page() -> str:
    """The whole page as Markdown."""
    parts = ["# The command line\n\nMade by `make docs` from the program itself.\n"]
    parts += _command(main, "matinee")
    parts.append("## Settings of the models\n\nGiven as `--set name=value`.\n")
    for model in MODELS:
        parts.append(f"### {model.name}\n")
        rows = [
            f"| {setting.name} | {setting.default} | {setting.valid} | {setting.help} |"
            for setting in model.hypers()
        ]
        parts.append(
            "\n".join(
                [
                    "| setting | default | valid values | what it is |",
                    "| --- | --- | --- | --- |",
                    *rows,
                    "",
                ]
            )
        )
    return "\n".join(parts)


def _command(command: click.Command, path: str) -> list[str]:
    context = click.Context(command, info_name=path, max_content_width=100, terminal_width=100)
    text = command.get_help(context)
    parts = [f"## {path}\n\n```text\n{text}\n```\n"]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            parts += _command(command.commands[name], f"{path} {name}")
    return parts


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"written: {PAGE.name}")
