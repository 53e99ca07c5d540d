"""What a syntax tree says, as a text without places.

Owns what of a tree counts. It knows nothing of files and code objects.
"""

from __future__ import annotations

import ast
import copy
from typing import Any, TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def written(tree: ast.AST | list[Any]) -> str:
    """Return a text that two trees share exactly when they mean the same, but for places and what does nothing.

    Dropped are statements that are nothing but a constant, docstrings among them, `pass`, and what follows from the
    rest (whether a name is read or written).

    Examples
    --------
    >>> written(ast.parse("'doc'; x = (1); pass")) == written(ast.parse("x=1"))
    True
    """
    lines: list[str] = []
    pending: list[Any] = [tree]
    while pending:
        item = pending.pop()
        if isinstance(item, ast.AST):
            fields = [
                (name, value) for name, value in ast.iter_fields(item) if name not in _IMPLIED and value is not None
            ]
            lines.append(" ".join([type(item).__name__, *(name for name, _ in fields)]))
            pending.extend(value for _, value in reversed(fields))
        elif isinstance(item, list):
            kept = [element for element in item if not _does_nothing(element)]
            lines.append(f"[{len(kept)}]")
            pending.extend(reversed(kept))
        else:
            # Decimal texts of long ints are refused by Python; no other constant begins with 0x.
            lines.append(hex(item) if type(item) is int else repr(item))
    return "\n".join(lines)


_IMPLIED = frozenset({"ctx", "kind", "type_comment", "type_ignores"})


def _does_nothing(node: object) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def bare(function: Function) -> Function:
    """Return a function without what is done once, where it is defined: decorators, defaults and annotations.

    Examples
    --------
    >>> ast.unparse(bare(ast.parse("@cache\\ndef f(x: int = 1) -> int: return x").body[0]))
    'def f(x):\\n    return x'
    """
    stripped = copy.copy(function)
    stripped.args = copy.copy(function.args)
    stripped.args.defaults, stripped.args.kw_defaults = [], [None for _ in function.args.kwonlyargs]
    for kind in ("posonlyargs", "args", "kwonlyargs"):
        setattr(stripped.args, kind, [ast.arg(argument.arg) for argument in getattr(function.args, kind)])
    for kind in ("vararg", "kwarg"):
        argument = getattr(function.args, kind)
        setattr(stripped.args, kind, argument and ast.arg(argument.arg))
    if not isinstance(stripped, ast.Lambda):
        stripped.decorator_list, stripped.returns = [], None
    return stripped
