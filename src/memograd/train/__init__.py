"""Training: minibatches, held-out rows, the best epoch kept; models of tables, and their files."""

from memograd.train.loop import Epoch, Fit, Rows, fit
from memograd.train.model import Model
from memograd.train.model_file import load_model, save_model
from memograd.train.settings import Settings
from memograd.train.tabular import Problem, Trained, train_table

__all__ = [
    "Epoch",
    "Fit",
    "Model",
    "Problem",
    "Rows",
    "Settings",
    "Trained",
    "fit",
    "load_model",
    "save_model",
    "train_table",
]
