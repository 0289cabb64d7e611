"""Takes pictures of every page of `matinee serve` on the built-in sample: light, dark and with forced colors, on a
desktop, a tablet and a phone.

    python docs/make_screenshots.py [FOLDER]

Without a folder only the two for the README are written, into docs/pictures. Needs playwright and a Chromium:
`pip install playwright`, and either `playwright install chromium` or the system's.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

import matinee
from matinee.recommendation.model_file import Origin

PICTURES = Path(__file__).parent / "pictures"
OPERATOR = "the-operator-of-the-pictures"
README = (("for-you", "desktop-light"), ("film", "desktop-dark"))
SIZES = {"desktop": (1280, 900), "tablet": (768, 1024), "phone": (390, 844)}
SCHEMES = ("light", "dark", "forced")
TASTE = {
    "Alien (1979)": "5.0",
    "Blade Runner (1982)": "4.5",
    "The Matrix (1999)": "4.5",
    "2001: A Space Odyssey (1968)": "4.0",
    "The Thing (1982)": "4.5",
    "Titanic (1997)": "2.0",
    "Casablanca (1942)": "4.0",
    "The Godfather (1972)": "4.5",
    "Toy Story (1995)": "3.5",
    "Some Like It Hot (1959)": "3.0",
    "Spirited Away (2001)": "4.0",
    "Jurassic Park (1993)": "3.5",
}
LETTERBOXD = """Date,Name,Year,Letterboxd URI,Rating
2024-01-01,Alien,1979,u,5
2024-01-01,Jaws,1975,u,4
2024-01-01,The Shining,1981,u,4.5
2024-01-01,Nothing Like It At All,1999,u,2
"""


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """`matinee serve` with two models of the sample; its address."""
    data = matinee.load("sample")
    origin = Origin(data.name, len(data.ratings), data.note)
    files = []
    for model in (matinee.BayesianMF(), matinee.MatrixFactorization()):
        files.append(folder / f"{model.name}.matinee")
        matinee.Guide(model.fit(data.ratings), data.catalog, origin).save(files[-1])
    command = [
        sys.executable,
        "-c",
        "from matinee.cli import main; main()",
        "serve",
        *map(str, files),
    ]
    command += [
        "--db",
        str(folder / "people.db"),
        "--port",
        "0",
        "--rate",
        "0",
        "--quiet",
        "--operator-token",
        OPERATOR,
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    found = re.search(r"http://\S+", process.stdout.readline())
    assert found, "the server did not start"
    try:
        yield found[0]
    finally:
        process.terminate()
        process.communicate()


def rate(context: BrowserContext, address: str, stars: dict[str, str]) -> None:
    """Stores a person's ratings, as the forms do."""
    for title, given in stars.items():
        found = context.request.get(
            f"{address}/api/v1/films", params={"q": re.sub(r" \(\d{4}\)$", "", title)}
        ).json()
        item_id = next(film["item_id"] for film in found["films"] if film["title"] == title)
        context.request.post(f"{address}/rate", form={"item_id": str(item_id), "stars": given})


def visited(browser: Browser, address: str, is_all: bool) -> Iterator[tuple[str, str, Page]]:
    """Every page in every size and scheme, or those of the README: its name, which, and the page as it is open."""
    for size, (width, height) in SIZES.items():
        for scheme in SCHEMES:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
                forced_colors="active" if scheme == "forced" else "none",
                reduced_motion="reduce",
                has_touch=size == "phone",
            )
            page = context.new_page()
            page.goto(address)
            for name, show in NEW.items() if is_all else ():
                show(page, address)
                yield name, f"{size}-{scheme}", page
            rate(context, address, TASTE)
            for name, show in SHOWN.items():
                if not is_all and (name, f"{size}-{scheme}") not in README:
                    continue
                show(page, address)
                yield name, f"{size}-{scheme}", page
            context.close()


def _open(path: str) -> Callable[[Page, str], None]:
    def show(page: Page, address: str) -> None:
        page.goto(f"{address}{path}")
        page.wait_for_load_state("networkidle")

    return show


def _filters(page: Page, address: str) -> None:
    page.goto(f"{address}/for-you?genre=Sci-Fi&genre=Horror&year_from=1980&popularity=-0.5")
    page.locator(".filters summary").click()


def _rated(page: Page, address: str) -> None:
    page.goto(address)
    page.locator("#grid > li").first.locator("label").nth(7).click()
    page.locator("#grid > li").first.get_by_role("button", name="Undo").wait_for()


def _search_panel(page: Page, address: str) -> None:
    page.goto(f"{address}/you")
    page.keyboard.press("/")
    page.keyboard.type("alien")
    page.wait_for_timeout(600)


def _watchlist(page: Page, address: str) -> None:
    page.goto(f"{address}/for-you")
    form = page.locator(".watch-it[action='/watchlist/add'] button").first
    if form.count():
        with page.expect_response("**/watchlist/add*"):
            form.click()
    page.goto(f"{address}/watchlist")
    page.wait_for_load_state("networkidle")


