"""A trained model of a table: networks with their parameters, and what stands between the table and the networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memograd.errors import BadSetting, DataError
from memograd.graph.node import Array
from memograd.graph.tree import flatten, map_leaves
from memograd.nn.classification import ClassificationLoss
from memograd.nn.losses import resolve_loss
from memograd.nn.mlp import MLP
from memograd.table.columns import Table, as_table
from memograd.table.encoder import Encoder
from memograd.table.target import ClassTarget, LabelTarget, NumberTarget, Target
from memograd.train.blocks import Blocks, blocks_of

Numbers = NDArray[np.float64]

TASKS: dict[type[Any], str] = {
    ClassTarget: "classification",
    NumberTarget: "regression",
    LabelTarget: "multilabel",
}


@final
@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Predicts a column of a table, or several, from others. Safe to use from several threads; can be pickled.

    Attributes
    ----------
    network : MLP
    members : tuple of (n_members,) trees
        The parameters of each member, in float32. Predictions are the mean over members.
    encoder : Encoder
        From a table to the matrix that the network takes.
    target : ClassTarget, NumberTarget or LabelTarget
        From what the network gives to what is predicted.
    clip : bool
        Whether numbers are clipped to the range that was seen in training.

    Raises
    ------
    BadSetting
        When the parts do not fit each other.

    Examples
    --------
    >>> from memograd.table.encoder import EncoderSettings
    >>> X, y = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array(["no", "yes"])
    >>> encoder, target = Encoder.fit(as_table(X), EncoderSettings()), ClassTarget.fit(y)
    >>> network = MLP((encoder.n_inputs, 4, 2), "tanh", "cross_entropy")
    >>> model = Model(network, (network.init(0), network.init(1)), encoder, target)
    >>> model.predict_proba(X).shape, bool((model.predict_proba(X[1:]) == model.predict_proba(X)[1:]).all())
    ((2, 2), True)
    """

    network: MLP
    members: tuple[Any, ...]
    encoder: Encoder
    target: Target
    clip: bool = False
    _blocks: Blocks = field(init=False, repr=False)
    _leaves: tuple[list[Array], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for is_broken, message in _MISFITS:
            if is_broken(self):
                raise BadSetting(f"{message.format(model=self)}, so the parts of the model do not fit each other")
        object.__setattr__(self, "members", tuple(map_leaves(np.ascontiguousarray, member) for member in self.members))
        object.__setattr__(self, "_blocks", blocks_of(self.network))
        object.__setattr__(self, "_leaves", tuple(flatten(member)[0] for member in self.members))

    def __reduce__(self) -> tuple[Any, ...]:
        # Machine code stays in the process that compiled it.
        return Model, (self.network, self.members, self.encoder, self.target, self.clip)

    @property
    def task(self) -> str:
        """One of "classification", "regression" and "multilabel"."""
        return TASKS[type(self.target)]

    def scores(self, X: Any) -> NDArray[np.float32]:
        """What each member's network gives.

        Parameters
        ----------
        X : Table, or what `as_table` makes one of
            With the columns that the encoder names.

        Returns
        -------
        (n_members, n_rows, n_outputs) float32
            The scores of a row are the same, bit for bit, whatever other rows X has.

        Raises
        ------
        DataError
            When a column is missing or of another kind, or a row has no finite score.
        """
        encoded = self.encoder.transform(X if isinstance(X, Table) else as_table(X))
        found = np.empty((len(self.members), len(encoded), self.network.sizes[-1]), np.float32)
        for member, leaves in enumerate(self._leaves):
            found[member] = self._blocks.scores(leaves, encoded)
            _check_finite(found[member])  # before classes are made of them: of a NaN any could be made
        return found

    def predict_proba(self, X: Any) -> Numbers:
        """The probability of each class, or of each label: (n_rows, n_classes) float64, the mean over members.

        Raises
        ------
        DataError
            As `scores`.
        BadSetting
            When the model predicts numbers.
        """
        loss = resolve_loss(self.network.loss)
        if not hasattr(loss, "probabilities"):
            raise BadSetting(f"a model of {self.task} by {loss!r} has no probabilities; use predict")
        return _mean([loss.probabilities(scores.astype(np.float64)) for scores in self.scores(X)])

    def predict(self, X: Any) -> Array:
        """Predict.

        Returns
        -------
        (n_rows,) of classes, (n_rows,) or (n_rows, n_outputs) float64, or (n_rows, n_labels) int64 of 0 and 1

        Raises
        ------
        DataError
            As `scores`, and when a predicted number overflows.
        """
        if isinstance(self.target, NumberTarget):
            return self._numbers(X)
        return decided(self.target, self.predict_proba(X))

    def _numbers(self, X: Any) -> Array:
        assert isinstance(self.target, NumberTarget)
        loss = resolve_loss(self.network.loss)
        with np.errstate(all="ignore"):
            each = [self.target.decode(loss.predict(scores), clip=self.clip) for scores in self.scores(X)]
            numbers = _mean(each)
        _check_finite(numbers if numbers.ndim == 2 else numbers[:, None])
        return numbers


def decided(target: Target, probabilities: Numbers) -> Array:
    """The classes or labels that probabilities : (n_rows, n_classes) float64 stand for."""
    if isinstance(target, ClassTarget):
        return target.decode(np.argmax(probabilities, axis=1))
    assert isinstance(target, LabelTarget)
    return target.decode(probabilities > 0.5)


def _mean(arrays: Sequence[Array]) -> Array:
    """The mean of arrays of one shape."""
    # One after the other: `np.mean` sums in an order that depends on the number of rows.
    total = np.asarray(arrays[0], np.float64)
    for array in arrays[1:]:
        total = total + array
    return total / len(arrays) if len(arrays) > 1 else total


def _check_finite(values: Array) -> None:
    """Refuse values : (n_rows, n_columns) that are not all finite."""
    lost = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(lost):
        raise DataError(
            f"row {lost[0] + 1} has no finite prediction, for its numbers are too far from those that the model was "
            f"trained on; correct it or leave it out ({len(lost)} of {len(values)} rows are like it)"
        )


def _lacks(model: Model) -> bool:
    """Whether a member's parameters are not those of the network, or not float32."""
    wanted, structure = flatten(model.network.init(0))
    for member in model.members:
        leaves, found = flatten(member)
        if found != structure:
            return True
        if any(np.shape(a) != np.shape(b) or a.dtype != np.float32 for a, b in zip(leaves, wanted, strict=True)):
            return True
    return False


def _is_of_classes(model: Model) -> bool:
    return isinstance(resolve_loss(model.network.loss), ClassificationLoss)


def _n_outputs(model: Model) -> int:
    """Of two classes, one score can stand for both."""
    n_outputs = model.network.sizes[-1]
    return max(n_outputs, 2) if _is_of_classes(model) else n_outputs


_MISFITS: tuple[tuple[Callable[[Model], bool], str], ...] = (
    (lambda m: type(m.target) not in TASKS, "the target is {model.target!r}"),
    (lambda m: not m.members, "there are no parameters"),
    (lambda m: m.encoder.n_inputs != m.network.sizes[0], "the encoder does not give the network's inputs"),
    (lambda m: _is_of_classes(m) != isinstance(m.target, ClassTarget), "the loss is not one of a {model.task}"),
    (lambda m: _n_outputs(m) != m.target.n_outputs, "the network's outputs are not those of the target"),
    (_lacks, "a member's parameters are not those of the network"),
)
"""What can be wrong with a model, each row relying on those before it, and how to say it."""
