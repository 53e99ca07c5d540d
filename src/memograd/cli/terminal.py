"""What a command says: results on standard output, progress and notes on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from memograd.errors import MemogradError
from memograd.train.loop import Epoch

_FULL_WIDTH = 80
"""In a narrower terminal, progress is told without a bar and the time that is left."""

_LEFT = TextColumn("left", table_column=Column(no_wrap=True))


class OutputError(MemogradError, OSError):
    """Standard output cannot be written; the message says why and what to do."""


class Terminal:
    """Where a command speaks.

    Parameters
    ----------
    as_json : bool
        One JSON object is all that goes to standard output.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """Something worth knowing that is no result."""
        self._say(Text(_one_line(text)))

    def error(self, text: str) -> None:
        """What went wrong, in one line."""
        self._say(Text.assemble(("memograd:", "bold red"), " ", _one_line(text)))

    def _say(self, text: Text) -> None:
        # Not written by rich, which ends the process when nobody reads standard error.
        with self.err.capture() as styled:
            self.err.print(text)
        with suppress(OSError):
            print(styled.get(), end="", file=sys.stderr, flush=True)

    def result(self, record: Mapping[str, Any], rows: Sequence[tuple[str, str]]) -> None:
        """A result: for people as a table of two columns, for machines as one line of JSON."""
        if self.as_json:
            self.json(record)
            return
        width = max(len(name) for name, _ in rows)
        self.text("\n".join(f"{name:{width}}  {value}" for name, value in rows))

    def json(self, record: Mapping[str, Any]) -> None:
        """A result for machines, in ASCII, so that every encoding can carry it."""
        self.text(json.dumps(record, allow_nan=False))

    def text(self, text: str) -> None:
        """Text as it is, on standard output, and a line end.

        Raises
        ------
        OutputError
            When standard output cannot be written. That its reader has seen enough and left is no error.
        """
        try:
            print(text, flush=True)
        except UnicodeEncodeError as error:
            raise OutputError(
                f"standard output is encoded in {error.encoding}, which has no {error.object[error.start]!a}; "
                "set PYTHONIOENCODING=utf-8"
            ) from error
        except OSError as error:
            # Python would try once more, and complain, when it closes what is left in the buffer.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if not isinstance(error, BrokenPipeError):
                message = f"standard output cannot be written ({error.strerror}); send it elsewhere"
                raise OutputError(message) from error

    @contextmanager
    def training(self, n_epochs: int, score_name: str) -> Iterator[Any]:
        """A progress bar, on a terminal that can draw one; gives the function to call after each epoch."""
        state = TextColumn("{task.fields[state]}", table_column=Column(no_wrap=True, overflow="ellipsis"))
        # The bar is the one column that may wrap, and so the first to give way to many digits.
        time_left = (BarColumn(10), TimeRemainingColumn(table_column=Column(no_wrap=True)), _LEFT)
        columns = (state, *(time_left if self.err.width >= _FULL_WIDTH else ()))
        can_draw = self.err.is_terminal and not self.err.is_dumb_terminal
        with Progress(*columns, console=self.err, transient=True, disable=not can_draw) as progress:
            task = progress.add_task("training", total=n_epochs, state=f"epoch 0/{n_epochs}")
            best: Epoch | None = None

            def advance(epoch: Epoch) -> None:
                nonlocal best
                best = epoch if epoch.is_best or best is None else best
                state = f"epoch {epoch.number}/{n_epochs}, {_scores(epoch, best, score_name)}"
                progress.update(task, completed=epoch.number, state=state)

            yield advance


def _scores(epoch: Epoch, best: Epoch, score_name: str) -> str:
    return f"held-out loss {epoch.validation_loss:#.4g}, best {score_name} {best.validation_score:#.4g}"


def _one_line(text: str) -> str:
    """Text without line ends, and with escapes for what would steer a terminal."""
    line = " ".join(text.splitlines())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
