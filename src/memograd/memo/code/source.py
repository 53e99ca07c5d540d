"""What a code object means, told by its source where that is certain, else by its bytecode.

Owns the way from a running code object to the syntax tree that it was compiled from. It knows nothing of globals,
closures or defaults.

The running code is what counts, and a file on disk is a witness that may have changed since. So a file is compiled
again, and a tree is believed only when its own code is the running one in all but its place: the same instructions,
constants and names, at every depth. That makes it irrelevant when the file was edited, how it was found, and which of
two lambdas on one line is meant. Where no tree passes (code made by `exec`, sources that are gone or edited, code that
an import hook rewrote) the code object itself is written down, without places.

One thing has no such proof: the decorators of a function, which leave nothing in its code. They are those of the file
as it is when they are first asked for.
"""

from __future__ import annotations
import __future__

import ast
import linecache
import os
import warnings
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any, TypeAlias

from memograd.digest.digester import digest
from memograd.memo.code.syntax import Function, bare, written

Shape: TypeAlias = tuple[Hashable, ...]


def meaning_of(code: CodeType, namespace: dict[str, Any], *, read_source: bool = True) -> str:
    """Return the digest of what a code object says, apart from what its names refer to.

    That is the names and kinds of the arguments and all statements, without comments, places, docstrings, and what
    else does nothing. Defaults, decorators and annotations of the function itself are not in it.

    Parameters
    ----------
    code : code
        Of a function or lambda.
    namespace : dict
        The function's globals, by which the sources of modules in archives are found.
    read_source : bool
        False where only the bytecode may be asked: it costs no parsing.

    Examples
    --------
    >>> space = {}
    >>> exec("f = lambda x: x + 1  # more", space)
    >>> exec("g = (lambda x:   x + 1)", space)
    >>> meaning_of(space["f"].__code__, space) == meaning_of(space["g"].__code__, space)
    True
    """
    function = _tree_of(code, namespace) if read_source else None
    if function is None:
        return digest(("bytecode", shape_of(code)))
    # The qualified name tells the class by which private names are mangled; the flag, what annotations are.
    return digest(("source", code.co_qualname, _future(code) != 0, written(bare(function))))


def decorators_of(code: CodeType, namespace: dict[str, Any]) -> str:
    """Return the decorators of a function as they are written; empty when there is no source."""
    function = _tree_of(code, namespace)
    return "" if function is None else written(getattr(function, "decorator_list", []))


def docstrings_of(code: CodeType, namespace: dict[str, Any]) -> list[str | None]:
    """Return the docstrings in a function, its own first, None where there is none; empty when there is no source."""
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    function = _tree_of(code, namespace)
    nodes = [] if function is None else [node for node in ast.walk(function) if isinstance(node, defined)]
    return [ast.get_docstring(node, clean=False) for node in nodes]


def shape_of(code: CodeType) -> Shape:
    """Return all of a code object but its places: what two of them share when they do the same.

    Examples
    --------
    >>> f, g, h = [eval(text).__code__ for text in ("lambda: 1", "(\\n\\nlambda :1)", "lambda: 1.0")]
    >>> shape_of(f) == shape_of(g), shape_of(f) == shape_of(h)
    (True, False)
    """
    return (*(getattr(code, name) for name in _SHAPE), *map(_constant, code.co_consts))


_SHAPE = (
    "co_name",
    "co_qualname",
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
    "co_flags",
    "co_names",
    "co_varnames",
    "co_cellvars",
    "co_freevars",
    "co_code",
    "co_exceptiontable",
)


def _constant(value: Any) -> Hashable:
    """A constant with its type, for 1, 1.0 and True are equal, and -0.0 equals 0.0."""
    match value:
        case CodeType():
            return shape_of(value)
        case tuple():
            return ("tuple", *map(_constant, value))
        case frozenset():
            return ("frozenset", frozenset(map(_constant, value)))
        case float():
            return ("float", value.hex())
        case complex():
            return ("complex", value.real.hex(), value.imag.hex())
    return (type(value).__name__, value)


