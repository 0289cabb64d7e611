"""Takes the pictures of the report for the docs, light and dark: ML-100K where it is on this machine, or the sample.

Needs playwright and a Chromium: `pip install playwright`, and either `playwright install chromium` or the system's.
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

import matinee
from matinee.data.datasets.fetch import local_copy
from matinee.recommendation.model_file import Origin
from matinee.report import collect, save_page

FIGURES = Path(__file__).parent / "figures"
WIDTH, HEIGHT = 1280, 1860


def take() -> list[Path]:
    """Writes report-light.png and report-dark.png, the upper part of the page."""
    data = matinee.load("ml-100k" if local_copy("ml-100k") else "sample")
    model = matinee.MatrixFactorization().fit(data.ratings)
    guide = matinee.Guide(model, data.catalog, Origin(data.name, len(data.ratings), data.note))
    written = []
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        report = Path(folder) / "report.html"
        save_page(collect(guide), report)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for scheme in ("light", "dark"):
            page = browser.new_page(
                color_scheme=scheme, viewport={"width": WIDTH, "height": HEIGHT}
            )
            page.goto(report.as_uri())
            written.append(FIGURES / f"report-{scheme}.png")
            page.screenshot(path=written[-1])
        browser.close()
    return written


if __name__ == "__main__":
    for picture in take():
        print(f"written: {picture.name}, {picture.stat().st_size // 1000} kB")
