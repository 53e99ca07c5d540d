"""What the result of a command depends on besides its arguments and files: code, packages, Python and the machine.

Told without importing any of it, in a few milliseconds, because it is asked before anything else is done. All of the
package's source is read each time: sizes and times of files can stay when their content does not.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from blake3 import blake3

from memograd.digest.encoding import names

PACKAGES = ("numpy", "scipy", "llvmlite", "safetensors")
"""The packages that compute, or write model files. What an installer recorded of their files is taken, not a version:
builds of one version can differ."""

ENVIRONMENT = ("BLIS_", "GOTO_", "MKL_", "NPY_", "NUMPY_", "OMP_", "OPENBLAS_", "VECLIB_")
"""How the names of variables begin that choose the code, or the number of threads, of the packages."""

_SOURCE = Path(__file__).parents[2]

_CPU = {
    "vendor_id", "cpu family", "model", "model name", "stepping", "flags",  # x86
    "Features", "CPU implementer", "CPU architecture", "CPU variant", "CPU part", "CPU revision",  # ARM
}  # fmt: skip
"""The lines of /proc/cpuinfo that tell what a processor is, not how fast it runs at the moment."""

_CPUINFO_BYTES = 16_384
"""The first processor's part of it: to tell of all takes long where there are hundreds."""


def ingredients() -> bytes | None:
    """Return a digest of code, packages, Python, environment and machine; None when one of them cannot be told.

    Examples
    --------
    >>> ingredients() == ingredients()
    True
    """
    try:
        parts = (*sources(_SOURCE), *packages(PACKAGES), *_python(), *_environment(), *_machine())
    except (OSError, ValueError, LookupError):
        return None
    return blake3(names(parts)).digest()


def sources(root: Path) -> Iterator[str]:
    """Yield the path and the digest of the content of every Python file below a folder, in order.

    Raises
    ------
    LookupError
        When there is none, as where a package is run from an archive.
    """
    paths = sorted(_python_files(os.fspath(root)))
    if not paths:
        raise LookupError(f"{root} holds no source")
    for path in paths:
        yield os.path.relpath(path, root)
        yield _digest_of_file(path)


def packages(wanted: tuple[str, ...]) -> Iterator[str]:
    """Yield for each package what its installer recorded: the name of its record, and the digest of its content.

    Raises
    ------
    LookupError
        When a package is not there, or has no record.
    """
    for name in wanted:
        folder = _folder_of(name)
        records = [entry for entry in sorted(os.listdir(folder)) if _is_record(entry, name)]
        if not records:
            raise LookupError(f"{name} has no record of what was installed")
        for record in records:
            yield record
            yield _digest_of_file(os.path.join(folder, record, "RECORD"))


def _folder_of(package: str) -> str:
    """The folder in which a package is, which stays unloaded. `importlib.util` does no more, and takes 2 ms to load."""
    found = (finder.find_spec(package, None) for finder in sys.meta_path)
    spec = next(filter(None, found), None)
    if spec is None or spec.origin is None:
        raise LookupError(f"{package} is not installed")
    return os.path.dirname(os.path.dirname(spec.origin))


def _python_files(folder: str) -> Iterator[str]:
    folders = [folder]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    folders.append(entry.path)
                elif entry.name.endswith(".py"):
                    yield entry.path


def _is_record(entry: str, package: str) -> bool:
    return entry.startswith(f"{package}-") and entry.endswith(".dist-info")


def _digest_of_file(path: str) -> str:
    with open(path, "rb", buffering=0) as file:
        return blake3(file.read()).hexdigest()


def _python() -> Iterator[str]:
    yield sys.version
    yield sys.implementation.name


def _environment() -> Iterator[str]:
    for name, value in sorted(os.environ.items()):
        if name.startswith(ENVIRONMENT):
            yield f"{name}={value}"


def _machine() -> Iterator[str]:
    system = os.uname()
    yield from (system.sysname, system.machine)
    if system.sysname != "Linux":
        # Of other systems the processor is asked only by starting a program; a machine has one name and one system.
        yield from (system.nodename, system.release, system.version)
        return
    yield os.confstr("CS_GNU_LIBC_VERSION") or ""  # its exponential may differ from another's
    with open("/proc/cpuinfo", "rb", buffering=0) as file:
        lines = file.read(_CPUINFO_BYTES).partition(b"\n\n")[0].decode("utf-8", "replace").splitlines()
    for line in lines:
        if line.partition(":")[0].strip() in _CPU:
            yield line
