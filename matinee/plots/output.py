"""A figure as a file, or as SVG for a page."""

import hashlib
import io
import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matinee.errors import SettingError
from matinee.files import check_output_name, reason_of, write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

from matinee.plots.figure import (
    BLUE,
    GRAY,
    ORANGE,
    PAPER,
    drawable,
    figure_of,
    without_glyph_warnings,
)

# -- output: files and SVG for pages -----------------------------------------------------

FORMATS = (".png", ".svg", ".pdf")

_PAGE_COLORS = {
    "#000000": "currentColor",
    BLUE: f"var(--plot-blue, {BLUE})",
    ORANGE: f"var(--plot-orange, {ORANGE})",
    GRAY: f"var(--plot-gray, {GRAY})",
    PAPER: f"var(--plot-paper, {PAPER})",
}


def check_figure_name(path: Path) -> None:
    """Checks the name of a figure file; called before a long training, so that it is not lost.

    Raises:
        SettingError: the suffix is not a supported format, or the folder does not exist.
    """
    check_output_name(path, "figure", FORMATS)


def save_figure(axes: "Axes", path: str | Path) -> None:
    """Writes the figure in the format of the file name; the same figure gives the same bytes.

    Raises:
        SettingError: the suffix is not a supported format, or the file cannot be written.
    """
    path = Path(path)
    figure = figure_of(axes)
    check_figure_name(path)
    suffix = path.suffix.lower()
    try:
        if suffix == ".svg":
            svg = _to_svg(figure, "matinee", dpi=120, bbox_inches="tight")
            write_atomically(path, svg.encode())
            return
        metadata = None
        if suffix == ".pdf":
            metadata = {"CreationDate": None}
        buffer = io.BytesIO()
        with without_glyph_warnings():
            figure.savefig(
                buffer, format=suffix[1:], dpi=120, bbox_inches="tight", metadata=metadata
            )
        write_atomically(path, buffer.getvalue())
    except (ValueError, OSError) as error:
        raise SettingError(f"Cannot write the figure '{path}': {reason_of(error)}.") from error


def as_svg(axes: "Axes", title: str) -> str:
    """The figure as an <svg> element for a page; the same figure and title give the same text.

    The background is transparent. Black is drawn in the color of the surrounding text
    (currentColor), and text in its font. The other colors are the page's variables
    --plot-blue, --plot-orange, --plot-gray and --plot-paper (what covers something else), so
    that dark pages can set their own. Ids are unique among the figures of a page.

    Args:
        title: read by screen readers instead of the figure, and shown when the pointer rests
            on it.
    """
    svg = _to_svg(figure_of(axes), title, transparent=True)
    width, height = (
        float(points) for points in re.findall(r' (?:width|height)="([\d.]+)pt"', svg)[:2]
    )
    content = svg[svg.index("</metadata>") + len("</metadata>") : svg.rindex("</svg>")]
    content = re.sub(
        r"<style.*?</style>", "", content, flags=re.DOTALL
    )  # its rule would apply to the whole page
    used_ids = set(re.findall(r"[(\"]#([\w.-]+)", content))
    prefix = f"p{_short_hash(title + content)}-"  # of the ids of this figure
    content = re.sub(r"<[^<>]+>", lambda tag: _adapt_tag(tag[0], used_ids, prefix), content)
    content = "\n".join(line.strip() for line in content.split("\n"))
    content = re.sub(r"\n{2,}", "\n", content)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="{prefix}title" '
        f'viewBox="0 0 {width:g} {height:g}" '
        f'width="{width / 0.75:.0f}" height="{height / 0.75:.0f}" '
        f'style="max-width: 100%; height: auto; fill: currentColor; stroke-linejoin: round">'
        f'<title id="{prefix}title">{escape(drawable(title))}</title>{content}</svg>'
    )


def _to_svg(figure: "Figure", salt: str, **options: Any) -> str:
    """The figure as SVG with text as text, and with ids that are the same in every run.

    A text with a halo is written twice, with a thick stroke and without: as outlines it would
    take fifty times the space.
    """
    from matplotlib import rc_context
    from matplotlib.text import Text

    effects = {
        text: text.get_path_effects() for text in figure.findobj(Text) if text.get_path_effects()
    }
    buffer = io.StringIO()
    try:
        for text in effects:
            text.set(path_effects=[], gid="halo")
        with rc_context({"svg.hashsalt": salt, "svg.fonttype": "none"}), without_glyph_warnings():
            figure.savefig(buffer, format="svg", metadata={"Date": None}, **options)
    finally:
        for text, path_effects in effects.items():
            text.set(path_effects=path_effects, gid=None)
    svg = re.sub(r"(font-family: '[^']+')(?:, '[^']+')+", r"\1", buffer.getvalue())
    svg = re.sub(
        r"<[^<>]+>", lambda tag: re.sub(r"(\.\d\d)\d+", r"\1", tag[0]), svg
    )  # to .01 points
    return re.sub(
        r'<g id="halo">(.*?</g>)', lambda group: f"<g>{_add_halo(group[1])}", svg, flags=re.DOTALL
    )


def _add_halo(texts: str) -> str:
    """Each text element twice: stroked in the color of the paper, and as it is above that."""
    stroked = rf"\1stroke: {PAPER}; stroke-width: 2px; \2\n\1\2"
    return re.sub(r'(<text style=")([^>]*>[^<]*</text>)', stroked, texts)


def _adapt_tag(tag: str, used_ids: set[str], prefix: str) -> str:
    """One tag in the colors and font of the page; used ids get the prefix, others are
    dropped."""

    def rename(match: re.Match[str]) -> str:
        if match[1] not in used_ids:
            return ""
        return f' id="{prefix}{match[1]}"'

    tag = re.sub("(?<=: )#[0-9a-f]{6}", lambda color: _PAGE_COLORS.get(color[0], color[0]), tag)
    # matplotlib before 3.10 writes "font: 700 9px 'DejaVu Sans', ...",
    # later versions "font-size: 9px; font-family: ...".
    tag = re.sub(
        r"font: (?:(\d+|bold) )?([\d.]+px) [^;\"]+", r"font-weight: \1; font-size: \2", tag
    )
    tag = re.sub(r"(?: font-family: [^;\"]+;?|font-weight: ;)", "", tag)
    tag = re.sub(r' id="([\w.-]+)"', rename, tag)
    return re.sub(r"(?:xlink:)?(url\(|href=\")#", rf"\1#{prefix}", tag).replace("xlink:", "")


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
