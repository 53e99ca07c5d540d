"""The command `memograd`: arguments in, text and an exit status out."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn

from memograd.cli import explain, predict, train
from memograd.cli.terminal import Terminal
from memograd.errors import MemogradError

COMMANDS = {"train": train, "predict": predict, "explain": explain}

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
    arguments = _parser().parse_args(argv)
    try:
        status: int = COMMANDS[arguments.command].run(arguments)
        return status
    except MemogradError as error:
        Terminal().error(str(error))
        return BAD_INPUT
    except KeyboardInterrupt:
        Terminal().error("interrupted before there was anything to keep")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe has seen enough; Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        Terminal().error(f"{message}; see `{self.prog} --help`")
        self.exit(BAD_INPUT)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="memograd", description="Never compute the same thing twice.")
    parser.add_argument("--version", action="version", version=f"memograd {version('memograd')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.DESCRIPTION, description=command.DESCRIPTION)
        command.add_arguments(sub)
    return parser


if __name__ == "__main__":
    sys.exit(main())
