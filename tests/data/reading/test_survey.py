"""The survey of the bytes of a table, against plain regular expressions."""

import random
import re
from pathlib import Path

import pytest

from matinee.data.reading import survey
from matinee.data.reading.survey import Survey, has_quotes, survey_of, survey_of_lines

ALPHABET = '0123456789.,;:/"#%-\n\r a'


def expected(text: bytes, separator: str) -> Survey:
    """The survey, found slowly."""
    sign = re.escape(separator[0].encode())
    is_double = separator == "::"
    leading_zeros = bool(re.search(rb"(^|[^0-9./])0[0-9]", text))
    return Survey(
        separators=text.count(separator[0].encode()),
        pairs=len(re.findall(b"(?=%b%b)" % (sign, sign), text)) * is_double,
        triples=len(re.findall(b"(?=%b%b%b)" % (sign, sign, sign), text)) * is_double,
        leading_zeros=leading_zeros or separator == "/",
        comments=bool(re.search(rb"\n[#%]", text)),
    )


@pytest.mark.parametrize("separator", [",", ";", "::", "/", ":"])
def test_random_bytes_in_small_blocks(
    separator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.csv"
    for seed in range(150):
        draw = random.Random(seed)
        monkeypatch.setattr(survey, "_BLOCK", draw.choice([3, 4, 7, 1000]))
        letters = ALPHABET if seed % 2 else "1234,\n.0"
        text = "".join(draw.choices(letters, k=draw.choice([1, 2, 3, 8, 40]))).encode()
        path.write_bytes(text)
        assert survey_of(path, separator) == expected(text, separator), text
        assert has_quotes(path) == (b'"' in text)


CLEAN = b"12,5,4.05,100\n"
MARKS = {"leading zero": b"\n07", "comment": b"\n#7", "percent": b"\n%7", "separator": b"1,,"}


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("shift", range(-4, 4))
def test_marks_across_the_ends_of_blocks_are_found(mark: str, shift: int, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    text = bytearray(CLEAN * (4 * survey._BLOCK // len(CLEAN)))
    path.write_bytes(text)
    clean = survey_of(path, ",")
    assert clean == expected(bytes(text), ",")
    assert not clean.leading_zeros
    assert not clean.comments
    for end in (survey._BLOCK, 2 * survey._BLOCK, len(text) - 3):
        start = min(end + shift, len(text) - 3)
        marked = bytes(text[:start] + MARKS[mark] + text[start + 3 :])
        path.write_bytes(marked)
        assert survey_of(path, ",") == expected(marked, ",")


@pytest.mark.parametrize("lines", [b"#7\n", b"%\n", b"7,1\n", b"7,#1\n"])
def test_a_sign_at_the_start_is_a_comment_but_in_the_first_line(lines: bytes) -> None:
    assert not survey_of_lines(lines, ",").comments
    assert survey_of_lines(lines, ",", is_start=False).comments == (lines[:1] in b"#%")
