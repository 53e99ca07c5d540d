"""The environment that matters: what the same source may mean different things under.

Owns the list. It knows nothing of functions; `memograd.memo.code.identity` puts it in front of every identity.

Counted, because results or their encoding may change with it: the scheme of identities itself, the implementation
of Python with its major and minor version, the width of a pointer with the order of bytes, and whether `assert` runs.
Not counted: the micro version (fixes of defects only), the operating system, the processor, the number of threads.
Two processors may round a sum differently; whoever must tell them apart passes `version=`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

SCHEME = 1
"""The version of the rules by which identities are made; raised when they change what an equal identity means."""

PYTHON = f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}"
"""The version that stands for the interpreter and everything in the standard library."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What counts of the interpreter.

    Attributes
    ----------
    scheme : int
        `SCHEME`.
    python : str
        Implementation, major and minor version. Another minor version is another key: the same source compiles to
        other bytecode there, and the standard library changes its results between them.
    machine : str
        Bits of a pointer and order of bytes.
    asserts : bool
        Whether `assert` and `if __debug__` run, which `python -O` turns off.
    """

    scheme: int
    python: str
    machine: str
    asserts: bool

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Return what counts, each by its name.

        Examples
        --------
        >>> Environment(1, "cpython 3.11", "64-bit little-endian", True).rows()
        (('identities', '1'), ('python', 'cpython 3.11'), ('machine', '64-bit little-endian'), ('asserts', 'on'))
        """
        return (
            ("identities", str(self.scheme)),
            ("python", self.python),
            ("machine", self.machine),
            ("asserts", "on" if self.asserts else "off"),
        )


def environment() -> Environment:
    """Return the environment that this process runs in.

    Examples
    --------
    >>> environment().asserts
    True
    """
    return Environment(SCHEME, PYTHON, f"{sys.maxsize.bit_length() + 1}-bit {sys.byteorder}-endian", __debug__)
