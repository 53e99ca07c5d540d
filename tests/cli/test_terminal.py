"""What a terminal shows: progress that fits, changes and goes; nothing that steers it from outside."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from memograd.cli.terminal import Terminal

MEMOGRAD = [sys.executable, "-m", "memograd"]
CODE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="only POSIX has pseudo-terminals")


def watched(*arguments: str, n_columns: int = 80, **env: str) -> str:
    """Run the command on a terminal of this width; all that it sent there."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, n_columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR", "FORCE_COLOR"}}
    process = subprocess.Popen(
        [*MEMOGRAD, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env={**kept, "TERM": "xterm", **env}
    )
    os.close(theirs)
    sent = b""
    while True:
        try:
            sent += os.read(ours, 10_000)
        except OSError:  # the command has ended
            break
    os.close(ours)
    assert process.wait(timeout=60) == 0
    return sent.decode()


def screens(sent: str) -> list[list[str]]:
    """Play what was sent to a terminal; what it shows each time the cursor goes back to the start of a line."""
    lines, row, column, shown = [""], 0, 0, []
    for text in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|[^\x1b]", sent):
        code = CODE.fullmatch(text)
        if code:
            arguments, letter = code.groups()
            row -= int(arguments or 1) if letter == "A" else 0
            if letter == "K":
                lines[row] = ""
        elif text == "\r":
            shown.append(list(lines))
            column = 0
        elif text == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        else:
            lines[row] = lines[row][:column].ljust(column) + text + lines[row][column + 1 :]
            column += 1
    return [*shown, lines]


TRAIN = ["train", "t.csv", "--target", "kind", "--epochs", "400", "--hidden", "8", "--no-store"]


def test_progress(table: Path) -> None:
    """In 80 columns progress is one line, which tells epoch, held-out loss, best score and time left, and moves on."""
    # Long enough for several frames, of which there are ten a second, on a machine ten times as fast.
    command = ["train", "t.csv", "--target", "kind", "--epochs", "9000", "--hidden", "64,64", "--no-store"]
    frames = [screen[-1] for screen in screens(watched(*command)) if screen[-1].startswith("epoch ")]
    pattern = r"epoch (\d+)/9000, held-out loss \d\.\d+, best accuracy \d\.\d+ [━╸╺]+ +(\d+:\d\d:\d\d|-:--:--) left"
    found = [re.fullmatch(pattern, frame.rstrip()) for frame in frames]
    assert all(found[len(found) // 4 :])  # those before the first epoch have no loss
    epochs = [int(match[1]) for match in found if match]
    assert epochs == sorted(epochs)
    assert epochs[0] < epochs[-1]
    assert max(map(len, frames)) <= 80


def test_nothing_is_left_of_progress(table: Path) -> None:
    """When training is done, the terminal shows the result alone, and its cursor again."""
    sent = watched(*TRAIN)
    last = screens(sent)[-1]
    assert last[0].startswith("task")
    assert not any("epoch " in line for line in last)
    assert sent.count("\x1b[?25l") == sent.count("\x1b[?25h") == 1


@pytest.mark.parametrize("n_columns", [79, 40, 20])
def test_narrow_terminals(table: Path, n_columns: int) -> None:
    """A narrow terminal shows as much as fits, the epoch first, never more than a line."""
    frames = [screen[-1] for screen in screens(watched(*TRAIN, n_columns=n_columns)) if "/400" in screen[-1]]
    assert frames
    assert max(map(len, frames)) <= n_columns
    assert all(re.match(r"epoch \d+/400", frame) for frame in frames)


def test_large_numbers(table: Path) -> None:
    """Many digits take their place from the bar, not from what is told."""
    options = ["--epochs", str(10**7), "--patience", "300", "--hidden", "none", "--schedule", "constant"]
    frames = [screen[-1] for screen in screens(watched("train", "t.csv", "--target", "kind", *options))]
    told = [frame for frame in frames if frame.startswith("epoch ") and "held-out" in frame]
    assert told
    assert all(re.search(r"held-out loss \d\.\d+, best accuracy \d\.\d+ .*left", frame) for frame in told)
    assert max(map(len, told)) <= 80


def test_dumb_terminals(table: Path) -> None:
    """A terminal that cannot move its cursor gets no progress and no codes."""
    assert "\x1b" not in watched(*TRAIN, TERM="dumb")


def test_no_color(table: Path) -> None:
    """Colour is left out where it is not wanted."""
    colour = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")
    assert colour.search(watched(*TRAIN))
    assert not colour.search(watched(*TRAIN, NO_COLOR="1"))


def test_json_on_a_terminal(table: Path) -> None:
    """The last line is the JSON object, even where progress was drawn on the same terminal."""
    assert screens(watched(*TRAIN, "--json"))[-1][-2].startswith('{"task": "classification"')


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[bold]a[/bold] [/x] \\", "[bold]a[/bold] [/x] \\"),
        (":smile:", ":smile:"),
        ("one\ntwo\r\nthree", "one two three"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\udcff \u202e", "\\udcff \\u202e"),
        ("ŷ  ŷ", "ŷ  ŷ"),
        ("x" * 500, "x" * 500),
    ],
)
def test_what_names_can_hold(capsys: pytest.CaptureFixture[str], text: str, shown: str) -> None:
    """Markup, emoji names, line ends and codes in a file's or column's name are shown, not obeyed."""
    terminal = Terminal()
    terminal.error(text)
    terminal.note(text)
    assert capsys.readouterr().err == f"memograd: {shown}\n{shown}\n"


def test_results_are_not_changed(capsys: pytest.CaptureFixture[str]) -> None:
    """A result holds values as they are, in two columns, however long they are."""
    Terminal().result({}, [("a", "[red]x" * 50), ("long name", ":smile:")])
    assert capsys.readouterr().out == f"a          {'[red]x' * 50}\nlong name  :smile:\n"


def test_picture_of_the_losses(table: Path) -> None:
    """On a terminal the losses are drawn below the result, unless that is not wanted or its signs are missing."""
    assert "epochs 1 to 400" in screens(watched(*TRAIN))[-1]
    assert "epochs 1 to" not in watched(*TRAIN, "--no-plot")
    assert "epochs 1 to" not in watched(*TRAIN, PYTHONIOENCODING="ascii")


def test_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Of notes with one name the first is said, others always."""
    terminal = Terminal()
    for text in ("one", "two"):
        terminal.note(text, once="trouble")
        terminal.note(text)
    assert capsys.readouterr().err == "one\none\ntwo\n"
