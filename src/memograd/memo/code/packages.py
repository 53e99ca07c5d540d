"""Whose code a file or a module is: the project's, the standard library's, or an installed package's.

Owns the line between code that is read and code that a version stands for. It knows nothing of functions.

The *project* is every file that is neither in the standard library nor in a distribution installed from an index:
scripts, notebooks, editable installs, and distributions installed from a directory that is still there, whose code
changes without their version. A file below a folder named ``site-packages`` or ``dist-packages`` belongs to the
distribution whose RECORD lists it, and to the project when none does. A copy of memograd that is not installed is not
walked either: its version and a digest of its sources stand for it, since it holds tables that change with every call.

Metadata is read once in a process: a package replaced under a running process is noticed by the next one.
"""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path, PurePath
from types import FunctionType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from memograd.digest.digester import digest
from memograd.memo.code.environment import PYTHON

if TYPE_CHECKING:
    from importlib.metadata import Distribution


@dataclass(frozen=True, slots=True)
class Package:
    """What stands for code that is not read.

    Attributes
    ----------
    name : str
        As it was installed: ``numpy``, ``scikit-learn``; ``python`` for the interpreter and its standard library.
    version : str
    """

    name: str
    version: str


STANDARD = Package("python", PYTHON)

_INSTALLED = ("site-packages", "dist-packages")
_HERE = Path(__file__).parents[2]
_STDLIB = tuple(
    {os.path.dirname(os.__file__), sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")},
)


def package_of_module(name: str | None) -> Package | None:
    """Return whose a module is; None for the project's, and for one that is not known.

    Examples
    --------
    >>> package_of_module("math").name, package_of_module("numpy.linalg").name, package_of_module("no_such_module")
    ('python', 'numpy', None)
    """
    # What runs as the main program is its user's, also under a profiler or debugger.
    if not name or name == "__main__":
        return None
    module = sys.modules.get(name) or sys.modules.get(name.partition(".")[0])
    file = getattr(module, "__file__", None)
    return package_of_file(file) if file else package_of_spec(getattr(module, "__spec__", None))


def package_of_spec(spec: ModuleSpec | None) -> Package | None:
    """Return whose a module is that need not be loaded; None for the project's, and for one that is not found."""
    origin = None if spec is None else spec.origin
    if origin in {"built-in", "frozen"}:
        return STANDARD
    return package_of_file(origin) if origin else None


def package_of_function(function: FunctionType) -> Package | None:
    """Return whose the code of a function is: that of its file, or of the module whose globals it has."""
    file, home = function.__code__.co_filename, function.__globals__.get("__name__")
    package = package_of_file(file)
    # Installed code may have kept the name of the file that it was built from. What was made of a text, though, may
    # have been made in any module: a doctest has the globals of the module that it tests.
    if package is None and isinstance(home, str) and not file.startswith("<"):
        package = package_of_module(home)
    return package


@cache
def package_of_file(filename: str) -> Package | None:
    """Return whose a file of code is; None for the project's.

    Parameters
    ----------
    filename : str
        As in `co_filename` or `__file__`. Names that are no files, such as ``<string>``, are the project's; but for
        ``<frozen ...>``, which is Python's.

    Examples
    --------
    >>> package_of_file(os.__file__).name, package_of_file("<string>")
    ('python', None)
    """
    path = PurePath(filename)
    # Before all else: installed from a local folder, memograd would count as the project, and be walked.
    if path.is_relative_to(_HERE):
        return _memograd()
    folder = max((path.parts.index(name) for name in _INSTALLED if name in path.parts), default=None)
    if folder is not None:
        return _installed(Path(*path.parts[: folder + 1]), PurePath(*path.parts[folder + 1 :]))
    in_python = filename.startswith("<frozen ") or any(path.is_relative_to(root) for root in _STDLIB)
    return STANDARD if in_python else None


def _installed(root: Path, path: PurePath) -> Package | None:
    """The package that a file below a folder of installed packages belongs to."""
    owner = next((dist for dist in _candidates(root, path.parts[0]) if _lists(dist, path)), None)
    if owner is None or _is_from_a_local_folder(owner):
        return None
    return Package(owner.name, owner.version)


def _candidates(root: Path, top: str) -> Iterable[Distribution]:
    """Distributions in a folder, the one called like the import first: it costs 1 ms, and reading all of them 50."""
    from importlib.metadata import PackageNotFoundError, distribution, distributions  # 14 ms, with zip files and e-mail

    try:
        guess = distribution(top.partition(".")[0])
    except PackageNotFoundError:
        pass
    else:
        yield guess
    yield from distributions(path=[str(root)])


def _lists(dist: Distribution, path: PurePath) -> bool:
    """Whether a distribution's RECORD, or the list of what it has at the top, names a file."""
    record = dist.read_text("RECORD")
    if record is None:
        return path.parts[0].partition(".")[0] in (dist.read_text("top_level.txt") or "").split()
    return f"\n{path.as_posix()}," in f"\n{record}"


def _is_from_a_local_folder(dist: Distribution) -> bool:
    """Whether a distribution was installed from a directory that is still there (PEP 610)."""
    origin = json.loads(dist.read_text("direct_url.json") or "{}")
    # Packages of conda name the folder that they were built in, on another machine.
    from urllib.request import url2pathname  # with all that it takes to read web pages, 8 ms

    return "dir_info" in origin and os.path.isdir(url2pathname(urlsplit(origin.get("url", "")).path))


@cache
def _memograd() -> Package:
    """What stands for this very package while someone is working on it."""
    sources = [(path.relative_to(_HERE).as_posix(), path.read_bytes()) for path in sorted(_HERE.rglob("*.py"))]
    return Package("memograd", f"in development, {digest(sources)}")
