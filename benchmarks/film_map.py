"""The map of films at size: how long it takes to make, to open and to move.

    python benchmarks/film_map.py                          60,000 made-up films; needs Chromium and playwright
    python benchmarks/film_map.py --films 10000 --rounds 3 --json
    python benchmarks/film_map.py --keep map.html          also leaves the page there to look at

What is measured, each the median of the rounds and the worst of them:

- make_seconds: `make_map`, principal components and the ten nearest of every film; measured once, as it takes longest.
- write_seconds, megabytes: the page as a separate file, in MB of 10^6 bytes.
- open_seconds: from asking a new headless Chromium for the file until the first frame with dots has been shown.
- pan, zoom: frames in each second while the map is dragged, or zoomed in and out, for some seconds. The driver of the
  browser presses the mouse button, but it sends at most 30 events per second; so the page itself makes the mouse move
  events, one every 8 ms. Only animation frames before which the map was redrawn are counted. p95_ms is the 95th
  percentile of the time between two of them.

Chromium runs without a GPU, so a desktop is faster. Publish only numbers from an idle machine: load_before is the number
of processes that were running before.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from matinee.analysis.film_map import make_map
from matinee.data.catalog import Catalog, Film
from matinee.data.ratings import Ratings
from matinee.data.vocabulary import Id
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.recommendation.guide import Guide
from matinee.report.map_page import save_map

GENRES = (
    "Drama",
    "Comedy",
    "Thriller",
    "Action",
    "Romance",
    "Horror",
    "Crime",
    "Documentary",
    "Adventure",
    "Sci-Fi",
)
SYLLABLES = (
    "ka",
    "ri",
    "mo",
    "ten",
    "sha",
    "lor",
    "vi",
    "an",
    "do",
    "bel",
    "mir",
    "ost",
    "ere",
    "gal",
    "un",
    "tho",
)

MOVE = """async ([kind, seconds]) => {
  const canvas = document.querySelector(".film-map .marks");
  const original = CanvasRenderingContext2D.prototype.putImageData;
  const frames = [];
  let drawn = false;
  let turn = 0;
  CanvasRenderingContext2D.prototype.putImageData = function (...given) {
    drawn = true;
    return original.apply(this, given);
  };
  const input = setInterval(() => {
    turn += 0.03;
    const [clientX, clientY] = [700 + 260 * Math.sin(turn), 400 + 180 * Math.sin(1.7 * turn)];
    const event = { bubbles: true, cancelable: true, pointerId: 1, pointerType: "mouse", isPrimary: true, buttons: 1 };
    if (kind === "pan") canvas.dispatchEvent(new PointerEvent("pointermove", { ...event, clientX, clientY }));
    else canvas.dispatchEvent(new WheelEvent("wheel", { ...event, clientX, clientY, deltaY: turn % 4 < 2 ? -25 : 25 }));
  }, 8);
  const until = performance.now() + 1000 * seconds;
  for (;;) {
    const now = await new Promise(requestAnimationFrame);
    if (drawn) frames.push(now);
    drawn = false;
    if (now > until) break;
  }
  clearInterval(input);
  CanvasRenderingContext2D.prototype.putImageData = original;
  return frames;
}"""
"""Moves the map as a hand does and returns the times of the frames that showed it redrawn, in milliseconds."""


def simulated_guide(n_films: int) -> Guide:
    """A model whose films lie in 40 clouds, with ratings as unevenly spread as real ones, and titles for them."""
    rng = np.random.default_rng(0)
    popularity = 1 / np.arange(1, n_films + 1) ** 0.9
    drawn = rng.choice(n_films, 8 * n_films, p=popularity / popularity.sum())
    item = np.concatenate([np.repeat(np.arange(n_films), 5), drawn])
    user = rng.integers(0, 2_000, len(item))
    ratings = Ratings.from_ids(
        user.tolist(), item.tolist(), rng.integers(1, 6, len(item)).astype(float)
    )
    model = MatrixFactorization(epochs=1, factors=64).fit(ratings)
    cloud = rng.integers(0, 40, n_films)
    spread = rng.normal(0, 0.35, (n_films, 64))
    model.item_factors_ = (
        rng.normal(0, 1 / np.sqrt(np.arange(1, 65)), (40, 64))[cloud] + spread
    ).astype(np.float32)
    model.item_bias_ = rng.normal(0, 0.5, n_films).astype(np.float32)
    films: dict[Id, Film] = {}
    for number in range(n_films):
        words = [
            "".join(rng.choice(SYLLABLES, rng.integers(1, 5))).title()
            for _ in range(rng.integers(1, 5))
        ]
        year = int(2023 - rng.exponential(22))
        genres = {GENRES[cloud[number] % len(GENRES)], *rng.choice(GENRES, rng.integers(0, 3))}
        films[number] = Film(f"{' '.join(words)} ({year})", year, tuple(sorted(genres)))
    return Guide(model, Catalog(films))


def rate(frames: list[float]) -> dict[str, float]:
    """Frames per second and how long the slow ones took, from the times of the frames in milliseconds."""
    gaps = np.diff(frames)
    return {
        "fps": round(1000 * len(gaps) / float(gaps.sum()), 1),
        "p95_ms": round(float(np.quantile(gaps, 0.95)), 1),
    }


def open_and_move(browser: Any, address: str, seconds: float) -> dict[str, Any]:
    """One round in a new page."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    start = time.perf_counter()
    page.goto(address)
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    opened = time.perf_counter() - start
    page.mouse.move(700, 400)
    page.mouse.down()
    panned = page.evaluate(MOVE, ["pan", seconds])
    page.mouse.up()
    zoomed = page.evaluate(MOVE, ["zoom", seconds])
    context.close()
    return {"open_seconds": round(opened, 2), "pan": rate(panned), "zoom": rate(zoomed)}


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Everything, as one object."""
    from playwright.sync_api import sync_playwright

    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    found: dict[str, Any] = {"films": options.films, "rounds": options.rounds, "load_before": load}
    guide = simulated_guide(options.films)
    start = time.perf_counter()
    film_map = make_map(guide, min_ratings=1)
    found["make_seconds"] = round(time.perf_counter() - start, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = options.keep or Path(folder) / "map.html"
        start = time.perf_counter()
        save_map(film_map, path)
        found["write_seconds"] = round(time.perf_counter() - start, 2)
        found["megabytes"] = round(path.stat().st_size / 1e6, 1)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=options.chromium, args=["--no-sandbox"]
            )
            rounds = [
                open_and_move(browser, path.absolute().as_uri(), options.seconds)
                for _ in range(options.rounds)
            ]
            browser.close()
    opened = [one["open_seconds"] for one in rounds]
    found |= {"open_seconds": statistics.median(opened), "open_seconds_worst": max(opened)}
    for way in ("pan", "zoom"):
        fps = [one[way]["fps"] for one in rounds]
        found |= {f"{way}_fps": statistics.median(fps), f"{way}_fps_worst": min(fps)}
        found[f"{way}_p95_ms"] = statistics.median(one[way]["p95_ms"] for one in rounds)
    return found


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--films", type=int, default=60_000, help="how many films to make up")
    parser.add_argument("--rounds", type=int, default=5, help="new pages to open and move")
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="of dragging, and of zooming, in each round"
    )
    parser.add_argument("--keep", type=Path, metavar="FILE", help="leave the page there")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    options.chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if options.chromium is None:
        sys.exit("Error: needs Chromium: apt-get install chromium.")
    return options


def main() -> None:
    """Measure and print."""
    options = parse()
    found = measure(options)
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:20} {value}")


if __name__ == "__main__":
    main()
