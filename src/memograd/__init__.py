"""Never compute the same thing twice: derivatives, networks and their training as memoization.

>>> import numpy as np
>>> import memograd as mg
>>> def loss(w, x, y):
...     return np.mean((np.tanh(x @ w) - y) ** 2)
>>> x, y = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([0.5, -0.5])
>>> mg.grad(loss)(np.zeros(2), x, y)
array([ 1. , -1.5])
"""

from typing import TYPE_CHECKING

from memograd.lazy import lazily

if TYPE_CHECKING:
    from memograd.digest.content import freeze
    from memograd.engine.compiled import compile
    from memograd.errors import MemogradError
    from memograd.estimators.classifier import MLPClassifier
    from memograd.estimators.regressor import MLPRegressor
    from memograd.explain.explanation import explain
    from memograd.gradient.numeric import check_grad
    from memograd.gradient.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
    from memograd.graph.count import count_operations
    from memograd.memo.memoize import memoize
    from memograd.memo.value_digest import digest
    from memograd.nn.mlp import MLP
    from memograd.store.open import open_store
    from memograd.train.model_file import load_model as load
    from memograd.train.onnx.export import export_onnx

__all__ = [
    "MLP",
    "MLPClassifier",
    "MLPRegressor",
    "MemogradError",
    "check_grad",
    "compile",
    "count_operations",
    "digest",
    "explain",
    "export_onnx",
    "freeze",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "load",
    "memoize",
    "open_store",
    "value_and_grad",
    "vjp",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "MLP": "memograd.nn.mlp:MLP",
        "MLPClassifier": "memograd.estimators.classifier:MLPClassifier",
        "MLPRegressor": "memograd.estimators.regressor:MLPRegressor",
        "MemogradError": "memograd.errors:MemogradError",
        "check_grad": "memograd.gradient.numeric:check_grad",
        "compile": "memograd.engine.compiled:compile",
        "count_operations": "memograd.graph.count:count_operations",
        "digest": "memograd.memo.value_digest:digest",
        "explain": "memograd.explain.explanation:explain",
        "export_onnx": "memograd.train.onnx.export:export_onnx",
        "freeze": "memograd.digest.content:freeze",
        "grad": "memograd.gradient.transforms:grad",
        "hessian": "memograd.gradient.transforms:hessian",
        "hvp": "memograd.gradient.transforms:hvp",
        "jacobian": "memograd.gradient.transforms:jacobian",
        "jvp": "memograd.gradient.transforms:jvp",
        "load": "memograd.train.model_file:load_model",
        "memoize": "memograd.memo.memoize:memoize",
        "open_store": "memograd.store.open:open_store",
        "value_and_grad": "memograd.gradient.transforms:value_and_grad",
        "vjp": "memograd.gradient.transforms:vjp",
    },
)
