"""`export_onnx`: a model as a file that takes raw columns, and needs neither memograd nor Python."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import numpy as np

from memograd.errors import BadSetting, ModelFileError
from memograd.graph.node import Array, DType
from memograd.graph.tree import flatten, unflatten
from memograd.nn.losses import resolve_loss
from memograd.store.atomic import write_atomically
from memograd.table.target import ClassTarget, NumberTarget
from memograd.table.wording import listed
from memograd.train.model import Model
from memograd.train.onnx.columns import encoded, enter, ports
from memograd.train.onnx.lowering import Value, lower
from memograd.train.onnx.program import ROWS, TEXT, Program
from memograd.train.onnx.protobuf import serialized

_DTYPES = ("float64", "float32")


def export_onnx(model: Model, path: str | os.PathLike[str], *, dtype: str = "float64") -> None:
    """Write a model as an ONNX file (operators of version 18), whole or not at all; the same model as the same bytes.

    A column with a name is an input of that name, of shape (n_rows,): numbers, truth values (1 and 0) and fractions of
    `dtype`, with NaN for what is missing; dates as seconds since 1970 began in UTC, float64; categories as text, or as
    int64 if all of them are integers, where whatever is no category, such as an empty text, is a missing one. Columns
    of numbers without names are one input `X` : (n_rows, n_columns) of `dtype`.

    Outputs are `label` : (n_rows,) of classes and `probabilities` : (n_rows, n_classes) float64; or `labels` :
    (n_rows, n_labels) int64 and `probabilities`; or `prediction` float64, of the shape that the model gives. Where a
    column has that name, an underscore is added. Numbers are those of the model but for rounding, about 10⁻⁶; rows
    without a finite prediction, which the model refuses, come out as infinite or NaN.

    Parameters
    ----------
    model : Model
        Its activations and loss may be functions of your own.
    path : path
    dtype : {"float64", "float32"}
        In which numbers come in. In float32 large ones are rounded before they are scaled.

    Raises
    ------
    ModelFileError
        When onnx is not installed (``pip install 'memograd[onnx]'``), the file cannot be written, or a column or the
        classes have no type in ONNX.
    CannotLower
        When a function does what ONNX cannot; the message names its line.
    BadSetting
        When `dtype` is another.

    Examples
    --------
    >>> import tempfile, onnxruntime
    >>> from memograd.nn.mlp import MLP
    >>> from memograd.table.columns import as_table
    >>> from memograd.table.encoder import Encoder
    >>> table = as_table({"size": [1.0, None, 3.0], "colour": ["red", "blue", "red"]})
    >>> network = MLP((3, 4, 1), "mish")
    >>> model = Model(network, (network.init(0),), Encoder.fit(table), NumberTarget.fit([1.0, 2.0, 3.0]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export_onnx(model, f"{folder}/my.onnx")
    ...     session = onnxruntime.InferenceSession(f"{folder}/my.onnx")
    >>> inputs = {"size": np.array([1.0, np.nan]), "colour": np.array(["red", "green"])}
    >>> prediction = session.run(["prediction"], inputs)[0]
    >>> bool(np.allclose(prediction, model.predict({"size": [1.0, None], "colour": ["red", "green"]})))
    True
    """
    if dtype not in _DTYPES:
        raise BadSetting(f"dtype is {dtype!r}; it must be one of {', '.join(_DTYPES)}")
    program = Program(ports(model.encoder, np.dtype(dtype)))
    _OUTPUTS[model.task](program, model, _lowered(program, model))
    data = serialized(program, title=model.task, metadata={"task": model.task})
    try:
        write_atomically(path, data)
    except OSError as error:
        raise ModelFileError(f"{os.fspath(path)}: cannot be written ({error.strerror or error})") from error


def _lowered(program: Program, model: Model) -> list[Value]:
    """Append all that lies between the columns and the outputs; what comes out of it."""
    columns = enter(program, model.encoder)
    leaves, structure = flatten(model.members)

    def predict(*arrays: Array) -> tuple[Array, ...]:
        # Parameters are arguments, too: NumPy looks up no traced code in an array that is none.
        members = unflatten(structure, arrays[len(columns) :])
        matrix = encoded(model.encoder, dict(zip(columns, arrays, strict=False)))
        return _predicted(model, [model.network(member, matrix) for member in members])

    parameters = [Value(program.constant(leaf), leaf.dtype, leaf.shape) for leaf in leaves]
    return lower(program, predict, [*columns.values(), *parameters])


def _predicted(model: Model, scores: Sequence[Array]) -> tuple[Array, ...]:
    """The arrays behind `Model.predict_proba` and `Model.predict`, of the scores of each member."""
    loss = resolve_loss(model.network.loss)
    if isinstance(model.target, NumberTarget):
        return (_mean([model.target.decode(loss.predict(score), clip=model.clip) for score in scores]),)
    probabilities = _mean([loss.probabilities(score.astype(np.float64)) for score in scores])  # type: ignore[attr-defined]
    if isinstance(model.target, ClassTarget):
        return probabilities, np.argmax(probabilities, axis=1)
    return probabilities, model.target.decode(probabilities > 0.5)


def _mean(arrays: Sequence[Array]) -> Array:
    total = arrays[0]
    for array in arrays[1:]:
        total = total + array
    return total / len(arrays) if len(arrays) > 1 else total


def _give_classes(program: Program, model: Model, results: Sequence[Value]) -> None:
    probabilities, index = results
    assert isinstance(model.target, ClassTarget)
    classes, dtype = _class_array(model.target)
    label = program.emit("Gather", program.constant(classes), index.name, axis=0)
    program.give(label, "label", dtype, (ROWS,))
    _give(program, probabilities, "probabilities", f"of the classes {listed(model.target.classes)}")


def _give_labels(program: Program, model: Model, results: Sequence[Value]) -> None:
    probabilities, labels = results
    _give(program, labels, "labels", "1 where the row has the label")
    _give(program, probabilities, "probabilities", "of each label")


def _give_numbers(program: Program, model: Model, results: Sequence[Value]) -> None:
    _give(program, results[0], "prediction", "")


_OUTPUTS: dict[str, Callable[[Program, Model, Sequence[Value]], None]] = {
    "classification": _give_classes,
    "multilabel": _give_labels,
    "regression": _give_numbers,
}


def _give(program: Program, value: Value, name: str, note: str) -> None:
    program.give(value.name, name, value.dtype, value.shape, note)


def _class_array(target: ClassTarget) -> tuple[Array, DType]:
    """The classes as a constant, and the dtype of the labels."""
    kinds = {type(value) for value in target.classes}
    if kinds == {str}:
        return np.array(target.classes, dtype=object), TEXT
    found = np.array(target.classes) if len(kinds) == 1 else np.array(target.classes, dtype=object)
    if found.dtype not in (np.dtype(np.int64), np.dtype(np.bool_), np.dtype(np.float64)):
        raise ModelFileError(
            f"the classes {listed(target.classes)} have no type in ONNX, which has text, 64-bit integers and truth "
            "values, and one type for all; make them text, and train again"
        )
    return found, found.dtype
