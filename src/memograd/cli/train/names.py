"""The names that options take, written out: the tables that they come from take long to import.

A test holds them to those tables.
"""

from __future__ import annotations

TASKS = ("classification", "regression")

PRESETS = ("tuned", "sklearn")

ACTIVATIONS = (
    "elu", "gelu", "identity", "leaky_relu", "mish", "relu", "selu", "sigmoid", "silu", "softplus", "tanh",
)  # fmt: skip

SCHEDULES = ("constant", "cosine", "coslog4", "exponential", "flat_cosine", "linear", "warmup_cosine")

CURVE_FILES = (".csv", ".json", ".pdf", ".png", ".svg")
"""The endings of files that can hold the losses of a training."""
