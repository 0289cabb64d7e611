"""What self-contained HTML pages share: templates, assets and writing the file."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from matinee.errors import SettingError
from matinee.files import check_page_name, reason_of, write_atomically
from matinee.text import counted

ASSETS = Path(str(files("matinee.report") / "assets"))


def new_environment(folder: Path) -> Environment:
    """A Jinja environment for the templates in a folder.

    Values are escaped, and an unknown name is an error.
    """
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _page_environment() -> Environment:
    environment = new_environment(ASSETS)
    environment.filters |= {"counted": counted, "signed": signed}
    return environment


def render(template: str, **values: object) -> str:
    """The text of a page.

    Args:
        template: its file name among the assets, such as "report.html".
        values: what the template calls by name.
    """
    return _page_environment().get_template(template).render(values)


def asset(name: str) -> str:
    """The text of a stylesheet or script to embed in a page."""
    return (ASSETS / name).read_text("utf-8")


def save_html(text: str, path: Path, option: str = "--out") -> None:
    """Writes a page.

    Args:
        option: the command-line option that gives the path, for the message.

    Raises:
        SettingError: the name is not that of a page, or the file cannot be written.
    """
    check_page_name(path)
    try:
        write_atomically(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise SettingError(
            f"Cannot write the page '{path}': {reason_of(error)}. Give another place with {option}."
        ) from error


def signed(number: float) -> str:
    """The number with two decimals and its sign, U+2212 for a minus, such as +0.25."""
    return f"{number:+.2f}".replace("-", "\u2212")
