"""Frames and series of pandas and polars, as streams of Arrow: the one place that imports these packages."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

from memograd.errors import StoreError
from memograd.memo.codecs.arrow_bounds import check_bounded
from memograd.memo.codecs.arrow_stream import check_uncompressed
from memograd.memo.codecs.packing import Blob, CannotStore, Form, Packer, Row, Unpacker

KINDS = ("DataFrame", "Series")


def _pack_pandas(packer: Packer, value: Any, path: str) -> list[Form]:
    import pandas as pd

    try:
        pa = _pyarrow()
    except StoreError as error:
        raise CannotStore(f"{path} is a frame, and {error}") from error
    series = isinstance(value, pd.Series)
    frame = value.to_frame(name="value") if series else value
    try:
        data = _stream(pa.Table.from_pandas(frame))
        back = _pandas_of(data, type(value).__name__, value.name if series else None)
        # What Arrow holds otherwise (a mixed index, an odd dtype) would come back as something else.
        compare = pd.testing.assert_series_equal if series else pd.testing.assert_frame_equal
        compare(back, value, check_exact=True, check_freq=True, check_flags=True, check_index_type=True)
        if back.attrs != value.attrs:
            raise CannotStore(f"{path} is a frame with attrs that Arrow does not give back; drop them")
    except (pa.ArrowException, StoreError, TypeError, ValueError, KeyError, AssertionError) as error:
        raise CannotStore(
            f"{path} is a frame that Arrow cannot hold, or would give back changed ({str(error).splitlines()[0]}); "
            "convert its index or columns"
        ) from error
    name = packer.pack(value.name, f"{path}.name") if series else None
    return [type(value).__name__, packer.blob(data), name]


def _unpack_pandas(unpacker: Unpacker, kind: str, blob: int, name: Form) -> Any:
    series_name = unpacker.unpack(name) if kind == "Series" else None
    return _pandas_of(unpacker.blob(blob), kind, series_name)


def _pandas_of(data: Blob, kind: str, name: Any) -> Any:
    pa, table = _pyarrow(), _table(data)
    try:
        frame = table.to_pandas()
    except (pa.ArrowException, ImportError) as error:
        raise StoreError(f"an entry does not hold a frame of pandas: {error}") from error
    if kind == "DataFrame":
        return frame
    series = frame["value"]
    series.name = name
    return series


def _pyarrow() -> Any:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]
    except ImportError as error:
        raise StoreError(
            "frames are kept by pyarrow, which is not installed: pip install 'memograd[frames]'"
        ) from error
    return pa


def _table(data: Blob) -> Any:
    """The table of Arrow in a stream that somebody may have forged: valid, and not much more than its bytes."""
    pa = _pyarrow()
    check_uncompressed(data)
    try:
        table = pa.ipc.open_stream(pa.py_buffer(data)).read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"an entry does not hold a frame: {error}") from error
    check_bounded(table, len(data))
    return table


def _stream(table: Any) -> Blob:
    pa = _pyarrow()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue())


def _pack_polars(packer: Packer, value: Any, path: str) -> list[Form]:
    import polars as pl

    frame = value.to_frame() if isinstance(value, pl.Series) else value
    if any("Object" in repr(dtype) for dtype in frame.dtypes):
        raise CannotStore(f"{path} is a frame with a column of Python objects; convert it")
    target = io.BytesIO()
    # The newest level writes views of texts, which are not read here.
    frame.write_ipc_stream(target, compression="uncompressed", compat_level=pl.CompatLevel.oldest())
    data = target.getvalue()
    try:
        _pyarrow()
    except StoreError as error:
        raise CannotStore(f"{path} is a frame, and {error}") from error
    try:
        back = _polars_of(data, "DataFrame")
    except StoreError as error:
        raise CannotStore(f"{path} is a frame that Arrow cannot hold ({error}); convert its columns") from error
    if back.schema != frame.schema or not back.equals(frame):
        raise CannotStore(f"{path} is a frame that Arrow would give back changed; convert its columns")
    return [type(value).__name__, packer.blob(data)]


def _unpack_polars(unpacker: Unpacker, kind: str, blob: int) -> Any:
    return _polars_of(unpacker.blob(blob), kind)


def _polars_of(data: Blob, kind: str) -> Any:
    try:
        import polars as pl
    except ImportError as error:
        raise StoreError("an entry holds a frame of polars, which is not installed: pip install polars") from error

    # Not read by polars: of lengths that a forged stream declares it asks for the memory, and ends the process.
    table = _table(data)
    try:
        frame: Any = pl.from_arrow(table, rechunk=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise StoreError(f"an entry does not hold a frame of polars: {error}") from error
    return frame.to_series(0) if kind == "Series" else frame


def _is_of(package: str) -> Callable[[Any], bool]:
    return lambda value: type(value).__module__.partition(".")[0] == package and type(value).__name__ in KINDS


FAMILIES: Mapping[str, Callable[[Any], bool]] = {"pandas": _is_of("pandas"), "polars": _is_of("polars")}
"""How frames are recognised without importing their packages."""

ROWS: Mapping[str, Row] = {
    "pandas": Row(_pack_pandas, _unpack_pandas),
    "polars": Row(_pack_polars, _unpack_polars),
}
"""How values of each tag are packed and unpacked."""
