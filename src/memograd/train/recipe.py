"""Recipes: all that is chosen before a table is trained on, as one record; and the presets, which choose it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, final

import numpy as np

from memograd.errors import UnknownName
from memograd.nn.activations import ActivationLike
from memograd.nn.arrays import Array
from memograd.nn.classification import BinaryCrossEntropy, CrossEntropy, MultiLabelCrossEntropy
from memograd.nn.embedding import DEFAULT_WIDTH
from memograd.nn.families import look_up
from memograd.nn.losses import LossLike, resolve_loss
from memograd.nn.mlp import MLP
from memograd.nn.optimizers import Adam
from memograd.nn.regression import Poisson, SquaredError
from memograd.nn.settings import BELOW_ONE, COUNT, FLAG, NOT_NEGATIVE, settle
from memograd.table.encoder import Encoder, EncoderSettings
from memograd.train.lbfgs import LBFGS
from memograd.train.settings import Settings

Task = Literal["classification", "regression", "multilabel"]
TASKS: tuple[Task, ...] = ("classification", "regression", "multilabel")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is chosen before a table is trained on.

    Attributes
    ----------
    hidden : tuple of int
        The nodes of each hidden layer; none for a linear model.
    activation : str, callable, Activation, or a sequence of them
    loss : str, Loss or callable
    dropout, layer_norm, parametrization, scaled_input, zero_output, embedding_width
        As in `MLP`.
    encoder : EncoderSettings
    settings : Settings
    lbfgs : LBFGS or None
        To train by L-BFGS on all rows at once, instead of by the optimiser of the settings. Without noise, so a dropout
        has no effect.
    lowers_rate : bool
        Whether the learning rate is lowered each time that patience runs out, instead of ending the training.
    alpha : float
        The penalty of weights as scikit-learn has it: alpha / (2 n) Σ W² is added to the mean loss of a minibatch of n
        rows. (Its squared error is ½ (ŷ − y)²; where it is (ŷ − y)² here, the penalty is twice that.)
    validation_fraction : float
        The share of rows that is held out to judge epochs by, in [0, 1); 0 for none.
    keeps : {"best", "last"}
        Whether the model is that of the best epoch or that of the last.
    standardizes : bool
        Whether numbers to predict are standardized first; counts of a Poisson loss never are.
    clips : bool
        Whether predicted numbers are clipped to the range that was seen.
    n_members : int
        How many networks are trained, on other rows each; predictions are their mean.

    Raises
    ------
    BadSetting
        When a number is out of range.
    UnknownName
        When something has no such name.

    Examples
    --------
    >>> recipe = preset("tuned", "classification")
    >>> recipe.hidden, recipe.activation, recipe.settings.epochs
    ((256, 256, 256), 'selu', 256)
    """

    hidden: tuple[int, ...] = (256, 256, 256)
    activation: ActivationLike | Sequence[ActivationLike] = "selu"
    loss: LossLike = "cross_entropy"
    dropout: float = 0.0
    layer_norm: bool = False
    parametrization: str = "standard"
    scaled_input: bool = False
    zero_output: bool = False
    embedding_width: int = DEFAULT_WIDTH
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    settings: Settings = field(default_factory=Settings)
    lbfgs: LBFGS | None = None
    lowers_rate: bool = False
    alpha: float = 0.0
    validation_fraction: float = 0.2
    keeps: Literal["best", "last"] = "best"
    standardizes: bool = True
    clips: bool = True
    n_members: int = 1

    def __post_init__(self) -> None:
        settle(self, alpha=NOT_NEGATIVE, lowers_rate=FLAG, standardizes=FLAG, clips=FLAG, n_members=COUNT)
        settle(self, validation_fraction=BELOW_ONE)
        object.__setattr__(self, "hidden", tuple(self.hidden))
        object.__setattr__(self, "loss", resolve_loss(self.loss))
        if isinstance(self.loss, Poisson):
            object.__setattr__(self, "standardizes", False)
        if self.keeps not in ("best", "last"):
            raise UnknownName(f"Recipe(keeps={self.keeps!r}): there is 'best' and 'last'")

    def network(self, encoder: Encoder, n_outputs: int) -> MLP:
        """The network for a table with this encoder, and for so many classes, labels or numbers.

        Raises
        ------
        BadSetting, UnknownName
            As `MLP`.
        """
        one_score = isinstance(resolve_loss(self.loss), BinaryCrossEntropy)
        return MLP(
            (encoder.n_inputs, *self.hidden, 1 if one_score else n_outputs),
            self.activation,
            self.loss,
            dropout=self.dropout,
            layer_norm=self.layer_norm,
            parametrization=self.parametrization,
            scaled_input=self.scaled_input,
            zero_output=self.zero_output,
            embedded=encoder.embedded,
            embedding_width=self.embedding_width,
        )

    def settings_for(self, n_rows: int, amount: float | None = None) -> Settings:
        """The settings of a training on so many rows, on which scikit-learn's penalty depends.

        Parameters
        ----------
        n_rows : int
        amount : float, optional
            What the rows weigh together, which is their number if all of them weigh 1. L-BFGS goes by it: there a row
            of weight 2 is two rows.
        """
        if not self.alpha:
            return self.settings
        factor = 2.0 if isinstance(self.loss, SquaredError) else 1.0
        amount = n_rows if amount is None else amount
        n_together = amount if self.lbfgs is not None else self.settings.rows_per_batch(n_rows)
        l2 = self.settings.l2 + factor * self.alpha / n_together
        return dataclasses.replace(self.settings, l2=l2)


