"""Blocks of memory for machine code."""

from __future__ import annotations

import mmap

import numpy as np

from memograd.graph.node import Array

ALIGNMENT_BYTES = 64
LARGE_BYTES, PAGE_BYTES = 1 << 20, 1 << 21


def aligned_block(size_bytes: int) -> Array:
    """Zeros that start at a cache line, with some to spare, which vectors may read.

    Large blocks lie in large pages, where the system has them: the rows of a matrix would each need a small one.

    Raises
    ------
    MemoryError
        With the bytes that are needed.
    """
    try:
        return _block(size_bytes)
    except (MemoryError, OSError, OverflowError, ValueError) as error:
        raise MemoryError(f"{size_bytes:,} bytes are needed at once; take smaller minibatches") from error


def _block(size_bytes: int) -> Array:
    if size_bytes >= LARGE_BYTES and hasattr(mmap, "MADV_HUGEPAGE"):
        pages = mmap.mmap(-1, size_bytes + 2 * PAGE_BYTES)
        pages.madvise(mmap.MADV_HUGEPAGE)
        whole = np.frombuffer(pages, np.uint8)
        start = -whole.ctypes.data % PAGE_BYTES
        return whole[start : start + size_bytes + 2 * ALIGNMENT_BYTES]
    block = np.zeros(size_bytes + 4 * ALIGNMENT_BYTES, np.uint8)
    start = -block.ctypes.data % ALIGNMENT_BYTES
    return block[start : start + size_bytes + 2 * ALIGNMENT_BYTES]
