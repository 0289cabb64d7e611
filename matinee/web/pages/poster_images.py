"""Posters as pictures, where the operator gives a folder of them or the template of an address.

A folder is served from here; its files are named after the film: by its id, its id on IMDb
(tt0114709.jpg) or on TMDB (tmdb-862.jpg). A template such as https://images.example/{imdb}.jpg is
an address that browsers load themselves; the pages then allow pictures from that host and from no
other (`Settings.image_origin`). Without either, nothing is loaded.
"""

from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from matinee.data.catalog import Film
from matinee.data.vocabulary import Id
from matinee.errors import SettingError
from matinee.web.api.dependencies import ServerState
from matinee.web.http.problems import Problem
from matinee.web.settings import poster_fields

router = APIRouter(include_in_schema=False)

TYPES = {
    ".avif": "image/avif",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}
"""Ending of a file -> its media type; other files of a folder are not served."""
_CACHING = "public, max-age=86400"


class PosterFolder:
    """The pictures of a folder, by the names of their files without ending."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise SettingError(
                f"--posters {folder}: there is no such folder. Give a folder of pictures, or the "
                "template of an address, such as https://images.example/{imdb}.jpg"
            )
        self._folder, self._scanned = folder, -1
        self._files: dict[str, Path] = {}

    def files(self) -> dict[str, Path]:
        """Name without ending -> file; read again after the folder has changed."""
        changed = self._folder.stat().st_mtime_ns
        if changed != self._scanned:
            found = {}
            for path in sorted(self._folder.iterdir()):
                if path.suffix.lower() in TYPES and path.is_file() and not path.is_symlink():
                    found[path.stem] = path
            self._files, self._scanned = found, changed
        return self._files

    def url(self, item_id: Id, film: Film) -> str:
        """The address of a film's picture on this server; empty if there is none."""
        files = self.files()
        names = [str(item_id), film.imdb]
        if film.tmdb:
            names.append(f"tmdb-{film.tmdb}")
        for name in names:
            if name and name in files:
                return f"/posters/{quote(files[name].name, safe='')}"
        return ""


class PosterTemplate:
    """Addresses of pictures elsewhere."""

    def __init__(self, template: str) -> None:
        self._template, self._fields = template, poster_fields(template)

    def url(self, item_id: Id, film: Film) -> str:
        """The address of a film's picture; empty if an id that it needs is unknown."""
        values = {"id": str(item_id), "imdb": film.imdb, "tmdb": str(film.tmdb or "")}
        if not all(values[name] for name in self._fields):
            return ""
        address = self._template
        for name in self._fields:
            address = address.replace(f"{{{name}}}", quote(values[name], safe=""))
        return address


@lru_cache(8)
def posters_of(setting: str) -> PosterFolder | PosterTemplate | None:
    """The pictures that a setting names; None without any.

    Raises:
        SettingError: it is neither a folder nor a template.
    """
    if not setting:
        return None
    if poster_fields(setting):
        return PosterTemplate(setting)
    return PosterFolder(Path(setting))


def poster_url(server: ServerState, item_id: Id) -> str:
    """The address of a film's picture; empty if there is none."""
    posters = posters_of(server.settings.posters)
    if posters is None:
        return ""
    return posters.url(item_id, server.models.snapshot().guide.catalog[item_id])


@router.get("/posters/{name}")
def poster_file(request: Request, name: str) -> Response:
    """A picture of the folder."""
    posters = posters_of(request.app.state.server.settings.posters)
    if isinstance(posters, PosterFolder):
        path = posters.files().get(Path(name).stem)
        if path is not None and path.name == name:
            kind = TYPES[path.suffix.lower()]
            return FileResponse(path, media_type=kind, headers={"cache-control": _CACHING})
    raise Problem(404, "not-found", "No poster has this name.")
