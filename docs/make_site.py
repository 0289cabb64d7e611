"""Builds the docs site from docs/ and mkdocs.yml into site/; a broken link, or anything from another server, fails."""

import logging
import os
import re
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOADED = re.compile(
    r"<(?:script|img|iframe|source|video)\b[^>]*\bsrc=[\"']?((?:https?:)?//[^\"'>\s]+)"
    r"|<link\b(?=[^>]*\brel=[\"']?(?:stylesheet|preload|preconnect|icon))[^>]*\bhref=[\"']?((?:https?:)?//[^\"'>\s]+)"
)
"""What a page loads from a server; links that people follow are not loaded."""


def build(folder: Path) -> list[str]:
    """Writes the site to a folder, in strict mode.

    Returns: what its pages load from other servers, as "page: address"; should be empty.
    """
    os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")  # on a successor; not about this site
    from mkdocs.commands.build import build as build_site
    from mkdocs.config import load_config

    config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder))
    config.plugins.on_startup(command="build", dirty=False)
    build_site(config)
    return loaded_from_elsewhere(folder)


def loaded_from_elsewhere(folder: Path) -> list[str]:
    """What the pages in a folder load from other servers, as "page: address"."""
    found = []
    for page in sorted(folder.rglob("*.html")):
        for one, other in LOADED.findall(page.read_text("utf-8")):
            found.append(f"{page.relative_to(folder)}: {one or other}")
    return found


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    began = time.perf_counter()
    site = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "site"
    elsewhere = build(site.resolve())
    if elsewhere:
        sys.exit("The site loads from other servers:\n  " + "\n  ".join(elsewhere))
    print(f"written: {site.name}/index.html in {time.perf_counter() - began:.0f} s")
