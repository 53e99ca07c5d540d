"""Model files forged: edited by someone who mended the digest, which holds no secret."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import strategies as st

from memograd.errors import ModelFileError
from memograd.train import model_file
from memograd.train.model_file import load_model


def refusal(path: Path | str) -> str:
    """Return the one line with which a file is refused."""
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1
    assert len(message) < len(str(path)) + 400
    return message


def forge(path: Path, description: Any, tensors: dict[str, Any], version: str = "2") -> None:
    """Write a file of these parts, with a right digest."""
    text = description if isinstance(description, str) else json.dumps(description)
    metadata = {"format": "memograd-model", "version": version, "description": text}
    metadata["digest"] = model_file._digest(version, text, tensors)
    safetensors.numpy.save_file(tensors, path, metadata=metadata)


def at(*keys: Any, to: Any) -> Callable[[Any, Any], Any]:
    """Return an edit that sets one place of the description."""

    def edit(description: Any, tensors: Any) -> Any:
        place = description
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to
        return description

    return edit


def array(name: str, value: Any) -> Callable[[Any, Any], Any]:
    """Return an edit that sets one array, or takes it away."""

    def edit(description: Any, tensors: Any) -> Any:
        tensors.pop(name, None)
        tensors.update({} if value is None else {name: value})
        return description

    return edit


def places(tree: Any, keys: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the keys of every place in a description."""
    if keys:
        yield keys
    if isinstance(tree, dict | list):
        for key in tree if isinstance(tree, dict) else range(len(tree)):
            yield from places(tree[key], (*keys, key))


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["relu", "huber"])
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3))


def _array(shape: list[int], value: float, dtype: str) -> Any:
    with np.errstate(all="ignore"):
        return np.full(shape, value).astype(dtype)


ARRAYS = st.builds(
    _array,
    st.lists(st.integers(0, 4), max_size=3),
    st.sampled_from([0.0, 1.0, -1.0, np.inf, np.nan, 1e300]),
    st.sampled_from(["f4", "f8", "i8", "u1", "bool", "f2"]),
)
"""Arrays of any shape and dtype, small ones."""
