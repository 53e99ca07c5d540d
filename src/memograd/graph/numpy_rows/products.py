"""Rows of products of vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from memograd.errors import ShapeError
from memograd.graph.node import describe
from memograd.graph.numpy_rows.axes import joint_shape
from memograd.graph.traced import apply, as_traced, cast, common_dtype, implements, refuse


@implements(np.matmul)
def matmul(a: Any, b: Any) -> Any:
    """Products of (stacks of) matrices; a vector is a row on the left, a column on the right."""
    dtype = common_dtype(a, b)
    a, b = (as_traced(cast(x, dtype), a, b) for x in (a, b))
    if a.ndim == 0 or b.ndim == 0:
        raise ShapeError(f"matmul: {describe(a.node)} and {describe(b.node)}: a scalar is no matrix; use *")
    row, column = a.ndim == 1, b.ndim == 1
    a = a[None, :] if row else a
    b = b[:, None] if column else b
    if a.shape[:-2] != b.shape[:-2]:
        stack = joint_shape("matmul", a.shape[:-2], b.shape[:-2])
        a = np.broadcast_to(a, (*stack, *a.shape[-2:]))
        b = np.broadcast_to(b, (*stack, *b.shape[-2:]))
    product = apply("matmul", a, b)
    gone = ((product.ndim - 2,) if row else ()) + ((product.ndim - 1,) if column else ())
    return np.squeeze(product, gone) if gone else product


@implements(np.dot)
def dot(a: Any, b: Any) -> Any:
    """As `np.dot` of scalars, vectors and matrices."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    if np.ndim(b) > 2:
        refuse(f"np.dot with {np.ndim(b)} axes on the right", "use @, which multiplies stacks of matrices")
    return np.matmul(a, b)


@implements(np.outer)
def outer(a: Any, b: Any) -> Any:
    """Products of every element of a with every element of b."""
    return np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1))