@dataclass(frozen=True, slots=True)
class _File:
    """A text and the functions in it, by the shape that the compiler gives them.

    Attributes
    ----------
    stamp : tuple of int
        Time of the last change, size and number of the file that the text was read from; empty when it is no file.
    """

    stamp: tuple[int, ...]
    text: bytes
    functions: Mapping[Shape, list[Function]]


_files: dict[tuple[str, int], _File] = {}
"""What was last read under each name, as compiled with each set of features."""


def _future(code: CodeType) -> int:
    """The flag that annotations are kept as text, which the cells of a notebook inherit; 0 without it."""
    return code.co_flags & __future__.annotations.compiler_flag


def _tree_of(code: CodeType, namespace: dict[str, Any]) -> Function | None:
    """The tree that a code object was certainly compiled from, or one that compiles to the same."""
    shape, stamp, key = shape_of(code), _stamp(code.co_filename), (code.co_filename, _future(code))
    file = _files.get(key)
    # A stamp can stay the same when a file is written twice in a moment, but then the code says so.
    if file is None or not stamp or stamp != file.stamp or shape not in file.functions:
        file = _files[key] = _read(key, stamp, namespace, file)
    found = file.functions.get(shape, ())
    nearest_first = sorted(found, key=lambda function: abs(_first_line(function) - code.co_firstlineno))
    return nearest_first[0] if nearest_first else None


def _stamp(filename: str) -> tuple[int, ...]:
    try:
        status = os.stat(filename)
    except (OSError, ValueError):
        return ()
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def _read(key: tuple[str, int], stamp: tuple[int, ...], namespace: dict[str, Any], known: _File | None) -> _File:
    """What is under a name now; parsed only if the text is new."""
    filename, future = key
    try:
        text = Path(filename).read_bytes()
    except (OSError, ValueError):
        text = "".join(linecache.getlines(filename, namespace)).encode("utf-8", "surrogatepass")
    return _File(stamp, text, known.functions if known and known.text == text else _functions_in(text, future))


def _functions_in(text: bytes, future: int) -> dict[Shape, list[Function]]:
    """The functions in a text, by shape; none if it is no Python."""
    try:
        with warnings.catch_warnings():
            # The compiler has warned when the text was imported.
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
            module = compile(tree, "<source>", "exec", future, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return {}
    defined = defaultdict(list)
    for node in ast.walk(tree):
        if isinstance(node, Function):
            defined[_name(node), _first_line(node)].append(node)
    functions: dict[Shape, list[Function]] = {}
    for code in _codes_in(module):
        function = _one_of(defined.get((code.co_name, code.co_firstlineno), []), code)
        if function is not None:
            functions.setdefault(shape_of(code), []).append(function)
    return functions


def _codes_in(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes_in(constant)


def _name(function: Function) -> str:
    return "<lambda>" if isinstance(function, ast.Lambda) else function.name


def _first_line(function: Function) -> int:
    decorators = [] if isinstance(function, ast.Lambda) else function.decorator_list
    return min([function.lineno, *(node.lineno for node in decorators)])


def _one_of(functions: list[Function], code: CodeType) -> Function | None:
    """The function that a code object is of, among those of its name that begin in its line; None if that is not sure.

    Only lambdas can be several. Of those whose body holds all that the code does, it is the innermost one: a lambda
    with another one in its body makes that, which is not done in the other's body.
    """
    if len(functions) < 2:
        return functions[0] if functions else None
    # Some instructions have no place, and in Python 3.12 what only returns a constant has none at all.
    places = [
        ((line, column), (end_line, end_column))
        for line, end_line, column, end_column in code.co_positions()
        if line and end_line and column is not None and end_column
    ]
    around = [
        function
        for function in functions
        if isinstance(function, ast.Lambda) and all(_holds(function.body, *place) for place in places)
    ]
    return max(around, key=lambda function: (function.lineno, function.col_offset)) if places and around else None


def _holds(node: ast.expr, begin: tuple[int, int], end: tuple[int, int]) -> bool:
    return (node.lineno, node.col_offset) <= begin and end <= (node.end_lineno or 0, node.end_col_offset or 0)
