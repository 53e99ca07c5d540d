"""Functions and classes as values: told by the hook, by their name in the language, or by their parts."""

from __future__ import annotations

import builtins
import collections
import functools
import math
from typing import Any

import numpy as np
import pytest

from memograd.digest import digest
from memograd.errors import CannotDigest

from .confusable import Colour, Keyed, Plain, double, triple


def source(thing: Any) -> Any:
    """A hook that tells functions by the names they use and their constants."""
    body = getattr(thing, "__code__", None)
    return (body.co_code, body.co_names, body.co_consts) if body else getattr(thing, "__qualname__", NotImplemented)


def add_one(x: Any) -> Any:
    return x + 1


def test_without_a_hook_functions_are_refused() -> None:
    """Code has no digest of its own, wherever it is."""
    for value in (
        add_one,
        [add_one],
        {"f": add_one},
        functools.partial(add_one),
        Keyed(1).__memo_key__,
        Plain,
        math.sin,
    ):
        with pytest.raises(CannotDigest):
            digest(value)


def test_what_the_hook_says_is_digested() -> None:
    """Functions of which the hook says the same are the same, and others are not."""
    same = eval("lambda x: x + 1")
    assert digest(same, code=source) == digest(eval("lambda x: x + 1"), code=source)
    assert digest(same, code=source) != digest(eval("lambda x: x + 2"), code=source)
    assert digest([same], code=source) != digest([source(same)], code=source)


def test_the_hook_may_say_anything_that_has_a_digest() -> None:
    """Its answer is walked like any value, other functions in it included."""
    answers: dict[Any, Any] = {double: {"calls": [triple], "data": np.arange(3)}, triple: b"bytecode"}
    first = digest(double, code=answers.get)
    answers[triple] = b"other bytecode"
    assert digest(double, code=answers.get) != first


def test_the_path_goes_through_the_answer() -> None:
    """An answer without a digest is refused at the function, and a function that stands for itself is a cycle."""
    with pytest.raises(CannotDigest, match=r"^value\['f'\]\[0\]: cannot digest a value of type builtins.object"):
        digest({"f": double}, code=lambda thing: [object()])
    with pytest.raises(CannotDigest, match="again; break the cycle"):
        digest({"f": double}, code=lambda thing: [thing])


def test_what_the_hook_does_not_know_is_refused() -> None:
    """NotImplemented means unknown."""
    with pytest.raises(CannotDigest, match="a function; pass code="):
        digest(double, code=lambda thing: NotImplemented)


def test_the_language_itself_is_known() -> None:
    """What builtins defines, and NumPy's scalar types, are told by name, without a hook."""
    values = [
        int,
        float,
        list,
        dict,
        type,
        object,
        len,
        sorted,
        ValueError,
        np.float32,
        np.float64,
        np.integer,
        np.record,
    ]
    assert len({digest(value) for value in values}) == len(values)
    assert digest(collections.defaultdict(list)) != digest(collections.defaultdict(int))


def test_a_function_in_disguise_is_not_of_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the name alone is enough, nor a place among the builtins."""

    def impostor() -> None: ...

    impostor.__name__ = impostor.__qualname__ = "len"
    impostor.__module__ = "builtins"
    monkeypatch.setattr(builtins, "add_one", add_one, raising=False)
    for value in (impostor, add_one):
        with pytest.raises(CannotDigest, match="a function; pass code="):
            digest(value)


def test_methods_are_told_by_function_and_instance() -> None:
    """Bound methods differ when the function or the instance does."""
    methods = [Keyed(1).__memo_key__, Keyed(2).__memo_key__, Keyed(1).__init__]
    assert len({digest(method, code=source) for method in methods}) == 3
    assert digest(Keyed(1).__memo_key__, code=source) == digest(Keyed(1).__memo_key__, code=source)
    assert digest("a".upper) == digest("a".upper) != digest("b".upper)


def test_partials_are_told_by_their_parts() -> None:
    """Function, arguments, keywords and attributes count; the order of keywords does not."""
    partial = functools.partial
    assert digest(partial(int, "1", base=2)) == digest(partial(partial(int, "1"), base=2))
    assert digest(partial(dict, a=1, b=2)) == digest(partial(dict, b=2, a=1))
    assert digest(partial(dict, a=1)) != digest(partial(dict, a=2))
    assert digest(partial(double), code=source) != digest(partial(triple), code=source)


def test_classes_are_told_by_the_hook() -> None:
    """An enum, a dataclass and any other class as values."""
    assert len({digest(kind, code=source) for kind in (Colour, Plain, Keyed, collections.Counter)}) == 4
    with pytest.raises(CannotDigest, match="pass code="):
        digest(Colour)
