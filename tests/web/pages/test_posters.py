"""Posters: colors and layouts of type, and pictures from a folder or another host."""

import colorsys
import re
from pathlib import Path

import httpx
import pytest

from matinee.data.catalog import Catalog, Film
from matinee.errors import SettingError
from matinee.recommendation.guide import Guide
from matinee.web.pages import texts
from matinee.web.pages.posters import N_HUES, N_TONES, look_of, poster
from matinee.web.settings import Settings
from tests.web.conftest import OPERATOR, UNLIMITED, guide_of, serving

STYLE = (Path(texts.__file__).parents[1] / "static/app.css").read_text("utf-8")
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8cf000000030001a5f645400000000049454e44ae426082"
)


def luminance(hue: float, saturation: float, lightness: float) -> float:
    parts = colorsys.hls_to_rgb(hue / 360, lightness / 100, saturation / 100)
    linear = [one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_titles_determine_the_look_and_genres_the_tone() -> None:
    looks = {look_of(f"Film {n}", ["Drama"]) for n in range(2000)}
    assert len(looks) == N_HUES * N_TONES
    assert look_of("A film") == look_of("A film", ["Cooking"])
    assert {look_of(f"Film {n}", ["Horror", "Comedy"])[1] for n in range(99)} == {0}
    assert {look_of(f"Film {n}", ["Children's"])[1] for n in range(99)} == {2}


def test_films_of_one_genre_look_different() -> None:
    looks = [look_of(f"Drama {n}", ["Drama"]) for n in range(48)]
    assert max(looks.count(look) for look in looks) <= 4


def test_the_layout_depends_on_the_title_and_the_year() -> None:
    def layout(title: str, year: int | None) -> str:
        return " ".join(poster(title, year, ["Drama"]).classes.split()[2:])

    assert layout("Alien (1979)", 1979) == "size-m era-c"
    assert layout("Matrix, The (1999)", 1999) == "size-m era-d"
    assert layout("Supercalifragilistic", None) == "size-xs era-x"
    assert poster("Matrix, The (1999)", 1999).name == "The Matrix"


def test_the_type_of_every_look_is_readable() -> None:
    hues = {int(name): float(hue) for name, hue in re.findall(r"\.h(\d+) \{ --hue: (\d+)", STYLE)}
    tones = re.findall(r"\.t(\d) \{(.*?)\}", STYLE)
    assert sorted(hues) == list(range(N_HUES))
    assert len(tones) == N_TONES
    for hue in hues.values():
        for tone, rules in tones:
            colors = {
                name: luminance(hue, float(saturation), float(lightness))
                for name, saturation, lightness in re.findall(
                    r"--(\w+): hsl\(var\(--hue\) (\d+)% (\d+)%\)", rules
                )
            }
            for behind in ("ground", "mark"):
                low, high = sorted((colors["type"], colors[behind]))
                assert (high + 0.05) / (low + 0.05) >= 4.5, (hue, tone, behind)


# -- pictures -------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model whose films 7 and 17 have ids on other sites."""
    guide = guide_of()
    films = {item_id: guide.catalog[item_id] for item_id in guide.model.items_.ids.tolist()}
    films[7] = Film("Amélie (2001)", 2001, ("Comedy",), imdb="tt0211915", tmdb=194)
    films[17] = Film("Star Wars (1977)", 1977, ("Sci-Fi",), imdb="tt0076759", tmdb=11)
    path = tmp_path / "films.matinee"
    Guide(guide.model, Catalog(films), guide.origin).save(path)
    return path


def settings_with(model: Path, posters: str) -> Settings:
    database = f"sqlite:///{model.parent / 'own.db'}"
    return Settings((model,), database, OPERATOR, UNLIMITED, log_requests=False, posters=posters)


def test_pictures_of_a_folder_are_served_and_cached(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "posters"
    folder.mkdir()
    for name in ("27.png", "tt0211915.PNG", "tmdb-11.png", "own list.txt"):
        (folder / name).write_bytes(PIXEL)
    (tmp_path / "secret.png").write_bytes(PIXEL)
    (folder / "37.png").symlink_to(tmp_path / "secret.png")
    with serving(settings_with(model, str(folder))) as url, httpx.Client(base_url=url) as client:
        for item_id, name in ((7, "tt0211915.PNG"), (17, "tmdb-11.png"), (27, "27.png")):
            page = client.get(f"/films/{item_id}")
            assert f'<img src="/posters/{name}" alt=""' in page.text
            assert "img-src 'self' data:" in page.headers["content-security-policy"]
            picture = client.get(f"/posters/{name}")
            assert (picture.status_code, picture.content) == (200, PIXEL)
            assert picture.headers["content-type"] == "image/png"
            assert "max-age=86400" in picture.headers["cache-control"]
        for name in (
            "37.png",
            "own list.txt",
            "..%2Fsecret.png",
            "%2e%2e%2fsecret.png",
            "27.jpg",
            "nope.png",
        ):
            assert client.get(f"/posters/{name}").status_code == 404, name
        assert "<img" not in client.get("/films/47").text.split('<section class="row"')[0]
        (folder / "47.webp").write_bytes(PIXEL)
        assert '<img src="/posters/47.webp"' in client.get("/films/47").text


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("https://images.example/w300/{imdb}.jpg", "https://images.example/w300/tt0211915.jpg"),
        ("https://images.example:8443/{tmdb}", "https://images.example:8443/194"),
        ("http://images.example/?film={id}", "http://images.example/?film=7"),
    ],
)
def test_a_template_allows_pictures_from_its_host_alone(
    model: Path, template: str, expected: str
) -> None:
    with serving(settings_with(model, template)) as url, httpx.Client(base_url=url) as client:
        page = client.get("/films/7")
        assert f'<img src="{expected}" alt=""' in page.text
        policy = dict(
            one.strip().split(" ", 1) for one in page.headers["content-security-policy"].split(";")
        )
        origin = expected.split("/")[0] + "//" + expected.split("/")[2]
        assert policy["img-src"] == f"'self' {origin} data:"
        assert policy["script-src"] == policy["connect-src"] == "'self'"
        without_ids = client.get("/films/27").text.split('<section class="row"')[0]
        assert ("<img" in without_ids) == ("{id}" in template)
        assert client.get("/posters/7.png").status_code == 404


def test_without_the_option_no_picture_is_loaded(model: Path) -> None:
    with serving(settings_with(model, "")) as url, httpx.Client(base_url=url) as client:
        page = client.get("/films/7")
        assert "<img" not in page.text
        assert "img-src 'self' data:" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    "posters",
    [
        "/no/such/folder", "ftp://images.example/{id}", "https://images.example/poster.jpg",
        "https://images.example/{title}.jpg", "/posters/{id}.jpg", "https://{id}.example/",
        "https://images.example/{id", "https://a.example; script-src *;/{id}",
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_at_the_start(model: Path, posters: str) -> None:
    with pytest.raises(SettingError, match="--posters"), serving(settings_with(model, posters)):
        pass
