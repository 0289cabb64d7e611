"""matinee doctor: what this machine and installation are like, for bug reports and slow mornings."""

import click

from matinee.cli.options import json_option
from matinee.cli.output import as_json, table


@click.command()
@json_option
def doctor(as_json_: bool) -> None:
    """Versions, threads, BLAS, caches and devices."""
    from matinee.diagnosis import diagnose

    found = diagnose()
    if as_json_:
        as_json(found)
    else:
        table(("", ""), [(name.replace("_", " "), str(value)) for name, value in found.items()])
