"""How the loss fell, for people and for programs: a picture in the terminal, a table, or a picture as a file."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, TypeAlias

from memograd.cli.textfile import file_error, same_place, write_bytes
from memograd.cli.train.chart import panels
from memograd.cli.train.recall import Curve
from memograd.errors import BadSetting
from memograd.store.atomic import check_writable

_COLUMNS = ("member", "epoch", "loss", "held_out_loss")

Writer: TypeAlias = Callable[[Curve, str, str], bytes]
"""From a curve, the name of the score and the suffix of the file, what to write into it."""


def check_curve(path: str, others: Iterable[str | None]) -> None:
    """Check before a training that its curve can be written in the form that was asked for.

    Raises
    ------
    BadSetting
        When a picture is asked for, and matplotlib is not there.
    DataError
        When the file cannot be written, or is one of the others.
    """
    if WRITERS[_suffix(path)] is _picture:
        _matplotlib()
    if any(other is not None and same_place(path, other) for other in others):
        raise file_error(path, "is the table or the model; name another file with --curve")
    try:
        check_writable(path)
    except OSError as error:
        raise file_error(path, f"cannot be written ({error.strerror}); name another file with --curve") from error


def write_curve(path: str, curve: Curve, score_name: str) -> None:
    """Write a curve in the form that the suffix of the file tells.

    Raises
    ------
    DataError
        When the file cannot be written.
    BadSetting
        As `check_curve`.
    """
    suffix = _suffix(path)
    write_bytes(path, WRITERS[suffix](curve, score_name, suffix))


def chart(curve: Curve) -> str:
    """Return both losses as text; of several members those of all."""
    losses = [(float(epoch), loss) for _, epoch, loss, _, _ in sorted(curve, key=_by_epoch)]
    held_out = [(float(epoch), loss) for _, epoch, _, loss, _ in sorted(curve, key=_by_epoch) if loss is not None]
    shown = [("loss", losses), *([("held-out loss", held_out)] if held_out else [])]
    return "\n".join([*panels(shown), f"epochs 1 to {max(epoch for _, epoch, *_ in curve)}"])


def _by_epoch(row: tuple[int, int, float, float | None, float | None]) -> int:
    return row[1]


def _csv(curve: Curve, score_name: str, suffix: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_COLUMNS, f"held_out_{score_name}"])
    writer.writerows(["" if cell is None else repr(cell) for cell in row] for row in curve)
    return text.getvalue().encode()


def _json(curve: Curve, score_name: str, suffix: str) -> bytes:
    names = (*_COLUMNS, f"held_out_{score_name}")
    columns = zip(*curve, strict=True)
    return (json.dumps(dict(zip(names, map(list, columns), strict=True))) + "\n").encode()


def _picture(curve: Curve, score_name: str, suffix: str) -> bytes:
    matplotlib = _matplotlib()
    # The same curve as the same bytes: no random identifiers, and no date.
    with matplotlib.rc_context({"svg.hashsalt": "memograd"}):
        figure = import_module("matplotlib.figure").Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        for member in sorted({row[0] for row in curve}):
            rows = [row for row in curve if row[0] == member]
            epochs = [row[1] for row in rows]
            axes.plot(epochs, [row[2] for row in rows], color="C0", label="loss" if member == 1 else None)
            if rows[0][3] is not None:
                label = "held-out loss" if member == 1 else None
                axes.plot(epochs, [row[3] for row in rows], color="C1", label=label)
        axes.set(xlabel="epoch", ylabel="loss", yscale="log" if min(row[2] for row in curve) > 0 else "linear")
        axes.legend()
        data = io.BytesIO()
        dateless = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(suffix[1:])
        figure.savefig(data, format=suffix[1:], metadata=dateless, dpi=150)
    return data.getvalue()


def _matplotlib() -> Any:
    try:
        return import_module("matplotlib")
    except ImportError as error:
        raise BadSetting(
            "--curve: pictures are drawn by matplotlib, which is not installed; install it, or name a .csv or .json"
        ) from error


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()


WRITERS: Mapping[str, Writer] = {
    ".csv": _csv,
    ".json": _json,
    ".png": _picture,
    ".svg": _picture,
    ".pdf": _picture,
}
