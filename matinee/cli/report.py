"""matinee report: a page that describes a model."""

from pathlib import Path

import click

from matinee.cli.options import json_option, path_argument, threads_option
from matinee.cli.output import announce_compiling, as_json, note, progress_bar
from matinee.text import printable


@click.command()
@path_argument
@click.option("--out", type=click.Path(path_type=Path), help="Page to write, such as report.html.")
@click.option(
    "--no-measure",
    is_flag=True,
    help="Do not measure the quality, which requires training a model.",
)
@threads_option
@json_option
def report(
    model_file: Path, out: Path | None, no_measure: bool, threads: int | None, as_json_: bool
) -> None:
    """Write a page that describes a model.

    The page is for readers who do not know the model: its data, its quality, what it learned,
    and examples with reasons. To measure the quality, a model with the same settings is
    trained on four fifths of the ratings in the file and tested on the others. If the file has
    histories, the page contains user ids and some of their ratings.
    """
    from matinee.recommendation.guide import Guide
    from matinee.report import check_page_name, collect, save_page

    if out is None and not as_json_:
        raise click.UsageError(
            "Missing output: use --out report.html, or --json for a JSON object."
        )
    if out is not None:
        check_page_name(out, [model_file])
    guide = Guide.load(model_file)
    if not no_measure:
        announce_compiling()
    with progress_bar(f"Training {guide.model.name} to measure its quality") as progress:
        content = collect(guide, is_measured=not no_measure, n_threads=threads, progress=progress)
    if out is not None:
        save_page(content, out)
        note(
            f"Written: {printable(str(out))} ({out.stat().st_size / 1e6:.1f} MB). "
            "Open it in a browser; it needs no network."
        )
    if as_json_:
        as_json(content.to_dict())
