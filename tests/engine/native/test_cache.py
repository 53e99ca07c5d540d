"""The code cache serves what this user wrote, whole and unchanged, and nothing else; and it never stands in the way."""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import llvmlite
import numpy as np
import pytest

from memograd.engine.native import cache as cache_module
from memograd.engine.native import jit
from memograd.engine.native.cache import DIGEST_BYTES, CodeCache
from memograd.engine.native.ir import Module
from memograd.engine.native.ir_types import F64
from memograd.engine.native.jit import Code
from memograd.engine.native.machine import machine

KEY = "7f" * 32
CODE = bytes(range(256)) * 5

is_posix = pytest.mark.skipif(not hasattr(os, "getuid"), reason="this system has no such permissions")
is_no_root = pytest.mark.skipif(hasattr(os, "getuid") and os.getuid() == 0, reason="root may write anywhere")


@pytest.fixture
def cache(tmp_path: Path) -> CodeCache:
    """With one entry."""
    found = CodeCache(tmp_path / "one" / "two" / "code")
    found.put(KEY, CODE)
    return found


def source_of(number: float) -> str:
    """A module with one function, which returns a number."""
    module = Module()
    module.define("f", F64, [], lambda b: b.constant(number, F64), exported=True)
    return str(module)


# Keeping


def test_what_is_kept_is_found(cache: CodeCache) -> None:
    """Bytes come back as they were; other keys are unknown, and a second writer of a key replaces the first."""
    assert cache.get(KEY) == CODE
    assert cache.get("00" * 32) is None
    cache.put(KEY, b"other")
    assert cache.get(KEY) == b"other"
    cache.put(KEY, b"")
    assert cache.get(KEY) == b""


@is_posix
def test_what_is_kept_is_for_this_user_alone(cache: CodeCache) -> None:
    """Nobody else may read or write the directory or a file, whatever the process' mask; no other file is left."""
    before = os.umask(0)
    try:
        cache.put("01" * 32, CODE)
        fresh = CodeCache(cache.root.parent / "fresh")
        fresh.put(KEY, CODE)
    finally:
        os.umask(before)
    for path in (cache.root, cache.root / KEY, cache.root / ("01" * 32), fresh.root, fresh.root / KEY):
        assert path.stat().st_mode & 0o077 == 0, path
    assert fresh.get(KEY) == CODE
    assert sorted(path.name for path in cache.root.iterdir()) == ["01" * 32, KEY]


# Doubts


def truncated(path: Path) -> None:
    """The end is missing."""
    path.write_bytes(path.read_bytes()[:-1])


