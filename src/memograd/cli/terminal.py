"""What a command says: results on standard output, progress and notes on standard error."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from memograd.train.loop import Epoch


class Terminal:
    """Where a command speaks.

    Parameters
    ----------
    as_json : bool
        One JSON object is all that goes to standard output.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.out = Console(highlight=False, soft_wrap=True)
        self.err = Console(stderr=True, highlight=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """Something worth knowing that is no result."""
        self.err.print(escape(text))

    def error(self, text: str) -> None:
        """What went wrong, in one line."""
        self.err.print(f"[bold red]memograd:[/] {escape(' '.join(text.split()))}")

    def result(self, record: Mapping[str, Any], rows: Sequence[tuple[str, str]]) -> None:
        """A result: for people as a table of two columns, for machines as one line of JSON."""
        if self.as_json:
            self.text(json.dumps(record, ensure_ascii=False, allow_nan=False))
            return
        table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        for name, value in rows:
            table.add_row(name, escape(value))
        self.out.print(table)

    def text(self, text: str) -> None:
        """Text as it is."""
        self.out.print(text, markup=False, emoji=False)

    @contextmanager
    def training(self, n_epochs: int, score_name: str) -> Iterator[Any]:
        """A progress bar; gives the function to call after each epoch."""
        columns = (
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[state]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.err) as progress:
            task = progress.add_task("training", total=n_epochs, state="")
            best: Epoch | None = None

            def advance(epoch: Epoch) -> None:
                nonlocal best
                best = epoch if epoch.is_best or best is None else best
                progress.update(task, completed=epoch.number, state=_state(epoch, best, score_name))

            yield advance


def _state(epoch: Epoch, best: Epoch, score_name: str) -> str:
    return f"held-out loss {epoch.validation_loss:.4f}, best {score_name} {best.validation_score:.4f}"
