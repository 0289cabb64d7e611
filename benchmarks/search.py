"""Search by title among many films: how long the index takes to make, and a search.

    python benchmarks/search.py [n_films]

The titles are made of words whose frequencies fall like those of a language, with articles, years,
numbers, other names and hyphens as catalogs write them. The texts are what is in the search box
after each key while a title of the table is typed: whole titles, beginnings, misspelled and joined
ones, with numbers and years. Seconds are those of the processor, so that other work
on the machine does not count.
"""

import sys
import time

import numpy as np

from matinee.data.title_search import TitleSearch

N_FILMS = 60_000
N_TITLES_TYPED = 150
N_WORDS = 25_000


def made_up_words(rng: np.random.Generator) -> list[str]:
    """Distinct words of one to four syllables."""
    starts = [
        "b",
        "br",
        "c",
        "d",
        "f",
        "g",
        "gr",
        "h",
        "k",
        "l",
        "m",
        "n",
        "p",
        "r",
        "s",
        "st",
        "t",
    ]
    ends = ["a", "e", "i", "o", "u", "an", "en", "in", "on", "ar", "er", "or", "as", "ight", "ell"]
    words: dict[str, None] = {}
    while len(words) < N_WORDS:
        n = 1 + int(rng.integers(4))
        words["".join(rng.choice(starts) + rng.choice(ends) for _ in range(n))] = None
    return list(words)


def made_up_titles(n: int, rng: np.random.Generator) -> list[str]:
    """Titles as catalogs write them."""
    words = made_up_words(rng)
    titles = []
    share = 1 / np.arange(1, N_WORDS + 1)
    stream = iter((1 + rng.choice(N_WORDS, 12 * n, p=share / share.sum())).tolist())
    for _ in range(n):
        length = 1 + int(rng.binomial(6, 0.3))
        name = " ".join(words[next(stream) - 1].capitalize() for _ in range(length))
        kind = rng.random()
        if kind < 0.1:
            name = name.replace(" ", "-", 1)
        elif kind < 0.15:
            name += f" {rng.choice(['II', 'III', '2', '3', 'Part II'])}"
        elif kind < 0.25:
            name += f": {words[next(stream) - 1].capitalize()} of {words[next(stream) - 1]}"
        if rng.random() < 0.3:
            name += ", The"
        if rng.random() < 0.2:
            name += f" ({words[next(stream) - 1].capitalize()} {words[next(stream) - 1]}, La)"
        titles.append(f"{name} ({1920 + int(rng.integers(100))})")
    return titles


def typed_texts(titles: list[str], rng: np.random.Generator) -> list[str]:
    """What the search box holds after each key."""
    texts = []
    for place in rng.choice(len(titles), N_TITLES_TYPED, replace=False).tolist():
        text = titles[place].split(" (")[0].split(",")[0].lower()
        change = rng.random()
        if change < 0.25 and len(text) > 4:
            at = int(rng.integers(1, len(text) - 1))
            text = text[:at] + text[at + 1 :]
        elif change < 0.35:
            text = text.replace(" ", "")
        elif change < 0.45:
            text += f" {int(rng.integers(2, 5))}"
        elif change < 0.5:
            text += titles[place][-6:].strip("()")
        texts += [text[:end] for end in range(1, len(text) + 1)]
    return texts


def main() -> None:
    """Measures and prints."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else N_FILMS
    rng = np.random.default_rng(16)
    titles = made_up_titles(n, rng)
    years = [int(title[-5:-1]) for title in titles]
    counts = np.minimum(rng.zipf(1.4, n), 100_000)
    started = time.process_time()
    search = TitleSearch(titles, years, counts)
    search.search("warm up the index of texts 2")
    print(f"films {n:,}   index made in {time.process_time() - started:.2f} s")
    texts = typed_texts(titles, rng)
    seconds = []
    for text in texts:
        started = time.process_time()
        search.search(text)
        seconds.append(time.process_time() - started)
    ms = 1000 * np.array(seconds)
    median, high, most = np.quantile(ms, [0.5, 0.95, 1.0])
    print(
        f"searches {len(texts):,}   median {median:.1f} ms   p95 {high:.1f} ms   max {most:.1f} ms"
    )
    slowest = np.argsort(-ms)[:5].tolist()
    print("slowest:", ", ".join(f"'{texts[place]}' {ms[place]:.0f} ms" for place in slowest))


if __name__ == "__main__":
    main()
