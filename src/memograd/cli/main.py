"""The command `memograd`: arguments in, text and an exit status out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, NoReturn

from memograd.cli import explain, predict, train
from memograd.cli.memo import command as memo
from memograd.cli.terminal import Terminal
from memograd.errors import MemogradError

COMMANDS = {"train": train, "predict": predict, "explain": explain, "memo": memo}

BAD_INPUT, INTERRUPTED = 2, 130


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
        arguments = _parser().parse_args(argv)
        status: int = COMMANDS[arguments.command].run(arguments)
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
        Terminal().text(f"memograd {version('memograd')}")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="memograd", description="Never compute the same thing twice.")
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.DESCRIPTION, description=command.DESCRIPTION)
        command.add_arguments(sub)
    return parser


if __name__ == "__main__":
    sys.exit(main())
