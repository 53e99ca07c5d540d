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
from collections.abc import Callable, Mapping
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
from memograd.table.description import entry
from memograd.table.encoder import Encoder
from memograd.table.target import restore_target
from memograd.train.model import Model
from memograd.train.model_file_1 import from_version_1

FORMAT = "memograd-model"
VERSION = "2"
_SHOWN_CHARACTERS = 200
_KEYS = ("format", "version", "description", "digest")
_PARTS = ("network", "n_members", "encoder", "target", "clip")

Contents = tuple[Any, Mapping[str, Array]]
"""The description and the arrays of a file."""

_READERS: Mapping[str, Callable[[Any, Mapping[str, Array]], Contents]] = {
    "1": from_version_1,
    VERSION: lambda description, tensors: (description, tensors),
}
"""What makes of a file of each version one of this."""


def save_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model to a file, whole or not at all; the same model as the same bytes.

    Raises
    ------
    ModelFileError
        When the file cannot be written, or the network holds a user's Python function, which no file can.

    Examples
    --------
    >>> import tempfile
    >>> from memograd.table.columns import as_table
    >>> from memograd.table.target import NumberTarget
    >>> X, network = [[1.0, 2.0], [3.0, 5.0]], MLP((2, 4, 1), "tanh")
    >>> model = Model(network, (network.init(0),), Encoder.fit(as_table(X)), NumberTarget.fit([1.0, 2.0]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, f"{folder}/my.model")
    ...     bool((load_model(f"{folder}/my.model").predict(X) == model.predict(X)).all())
    True
    """
    described, tensors = _describe(model), _tensors(model)
    try:
        # In ASCII, which can write any name, also one with half a character.
        description = json.dumps(described, sort_keys=True)
        metadata = dict(zip(_KEYS, (FORMAT, VERSION, description, _digest(VERSION, description, tensors)), strict=True))
        write_atomically(path, _serialized(tensors, metadata))
    except OSError as error:
        raise ModelFileError(f"{os.fspath(path)}: cannot be written ({error.strerror or error})") from error
    except ValueError as error:  # an integer of thousands of digits, which could not be read again
        raise ModelFileError(f"{os.fspath(path)}: cannot be written ({_one_line(error)})") from error


def load_model(path: str | os.PathLike[str]) -> Model:
    """Read a model from a file, of this version or of an earlier one.

    Raises
    ------
    ModelFileError
        When the file is missing, is no model, is of a later version, or is damaged; the message says which.
    """
    metadata, tensors = _read(path)
    if metadata.get("format") != FORMAT:
        raise ModelFileError(f"{os.fspath(path)}: holds arrays, but is not a model that memograd wrote")
    version, description = str(metadata.get("version")), metadata.get("description", "")
    if version not in _READERS:
        found = _one_line(version)
        raise ModelFileError(
            f"{os.fspath(path)}: is of version {found}, and this memograd reads {', '.join(_READERS)}; upgrade it"
        )
    if metadata.get("digest") != _digest(version, description, tensors):
        raise ModelFileError(f"{os.fspath(path)}: is damaged: its content does not match its digest; train it again")
    try:
        return _rebuild(*_READERS[version](json.loads(description), tensors))
    # The digest holds no secret: whoever can write the file can make one for any description, however deeply nested.
    except (MemogradError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
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
        raise ModelFileError(f"{os.fspath(path)}: {what}; name a model that memograd wrote") from error
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
    parts = (
        model.network.to_config(),
        len(model.members),
        model.encoder.describe(),
        model.target.describe(),
        bool(model.clip),
    )
    return dict(zip(_PARTS, parts, strict=True))


def _tensors(model: Model) -> dict[str, Array]:
    leaves, structure = flatten(model.members)
    named = {f"members{path}": leaf for path, leaf in zip(structure.paths, leaves, strict=True)}
    for owner, arrays in (("encoder", model.encoder.arrays()), ("target", model.target.arrays())):
        named.update({f"{owner}.{name}": array for name, array in arrays.items()})
    return {name: np.ascontiguousarray(array) for name, array in named.items()}


def _rebuild(description: Any, tensors: Mapping[str, Array]) -> Model:
    if not isinstance(description, dict) or description.keys() != set(_PARTS):
        raise ModelFileError(f"it has not the parts {', '.join(_PARTS)}")
    network = _network(description["network"], tensors)
    model = Model(
        network=network,
        members=_members(network, entry(description, "n_members", int), tensors),
        encoder=Encoder.restore(description["encoder"], _arrays_of("encoder", tensors)),
        target=restore_target(description["target"], _arrays_of("target", tensors)),
        clip=entry(description, "clip", bool),
    )
    if unknown := sorted(tensors.keys() - _tensors(model).keys()):
        raise ModelFileError(f"it holds {unknown[0]}, which is no part of its model")
    return model


def _network(config: Any, tensors: Mapping[str, Array]) -> MLP:
    """The network; refused if it claims to be larger than the arrays are, before anything of its size is made."""
    if not isinstance(config, dict) or not isinstance(config.get("sizes"), list):
        raise ModelFileError("its network has no list of sizes")
    for index in range(len(config["sizes"]) - 1):
        _array(tensors, f"members[0][{index}]['W']")
    network = MLP.from_config(config)
    claimed = sum(n_in * n_out for n_in, n_out in pairwise(network.sizes))
    claimed += sum(network.embedded) * network.embedding_width
    if claimed > sum(array.size for array in tensors.values()):
        raise ModelFileError("the sizes of its network are not those of the arrays")
    return network


def _members(network: MLP, n_members: int, tensors: Mapping[str, Array]) -> tuple[Any, ...]:
    """The parameters of each member, with the structure, shapes and dtypes that a fresh network has."""
    fresh, structure = flatten(network.init(0))
    members = []
    for index in range(n_members):
        leaves = [_array(tensors, f"members[{index}]{path}") for path in structure.paths]
        for path, leaf, like in zip(structure.paths, leaves, fresh, strict=True):
            if (leaf.shape, leaf.dtype) != (like.shape, like.dtype):
                name = f"members[{index}]{path}"
                raise ModelFileError(f"{name} is {leaf.dtype}{leaf.shape}, not {like.dtype}{like.shape}")
        members.append(unflatten(structure, leaves))
    return tuple(members)


def _arrays_of(owner: str, tensors: Mapping[str, Array]) -> dict[str, Array]:
    start = f"{owner}."
    return {name.removeprefix(start): array for name, array in tensors.items() if name.startswith(start)}


def _array(tensors: Mapping[str, Array], name: str) -> Array:
    if name not in tensors:
        raise ModelFileError(f"it lacks the array {name}")
    return tensors[name]


def _one_line(error: object) -> str:
    """What an error says, not more of it than one reads: it may quote the file."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"


def _digest(version: str, description: str, tensors: Mapping[str, Array]) -> str:
    """BLAKE2b of the description and of every array by name, dtype, shape and bytes, each with its length before."""
    digest = hashlib.blake2b(digest_size=32)
    parts = [FORMAT, version, description]
    for name in sorted(tensors):
        parts += [name, tensors[name].dtype.str, repr(tensors[name].shape)]
    blocks = [part.encode() for part in parts] + [tensors[name].tobytes() for name in sorted(tensors)]
    for block in blocks:
        digest.update(len(block).to_bytes(8, "little"))
        digest.update(block)
    return digest.hexdigest()