@final
@dataclass(frozen=True, slots=True)
class InverseScaling:
    """1 / t^power, where t is one more than the number of rows that were seen in whole epochs, as in scikit-learn.

    Examples
    --------
    >>> schedule = InverseScaling(power=0.5, n_rows=100, epochs=10)
    >>> [round(float(schedule(progress)), 4) for progress in (0.0, 0.09, 0.1)]
    [1.0, 1.0, 0.0995]
    """

    power: float
    n_rows: int
    epochs: int

    def __call__(self, progress: Array) -> Array:
        """The factor at a progress."""
        # Progress is that of the middle of a step, so rounding cannot take it to another epoch.
        seen = np.floor(progress * self.epochs) * float(self.n_rows)
        return np.exp(-self.power * np.log(seen + 1.0))


def loss_of(task: Task, *, label_smoothing: float = 0.0, n_classes: int | None = None) -> LossLike:
    """The loss of a task unless another is named.

    Parameters
    ----------
    task : {"classification", "regression", "multilabel"}
    label_smoothing : float
    n_classes : int, optional
        If two, one score stands for both.

    Examples
    --------
    >>> loss_of("classification", label_smoothing=0.1)
    CrossEntropy(label_smoothing=0.1)
    """
    if task == "regression":
        return SquaredError()
    if task == "multilabel":
        return MultiLabelCrossEntropy(label_smoothing)
    return BinaryCrossEntropy(label_smoothing) if n_classes == 2 else CrossEntropy(label_smoothing)


def tuned(task: Task) -> Recipe:
    """RealMLP-TD-S, which does well on tables without tuning.

    Source: Holzmüller, Grinsztajn, Steinwart 2024, "Better by default: strong pre-tuned MLPs and boosted trees on
    tabular data", appendix A. Other than there, columns of more categories than the encoder writes out one by one are
    embedded.
    """
    is_regression = task == "regression"
    return Recipe(
        hidden=(256, 256, 256),
        activation="mish" if is_regression else "selu",
        loss=loss_of(task, label_smoothing=0.0 if is_regression else 0.1),
        parametrization="neural_tangent",
        scaled_input=True,
        zero_output=True,
        encoder=EncoderSettings(numeric="robust"),
        settings=Settings(
            epochs=256,
            batch_size=256,
            # The original leaves a smaller last minibatch out.
            is_batch_even=True,
            optimizer=Adam(0.07 if is_regression else 0.04, beta2=0.95),
            schedule="coslog4",
            patience=None,
            monitor="score" if task == "classification" else "loss",
            ties="last",
        ),
    )


def sklearn(task: Task) -> Recipe:
    """The defaults of scikit-learn 1.9: columns and target as they are, no rows held out, the last epoch kept."""
    return Recipe(
        hidden=(100,),
        activation="relu",
        loss=loss_of(task),
        parametrization="glorot",
        encoder=EncoderSettings(numeric="none"),
        settings=Settings(
            epochs=200,
            batch_size=200,
            optimizer=Adam(1e-3),
            schedule="constant",
            patience=10,
            monitor="loss",
            tolerance=1e-4,
        ),
        alpha=1e-4,
        validation_fraction=0.0,
        keeps="last",
        standardizes=False,
        clips=False,
    )


PRESETS: Mapping[str, Callable[[Task], Recipe]] = {"tuned": tuned, "sklearn": sklearn}


def preset(name: str, task: Task) -> Recipe:
    """The recipe of a preset for a task.

    Raises
    ------
    UnknownName
        When there is no such preset.

    Examples
    --------
    >>> preset("sklearn", "regression").settings.batch_size
    200
    """
    return look_up("preset", PRESETS, name)(task)
