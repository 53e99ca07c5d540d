"""A model as one file: safetensors, with everything but the arrays as JSON in its metadata. It holds no code.

The file opens nothing but itself. Its metadata carry a digest of all it says, so that a file that was cut, mixed up or
changed by a single bit is refused with the reason.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from memograd.errors import MemogradError, ModelFileError
from memograd.graph.node import Array
from memograd.graph.tree import flatten, unflatten
from memograd.nn.mlp import MLP
from memograd.store.atomic import write_atomically
from memograd.train.model import Model, Scaling

FORMAT = "memograd-model"
VERSION = 1
_KEYS = ("format", "version", "description", "digest")
_SCALES = ("scaling.mean", "scaling.scale", "target_scaling.mean", "target_scaling.scale")


def save_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model to a file, whole or not at all.

    Raises
    ------
    ModelFileError
        When the file cannot be written, or the network holds a user's Python function, which no file can.
    """
    description = json.dumps(_describe(model), ensure_ascii=False, sort_keys=True)
    tensors = _tensors(model)
    metadata = dict(zip(_KEYS, (FORMAT, str(VERSION), description, _digest(description, tensors)), strict=True))
    try:
        write_atomically(path, safetensors.numpy.save(tensors, metadata=metadata))
    except OSError as error:
        raise ModelFileError(f"{os.fspath(path)}: cannot be written ({error.strerror or error})") from error


def load_model(path: str | os.PathLike[str]) -> Model:
    """Read a model from a file.

    Raises
    ------
    ModelFileError
        When the file is missing, is no model, is of a later version, or is damaged; the message says which.
    """
    metadata, tensors = _read(path)
    if metadata.get("format") != FORMAT:
        raise ModelFileError(f"{os.fspath(path)}: holds arrays, but is not a model that memograd wrote")
    if metadata.get("version") != str(VERSION):
        raise ModelFileError(
            f"{os.fspath(path)}: is of version {metadata.get('version')}, and this memograd reads {VERSION}; upgrade it"
        )
    description = metadata.get("description", "")
    if metadata.get("digest") != _digest(description, tensors):
        raise ModelFileError(f"{os.fspath(path)}: is damaged: its content does not match its digest; train it again")
    try:
        return _rebuild(json.loads(description), tensors)
    except (MemogradError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"{os.fspath(path)}: does not describe a model ({error}); train it again") from error


def _read(path: str | os.PathLike[str]) -> tuple[Mapping[str, str], dict[str, Array]]:
    try:
        with Path(path).open("rb") as file:
            file.read(1)
        with safetensors.safe_open(path, framework="np") as opened:
            return opened.metadata() or {}, {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except OSError as error:
        what = (
            "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror or error})"
        )
        raise ModelFileError(f"{os.fspath(path)}: {what}; name a model that `memograd train` wrote") from error
    except (safetensors.SafetensorError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise ModelFileError(
            f"{os.fspath(path)}: is no model file, or is damaged ({reason}); train it again"
        ) from error


def _describe(model: Model) -> dict[str, Any]:
    return {
        "network": model.network.to_config(),
        "task": model.task,
        "target": model.target,
        "columns": list(model.columns),
        "classes": list(model.classes),
    }


def _tensors(model: Model) -> dict[str, Array]:
    leaves, structure = flatten(model.parameters)
    scales = (model.scaling.mean, model.scaling.scale, model.target_scaling.mean, model.target_scaling.scale)
    named = {**dict(zip(structure.paths, leaves, strict=True)), **dict(zip(_SCALES, scales, strict=True))}
    return {name: np.ascontiguousarray(array) for name, array in named.items()}


def _rebuild(description: Mapping[str, Any], tensors: Mapping[str, Array]) -> Model:
    network = MLP.from_config(description["network"])
    # A fresh network tells the structure, the shapes and the dtypes that the file must have.
    expected, structure = flatten(network.init(0))
    leaves = [tensors[path] for path in structure.paths]
    for path, leaf, like in zip(structure.paths, leaves, expected, strict=True):
        if (leaf.shape, leaf.dtype) != (like.shape, like.dtype):
            raise ModelFileError(f"{path} is {leaf.dtype}{leaf.shape}, not {like.dtype}{like.shape}")
    mean, scale, target_mean, target_scale = (tensors[name] for name in _SCALES)
    if mean.shape != (network.sizes[0],) or len(description["columns"]) != network.sizes[0]:
        raise ModelFileError(f"{len(description['columns'])} columns for a network of {network.sizes[0]} inputs")
    return Model(
        network=network,
        parameters=unflatten(structure, leaves),
        task=description["task"],
        target=description["target"],
        columns=tuple(description["columns"]),
        classes=tuple(description["classes"]),
        scaling=Scaling(mean, scale),
        target_scaling=Scaling(target_mean, target_scale),
    )


def _digest(description: str, tensors: Mapping[str, Array]) -> str:
    """BLAKE2b of the description and of every array by name, dtype, shape and bytes, each with its length before."""
    digest = hashlib.blake2b(digest_size=32)
    parts = [FORMAT, str(VERSION), description]
    for name in sorted(tensors):
        parts += [name, tensors[name].dtype.str, repr(tensors[name].shape)]
    blocks = [part.encode() for part in parts] + [tensors[name].tobytes() for name in sorted(tensors)]
    for block in blocks:
        digest.update(len(block).to_bytes(8, "little"))
        digest.update(block)
    return digest.hexdigest()
