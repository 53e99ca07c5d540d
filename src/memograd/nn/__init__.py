"""Networks, losses, optimisers and schedules: plain NumPy code that runs on arrays and that memograd can trace.

No derivative is written by hand here, and nothing knows how a graph is planned or run.
"""

from memograd.nn.activations import ACTIVATIONS, Activation, resolve_activation
from memograd.nn.embedding import Embedding
from memograd.nn.layer import Layer, Noise
from memograd.nn.layers import Activate, Dense, Dropout, LayerNorm, Residual, Sequential
from memograd.nn.loss import Loss, weighted_mean
from memograd.nn.losses import LOSSES, resolve_loss
from memograd.nn.mlp import MLP
from memograd.nn.network import Network, Trainable
from memograd.nn.optimizers import OPTIMIZERS, SGD, Adam, AdamW, Optimizer, resolve_optimizer
from memograd.nn.schedules import SCHEDULES, Schedule, reads_progress, resolve_schedule
from memograd.nn.step import Clock, training_step

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "MLP",
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "Activate",
    "Activation",
    "Adam",
    "AdamW",
    "Clock",
    "Dense",
    "Dropout",
    "Embedding",
    "Layer",
    "LayerNorm",
    "Loss",
    "Network",
    "Noise",
    "Optimizer",
    "Residual",
    "Schedule",
    "Sequential",
    "Trainable",
    "reads_progress",
    "resolve_activation",
    "resolve_loss",
    "resolve_optimizer",
    "resolve_schedule",
    "training_step",
    "weighted_mean",
]
