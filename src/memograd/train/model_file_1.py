"""Model files of version 1, which had numbers in every column and one member: made into ones of version 2.

What they hold is rewritten, not checked: version 2 checks it. A model predicts what it did but for rounding: a column
is multiplied now where it was divided, and parameters in float64 become float32. A missing number, which it refused, is
now the mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from memograd.errors import ModelFileError
from memograd.graph.node import Array

_PARTS = ("network", "task", "target", "columns", "classes")
_SCALES = ("scaling.mean", "scaling.scale", "target_scaling.mean", "target_scaling.scale")
_LARGEST = float(np.finfo(np.float64).max)


def from_version_1(description: Any, tensors: Mapping[str, Array]) -> tuple[Any, dict[str, Array]]:
    """The description and the arrays of a file of version 1 as those of one of version 2.

    Raises
    ------
    ModelFileError
        When a part is missing, or classes stand in an order that cannot be had any more.
    """
    if not isinstance(description, dict) or description.keys() != set(_PARTS):
        raise ModelFileError(f"it has not the parts {', '.join(_PARTS)}")
    columns, classes = description["columns"], description["classes"]
    if not isinstance(columns, list) or not isinstance(classes, list) or not all(isinstance(c, str) for c in classes):
        raise ModelFileError("its columns and classes are no lists of text")
    if absent := [name for name in _SCALES if name not in tensors]:
        raise ModelFileError(f"it lacks the array {absent[0]}")
    with np.errstate(over="ignore", divide="ignore"):  # what is not finite then is refused later
        members = {f"members[0]{n}": a.astype(np.float32) for n, a in tensors.items() if n not in _SCALES}
        arrays = members | _encoder_arrays(tensors)
    target: dict[str, Any]
    if description["task"] == "classification":
        target = {"target": "classes", "classes": sorted(classes), "dtype": "object"}
        _put_in_order(arrays, classes)
    else:
        target = {"target": "numbers", "is_flat": True}
        arrays |= _target_arrays(tensors)
    encoder = {
        "columns": [{"name": name, "kind": "number", "has_gaps": False} for name in columns],
        "has_names": True,
        "bound": 0.0,
    }
    network = description["network"]
    return {"network": network, "n_members": 1, "encoder": encoder, "target": target, "clip": False}, arrays


def _encoder_arrays(tensors: Mapping[str, Array]) -> dict[str, Array]:
    mean, scale = tensors["scaling.mean"], tensors["scaling.scale"]
    return {"encoder.center": mean, "encoder.scale": 1.0 / scale, "encoder.fill": np.zeros(mean.shape)}


def _target_arrays(tensors: Mapping[str, Array]) -> dict[str, Array]:
    mean, scale = tensors["target_scaling.mean"], tensors["target_scaling.scale"]
    limit = np.full(mean.shape, _LARGEST)  # the range was not kept
    return {"target.mean": mean, "target.scale": scale, "target.lowest": -limit, "target.highest": limit}


def _put_in_order(arrays: dict[str, Array], classes: list[str]) -> None:
    """Sort the scores as the classes are now: by text, where classes that look like numbers were sorted as such."""
    if classes == sorted(classes):
        return
    order = np.argsort(np.array(classes, dtype=object))
    last = max((name for name in arrays if name.endswith("['b']")), key=lambda name: (len(name), name), default="")
    for name in (last, last.replace("['b']", "['W']")):
        if name not in arrays or arrays[name].shape[-1:] != (len(classes),):
            raise ModelFileError("its classes are in an order that this memograd does not have")
        arrays[name] = np.ascontiguousarray(arrays[name][..., order])