def cut_in_the_digest(path: Path) -> None:
    """All but a part of the digest is missing."""
    path.write_bytes(path.read_bytes()[: DIGEST_BYTES // 2])


def emptied(path: Path) -> None:
    """All is missing."""
    path.write_bytes(b"")


def flipped(path: Path) -> None:
    """One bit of the code is another."""
    data = bytearray(path.read_bytes())
    data[DIGEST_BYTES + 100] ^= 4
    path.write_bytes(bytes(data))


def flipped_digest(path: Path) -> None:
    """One bit of the digest is another."""
    data = bytearray(path.read_bytes())
    data[3] ^= 4
    path.write_bytes(bytes(data))


def lengthened(path: Path) -> None:
    """Something follows."""
    path.write_bytes(path.read_bytes() + b"\0")


def a_directory(path: Path) -> None:
    """It is no file."""
    path.unlink()
    path.mkdir()


def writable_by_the_group(path: Path) -> None:
    """Others may have written it."""
    path.chmod(0o620)


def writable_by_all(path: Path) -> None:
    """Others may have written it."""
    path.chmod(0o602)


def in_a_directory_of_the_group(path: Path) -> None:
    """Others may have put it there."""
    path.parent.chmod(0o770)


def in_a_directory_of_all(path: Path) -> None:
    """Others may have put it there."""
    path.parent.chmod(0o707)


def a_link(path: Path) -> None:
    """Where it leads can change."""
    other = path.parent.parent / "elsewhere"
    path.rename(other)
    path.symlink_to(other)


def in_a_link(path: Path) -> None:
    """The directory is a link."""
    other = path.parent.parent / "elsewhere"
    path.parent.rename(other)
    path.parent.symlink_to(other, target_is_directory=True)


def a_dead_link(path: Path) -> None:
    """It leads nowhere."""
    path.unlink()
    path.symlink_to(path.parent / "nowhere")


def a_pipe(path: Path) -> None:
    """Reading it would wait for ever."""
    path.unlink()
    os.mkfifo(path, 0o600)


DOUBTS = [
    truncated, cut_in_the_digest, emptied, flipped, flipped_digest, lengthened, a_directory, writable_by_the_group,
    writable_by_all, in_a_directory_of_the_group, in_a_directory_of_all, a_link, in_a_link, a_dead_link, a_pipe,
]  # fmt: skip


@is_posix
@pytest.mark.parametrize("doubt", DOUBTS, ids=lambda doubt: doubt.__name__)
def test_what_is_in_doubt_is_not_served(cache: CodeCache, doubt: Callable[[Path], None]) -> None:
    """What is damaged, or what others can have written, is as if it were not there, and does not stop anything."""
    doubt(cache.root / KEY)
    found: list[Any] = ["nothing came back"]

    def look() -> None:
        found[:] = [cache.get(KEY)]
        cache.put(KEY, CODE)

    worker = threading.Thread(target=look, daemon=True)
    worker.start()
    worker.join(20)
    assert found == [None]


@is_posix
def test_what_others_own_is_not_served(cache: CodeCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file, or a directory, of another user is not trusted, and nothing is put there."""
    me = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: me + 1)
    assert cache.get(KEY) is None
    cache.put("02" * 32, CODE)
    assert not (cache.root / ("02" * 32)).exists()


@is_posix
def test_nothing_is_put_where_others_can_write(cache: CodeCache) -> None:
    """A directory that others can write into is left as it is."""
    cache.root.chmod(0o777)
    cache.put("02" * 32, CODE)
    assert not (cache.root / ("02" * 32)).exists()
    assert cache.root.stat().st_mode & 0o777 == 0o777


@is_posix
@pytest.mark.parametrize("parent", [0o700, 0o500])
@is_no_root
def test_directories_that_cannot_be_written(cache: CodeCache, parent: int) -> None:
    """What is there is served, and what is new is not kept, without a word."""
    cache.root.chmod(0o500)
    cache.root.parent.chmod(parent)
    try:
        assert cache.get(KEY) == CODE
        cache.put("02" * 32, CODE)
        assert cache.get("02" * 32) is None
        CodeCache(cache.root / "inside").put(KEY, CODE)
    finally:
        cache.root.parent.chmod(0o700)
        cache.root.chmod(0o700)


def test_a_file_where_the_directory_should_be(tmp_path: Path) -> None:
    """Nothing can be kept, and nothing is raised."""
    (tmp_path / "file").write_bytes(b"x")
    for root in (tmp_path / "file", tmp_path / "file" / "code"):
        cache = CodeCache(root)
        cache.put(KEY, CODE)
        assert cache.get(KEY) is None
    assert (tmp_path / "file").read_bytes() == b"x"


@pytest.mark.parametrize("call", ["tempfile.mkstemp", "os.replace", "pathlib.Path.mkdir"])
@pytest.mark.parametrize(
    "error", [OSError(30, "Read-only file system"), OSError(28, "No space left on device"), PermissionError(13, "no")]
)
def test_a_disk_that_takes_nothing(
    cache: CodeCache, monkeypatch: pytest.MonkeyPatch, error: OSError, call: str
) -> None:
    """A write that fails leaves what was there, and no half-written file."""

    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(call, fail)
    cache.put(KEY, b"new")
    assert cache.get(KEY) == CODE
    assert [path.name for path in cache.root.iterdir()] == [KEY]


# Size


def test_the_oldest_go_when_there_is_too_much(cache: CodeCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """After many writes there are no more bytes than allowed, but for those of a few files; the newest are there."""
    size = len(CODE) + DIGEST_BYTES
    monkeypatch.setattr(cache_module, "MAX_BYTES", 10 * size)
    for number in range(50):
        cache.put(f"{number:02x}" * 32, CODE)
        os.utime(cache.root / (f"{number:02x}" * 32), (number, number))
    # Looking at all files is left to one key in 256.
    cache.put("00" * 31 + "aa", CODE)
    kept = sorted(path.name for path in cache.root.iterdir())
    assert sum(path.stat().st_size for path in cache.root.iterdir()) <= 10 * size
    assert "00" * 31 + "aa" in kept
    assert f"{49:02x}" * 32 in kept
    assert f"{10:02x}" * 32 not in kept
    assert all(cache.get(key) == CODE for key in kept)


def test_trimming_beside_others(cache: CodeCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that another process takes away meanwhile, and directories, do not stop it."""
    monkeypatch.setattr(cache_module, "MAX_BYTES", 0)
    (cache.root / "a directory").mkdir()
    unlink = os.unlink

    def taken_first(path: Any, **options: Any) -> None:
        if str(path).endswith(KEY):
            unlink(path)
        unlink(path, **options)

    monkeypatch.setattr(os, "unlink", taken_first)
    for number in range(5):
        cache.put("00" * 31 + f"{number:02x}", CODE)


def test_many_writers_and_readers(cache: CodeCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads while others write and trim gets a whole file of that key, or nothing."""
    monkeypatch.setattr(cache_module, "MAX_BYTES", 20 * (len(CODE) + DIGEST_BYTES))
    keys = [f"{number % 3 * 85:02x}{number:02x}" * 16 for number in range(30)]

    def work(seed: int) -> int:
        rng = np.random.default_rng(seed)
        n_found = 0
        for key in rng.choice(keys, 200):
            found = cache.get(key)
            assert found is None or found == key.encode() * 40
            n_found += found is not None
            cache.put(key, key.encode() * 40)
        return n_found

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(work, range(8))) > 0
    names = {path.name for path in cache.root.iterdir()}
    assert names <= {*keys, KEY}


# Keys


def test_keys_tell_apart_what_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other text, another processor, other features, another llvmlite or LLVM: another key; the same: the same."""
    target, text = machine(), source_of(1.0)
    keys = [
        jit._key(text, target),
        jit._key(text + "\n", target),
        jit._key(source_of(2.0), target),
        jit._key(text, replace(target, cpu=target.cpu + "x")),
        jit._key(text, replace(target, features=target.features + ",-avx512f")),
        # What one part loses, another one gains.
        jit._key(text, replace(target, cpu=target.cpu[:-1], features=target.cpu[-1] + target.features)),
    ]
    assert jit._key(text, target) == keys[0]
    monkeypatch.setattr(llvmlite, "__version__", "0.0")
    keys.append(jit._key(text, target))
    assert len(set(keys)) == len(keys)
    assert all(len(key) == 64 and set(key) <= set("0123456789abcdef") for key in keys)


# Code


@pytest.fixture
def code_cache(cache: CodeCache, monkeypatch: pytest.MonkeyPatch) -> CodeCache:
    """What compilations of this test go through."""
    monkeypatch.setattr(jit, "code_cache", lambda: cache)
    return cache


def test_code_from_the_cache_is_the_same(code_cache: CodeCache) -> None:
    """The second compilation is spared, and gives the same numbers; other text is compiled."""
    first, second, other = (Code(source_of(x), machine()) for x in (1.5, 1.5, 2.5))
    assert [x.was_cached for x in (first, second, other)] == [False, True, False]
    assert [x.function("f", ctypes.c_double)() for x in (first, second, other)] == [1.5, 1.5, 2.5]


def test_damaged_code_is_compiled_anew(code_cache: CodeCache) -> None:
    """And what was damaged is replaced."""
    Code(source_of(1.5), machine())
    path = code_cache.root / jit._key(source_of(1.5), machine())
    flipped(path)
    assert not Code(source_of(1.5), machine()).was_cached
    assert Code(source_of(1.5), machine()).was_cached


def test_without_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a home compiles each time."""
    monkeypatch.setattr(jit, "code_cache", lambda: None)
    assert not any(Code(source_of(1.5), machine()).was_cached for _ in range(2))


def test_functions_outlive_the_code(code_cache: CodeCache) -> None:
    """A function keeps alive what it needs."""
    functions = [Code(source_of(float(x)), machine()).function("f", ctypes.c_double) for x in range(20)]
    gc.collect()
    assert [function() for function in functions] == list(range(20))


def test_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the home cannot be told, there is no cache."""

    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", none)
    jit_cache = getattr(CODE_CACHE, "__wrapped__", CODE_CACHE)
    assert jit_cache() is None


CODE_CACHE = jit.code_cache


PROGRAM = """
import numpy as np, memograd as mg
x = np.linspace(-1, 1, 30, dtype=np.float32).reshape(5, 6)
f = mg.compile(lambda x: np.tanh(x @ x.T) + 0.25, x, engine="native")
print(f.run._lowered.code.was_cached, f(x).tobytes().hex())
"""


def in_a_process(home: Path) -> tuple[str, str]:
    """Whether a process of its own found the code of a program, and what it came to."""
    environment = {**os.environ, "HOME": str(home), "USERPROFILE": str(home), "PYTHONWARNINGS": "error"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    was_cached, numbers = done.stdout.split()
    return was_cached, numbers


@is_posix
def test_a_second_process_starts_at_once(tmp_path: Path) -> None:
    """It finds what the first one compiled; damaged or open to others, it compiles itself; the numbers are the same."""
    first, second = in_a_process(tmp_path), in_a_process(tmp_path)
    assert (first[0], second[0]) == ("False", "True")
    (folder,) = tmp_path.rglob("memograd/code")
    (path,) = folder.iterdir()
    truncated(path)
    third, fourth = in_a_process(tmp_path), in_a_process(tmp_path)
    assert (third[0], fourth[0]) == ("False", "True")
    folder.chmod(0o770)
    fifth = in_a_process(tmp_path)
    assert fifth[0] == "False"
    assert len({numbers for _, numbers in (first, second, third, fourth, fifth)}) == 1


@is_posix
def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    """A process whose home is a file, or is not there, compiles and says nothing."""
    (tmp_path / "file").write_bytes(b"")
    assert in_a_process(tmp_path / "file")[0] == "False"
