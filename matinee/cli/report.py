"""matinee report: one page about a saved model."""

from pathlib import Path

import click

from matinee.cli.options import json_option, path_argument, threads_option
from matinee.cli.output import announce_compiling, as_json, note, progress_bar


@click.command()
@path_argument
@click.option("--out", type=click.Path(path_type=Path), help="The page to write, such as report.html.")
@click.option("--no-measure", is_flag=True, help="Leave out how good the model is, which takes a training.")
@threads_option
@json_option
def report(model_file: Path, out: Path | None, no_measure: bool, threads: int | None, as_json_: bool) -> None:
    """One page about MODEL for people who know nothing of it: its data, how good it is, what it learnt, and why.

    To measure how good it is, a model with the same settings is trained on four fifths of the ratings in the file
    and tested on the others. If the file holds histories, the page names user ids and
    shows some of their ratings.
    """
    from matinee.recommendation.guide import Guide
    from matinee.report import check_page_name, collect, save_page

    if out is None and not as_json_:
        raise click.UsageError("Say where to write the page: --out report.html, or --json for an object instead.")
    if out is not None:
        check_page_name(out)
    guide = Guide.load(model_file)
    if not no_measure:
        announce_compiling()
    with progress_bar(f"Training {guide.model.name} anew, to measure it") as progress:
        content = collect(guide, is_measured=not no_measure, n_threads=threads, progress=progress)
    if out is not None:
        save_page(content, out)
        note(f"Written: {out} ({out.stat().st_size / 1e6:.1f} MB). Open it in a browser; it needs no network.")
    if as_json_:
        as_json(content.to_dict())
