"""The command line: each command parses its options, calls the library and prints the result.

Heavy modules are imported inside the commands, so that `matinee --help` responds at once.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

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
from matinee.cli.memory import is_out_of_memory, sentence
from matinee.cli.migrate import migrate
from matinee.cli.neighbors import neighbors
from matinee.cli.output import without_controls
from matinee.cli.predict import predict
from matinee.cli.recommend import recommend
from matinee.cli.report import report
from matinee.cli.reproduce import reproduce
from matinee.cli.serve import serve
from matinee.cli.similar import similar
from matinee.cli.stopping import cleaning_up, sentence_on_full_disk
from matinee.cli.train import train
from matinee.cli.tune import tune
from matinee.cli.update import update
from matinee.errors import MatineeError


class _Program(click.Group):
    """Prints matinee's errors in one line and exits with 1; other errors keep their
    traceback."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **kwargs: Any) -> Any:
        given = sys.argv[1:] if args is None else list(args)
        try:
            with cleaning_up():
                return super().main(args, *rest, **{"obj": given} | kwargs)
        except BaseException as error:
            if is_out_of_memory(error):
                _fail(sentence(given))
            if isinstance(error, MatineeError):
                _fail(str(error))
            raise

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # The reader of the output, such as `head`, has gone; Python must not flush the
            # rest.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        except OSError as error:
            told = sentence_on_full_disk(error)
            if not told:
                raise
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            _fail(told)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which people need them, not in alphabetical order."""
        del ctx
        return list(self.commands)


def _fail(told: str) -> NoReturn:
    click.echo(without_controls(f"Error: {told}"), err=True)
    sys.exit(1)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="matinee")
def main() -> None:
    """Film recommendations people can trust, from any table of ratings.

    DATA is the name of a data set (see `matinee data list`), a file, a MovieLens folder, a zip
    archive or a ratings folder (see `matinee data convert`). MODEL is a file written by
    `matinee train`.
    """


COMMANDS = (
    *(demo, data, train, update, evaluate, compare, tune),
    *(predict, recommend, similar, neighbors, explain),
    *(biases, map_, report, serve, migrate),
    *(reproduce, doctor),
)

for command in COMMANDS:
    main.add_command(command)
