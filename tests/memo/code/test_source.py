"""Which source a running code object has, where that is not plain; and what is done where it has none."""

from __future__ import annotations

import linecache
import textwrap
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memograd.memo.code.identity import identify
from memograd.memo.code.source import docstrings_of, meaning_of, shape_of
from memograd.memo.code.syntax import written

from .worlds import imported, write


def meaning(function: Any) -> str:
    """What the code of a function says."""
    return meaning_of(function.__code__, function.__globals__)


def from_bytecode(function: FunctionType) -> str:
    """The same when no source is asked."""
    return meaning_of(function.__code__, function.__globals__, read_source=False)


def executed(text: str, filename: str = "<nowhere>") -> dict[str, Any]:
    """The names that a text defines, of which there is no file."""
    names: dict[str, Any] = {}
    exec(compile(textwrap.dedent(text), filename, "exec"), names)
    return names


def loaded(folder: Path, text: str) -> Any:
    """A module made from a text."""
    write(folder, {"main.py": textwrap.dedent(text)})
    with imported(folder) as main:
        return main


LAMBDAS = """
one, two = (lambda x: x + 1), (lambda x: x + 2)
nested = lambda x: lambda y: (x, y)
twin, other_twin = (lambda x: x * 3), (lambda x: x * 3)
table = {"a": lambda x: (x if x else
                         -x), "b": lambda x, k=lambda: 4: k() + x}
generator = lambda x: (yield x)
starred = [lambda *a, **k: (a, k), lambda a, *, k: (a, k)]
called = (lambda f: f)(lambda x: x - 5)
deep = (lambda: (lambda: (lambda: [6])))()()
"""


def test_lambdas_on_one_line_are_told_apart_by_their_code(tmp_path: Path) -> None:
    """Each is told by the source of its own, however they are nested."""
    main = loaded(tmp_path, LAMBDAS)
    lambdas = [main.one, main.two, main.nested, main.nested(1), *main.table.values(), main.generator, *main.starred]
    lambdas += [main.twin, main.called, main.deep]
    assert len({meaning(function) for function in lambdas}) == len(lambdas)
    assert meaning(main.twin) == meaning(main.other_twin)
    assert all(meaning(function) != from_bytecode(function) for function in lambdas)


SOURCE = """
def decorate(f):
    return f

class Model:
    '''A model.'''

    @decorate
    @decorate
    def fit(self, x: int) -> int:
        '''Fit.'''
        return x

    @property
    def size(self): return 1

    class Inner:
        def deep(self): return self.__private

def outer():
    def inner(x): return x
    return inner

async def waited(): return [i async for i in ticked()]
async def ticked():
    yield 1

if True:
    def conditional(): return 2
else:
    def conditional(): return 3

def again(): return 4
first = again
def again(): return 5
comprehended = [lambda: i for i in range(2)]
with open(__file__) as file: within = lambda: [6]
for _ in range(1): looped = lambda: [7]
"""


def test_every_way_to_define_a_function_leads_to_its_source(tmp_path: Path) -> None:
    """Methods, properties, inner and asynchronous functions, and those in branches and loops."""
    main = loaded(tmp_path, SOURCE)
    functions = [main.Model.fit, main.Model.size.fget, main.Model.Inner.deep, main.outer, main.outer(), main.waited]
    functions += [main.ticked, main.conditional, main.first, main.again, main.within, main.looped]
    assert len({meaning(function) for function in functions}) == len(functions)
    assert all(meaning(function) != from_bytecode(function) for function in functions)
    assert meaning(main.comprehended[0]) == meaning(main.comprehended[1])
    assert docstrings_of(main.Model.fit.__code__, vars(main)) == ["Fit."]


def test_a_source_that_was_edited_after_the_import_is_not_believed(tmp_path: Path) -> None:
    """The file has another function by then; what runs is told by its bytecode."""
    main = loaded(tmp_path, "def run(x):\n    return x + 1\n")
    (tmp_path / "main.py").write_text("def run(x):\n    return x + 2\n")
    assert meaning(main.run) == from_bytecode(main.run)
    edited = loaded(tmp_path, "def run(x):\n    return x + 2\n")
    assert len({identify(main.run).digest, identify(edited.run).digest}) == 2


def test_a_source_that_was_edited_elsewhere_is_still_believed(tmp_path: Path) -> None:
    """Lines were added above, and a comment inside: the code is the same, at another place."""
    main = loaded(tmp_path / "old", "def run(x):\n    return x + 1\n")
    fresh = loaded(tmp_path / "new", "def run(x):\n    return x + 1\n")
    (tmp_path / "old" / "main.py").write_text(
        "import os\n\ndef new(): pass\n\ndef run(x):\n    # one\n    return x + 1\n"
    )
    assert meaning(main.run) == meaning(fresh.run) != from_bytecode(main.run)


def test_a_source_that_is_gone_or_broken_is_done_without(tmp_path: Path) -> None:
    """A file that was removed, and one that is no Python any more."""
    gone = loaded(tmp_path / "gone", "def run(x):\n    return x + 1\n")
    (tmp_path / "gone" / "main.py").unlink()
    linecache.clearcache()
    broken = loaded(tmp_path / "broken", "def run(x):\n    return x + 1\n")
    (tmp_path / "broken" / "main.py").write_text("def run(x:\n")
    assert meaning(gone.run) == meaning(broken.run) == from_bytecode(gone.run)


