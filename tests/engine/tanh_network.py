"""The loss of a 2-2-2-1 network with tanh, written out: golden source and the tests of it quote these lines."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np


def loss(params: Any, x: Any, y: Any) -> Any:
    """Half the mean square error of the last of three layers."""
    (W1, b1), (W2, b2), (W3, b3) = params
    O1 = np.tanh(x @ W1 + b1)
    O2 = np.tanh(O1 @ W2 + b2)
    y_hat = np.tanh(O2 @ W3 + b3)
    return 0.5 * np.mean((y_hat - y) ** 2)


def arguments(n_samples: int = 4) -> list[Any]:
    """Parameters and a batch."""
    rng = np.random.default_rng(0)
    params = [(rng.normal(size=(n, m)), rng.normal(size=m)) for n, m in pairwise((2, 2, 2, 1))]
    return [params, rng.normal(size=(n_samples, 2)), rng.normal(size=(n_samples, 1))]
