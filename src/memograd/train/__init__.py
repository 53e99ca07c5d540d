"""Training: minibatches, held-out rows, the best epoch kept; models of tables, and their files."""

from typing import TYPE_CHECKING

from memograd.lazy import lazily

if TYPE_CHECKING:
    from memograd.train.loop import Epoch, Fit, Rows, fit
    from memograd.train.model import Model
    from memograd.train.model_file import load_model, save_model
    from memograd.train.recipe import Recipe
    from memograd.train.settings import Settings
    from memograd.train.tabular import Trained, train_table

__all__ = [
    "Epoch",
    "Fit",
    "Model",
    "Recipe",
    "Rows",
    "Settings",
    "Trained",
    "fit",
    "load_model",
    "save_model",
    "train_table",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Epoch": "memograd.train.loop:Epoch",
        "Fit": "memograd.train.loop:Fit",
        "Model": "memograd.train.model:Model",
        "Recipe": "memograd.train.recipe:Recipe",
        "Rows": "memograd.train.loop:Rows",
        "Settings": "memograd.train.settings:Settings",
        "Trained": "memograd.train.tabular:Trained",
        "fit": "memograd.train.loop:fit",
        "load_model": "memograd.train.model_file:load_model",
        "save_model": "memograd.train.model_file:save_model",
        "train_table": "memograd.train.tabular:train_table",
    },
)
