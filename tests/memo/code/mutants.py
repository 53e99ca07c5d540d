"""Versions of a text that differ from it in one place, as a careless hand would leave them."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator

Change = Callable[[ast.AST], Iterator[ast.AST]]


def mutants(text: str) -> Iterator[tuple[str, str]]:
    """Yield what was changed in which line, and the text with only that changed."""
    tree = ast.parse(text)
    for index, node in enumerate(ast.walk(tree)):
        for kind, change in CHANGES.items():
            if isinstance(node, kind):
                for number in range(len(list(change(copy.deepcopy(node))))):
                    mutant = copy.deepcopy(tree)
                    place = list(ast.walk(mutant))[index]
                    changed = list(change(place))[number]
                    place.__class__, place.__dict__ = changed.__class__, changed.__dict__
                    yield f"line {getattr(node, 'lineno', 0)}: {kind.__name__} {number}", ast.unparse(mutant)


def _constant(node: ast.AST) -> Iterator[ast.AST]:
    assert isinstance(node, ast.Constant)
    match node.value:
        case bool() | None:
            yield ast.Constant(not node.value)
        case int() | float() | complex():
            yield ast.Constant(node.value + 1)
        case str():
            yield ast.Constant(node.value + "x")
        case bytes():
            yield ast.Constant(node.value + b"x")


def _operator(node: ast.AST) -> Iterator[ast.AST]:
    assert isinstance(node, ast.BinOp)
    for operator in (ast.Add(), ast.Sub(), ast.Mult()):
        if type(operator) is not type(node.op):
            yield ast.BinOp(node.left, operator, node.right)
    yield ast.BinOp(node.right, node.op, node.left)
    yield node.left


def _comparison(node: ast.AST) -> Iterator[ast.AST]:
    assert isinstance(node, ast.Compare)
    for operator in (ast.Eq(), ast.LtE(), ast.NotIn() if isinstance(node.ops[0], ast.In) else ast.Gt()):
        if type(operator) is not type(node.ops[0]):
            yield ast.Compare(node.left, [operator, *node.ops[1:]], node.comparators)


def _call(node: ast.AST) -> Iterator[ast.AST]:
    assert isinstance(node, ast.Call)
    if len(node.args) > 1:
        yield ast.Call(node.func, node.args[::-1], node.keywords)
    if node.args:
        yield node.args[0]
    if node.keywords:
        yield ast.Call(node.func, node.args, node.keywords[1:])


def _function(node: ast.AST) -> Iterator[ast.AST]:
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    rest = {name: value for name, value in vars(node).items() if name not in {"decorator_list", "body"}}
    if node.decorator_list:
        yield type(node)(**rest, body=node.body, decorator_list=node.decorator_list[1:])
    for i in range(len(node.body)):
        yield type(node)(
            **rest, body=node.body[:i] + node.body[i + 1 :] or [ast.Pass()], decorator_list=node.decorator_list
        )


def _class(node: ast.AST) -> Iterator[ast.AST]:
    assert isinstance(node, ast.ClassDef)
    rest = {name: value for name, value in vars(node).items() if name not in {"bases", "body"}}
    for i in range(len(node.bases)):
        yield ast.ClassDef(**rest, body=node.body, bases=node.bases[:i] + node.bases[i + 1 :])
    for i in range(len(node.body)):
        yield ast.ClassDef(**rest, body=node.body[:i] + node.body[i + 1 :] or [ast.Pass()], bases=node.bases)


def _module(node: ast.AST) -> Iterator[ast.AST]:
    assert isinstance(node, ast.Module)
    for i in range(len(node.body)):
        yield ast.Module(node.body[:i] + node.body[i + 1 :], [])


def _sequence(node: ast.AST) -> Iterator[ast.AST]:
    assert isinstance(node, ast.Tuple | ast.List)
    if isinstance(node.ctx, ast.Load) and len(node.elts) > 1:
        yield type(node)(node.elts[::-1], node.ctx)
        yield type(node)(node.elts[1:], node.ctx)


CHANGES: dict[type[ast.AST], Change] = {
    ast.Constant: _constant,
    ast.BinOp: _operator,
    ast.Compare: _comparison,
    ast.Call: _call,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Module: _module,
    ast.Tuple: _sequence,
    ast.List: _sequence,
}
