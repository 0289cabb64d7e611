"""The texts of the pages."""

import re
from pathlib import Path

from matinee.web.pages import texts


def test_every_text_is_used() -> None:
    folder = Path(texts.__file__).parents[1]
    sources = [
        *folder.rglob("*.py"),
        *folder.rglob("templates/**/*.html"),
        *folder.glob("static/*.js"),
    ]
    code = "\n".join(path.read_text("utf-8") for path in sources if path.name != "texts.py")
    for group in ("SITE", "CARD", "RATE", "FOR_YOU", "FILM", "ERROR", "SCRIPT"):
        place = "texts" if group == "SCRIPT" else group
        unused = [
            name
            for name in getattr(texts, group)
            if not re.search(rf'\b{place}(\.|\[")({name})\b', code)
        ]
        assert unused == [], group
        assert not {*getattr(texts, group)} & {*dir(dict)}  # templates would find the method
