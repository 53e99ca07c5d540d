"""Installed packages: their version stands for them, and everything else is the project."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import memograd
from memograd.errors import CannotDigest
from memograd.memo.code import packages
from memograd.memo.code.identity import CodeIdentity, identify
from memograd.memo.code.packages import Package, package_of_file, package_of_module
from memograd.memo.report import differences
from memograd.memo.shelf import parts_of

from .worlds import Sources, imported, write

USER = {
    "main.py": """
import installed
import installed.part
from installed import f as g, SETTING, OBJECT, wrap, Class, make

class Own(Class):
    pass

@wrap(power=1)
def wrapped(x: int):
    return x

made = make(lambda x: x)

def run(x):
    return installed.part.deep(x), g(x), SETTING, OBJECT.state, wrapped(x), Own().method(x), installed.NUMBER, made(x)
"""
}
INSTALLED = {
    "installed/__init__.py": """
import threading
from . import part

NUMBER = 5
SETTING = (1, 2)

def f(x):
    return x

class Class:
    def method(self, x):
        return x

class Wrapper:
    def __init__(self, f):
        self.__wrapped__ = f
        self.state, self.rest = threading.local(), iter(())

    def __call__(self, x):
        return self.__wrapped__(x)

def wrap(**options):
    return Wrapper

def make(f):
    state = threading.local()

    def made(x):
        state.x = x
        return f(x)

    return made

class Kind:
    state = 1

OBJECT = Kind()
""",
    "installed/part.py": "def deep(x):\n    return x\n",
}


def install(folder: Path, version: str, sources: Sources = INSTALLED, **origin: Any) -> None:
    """Write a package as an installer would, with its metadata."""
    root = folder / "site-packages"
    write(root, sources)
    info = root / "installed-x.dist-info"
    listed = "".join(f"{name},sha256=abc,1\n" for name in sources)
    write(
        info,
        {
            "METADATA": f"Metadata-Version: 2.1\nName: installed-x\nVersion: {version}\n",
            "RECORD": listed,
            **({"direct_url.json": json.dumps(origin)} if origin else {}),
        },
    )


def seen(folder: Path, version: str, sources: Sources = INSTALLED, user: Sources = USER, **origin: Any) -> CodeIdentity:
    """The identity of a function that uses the package in one version."""
    install(folder, version, sources, **origin)
    write(folder, user)
    package_of_file.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder / "site-packages")
        with imported(folder) as main:
            return identify(main.run)


def edited(old: str, new: str, sources: Sources = INSTALLED) -> Sources:
    """Sources with a text in them replaced."""
    assert sum(text.count(old) for text in sources.values()) == 1
    return {name: text.replace(old, new) for name, text in sources.items()}


def test_a_package_counts_with_its_version(tmp_path: Path) -> None:
    """Another version is another identity, and going back gives the first."""
    one, two, back = seen(tmp_path, "1.0"), seen(tmp_path, "1.1"), seen(tmp_path, "1.0")
    assert one == back != two
    assert differences(parts_of(two), parts_of(one))[0] == "package installed-x was 1.0 and is 1.1"


def test_the_code_of_a_package_does_not_count(tmp_path: Path) -> None:
    """Its version stands for it, so it is neither read nor walked."""
    code = edited("def deep(x):\n    return x", "def deep(x):\n    return -x")
    assert seen(tmp_path, "1.0") == seen(tmp_path, "1.0", code)


@pytest.mark.parametrize(
    ("old", "new"),
    [("NUMBER = 5", "NUMBER = 6"), ("SETTING = (1, 2)", "SETTING = (1, 3)")],
)
def test_numbers_and_data_of_a_package_count(old: str, new: str, tmp_path: Path) -> None:
    """What is read by name from its modules may have been set by anyone."""
    assert seen(tmp_path, "1.0") != seen(tmp_path, "1.0", edited(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def wrapped(x: int):\n    return x", "def wrapped(x: int):\n    return -x"),
        ("wrapped(x: int)", "wrapped(x: float)"),
        ("power=1", "power=2"),
        ("class Own(Class):\n    pass", "class Own(Class):\n    extra = 1"),
        ("make(lambda x: x)", "make(lambda x: -x)"),
    ],
)
def test_what_a_package_wraps_counts(old: str, new: str, tmp_path: Path) -> None:
    """Functions of the project inside of things of a package, with the annotations and options given there."""
    assert seen(tmp_path, "1.0") != seen(tmp_path, "1.0", user=edited(old, new, USER))


def test_a_function_of_the_project_in_a_module_of_a_package_counts(tmp_path: Path) -> None:
    """A patched package is not what its version says."""
    patch = USER["main.py"] + "\ndef patched(x):\n    return x + 1\n\ninstalled.part.deep = patched\n"
    one = seen(tmp_path, "1.0", user={"main.py": patch})
    assert one != seen(tmp_path, "1.0", user={"main.py": patch.replace("x + 1", "x + 2")})


def test_a_package_installed_from_a_folder_is_the_project(tmp_path: Path) -> None:
    """Its code changes without its version, while that folder is there; where it is not, the version stands."""
    tame = {
        name: text.replace("threading.local()", "Class").replace("iter(())", "1") for name, text in INSTALLED.items()
    }
    code = edited("def deep(x):\n    return x", "def deep(x):\n    return -x", tame)
    here = {"url": tmp_path.as_uri(), "dir_info": {}}
    gone = {"url": (tmp_path / "gone").as_uri(), "dir_info": {}}
    assert seen(tmp_path, "1.0", tame, **here) != seen(tmp_path, "1.0", code, **here)
    assert seen(tmp_path, "1.0", tame, **gone) == seen(tmp_path, "1.0", code, **gone)


def test_files_without_a_distribution_are_the_project(tmp_path: Path) -> None:
    """Whatever lies about in a folder of packages has no version to stand for it."""
    write(tmp_path / "site-packages", {"stray.py": "", "some-1.dist-info/RECORD": "other.py,,\n"})
    assert package_of_file(str(tmp_path / "site-packages" / "stray.py")) is None


def test_a_file_belongs_to_the_distribution_that_lists_it(tmp_path: Path) -> None:
    """Two distributions can have a folder in common, and a name need not be that of the import."""
    for name in ("a", "b"):
        write(
            tmp_path / "site-packages",
            {
                f"{name}-1.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
                f"{name}-1.dist-info/RECORD": f"shared/{name}.py,,\n",
                f"shared/{name}.py": "",
            },
        )
    assert package_of_file(str(tmp_path / "site-packages" / "shared" / "b.py")) == Package("b", "1")


def test_this_package_counts_as_a_whole_while_it_is_not_installed() -> None:
    """Its version, or when someone works on it its sources, stand for it: its tables change with every call."""
    found = identify(lambda f: memograd.grad(f))
    assert [part for part in found.parts if part.kind == "package"] == [
        part for part in found.parts if part.name == "memograd"
    ]
    assert len(found.parts) < 8


def test_the_main_program_is_the_project() -> None:
    """Also when it is run by a profiler, a debugger or a test runner."""
    assert package_of_module("__main__") is None


def test_a_function_in_c_without_a_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing tells what it does, now or later."""
    function = sys.intern
    monkeypatch.setattr(packages, "STANDARD", None)
    with pytest.raises(CannotDigest, match=r"function: the function depends on this builtins.builtin_function"):
        identify(lambda: function)
