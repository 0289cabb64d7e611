"""Bytes that are damaged, and values that nobody expects."""

import random

ODD_TEXTS = (
    "", " ", "NaN", "nan", "inf", "-inf", "1e999", "-0", "1e-400", "9" * 30, "9" * 400, "-1", "0", "0x1f",
    "1_000", "1,5", "1.5.2", "٣", "½", "null", "None", "true", "#N/A", "\0", "a\0b", '"', '""', "'", "::", "|",
    "=1+1", "\ufeff", "\u202e", "é" * 50, " " * 3000, "(" * 2000, "a" * 5000, "(1999) " * 300, "1999-02-30",
    "0000-00-00", "2024-01-01T00:00:00Z", "99999999999999", "-62135596800", "tt0000001", "The, ", "\t", "☃",
    "\U0001f600", "((((", "[", "]", "{", "}", "\\", "\r", "\x1a", "\x85", "\u2028",
)  # fmt: skip
ODD_BYTES = (
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xff", b"\xc3", b'"', b"'", b",", b";", b"\t", b"::", b"\n", b"\r",
    b"\r\n\r\n", b"{", b"}", b"[", b"]", b":", b"-", b"e", b"9" * 40, b" " * 2000, b'"' * 300, b"\n" * 300,
    b"," * 500, b"PK\x03\x04", b"\x1f\x8b", b"PAR1", b"ARROW1", b"BZh9", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd",
)  # fmt: skip


def damaged(rng: random.Random, content: bytes) -> bytes:
    """Some bytes changed, cut out, inserted, repeated or cut off."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5))):
        place = rng.randrange(len(changed) + 1)
        length = rng.choice((1, 2, 4, 8, 40, 400))
        match rng.randrange(7):
            case 0:
                for index in range(place, min(place + rng.choice((1, 1, 3)), len(changed))):
                    changed[index] ^= 1 << rng.randrange(8)
            case 1:
                del changed[place : place + length]
            case 2:
                changed[place:place] = rng.choice(ODD_BYTES)
            case 3:
                changed[place:place] = changed[place : place + length] * rng.choice((1, 3, 60))
            case 4:
                changed[place : place + length] = rng.randbytes(min(length, len(changed) - place))
            case 5:
                changed[place:place] = rng.choice(ODD_TEXTS).encode(errors="surrogatepass")
            case _:
                if rng.random() < 0.3:
                    del changed[place:]
    return bytes(changed)


def with_odd_cells(rng: random.Random, rows: list[list[str]]) -> list[list[str]]:
    """Rows in which some cells are odd, missing or too many."""
    changed = [list(row) for row in rows]
    for _ in range(rng.choice((0, 0, 1, 1, 2, 10))):
        row = rng.choice(changed)
        if not row:
            continue
        place = rng.randrange(len(row))
        match rng.randrange(8):
            case 0:
                del row[place]
            case 1:
                row.insert(place, rng.choice(ODD_TEXTS))
            case 2:
                row[place] += rng.choice(ODD_TEXTS)
            case _:
                row[place] = rng.choice(ODD_TEXTS)
    if rng.random() < 0.1:
        rng.shuffle(changed)
    return changed
