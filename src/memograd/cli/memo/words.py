"""Words and tables that several actions use."""

from __future__ import annotations

import io
import sys

from rich.console import Console
from rich.table import Table


def counted(n_entries: int) -> str:
    """So many entries.

    Examples
    --------
    >>> counted(1), counted(2)
    ('1 entry', '2 entries')
    """
    return f"{n_entries} {'entry' if n_entries == 1 else 'entries'}"


def duration(seconds: float) -> str:
    """Seconds in a unit of which there are a few.

    Examples
    --------
    >>> duration(0.00025), duration(90), duration(7300), duration(3e6)
    ('0.25 ms', '90 s', '2.0 h', '34.7 d')
    """
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{max(seconds, 0) * 1e3:.3g} ms"


def safe(text: str) -> str:
    r"""Text in one line, with escapes for what would steer a terminal.

    Examples
    --------
    >>> print(safe("a\x1b[31m\nb"))
    a\x1b[31m\nb
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def table(*columns: str) -> Table:
    """A table without lines; a column that begins with > stands to the right."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        right = name.startswith(">")
        made.add_column(name.removeprefix(">"), justify="right" if right else "left", overflow="fold", no_wrap=right)
    return made


def drawn(some_table: Table) -> str:
    """A table as text; as wide as the terminal, and elsewhere as wide as it needs to be."""
    width = Console().width if sys.stdout.isatty() else 1_000
    console = Console(file=io.StringIO(), width=width, highlight=False, emoji=False, markup=False)
    with console.capture() as captured:
        console.print(some_table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())
