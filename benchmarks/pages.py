"""How quick the pages of `matinee serve` are in a browser: from an address to a page that can be used, and from a click
on a star to the new list on the screen. Both are counted by the browser itself, on loopback, without a window.

Usable: the page is painted and its script runs. The very first view is that of a server that was started just before;
the others are of newcomers with nothing in their browser's cache. New list: from the time stamp of the click to the
frame after that in which the list stands (two animation frames, as Chromium tells no other time of a paint to scripts).

    python benchmarks/pages.py ml1m.matinee
    python benchmarks/pages.py ml1m.matinee --clicks 60 --json

Needs playwright and a Chromium: `pip install playwright`, and either `playwright install chromium` or the system's.
"""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.append(
    str(Path(__file__).resolve().parent.parent)
)  # a script has only its own folder there
from benchmarks.serving import Server, start

SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
ADDRESSES = ("/", "/for-you", "/films/{film}", "/search?q=star", "/you")

USABLE = """() => new Promise((done) => {
  const look = () => {
    const [page] = performance.getEntriesByType("navigation");
    const [paint] = performance.getEntriesByName("first-contentful-paint");
    if (!paint || !page.domContentLoadedEventEnd) return setTimeout(look, 5);
    const files = performance.getEntriesByType("resource");
    done({
      server: page.responseStart - page.requestStart,
      transfer: page.responseEnd - page.responseStart,
      parsed: page.domInteractive - page.responseEnd,
      files: Math.max(0, ...files.map((one) => one.responseEnd)) - page.responseEnd,
      script: page.domContentLoadedEventEnd,
      paint: paint.startTime,
      usable: Math.max(paint.startTime, page.domContentLoadedEventEnd),
      kilobytes: page.decodedBodySize / 1000,
      elements: document.querySelectorAll("*").length,
    });
  };
  look();
})"""

CLICKED = """([list]) => {
  globalThis.seen = new Promise((done) => {
    let clicked, asked, answered;
    // The click on a label is followed by one on its radio button, which has no time stamp of a hand.
    document.addEventListener("pointerup", (event) => { clicked = event.timeStamp; }, { capture: true, once: true });
    const isOfList = (one) => one.target.closest(list) || [...one.addedNodes].some((node) => node.matches?.(list));
    const observer = new MutationObserver((changes) => {
      if (!changes.some(isOfList)) return;
      observer.disconnect();
      const swapped = performance.now();
      requestAnimationFrame(() => requestAnimationFrame(() => {
        const [request] = performance.getEntriesByType("resource").filter((one) => one.startTime >= clicked);
        done({
          sent: request.requestStart - clicked,
          server: request.responseStart - request.requestStart,
          transfer: request.responseEnd - request.responseStart,
          script: swapped - request.responseEnd,
          paint: performance.now() - swapped,
          whole: performance.now() - clicked,
          kilobytes: request.decodedBodySize / 1000,
        });
      }));
    });
    observer.observe(document.querySelector("main"), { childList: true, subtree: true });
  });
}"""


@contextmanager
def opened(browser: Browser, size: str) -> Iterator[Page]:
    """The page of an unknown visitor, with an empty cache."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, has_touch=size == "phone"
    )
    try:
        yield context.new_page()
    finally:
        context.close()


def first_view(browser: Browser, address: str, size: str) -> dict[str, float]:
    """One view, in milliseconds since the address was given."""
    with opened(browser, size) as page:
        page.goto(address, wait_until="commit")
        told: dict[str, float] = page.evaluate(USABLE)
        return told


def clicks(page: Page, address: str, n: int, rng: np.random.Generator) -> list[dict[str, float]]:
    """Rates n films one after the other and waits for the new list each time; milliseconds since the click."""
    page.goto(address)
    is_grid = address.endswith("/")
    cards, part = (
        ("#grid > li:not(.given)", "[data-part=progress]")
        if is_grid
        else ("#list > li:not(.given)", "[data-part=list]")
    )
    found = []
    for _ in range(n):
        stars = float(rng.integers(1, 6))
        star = page.locator(cards).nth(int(rng.integers(0, 6))).locator(f"input[value='{stars}']")
        star.scroll_into_view_if_needed()
        page.evaluate("performance.clearResourceTimings()")
        page.evaluate(CLICKED, [part])
        star.click()
        found.append(page.evaluate("globalThis.seen"))
        page.wait_for_timeout(100)  # people look before they click again
    return found


def summary(found: list[dict[str, float]], what: str) -> dict[str, Any]:
    """The median and the longest of what counts, and the median of each part of it."""
    whole = [one[what] for one in found]
    parts = {name: round(float(np.median([one[name] for one in found])), 1) for name in found[0]}
    late = round(float(np.percentile(whole, 90)), 1)
    return {
        "n": len(found),
        "median_ms": parts.pop(what),
        "p90_ms": late,
        "longest_ms": round(max(whole), 1),
    } | parts


def stop(server: Server) -> None:
    """Ends it, and waits until it is gone."""
    server.process.terminate()
    server.process.communicate()


def measured(model_file: Path, n_clicks: int, n_views: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and figures of each measurement."""
    with (
        ExitStack() as closing,
        sync_playwright() as playwright,
        tempfile.TemporaryDirectory(prefix="pages-") as folder,
    ):
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        with opened(browser, "desktop") as page:
            page.goto("about:blank")  # the browser's own start is not a page's
        first = []
        for place in range(3):
            with ThreadPoolExecutor(1) as another:  # Playwright's event loop runs in this one
                server = another.submit(start, model_file, Path(folder)).result()
            closing.callback(stop, server)
            here = f"http://127.0.0.1:{server.port}"
            first.append(first_view(browser, f"{here}/", "desktop"))
            if place < 2:
                closing.close()
        yield "very first view of /", summary(first, "usable")
        with opened(browser, "desktop") as page:
            page.goto(f"{here}/")
            film = page.locator("#grid > li").first.get_attribute("data-film")
        for size in SIZES:
            for path in ADDRESSES:
                views = [
                    first_view(browser, here + path.format(film=film), size) for _ in range(n_views)
                ]
                yield f"{path} ({size})", summary(views, "usable")
            for path in ("/", "/for-you"):
                with opened(browser, size) as page:
                    found = clicks(page, here + path, n_clicks, np.random.default_rng(0))
                yield f"click on {path} ({size})", summary(found, "whole")
        browser.close()


@click.command()
@click.argument("model_file", type=click.Path(path_type=Path, exists=True))
@click.option("--clicks", default=30, show_default=True, help="On each list at each size.")
@click.option("--views", default=5, show_default=True, help="Of each page at each size.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(model_file: Path, clicks: int, views: int, as_json: bool) -> None:
    """Measure the pages of one model on loopback."""
    told = {}
    for name, figures in measured(model_file, clicks, views):
        told[name] = figures
        if not as_json:
            click.echo(
                f"{name:32}" + "  ".join(f"{what} {value:g}" for what, value in figures.items())
            )
    load, cores = round(os.getloadavg()[0], 2), os.cpu_count()
    click.echo(
        json.dumps(told | {"load": load, "cores": cores})
        if as_json
        else f"load {load} on {cores} cores"
    )


if __name__ == "__main__":
    main()
