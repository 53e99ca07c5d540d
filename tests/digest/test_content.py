"""Elements of arrays: hashed where they lie, remembered only where nobody can change them."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memograd.digest import content, digest, freeze
from memograd.errors import CannotDigest

Array = Any


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Array]:
    """The arrays whose elements are hashed while a test runs."""
    arrays: list[Array] = []
    computed = content._computed

    def watched(array: Array) -> bytes:
        arrays.append(array)
        return computed(array)

    monkeypatch.setattr(content, "_computed", watched)
    return arrays


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_view_has_the_digest_of_its_copy(data: st.DataObject) -> None:
    """Slices, steps backwards, transposes and new axes of arrays of every kind."""
    shape = data.draw(st.lists(st.integers(0, 6), min_size=1, max_size=4))
    dtype = data.draw(st.sampled_from(["u1", "i2", ">i4", "f8", "c16", "g", "S3", "U2", "V5", "M8[s]", "?"]))
    array = np.arange(np.prod(shape)).astype("u1").astype(dtype).reshape(shape)
    steps = st.tuples(
        st.none() | st.integers(-6, 6), st.none() | st.integers(-6, 6), st.sampled_from([None, 1, 2, -1, -2])
    )
    place = tuple(slice(*data.draw(steps)) for _ in shape)
    view = array[place].transpose(data.draw(st.permutations(range(len(shape)))))[..., None]
    assert digest(view) == digest(view.copy()) == digest(np.asfortranarray(view))


@pytest.mark.parametrize("chunk_bytes", [1, 8, 100, 4096])
def test_pieces_of_any_size_give_one_digest(chunk_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """How much is copied at once does not matter."""
    array = np.arange(2000.0).reshape(4, 5, 100)
    views = [array.T, array[::-1, :, ::3], array.swapaxes(0, 1), array[:, None, ::-1]]
    expected = [digest(view.copy()) for view in views]
    monkeypatch.setattr(content, "CHUNK_BYTES", chunk_bytes)
    assert [digest(view) for view in views] == expected


def test_threads_give_one_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread or many hash the same."""
    array = np.random.default_rng(0).normal(size=2 * content.PARALLEL_BYTES // 8)
    expected = digest(array)
    for n_threads in (1, 2, 7):
        monkeypatch.setattr(content, "N_THREADS", n_threads)
        assert digest(array) == expected


FORKED = """
import os, signal, sys
import numpy as np
from memograd.digest import content, digest
content.N_THREADS = 2
array = np.ones(2 * content.PARALLEL_BYTES // 8)
expected = digest(array)
child = os.fork()
if child == 0:
    signal.alarm(20)
    os._exit(digest(array) != expected)
sys.exit(os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_can_digest() -> None:
    """Threads that hashed before a fork are not waited for after it."""
    assert subprocess.run([sys.executable, "-c", FORKED], check=False, timeout=60).returncode == 0


def test_many_threads_of_python_can_digest() -> None:
    """The same values from many threads, frozen or not, give the same digests."""
    array, results = freeze(np.arange(100_000.0)), []

    def work() -> None:
        results.extend(digest([array[i:], {"a": array}]) for i in range(20))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(results) == 80
    assert len(set(results)) == 20


def test_a_frozen_array_is_hashed_once(hashed: list[Array]) -> None:
    """So are its views, each once; other arrays are hashed each time."""
    plain = np.arange(10_000.0)
    frozen = freeze(plain)
    for _ in range(3):
        assert digest(frozen) == digest(plain)
    assert len(hashed) == 1 + 3
    for _ in range(3):
        assert digest(frozen[1:]) != digest(frozen[:-1]) != digest(frozen.reshape(100, 100).T)
    assert len(hashed) == 4 + 3


def test_within_one_value_an_array_is_hashed_once(hashed: list[Array]) -> None:
    """An array that is a part of a value many times is looked at once."""
    array = np.arange(1000.0)
    digest([array, {"a": array}, (array,)])
    assert len(hashed) == 1


def test_freezing() -> None:
    """The result has the same elements, cannot be written, shares no memory, and is frozen."""
    array = np.asfortranarray(np.arange(6).reshape(2, 3))
    frozen = freeze(array)
    assert np.array_equal(frozen, array)
    assert frozen.dtype == array.dtype
    assert frozen.flags.c_contiguous
    assert frozen.flags.aligned
    assert not frozen.flags.writeable
    assert not np.shares_memory(frozen, array)
    assert freeze(frozen) is frozen
    assert freeze(frozen[1:]).base is frozen
    array[0, 0] = 99
    assert frozen[0, 0] == 0


@pytest.mark.parametrize("dtype", ["f8", ">i4", "g", "c16", "S3", "U2", "V5", "M8[s]", "i1,f8", "?"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (0, 3), (2, 3)])
def test_every_dtype_and_shape_can_be_frozen(dtype: str, shape: tuple[int, ...]) -> None:
    """Except for objects, any array has a frozen twin with its digest."""
    array = np.zeros(shape, dtype)
    frozen = freeze(array)
    assert (frozen.shape, frozen.dtype) == (array.shape, array.dtype)
    assert digest(frozen) == digest(array)


NOT_FROZEN: list[Any] = [
    np.array([None]), np.zeros(1, "O,i4"), np.array(["a"], np.dtypes.StringDType()), np.ma.array([1]), [1.0], 1.0, None,
    np.float64(1), np.zeros(1, "i4,f4").view(np.recarray), np.zeros((1, 1)).view(np.matrix), memoryview(b"a"),
]  # fmt: skip


@pytest.mark.parametrize("value", NOT_FROZEN)
def test_what_cannot_be_frozen_is_refused(value: Any) -> None:
    """Objects can change, and a subclass may hold more than its elements."""
    with pytest.raises(CannotDigest, match="can be frozen"):
        freeze(value)


LARGE = 2048


def write_flag_of_owner(array: Array) -> None:
    array.setflags(write=True)


def write_flag_of_view(array: Array) -> None:
    array[1:].setflags(write=True)


def write_flag_of_other_dtype(array: Array) -> None:
    array.view("i8").setflags(write=True)


def assign(array: Array) -> None:
    array[0] = 1


def in_place(array: Array) -> None:
    array += 1


def as_output(array: Array) -> None:
    np.add(array, 1, out=array)


def through_memoryview(array: Array) -> None:
    memoryview(array)[0] = 1.0


def through_buffer(array: Array) -> None:
    np.frombuffer(array.data, "f8")[0] = 1


def through_strides(array: Array) -> None:
    np.lib.stride_tricks.as_strided(array, writeable=True)[0] = 1


def through_base(array: Array) -> None:
    np.ndarray(array.shape, array.dtype, array.base)[0] = 1


def through_copyto(array: Array) -> None:
    np.copyto(array, 1)


def through_put(array: Array) -> None:
    array.put(0, 1)


def through_sort(array: Array) -> None:
    array[::-1].sort()


def through_fill(array: Array) -> None:
    array.fill(1)


def through_fields(array: Array) -> None:
    array.view([("a", "f8")])["a"][0] = 1


def through_flat(array: Array) -> None:
    array.flat[0] = 1


def through_iterator(array: Array) -> None:
    with np.nditer(array, op_flags=["readwrite"]) as places:  # type: ignore[call-overload]
        for place in places:
            place[...] = 1


def through_shuffle(array: Array) -> None:
    np.random.default_rng(0).shuffle(array)


def through_byteswap(array: Array) -> None:
    array.byteswap(inplace=True)


ATTACKS: list[Callable[[Array], None]] = [
    write_flag_of_owner, write_flag_of_view, write_flag_of_other_dtype, assign, in_place, as_output, through_memoryview,
    through_buffer, through_strides, through_base, through_copyto, through_put, through_sort, through_fill,
    through_fields, through_flat, through_iterator, through_shuffle, through_byteswap,
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_frozen_array_cannot_be_written(attack: Callable[[Array], None]) -> None:
    """Every way that NumPy has is refused, and the digest stays right."""
    frozen = freeze(np.arange(float(LARGE)))
    before = digest(frozen)
    with pytest.raises((ValueError, TypeError)):
        attack(frozen)
    assert digest(frozen) == before == digest(np.arange(float(LARGE)))


def other_shape(array: Array) -> None:
    array.shape = (2, LARGE // 2)


def other_dtype(array: Array) -> None:
    array.dtype = "i8"


def other_order(array: Array) -> None:
    array.strides = (0,)


def other_memory(array: Array) -> None:
    array.__setstate__((1, (LARGE,), np.dtype("f8"), False, bytes(8 * LARGE)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("attack", [other_shape, other_dtype, other_order, other_memory])
def test_an_array_changed_in_place_has_another_digest(attack: Callable[[Array], None]) -> None:
    """What is remembered belongs to the memory and the place in it, not to the array object."""
    array = freeze(np.arange(float(LARGE)))
    before = digest(array)
    attack(array)
    assert digest(array) != before
    assert digest(array) == digest(array.copy())


def test_renaming_fields_in_place_changes_the_digest() -> None:
    """A dtype can be changed in place; what it says is never remembered."""
    array = freeze(np.zeros(LARGE, np.dtype([("a", "f8"), ("b", "f8")])))
    before = digest(array)
    array.dtype.names = ("x", "y")
    assert digest(array) != before


def owned(array: Array) -> Array:
    """Made read-only by its owner, who can take it back."""
    array.setflags(write=False)
    return array


def view_of_writeable(array: Array) -> Array:
    """Read-only itself, over memory that is not."""
    view = array[:]
    view.setflags(write=False)
    return view


def over_bytearray(array: Array) -> Array:
    """Over memory of something else than an array."""
    view = np.frombuffer(bytearray(array.tobytes()), array.dtype)
    view.setflags(write=False)
    return view


def strided_over_frozen(array: Array) -> Array:
    """Made from a frozen array by address, so that nothing shows whose memory it is."""
    return np.lib.stride_tricks.as_strided(freeze(array), writeable=False)


@pytest.mark.parametrize("make", [owned, view_of_writeable, over_bytearray, strided_over_frozen])
def test_read_only_is_not_frozen(make: Callable[[Array], Array], hashed: list[Array]) -> None:
    """An array that is merely read-only is hashed each time, and freezing it makes a copy."""
    array = make(np.arange(float(LARGE)))
    assert digest(array) == digest(array)
    assert len(hashed) == 2
    assert not np.shares_memory(freeze(array), array)


def test_taking_write_access_back_is_noticed() -> None:
    """Whoever owns the memory can make it writeable again; then the digest is that of what it holds."""
    array = owned(np.arange(float(LARGE)))
    before = digest(array)
    array.setflags(write=True)
    array[LARGE // 2] = -1
    assert digest(array) != before


def test_writing_below_a_read_only_view_is_noticed() -> None:
    """A view that cannot be written shows what its base is given."""
    base = np.arange(float(LARGE))
    view = view_of_writeable(base)
    before = digest(view)
    base[LARGE // 2] = -1
    assert digest(view) != before


def test_copies_of_frozen_arrays_are_not_frozen(hashed: list[Array]) -> None:
    """A copy or unpickled array can be written, and is hashed each time."""
    frozen = freeze(np.arange(float(LARGE)))
    digest(frozen)
    for made in (frozen.copy(), copy.deepcopy(frozen), pickle.loads(pickle.dumps(frozen)), frozen + 0):
        hashed.clear()
        assert digest(made) == digest(made) == digest(frozen)
        assert len(hashed) == 2
        made[0] = 1
        assert digest(made) != digest(frozen)


def test_what_is_remembered_goes_with_the_memory() -> None:
    """When the last array over it is gone, nothing of a frozen array is left."""
    frozen = freeze(np.arange(float(LARGE)))
    digest(frozen[1:])
    view = weakref.ref(frozen)
    del frozen
    assert view() is None


def test_little_is_remembered_of_many_views() -> None:
    """A frozen array of which ever other parts are digested does not grow without limit."""
    frozen = freeze(np.zeros(3 * content.MAX_REMEMBERED + 4096, np.uint8))
    for start in range(3 * content.MAX_REMEMBERED):
        digest(frozen[start:])
    assert len(frozen.base.tokens) <= content.MAX_REMEMBERED
    assert digest(frozen[:-5]) == digest(np.zeros(frozen.size - 5, np.uint8))


def test_small_arrays_are_not_remembered(hashed: list[Array]) -> None:
    """Where looking up would take as long as hashing, nothing is kept."""
    frozen = freeze(np.arange(4.0))
    digest(frozen)
    digest(frozen)
    assert len(hashed) == 2
