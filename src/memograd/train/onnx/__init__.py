"""Models as ONNX files: the whole model, from the raw columns to the prediction, in operators that others can run."""

from memograd.train.onnx.export import export_onnx

__all__ = ["export_onnx"]
