"""What `memograd train` tells of a training: a record for machines, and the same in rows for people.

Made of what was stored as well as of what was just trained, so both are told alike. Imports nothing that computes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Memo(NamedTuple):
    """What did not have to be computed.

    Attributes
    ----------
    epochs_recalled, epochs_trained : int
        Of all members together.
    seconds_saved : float
        What the recalled epochs took when they were trained.

    Examples
    --------
    >>> Memo(120, 80, 1.25).told
    '120 epochs recalled, which took 1.2 s, and 80 trained'
    """

    epochs_recalled: int
    epochs_trained: int
    seconds_saved: float

    @property
    def told(self) -> str:
        """The same as text."""
        if not self.epochs_recalled:
            return "nothing to recall"
        recalled = f"{self.epochs_recalled} epochs recalled, which took {self.seconds_saved:.1f} s"
        return f"{recalled}, and {self.epochs_trained} trained" if self.epochs_trained else f"{recalled}; none trained"


def record_of(told: Mapping[str, Any], *, memo: Memo, seconds: float, path: str) -> dict[str, Any]:
    """The whole record: what was learned, which is the same each time, and what this run took and wrote."""
    rounded = {**memo._asdict(), "seconds_saved": round(memo.seconds_saved, 3)}
    return {**told, "seconds": round(seconds, 3), "memo": rounded, "model": path}


def rows_of(record: Mapping[str, Any], memo: Memo | None) -> list[tuple[str, str]]:
    """The record as a table of two columns; without a memo, where nothing is remembered."""
    score = {name: value for name, value in record["metrics"]["validation"].items() if name != "loss"}
    return [
        ("task", f"{record['task']} of {record['target']}{_classes(record)}"),
        ("rows", _rows(record)),
        ("network", _network(record)),
        ("epochs", _epochs(record)),
        *((name, f"{value:.4f} on {_judged_by(record)}") for name, value in score.items() if value is not None),
        *([("memo", memo.told)] if memo is not None else []),
        ("model", record["model"]),
    ]


def _classes(record: Mapping[str, Any]) -> str:
    return f", {len(record['classes'])} classes" if record["classes"] else ""


def _rows(record: Mapping[str, Any]) -> str:
    if record["folds"]:
        return f"{record['rows']}, each held out once in {record['folds']} folds"
    return f"{record['rows_trained']} to train, {record['rows_held_out']} held out"


def _network(record: Mapping[str, Any]) -> str:
    sizes = "-".join(map(str, record["network"]))
    return f"{record['folds']} of {sizes}" if record["folds"] else sizes


_STOPPED = {
    "finished": "",
    "early": ", then it stopped gaining",
    "interrupted": ", then it was interrupted",
}


def _epochs(record: Mapping[str, Any]) -> str:
    memo, seconds = record["memo"], record["seconds"]
    is_recalled = memo["epochs_recalled"] and not memo["epochs_trained"]
    time = f"recalled in {seconds:.2f} s" if is_recalled else f"in {seconds:.1f} s"
    took = f"{record['epochs']} {time}{_STOPPED[record['stopped']]}"
    return took if record["folds"] else f"{took}; best: {record['best_epoch']}"


def _judged_by(record: Mapping[str, Any]) -> str:
    return "the rows while held out" if record["folds"] else "the rows held out"
