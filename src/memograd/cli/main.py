"""The command `memograd`: arguments in, text and an exit status out.

Only the module of the command that was asked for is loaded.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple, NoReturn

from memograd.cli.terminal import Terminal
from memograd.errors import MemogradError


class Command(NamedTuple):
    """What the command can do.

    Attributes
    ----------
    module : str
        Has `add_arguments(parser)` and `run(arguments) -> exit status`.
    description : str
        One line.
    """

    module: str
    description: str


COMMANDS: Mapping[str, Command] = {
    "train": Command("memograd.cli.train.command", "Train a network on a table, or recall one that was trained."),
    "predict": Command("memograd.cli.predict", "Predict a column of a table with a trained model."),
    "evaluate": Command("memograd.cli.evaluate", "Tell how well a trained model predicts a table."),
    "explain": Command(
        "memograd.cli.explain", "Write the derivative of the loss by one weight of an MLP as the sum over its paths."
    ),
    "memo": Command(
        "memograd.cli.memo.command", "Look at, check, bound and move the results that memoized functions keep."
    ),
}

BAD_INPUT, INTERRUPTED = 2, 130

_NAME = "memograd"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process if left out.

    Returns
    -------
    int
        The exit status: 0, 2 for bad input, 130 after Ctrl-C.
    """
    try:
        arguments = _parser(sys.argv[1:] if argv is None else argv).parse_args(argv)
        status: int = import_module(COMMANDS[arguments.command].module).run(arguments)
        return status
    except SystemExit as finished:  # after --help, --version, or arguments that cannot be
        return int(finished.code or 0)
    except MemogradError as error:
        Terminal().error(str(error))
        return BAD_INPUT
    except MemoryError:
        Terminal().error("this takes more memory than there is; use a smaller network or a smaller table")
        return BAD_INPUT
    except KeyboardInterrupt:
        Terminal().error("interrupted before there was anything to keep")
        return INTERRUPTED


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        Terminal().error(f"{message}; see `{self.prog} --help`")
        self.exit(BAD_INPUT)

    def print_help(self, file: Any = None) -> None:
        Terminal().text(self.format_help().rstrip())


class _Version(argparse.Action):
    """An option that prints the version of the package that is installed, looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        version = import_module("importlib.metadata").version("memograd")
        Terminal().text(f"memograd {version}")
        parser.exit()


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """The parser; of the commands, only the one that is asked for is given its arguments."""
    parser = _Parser(prog=_NAME, description="Never compute the same thing twice.")
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", prog=_NAME)
    # No option before the command takes a value, so the first argument that is no option is the command.
    asked = next((argument for argument in argv if not argument.startswith("-")), "")
    for name in [asked] if asked in COMMANDS and argv[0] == asked else COMMANDS:
        sub = commands.add_parser(name, help=COMMANDS[name].description, description=COMMANDS[name].description)
        if name == asked:
            import_module(COMMANDS[name].module).add_arguments(sub)
    return parser


if __name__ == "__main__":
    sys.exit(main())
