"""`memograd memo`: what all of its actions have in common, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from memograd.cli.memo.command import ACTIONS


@pytest.mark.parametrize("action", ACTIONS)
def test_help(run: Callable, action: str) -> None:
    """The help of an action fits into 80 columns and says what it does."""
    outcome = run("memo", action, "--help")
    assert outcome.status == 0
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert ACTIONS[action].help[1:] in " ".join(outcome.out.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "ACTION"),
        (["fly"], "'fly'"),
        (["why"], "KEY"),
        (["why", "xyz"], "hexadecimal"),
        (["why", "../../etc"], "hexadecimal"),
        (["why", "0" * 65], "hexadecimal"),
        (["why", "ff"], "no key begins with ff"),
        (["why", "f" * 64], "no key begins"),
        (["why", "a"], "2 keys begin with a"),
        (["rm", "a"], "2 keys begin with a"),
        (["rm", "ff"], "no key begins"),
        (["rm", "--function", "lab.none", "--yes"], "'lab.none'"),
        (["rm"], "required"),
        (["rm", "aa", "--all"], "not allowed"),
        (["ls", "lab.none"], "'lab.none'"),
        (["ls", "--limit", "0"], "at least 1"),
        *(
            [["gc", "--max-size", text], f"{text!r} is no size"]
            for text in ("-3", "ten", "", "1XB", "1ib", "1e9", "inf")
        ),
        (["gc", "--max-size", "9" * 40], "is no size"),
        (["gc", "--max-size", "٣MB"], "is no size"),
    ],
)
def test_refused(refused: Callable, store: Path, arguments: list[str], words: str) -> None:
    """Keys, names and sizes that cannot be are one line."""
    options = ["--store", store] if len(arguments) > 1 else []
    assert words in refused("memo", *arguments, *options)


@pytest.mark.parametrize("action", ["ls", "stats", "verify", "gc", "export", "rm", "why"])
def test_no_store(refused: Callable, folder: Path, action: str) -> None:
    """A directory that is missing, empty, foreign, a file, or of a later version is one line, and is left as it is."""
    rest = {"export": ["out.zip"], "rm": ["--all", "--yes"], "why": ["aa"]}.get(action, [])
    for name, file in (("empty", None), ("foreign", "thesis.tex"), ("later", "memograd-store-2")):
        (folder / name).mkdir()
        if file:
            (folder / name / file).touch()
    Path("file").touch()
    words = {"missing": "does not exist", "empty": "no store", "foreign": "no store", "later": "version 2"}
    for name, said in {**words, "file": "no directory", "a\0b": "no path"}.items():
        assert said in refused("memo", action, *rest, "--store", name)


def test_json_is_one_line(memo: Callable) -> None:
    """For machines, every action prints one object that names the store."""
    for action in (["ls"], ["stats"], ["why", "cd"], ["verify"], ["gc"], ["export", "a.zip"], ["rm", "cd"]):
        (line,) = memo(*action, "--json").out.splitlines()
        assert json.loads(line)["store"].endswith("store")
