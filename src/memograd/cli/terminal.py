"""What a command says: results on standard output, notes and errors on standard error.

Owns all that is printed but progress. Kept free of everything that is slow to import.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TextIO

from memograd.errors import MemogradError

_RED, _PLAIN = "\x1b[1;31m", "\x1b[0m"


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
        self._said: set[str] = set()

    @property
    def can_draw(self) -> bool:
        """Whether standard error is a terminal that can move its cursor."""
        return _is_terminal(sys.stderr)

    @property
    def is_watched(self) -> bool:
        """Whether results for people go to a terminal."""
        return not self.as_json and _is_terminal(sys.stdout)

    def can_write(self, text: str) -> bool:
        """Whether standard output has all signs of a text."""
        try:
            text.encode(sys.stdout.encoding)
        except (UnicodeEncodeError, AttributeError, TypeError):
            return False
        return True

    def note(self, text: str, *, once: str = "") -> None:
        """Something worth knowing that is no result; of what has a name for `once`, only the first is said."""
        if once not in self._said:
            _say(_one_line(text))
        self._said |= {once} - {""}

    def error(self, text: str) -> None:
        """What went wrong, in one line."""
        coloured = self.can_draw and not os.environ.get("NO_COLOR")
        head = f"{_RED}memograd:{_PLAIN}" if coloured else "memograd:"
        _say(f"{head} {_one_line(text)}")

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


def _say(text: str) -> None:
    with suppress(OSError):  # when nobody reads standard error, what is said there is lost, and nothing else
        print(text, file=sys.stderr, flush=True)


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    except ValueError:  # it is closed
        return False


def _one_line(text: str) -> str:
    """Text without line ends, and with escapes for what would steer a terminal."""
    line = " ".join(text.splitlines())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
