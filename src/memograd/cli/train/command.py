"""The command `memograd train`: recall the result, or have it trained; write it, tell it.

What trains is loaded only when something is to be trained: a result that is recalled takes no NumPy.
"""

from __future__ import annotations

import argparse
import time
from importlib import import_module
from pathlib import Path

from memograd.cli.terminal import Terminal
from memograd.cli.textfile import read_bytes, same_file, write_bytes
from memograd.cli.train import recall
from memograd.cli.train.arguments import add_arguments, options_of
from memograd.cli.train.recall import Outcome
from memograd.cli.train.result import Memo, record_of, rows_of
from memograd.cli.train.stores import opened
from memograd.errors import ModelFileError
from memograd.store.atomic import check_writable
from memograd.store.protocol import Store

__all__ = ["add_arguments", "run"]

# Loaded when they are needed.
_TRAINING = "memograd.cli.train.training"
_CURVE = "memograd.cli.train.curve"


def run(arguments: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    terminal = Terminal(as_json=arguments.json)
    start = time.perf_counter()
    path = arguments.model or f"{Path(arguments.data).stem}.model"
    _check_places(arguments, path)
    files = read_bytes(arguments.data), None if arguments.val is None else read_bytes(arguments.val)
    store = None if arguments.no_store else opened(arguments.store, terminal)
    outcome, memo = _outcome(arguments, files, store, path=path, terminal=terminal)
    seconds = outcome.seconds - memo.seconds_saved if memo.epochs_trained else time.perf_counter() - start
    record = record_of(outcome.record, memo=memo, seconds=seconds, path=path)
    if arguments.curve:
        import_module(_CURVE).write_curve(arguments.curve, outcome.curve, outcome.score_name)
    terminal.result(record, rows_of(record, None if store is None else memo))
    _draw(outcome, arguments.plot, terminal)
    return 0


def _outcome(
    arguments: argparse.Namespace, files: recall.Files, store: Store | None, *, path: str, terminal: Terminal
) -> tuple[Outcome, Memo]:
    """The outcome, with the model in its file."""
    options = options_of(arguments)
    key = None if store is None else recall.key_of(options, files)
    if store is None or key is None:
        return _trained(arguments, files, store, path=path, terminal=terminal)
    found = recall.find(store, key, terminal)
    if found is not None:
        return _recalled(found, path, terminal)
    with recall.alone(store, key, terminal) as has_waited:
        found = recall.find(store, key, terminal) if has_waited else None
        if found is not None:
            return _recalled(found, path, terminal)
        outcome, memo = _trained(arguments, files, store, path=path, terminal=terminal)
        # Not what was interrupted, nor what was made by code that changed meanwhile.
        if outcome.record["stopped"] != "interrupted" and recall.key_of(options, files) == key:
            recall.keep(store, key, outcome, terminal)
    return outcome, memo


def _trained(
    arguments: argparse.Namespace, files: recall.Files, store: Store | None, *, path: str, terminal: Terminal
) -> tuple[Outcome, Memo]:
    found: tuple[Outcome, Memo] = import_module(_TRAINING).train(arguments, files, store, path=path, terminal=terminal)
    return found


def _recalled(found: Outcome, path: str, terminal: Terminal) -> tuple[Outcome, Memo]:
    for note in found.notes:
        terminal.note(note)
    write_bytes(path, found.model)
    return found, Memo(found.record["epochs"], 0, found.seconds)


def _draw(outcome: Outcome, wanted: bool | None, terminal: Terminal) -> None:
    """Draw the losses where that was asked for; where nothing was said, on a terminal that has the signs for it."""
    if wanted is False or terminal.as_json or not (wanted or terminal.is_watched):
        return
    picture = import_module(_CURVE).chart(outcome.curve)
    if wanted or terminal.can_write(picture):
        terminal.text(f"\n{picture}")


def _check_places(arguments: argparse.Namespace, path: str) -> None:
    """Training is long: that the model cannot be written is better known before."""
    for other in (arguments.data, arguments.val):
        if other is not None and same_file(path, other):
            raise ModelFileError(f"{path}: is the table itself; name another file with --model")
    try:
        check_writable(path)
    except OSError as error:
        raise ModelFileError(
            f"{path}: the model cannot be written there ({error.strerror}); name a file elsewhere with --model"
        ) from error
    if arguments.curve:
        import_module(_CURVE).check_curve(arguments.curve, (arguments.data, arguments.val, path))