def _device(page: Page, address: str) -> None:
    page.goto(f"{address}/devices")
    page.get_by_role("button", name="Create a link").click()
    page.locator(".qr svg").wait_for()


def _film(page: Page, address: str) -> None:
    page.goto(f"{address}/for-you")
    page.locator("#list .poster").first.click()
    page.wait_for_load_state()


def _together(page: Page, address: str) -> None:
    page.goto(f"{address}/together")
    page.get_by_label("Name of the group").fill("Friday")
    page.get_by_label("Your name in the group").fill("Ada")
    page.get_by_role("button", name="Make a group").click()
    page.locator("#link").wait_for()


def _offline(page: Page, address: str) -> None:
    page.goto(address)
    page.route("**/rate", lambda route: route.abort())
    page.locator("#grid input[type=radio]").first.click()
    page.get_by_role("button", name="Try again").wait_for()
    page.unroute("**/rate")


def _review(page: Page, address: str) -> None:
    page.goto(f"{address}/you/import")
    file = {"name": "ratings.csv", "mimeType": "text/csv", "buffer": LETTERBOXD.encode()}
    page.locator("main input[type=file]").set_input_files([file])  # type: ignore[list-item]
    page.locator("main button").click()
    page.locator(".tally").wait_for()


def _loading(page: Page, address: str) -> None:
    page.route(
        "**/map/films.json*", lambda _: None
    )  # until the next page, whose function takes this away
    page.goto(f"{address}/map")


def _failed(page: Page, address: str) -> None:
    page.route("**/map/films.json*", lambda route: route.abort())
    page.goto(f"{address}/map")
    page.get_by_text("The map could not be loaded").wait_for()
    page.unroute("**/map/films.json*")


def _operator(page: Page, address: str) -> None:
    page.goto(f"{address}/operator")
    page.locator("main input[type=password]").fill(OPERATOR)
    page.locator("main input[type=password]").press("Enter")
    page.wait_for_load_state("networkidle")


NEW = {
    "rate-first": _open("/"),
    "for-you-first": _open("/for-you"),
    "you-first": _open("/you"),
    "film-first": _open("/films/1"),
    "search-first": _open("/search"),
    "together-first": _open("/together"),
    "operator-first": _open("/operator"),
}
"""The page of a visitor who has rated nothing."""
SHOWN = {
    "rate": _open("/"),
    "rated": _rated,
    "for-you": _open("/for-you"),
    "for-you-sorted": _open("/for-you?sort=newest"),
    "filters": _filters,
    "film": _film,
    "film-rated": _open("/films/1"),
    "search": _open("/search?q=the+m"),
    "search-panel": _search_panel,
    "search-meant": _open("/search?q=the+matrx"),
    "browse": _open("/browse"),
    "browse-genre": _open("/browse?genre=Sci-Fi"),
    "watchlist": _watchlist,
    "search-nothing": _open("/search?q=zz"),
    "nothing-left": _open("/for-you?year_from=2200"),
    "not-found": _open("/films/none"),
    "offline": _offline,
    "map-loading": _loading,
    "map-failed": _failed,
    "map": _open("/map"),
    "map-film": _open("/map?film=1"),
    "you": _open("/you"),
    "ratings": _open("/you/ratings"),
    "devices": _device,
    "about": _open("/about"),
    "help": _open("/help"),
    "docs": _open("/docs"),
    "delete": _open("/you/delete"),
    "import": _open("/you/import"),
    "review": _review,
    "together": _together,
    "operator": _operator,
    "operator-people": _open("/operator/people"),
    "operator-films": _open("/operator/films"),
    "operator-models": _open("/operator/models"),
    "operator-training": _open("/operator/training"),
}


def _shoot(page: Page, path: Path, whole: bool) -> None:
    """A picture of the window, or of the whole page: the window grows, for cards outside of it are not drawn."""
    size = page.viewport_size
    assert size is not None
    if whole:
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size(
            {"width": size["width"], "height": min(max(height, size["height"]), 4000)}
        )
        page.wait_for_timeout(100)
    page.screenshot(path=path)
    page.set_viewport_size(size)


def take(folder: Path | None) -> list[Path]:
    """Writes the pictures; of all pages if there is a folder, otherwise those of the README."""
    written = []
    with (
        TemporaryDirectory() as made,
        server(Path(made)) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, which, page in visited(browser, address, folder is not None):
            if folder is not None:
                written.append(folder / f"{name}-{which}.png")
                whole = name in (
                    "film",
                    "filters",
                    "you",
                    "ratings",
                    "review",
                    "models",
                    "operator",
                    "together",
                )
                _shoot(page, written[-1], whole)
            else:
                written.append(PICTURES / f"{name}.png")
                page.screenshot(path=written[-1])
        browser.close()
    return written


if __name__ == "__main__":
    into = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    (into or PICTURES).mkdir(parents=True, exist_ok=True)
    for picture in take(into):
        print(f"written: {picture.name}, {picture.stat().st_size // 1000} kB")
