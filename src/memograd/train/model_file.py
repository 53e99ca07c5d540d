"""A model as one file: safetensors, with everything but the arrays as JSON in its metadata. It holds no code.

The file opens nothing but itself. Its metadata carry a digest of all it says, so that a file that was cut, mixed up or
changed by a single bit is refused with the reason.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Mapping
from itertools import pairwise
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
_SHOWN_CHARACTERS = 200
_KEYS = ("format", "version", "description", "digest")
_PARTS = ("network", "task", "target", "columns", "classes")
_SCALES = ("scaling.mean", "scaling.scale", "target_scaling.mean", "target_scaling.scale")


def save_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model to a file, whole or not at all; the same model as the same bytes.

    Raises
    ------
    ModelFileError
        When the file cannot be written, or the network holds a user's Python function, which no file can.
    """
    description = json.dumps(_describe(model), ensure_ascii=False, sort_keys=True)
    tensors = _tensors(model)
    metadata = dict(zip(_KEYS, (FORMAT, str(VERSION), description, _digest(description, tensors)), strict=True))
    try:
        write_atomically(path, _serialized(tensors, metadata))
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
    # The digest holds no secret: whoever can write the file can make one for any description, however deeply nested.
    except (MemogradError, TypeError, ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{os.fspath(path)}: does not describe a model ({_one_line(error)}); train it again"
        ) from error


def _read(path: str | os.PathLike[str]) -> tuple[Mapping[str, str], dict[str, Array]]:
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):  # to open a pipe could take for ever
            raise OSError(errno.EINVAL, "it is not a regular file")
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
        raise ModelFileError(
            f"{os.fspath(path)}: is no model file, or is damaged ({_one_line(error)}); train it again"
        ) from error


def _serialized(tensors: dict[str, Array], metadata: dict[str, str]) -> bytes:
    data = safetensors.numpy.save(tensors, metadata=metadata)
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    # safetensors writes the metadata in an order that differs from call to call.
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the arrays stay aligned
    return len(text).to_bytes(8, "little") + text + data[start:]


def _describe(model: Model) -> dict[str, Any]:
    parts = (model.network.to_config(), model.task, model.target, list(model.columns), list(model.classes))
    return dict(zip(_PARTS, parts, strict=True))


def _tensors(model: Model) -> dict[str, Array]:
    leaves, structure = flatten(model.parameters)
    scales = (model.scaling.mean, model.scaling.scale, model.target_scaling.mean, model.target_scaling.scale)
    named = {**dict(zip(structure.paths, leaves, strict=True)), **dict(zip(_SCALES, scales, strict=True))}
    return {name: np.ascontiguousarray(array) for name, array in named.items()}


def _rebuild(description: Any, tensors: Mapping[str, Array]) -> Model:
    if not isinstance(description, dict) or description.keys() != set(_PARTS):
        raise ModelFileError(f"it has not the parts {', '.join(_PARTS)}")
    if not isinstance(description["columns"], list) or not isinstance(description["classes"], list):
        raise ModelFileError("its columns and classes are no lists")
    network, parameters = _network(description["network"], tensors)
    mean, scale, target_mean, target_scale = (_array(tensors, name) for name in _SCALES)
    return Model(
        network=network,
        parameters=parameters,
        task=description["task"],
        target=description["target"],
        columns=tuple(description["columns"]),
        classes=tuple(description["classes"]),
        scaling=Scaling(mean, scale),
        target_scaling=Scaling(target_mean, target_scale),
    )


def _network(config: Any, tensors: Mapping[str, Array]) -> tuple[MLP, Any]:
    """The network and its parameters."""
    if not isinstance(config, dict) or not isinstance(config.get("sizes"), list):
        raise ModelFileError("its network has no list of sizes")
    # Before anything is made of these sizes: they could claim more than any memory holds.
    shapes = [_array(tensors, f"[{index}]['W']").shape for index in range(len(config["sizes"]) - 1)]
    if shapes != list(pairwise(config["sizes"])):
        raise ModelFileError("the sizes of its network are not those of the arrays")
    network = MLP.from_config(config)
    # A fresh network tells the structure, the shapes and the dtypes that the file must have.
    expected, structure = flatten(network.init(0, _array(tensors, "[0]['W']").dtype))
    if unknown := sorted(tensors.keys() - {*structure.paths, *_SCALES}):
        raise ModelFileError(f"it holds {unknown[0]}, which is no part of its network")
    leaves = [_array(tensors, path) for path in structure.paths]
    for path, leaf, like in zip(structure.paths, leaves, expected, strict=True):
        if (leaf.shape, leaf.dtype) != (like.shape, like.dtype):
            raise ModelFileError(f"{path} is {leaf.dtype}{leaf.shape}, not {like.dtype}{like.shape}")
    return network, unflatten(structure, leaves)


def _array(tensors: Mapping[str, Array], name: str) -> Array:
    if name not in tensors:
        raise ModelFileError(f"it lacks the array {name}")
    return tensors[name]


def _one_line(error: Exception) -> str:
    """What an error says, not more of it than one reads: it may quote the file."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"


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
