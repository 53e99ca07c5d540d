"""A program as the bytes of an ONNX file. The only place that knows the package onnx, which may be absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from memograd.errors import ModelFileError
from memograd.graph.node import Array, DType
from memograd.train.onnx.program import ML_DOMAIN, ROWS, TEXT, Port, Program

OPSET, ML_OPSET, IR_VERSION = 18, 3, 8
"""Of the end of 2022: what reads these reads the file."""


def serialized(program: Program, *, title: str, metadata: Mapping[str, str]) -> bytes:
    """The bytes of an ONNX file; the same for the same program.

    Raises
    ------
    ModelFileError
        When onnx is not installed, or has no way to hold the program: a name that is no text, or more than 2 GB.
    """
    onnx = _onnx()
    try:
        model = onnx.helper.make_model(
            _graph(onnx, program, title),
            producer_name="memograd",
            ir_version=IR_VERSION,
            opset_imports=_opsets(onnx, program),
        )
        onnx.helper.set_model_props(model, dict(metadata))
        onnx.checker.check_model(model)
        data: bytes = model.SerializeToString(deterministic=True)
    except (ValueError, TypeError, onnx.checker.ValidationError) as error:
        raise ModelFileError(f"ONNX cannot hold the model: {' '.join(str(error).split())}") from error
    return data


def _onnx() -> Any:
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise ModelFileError(
            "models are exported by the package onnx, which is not installed: pip install 'memograd[onnx]'"
        ) from error
    return onnx


def _graph(onnx: Any, program: Program, title: str) -> Any:
    nodes = [
        onnx.helper.make_node(
            step.operator,
            step.inputs,
            [step.output],
            domain=step.domain,
            **{name: _attribute(onnx, value) for name, value in step.attributes.items()},
        )
        for step in program.instructions
    ]
    return onnx.helper.make_graph(
        nodes,
        title,
        [_port(onnx, port) for port in program.inputs],
        [_port(onnx, port) for port in program.outputs],
        [_tensor(onnx, name, value) for name, value in program.constants.items()],
    )


def _opsets(onnx: Any, program: Program) -> list[Any]:
    domains = {step.domain for step in program.instructions}
    extra = [onnx.helper.make_opsetid(ML_DOMAIN, ML_OPSET)] if ML_DOMAIN in domains else []
    return [onnx.helper.make_opsetid("", OPSET), *extra]


def _attribute(onnx: Any, value: Any) -> Any:
    return _type(onnx, value) if isinstance(value, np.dtype) else value


def _port(onnx: Any, port: Port) -> Any:
    shape = ["rows" if length == ROWS else length for length in port.shape]
    return onnx.helper.make_tensor_value_info(port.name, _type(onnx, port.dtype), shape, port.note)


def _tensor(onnx: Any, name: str, value: Array) -> Any:
    if value.dtype.kind != "O":
        return onnx.numpy_helper.from_array(np.asarray(value, order="C"), name)
    texts = [text.encode() for text in value.ravel().tolist()]
    return onnx.helper.make_tensor(name, onnx.TensorProto.STRING, value.shape, texts)


def _type(onnx: Any, dtype: DType) -> int:
    kind: int = onnx.TensorProto.STRING if dtype == TEXT else onnx.helper.np_dtype_to_tensor_dtype(dtype)
    return kind
