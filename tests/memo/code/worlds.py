"""Small projects that are written to disk, imported fresh, edited, and imported again."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from memograd.memo.code.identity import CodeIdentity, identify

Sources = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Edit:
    """A text of a file that stands there once, and what replaces it."""

    name: str
    file: str
    old: str
    new: str

    def applied(self, sources: Sources) -> Sources:
        """The project after the edit."""
        assert sources[self.file].count(self.old) == 1, f"{self.name}: {self.old!r} stands not once in {self.file}"
        return {**sources, self.file: sources[self.file].replace(self.old, self.new)}


def edits(*rows: tuple[str, str, str], file: str = "main.py") -> list[Edit]:
    """Edits of one file, each a name, an old and a new text."""
    return [Edit(name, file, old, new) for name, old, new in rows]


@dataclass(frozen=True, slots=True)
class World:
    """A project, whose `main.run(3)` is looked at, and edits that change what it returns, or do not."""

    name: str
    sources: Sources
    meant: Sequence[Edit]
    harmless: Sequence[Edit] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What is seen of a version of a project: the identity of `main.run`, and what it returns for 3."""

    identity: CodeIdentity
    result: str


def see(folder: Path, sources: Sources) -> Seen:
    """Write a project, import it, look at it before it has run, and run it."""
    write(folder, sources)
    with imported(folder) as main:
        return Seen(identify(main.run), repr(main.run(3)))


def write(folder: Path, sources: Sources) -> None:
    """Write a project into a folder, which is made."""
    for name, text in sources.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


@contextmanager
def imported(folder: Path, module: str = "main") -> Iterator[ModuleType]:
    """A module of a project, imported anew; what came with it is forgotten afterwards."""
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield importlib.import_module(module)
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = writes
        for name in [name for name, loaded in sys.modules.items() if _is_from(folder, loaded)]:
            del sys.modules[name]


def _is_from(folder: Path, module: ModuleType) -> bool:
    # Not getattr: a module may make attributes on demand, or fail to.
    places = [vars(module).get("__file__"), *vars(module).get("__path__", ())]
    return any(str(place).startswith(str(folder)) for place in places)
