"""The progress of a training, drawn on a terminal. Owns the bar; loaded only where one is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from memograd.train.loop import Epoch

_FULL_WIDTH = 80
"""In a narrower terminal, progress is told without a bar and the time that is left."""

_LEFT = TextColumn("left", table_column=Column(no_wrap=True))


@contextmanager
def drawn(n_epochs: int, score_name: str) -> Iterator[Callable[[Epoch], None]]:
    """Draw a progress bar on standard error until the end of the block; gives the function to call after each epoch."""
    console = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
    state = TextColumn("{task.fields[state]}", table_column=Column(no_wrap=True, overflow="ellipsis"))
    # The bar is the one column that may wrap, and so the first to give way to many digits.
    time_left = (BarColumn(10), TimeRemainingColumn(table_column=Column(no_wrap=True)), _LEFT)
    columns = (state, *(time_left if console.width >= _FULL_WIDTH else ()))
    with Progress(*columns, console=console, transient=True) as progress:
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
