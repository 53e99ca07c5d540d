"""Other processes: other hash seeds, other folders, other orders of import, optimised or not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from memograd.memo.code.identity import identify

from .all_worlds import ALL
from .worlds import imported, write

LOOK = """
import importlib, json, sys
from memograd.memo.code.identity import identify

def look(folder, first):
    sys.path.insert(0, folder)
    for name in first:
        importlib.import_module(name)
    digest = identify(importlib.import_module("main").run).digest
    sys.path.remove(folder)
    for name, module in list(sys.modules.items()):
        if folder in (getattr(module, "__file__", None) or ""):
            del sys.modules[name]
    return digest

print(json.dumps({folder: look(folder, first) for folder, first in json.loads(sys.argv[1]).items()}))
"""


def looked(folders: Mapping[Path, list[str]], *options: str, **environment: str) -> dict[str, str]:
    """The identities of the projects in some folders, in a process of their own, by the name of the folder."""
    asked = json.dumps({str(folder): first for folder, first in folders.items()})
    done = subprocess.run(
        [sys.executable, "-B", *options, "-c", LOOK, asked],
        env={**os.environ, **environment},
        capture_output=True,
        check=True,
        text=True,
    )
    return {Path(folder).name: digest for folder, digest in json.loads(done.stdout).items()}


@pytest.fixture
def here(tmp_path: Path) -> dict[str, str]:
    """The identities in this process of all projects, which are written to a folder."""
    digests = {}
    for world in ALL:
        write(tmp_path / world.name, world.sources)
        with imported(tmp_path / world.name) as main:
            digests[world.name] = identify(main.run).digest
    return digests


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_no_hash_seed_has_a_part_in_it(seed: str, here: dict[str, str], tmp_path: Path) -> None:
    """Sets of functions, of names and of members are ordered by what they hold."""
    assert looked({tmp_path / world.name: [] for world in ALL}, PYTHONHASHSEED=seed) == here


def test_no_path_has_a_part_in_it(here: dict[str, str], tmp_path: Path) -> None:
    """A project that is moved or copied to another machine finds what it stored."""
    for world in ALL:
        write(tmp_path / "moved" / "far away" / world.name, world.sources)
    assert looked({tmp_path / "moved" / "far away" / world.name: [] for world in ALL}) == here


def test_no_order_of_imports_has_a_part_in_it(here: dict[str, str], tmp_path: Path) -> None:
    """Whichever module is imported first, and whatever is imported besides."""
    first = {
        world.name: [name.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for name in world.sources]
        for world in ALL
    }
    assert looked({tmp_path / name: ["json", "scipy.linalg", *reversed(first[name])] for name in first}) == here


def test_what_has_run_before_has_no_part_in_it(here: dict[str, str], tmp_path: Path) -> None:
    """Calling a function that changes nothing but itself leaves its identity, so that a second call is a hit."""
    for world in ALL:
        with imported(tmp_path / world.name) as main:
            before = identify(main.run).digest
            if world.name not in {"statements"}:  # it writes to a global
                main.run(3)
                main.run(3)
            assert identify(main.run).digest == before == here[world.name]


def test_whether_assertions_run_has_a_part_in_it(tmp_path: Path) -> None:
    """A result that was computed without assertions is not handed to one who asked for them."""
    write(tmp_path / "project", {"main.py": "def run(x):\n    assert x > 0\n    return x\n"})
    folders: dict[Path, list[str]] = {tmp_path / "project": []}
    assert looked(folders) != looked(folders, "-O") == looked(folders, "-OO")


def test_columns_need_not_be_known(here: dict[str, str], tmp_path: Path) -> None:
    """Without them two lambdas on one line are still told apart, by their bytecode."""
    write(tmp_path / "lambdas", {"main.py": "f, g = (lambda x: x + 1), (lambda x: x + 2)\nrun = f\n"})
    write(tmp_path / "others", {"main.py": "f, g = (lambda x: x + 1), (lambda x: x + 2)\nrun = g\n"})
    found = looked({tmp_path / "lambdas": [], tmp_path / "others": []}, "-X", "no_debug_ranges")
    assert found["lambdas"] != found["others"]
