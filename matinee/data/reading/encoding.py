"""The encoding of a text file: told by its bytes, and turned into UTF-8."""

import codecs
import re
from pathlib import Path

from charset_normalizer import CharsetMatch, from_bytes

from matinee.errors import DataError, SettingError

_BLOCK = 1 << 20
_SAMPLE_BYTES = 1 << 16
_BOMS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
#: What text of today is saved in; without a list, short samples become rare encodings.
_USUAL = [
    "cp1252",
    "cp1250",
    "cp1251",
    "koi8_r",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp932",
    "gb18030",
    "big5",
    "euc_kr",
    "euc_jp",
]
_WORDS = re.compile(rb"[^\x00-\x40\x5b-\x60\x7b-\x7f]{2,}")
_TIE = 0.05
_MULTIBYTE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")


def known_encoding(name: str) -> str:
    """The standard name of an encoding.

    Raises:
        SettingError: Python does not know it.
    """
    try:
        return codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        raise SettingError(
            f"There is no encoding '{name}'. Usual ones are utf-8, utf-16, cp1252 and latin-1."
        ) from None


def encoding_of_head(head: bytes, is_whole: bool) -> str | None:
    """The encoding of a text by its first bytes.

    Args:
        head: the start of the file.
        is_whole: whether `head` is the whole file.
    Returns: None for UTF-8, with or without a byte order mark, and for bytes that are no text.
    """
    for mark, name in _BOMS.items():
        if head.startswith(mark):
            return name
    wide = _utf_16_without_mark(head)
    if wide is not None:
        return wide
    if b"\0" in head or is_utf_8(head, is_whole) or _is_damaged_utf_8(head):
        return None
    return _single_byte_or_asian(head)


def encoding_of_file(path: Path) -> str | None:
    """The encoding of a text whose head is ASCII; None if all of it is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    sample = b""
    with path.open("rb") as file:
        while lines := file.readlines(_BLOCK):
            block = b"".join(lines)
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                sample += b"".join(line for line in lines if not line.isascii())
                decoder.reset()
            if len(sample) > _SAMPLE_BYTES:
                break
    if not sample or _is_damaged_utf_8(sample):
        return None
    return _single_byte_or_asian(sample)


def is_utf_8(head: bytes, is_whole: bool) -> bool:
    """Whether bytes are UTF-8; a head may end within a letter."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=is_whole)
    except UnicodeDecodeError:
        return False
    return True


def transcode(path: Path, target: Path, encoding: str, label: str) -> None:
    """Convert a text file to UTF-8, block by block.

    Raises:
        DataError: the text is not in this encoding.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as source, target.open("wb") as written:
        try:
            while block := source.read(_BLOCK):
                written.write(decoder.decode(block).encode("utf-8", "surrogatepass"))
            written.write(decoder.decode(b"", final=True).encode("utf-8", "surrogatepass"))
        except UnicodeError as error:
            raise DataError(
                f"{label} is not text in {encoding}; name its encoding with --encoding, "
                "such as --encoding cp1252."
            ) from error


def _utf_16_without_mark(head: bytes) -> str | None:
    """UTF-16 of mostly Latin text: every second byte is zero."""
    pairs = len(head) // 2
    if pairs < 2:
        return None
    zeros_first, zeros_second = head[0 : 2 * pairs : 2].count(0), head[1 : 2 * pairs : 2].count(0)
    if zeros_second > 0.9 * pairs and zeros_first == 0:
        return "utf-16-le"
    if zeros_first > 0.9 * pairs and zeros_second == 0:
        return "utf-16-be"
    return None


def _is_damaged_utf_8(content: bytes) -> bool:
    """Whether bytes that are not UTF-8 are damage: among letters of UTF-8, or in no word."""
    text = content.decode("utf-8", "surrogateescape")
    broken = sum("\udc80" <= letter <= "\udcff" for letter in text)
    in_words = any(not word.isascii() for word in _WORDS.findall(content))
    return len(_MULTIBYTE.findall(content)) > broken or not in_words


def _single_byte_or_asian(content: bytes) -> str:
    """The likeliest encoding of text that is not in UTF-8; Western European among equals."""
    words = dict.fromkeys(word for word in _WORDS.findall(content) if not word.isascii())
    matches = list(from_bytes(b" ".join(words), cp_isolation=_USUAL, threshold=0.3))
    if not matches:
        matches = list(from_bytes(content, cp_isolation=_USUAL))
    if matches:
        best = min(match.chaos for match in matches)
        near = [match for match in matches if match.chaos <= best + _TIE]
        most = max(match.coherence for match in near)
        likely = [match for match in near if match.coherence == most]
        if not any("cp1252" in _names(match) for match in likely):
            return likely[0].encoding
    try:
        content.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def _names(match: CharsetMatch) -> list[str]:
    return [match.encoding, *match.could_be_from_charset]
