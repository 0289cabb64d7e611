"""The command line: each command parses its options, calls the library and prints the result.

Heavy modules are imported inside the commands, so that `matinee --help` responds at once.
"""

import errno
import os
import sys
from typing import Any

import click

from matinee._version import __version__
from matinee.cli.biases import biases
from matinee.cli.compare import compare
from matinee.cli.data import data
from matinee.cli.demo import demo
from matinee.cli.doctor import doctor
from matinee.cli.evaluate import evaluate
from matinee.cli.explain import explain
from matinee.cli.map import map_
from matinee.cli.migrate import migrate
from matinee.cli.neighbors import neighbors
from matinee.cli.predict import predict
from matinee.cli.recommend import recommend
from matinee.cli.report import report
from matinee.cli.reproduce import reproduce
from matinee.cli.serve import serve
from matinee.cli.similar import similar
from matinee.cli.train import train
from matinee.cli.tune import tune
from matinee.errors import MatineeError


class _Program(click.Group):
    """Prints matinee's errors in one line and exits with 1; other errors keep their
    traceback."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except MatineeError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(1)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # The reader of the output, such as `head`, has gone; Python must not flush the
            # rest.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EIO):
                raise
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            click.echo(f"Error: Cannot write the output: {error.strerror}.", err=True)
            sys.exit(1)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which people need them, not in alphabetical order."""
        del ctx
        return list(self.commands)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="matinee")
def main() -> None:
    """Film recommendations people can trust, from any table of ratings.

    DATA is the name of a data set (see `matinee data list`), a file, a MovieLens folder or a
    zip archive. MODEL is a file written by `matinee train`.
    """


COMMANDS = (
    *(demo, data, train, evaluate, compare, tune),
    *(predict, recommend, similar, neighbors, explain),
    *(biases, map_, report, serve, migrate),
    *(reproduce, doctor),
)

for command in COMMANDS:
    main.add_command(command)