def test_a_file_written_twice_in_a_moment_is_read_twice(tmp_path: Path) -> None:
    """Same size and, on a coarse clock, same time."""
    meanings = {meaning(loaded(tmp_path, f"def run(x):\n    return x + {i}\n").run) for i in range(9)}
    assert len(meanings) == 9


def test_code_without_a_file_is_told_by_its_bytecode() -> None:
    """Formatting and places do not count there either."""
    one = executed("def f(x):\n    return x + 1")["f"]
    same = executed("# moved\n\n\ndef f(x):\n\n    return (x +\n        1)", "<elsewhere>")["f"]
    other = executed("def f(x):\n    return x + 1.0")["f"]
    assert meaning(one) == meaning(same) != meaning(other)


def test_code_of_a_notebook_has_the_source_of_its_cell() -> None:
    """Cells are no files; their text is where tracebacks find it."""
    text, name = "def f(x):  # cell\n    return x + 1\n", "<ipython-input-1-abc>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    function = executed(text, name)["f"]
    assert meaning(function) != from_bytecode(function)
    assert meaning(function) == meaning(executed(text.replace("cell", "x"), name)["f"])


def test_a_source_in_another_encoding_is_read_like_python_does(tmp_path: Path) -> None:
    """The declaration at the top of the file counts, and so does a mark of byte order."""
    for name, content in {
        "latin": "# coding: latin-1\ndef run(x):\n    return 'é'\n".encode("latin-1"),
        "marked": "def run(x):\n    return 'é'\n".encode("utf-8-sig"),
        "plain": "def run(x):\n    return 'é'\n".encode(),
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_bytes(content)
    meanings = set()
    for name in ("latin", "marked", "plain"):
        with imported(tmp_path / name) as main:
            meanings.add(meaning(main.run))
            assert meaning(main.run) != from_bytecode(main.run)
    assert len(meanings) == 1


def test_warnings_of_the_compiler_are_not_given_twice(tmp_path: Path) -> None:
    """A text with a doubtful escape is compiled again without a word."""
    with pytest.warns((DeprecationWarning, SyntaxWarning)):
        main = loaded(tmp_path, "def run(x):\n    return '\\d'\n")
    assert meaning(main.run) != from_bytecode(main.run)


def test_long_chains_need_no_recursion(tmp_path: Path) -> None:
    """A sum of 900 terms and 300 branches: deep trees, which Python compiles."""
    terms = " + ".join(f"x * {i}" for i in range(900))
    branches = "\n".join(f"    elif x == {i}:\n        return {i}" for i in range(300))
    main = loaded(tmp_path, f"def run(x):\n    if x is None:\n        return {terms}\n{branches}\n")
    assert meaning(main.run) != from_bytecode(main.run)


def test_constants_of_any_size_are_written_down(tmp_path: Path) -> None:
    """Python refuses to write long ints in decimal."""
    digits = "f" * 5000
    one, two = (loaded(tmp_path / d, f"def run(x):\n    return 0x{digits}{d}\n") for d in "ab")
    assert meaning(one.run) != meaning(two.run)


CONSTANTS = st.one_of(
    st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(), st.binary(), st.booleans(), st.none()
)


@given(CONSTANTS, CONSTANTS)
def test_two_constants_are_two_codes(one: object, two: object) -> None:
    """Whatever their types, and however equal they are."""
    codes = [compile(f"lambda: [{value!r}, ({value!r}, 1)]", "<text>", "eval").co_consts[0] for value in (one, two)]
    assert (shape_of(codes[0]) == shape_of(codes[1])) == (repr(one) == repr(two))


def test_private_names_are_those_of_their_class() -> None:
    """The same text in another class reads another attribute."""
    text = "class {0}:\n    def f(self):\n        return self.__x\n"
    one, two = (executed(text.format(name))[name].f for name in ("A", "B"))
    assert meaning(one) != meaning(two)


def test_what_is_written_of_a_tree_can_be_told_apart() -> None:
    """Texts that look alike and mean something else."""
    texts = [
        "f(a, b)",
        "f((a, b))",
        "f(*a, b)",
        "f(a)(b)",
        "'a', b",
        "a, 'b'",
        "a; b",
        "x = 1",
        "x == 1",
        "x: 1",
        "{a}",
        "[a]",
    ]
    texts += [
        "1",
        "1.0",
        "'1'",
        "b'1'",
        "f'1'",
        "f'{1}'",
        "True",
        "None",
        "...",
        "x[1]",
        "x[1,]",
        "x[1:]",
        "del x",
        "-1",
    ]
    texts += [
        "def f(a, b): a",
        "def f(a, *, b): a",
        "def f(a, /, b): a",
        "def f(*a, **b): a",
        "lambda: a",
        "lambda a: a",
    ]
    import ast

    trees = {written(ast.parse(f"g({text})" if "\n" not in text and _is_expression(text) else text)) for text in texts}
    assert len(trees) == len(texts)


def _is_expression(text: str) -> bool:
    try:
        compile(text, "<text>", "eval")
    except SyntaxError:
        return False
    return True
