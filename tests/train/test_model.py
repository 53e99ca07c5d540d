"""A model: its parts fit each other, and what it predicts for a row depends on that row alone."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from memograd.errors import BadSetting, CannotLower, DataError
from memograd.graph.tree import map_leaves
from memograd.nn.mlp import MLP
from memograd.table.columns import as_table
from memograd.table.encoder import Encoder, EncoderSettings
from memograd.table.target import ClassTarget, LabelTarget, NumberTarget
from memograd.train import blocks
from memograd.train.blocks import Blocks
from memograd.train.model import Model

RNG = np.random.default_rng(0)
X = RNG.normal(size=(1000, 5)) * [1, 10, 0.1, 1, 1]
X[RNG.random(X.shape) < 0.05] = np.nan
CLASSES = ClassTarget.fit(np.array(["x", "y", "z"]))
NUMBERS = NumberTarget.fit(RNG.normal(size=(50, 2)) * 100)

NETWORKS: dict[str, dict[str, Any]] = {
    "tuned": {"activation": "selu", "parametrization": "neural_tangent", "scaled_input": True},
    "plain": {"activation": "relu"},
    "normalized": {"activation": "tanh", "layer_norm": True},
    "gelu": {"activation": "gelu", "dropout": 0.3},
    "mish": {"activation": "mish"},
    "own": {"activation": lambda x: np.sin(x) * np.exp(-np.abs(x))},
}


def model_of(
    hidden: tuple[int, ...] = (32, 16), n_members: int = 1, target: Any = CLASSES, data: Any = X, **settings: Any
) -> Model:
    """Return a model of random parameters; the biases, too."""
    encoder = Encoder.fit(as_table(data), EncoderSettings())
    loss = {ClassTarget: "cross_entropy", NumberTarget: "squared_error", LabelTarget: "multilabel_cross_entropy"}
    sizes = (encoder.n_inputs, *hidden, target.n_outputs)
    network = MLP(sizes, **{"activation": "tanh", "loss": loss[type(target)], "embedded": encoder.embedded, **settings})
    rng = np.random.default_rng(7)
    members = [
        map_leaves(lambda leaf: leaf + rng.normal(size=leaf.shape).astype(np.float32) * 0.1, network.init(seed))
        for seed in range(n_members)
    ]
    return Model(network, tuple(members), encoder, target)


def predicted(model: Model, data: Any) -> np.ndarray:
    """Return what the model gives: probabilities, or numbers."""
    return model.predict(data) if isinstance(model.target, NumberTarget) else model.predict_proba(data)


def is_the_same_by_rows(model: Model, data: np.ndarray, n_rows: list[int]) -> bool:
    """Whether any part of the rows, in any order, is predicted as it is among all of them."""
    whole = predicted(model, data)
    order = np.random.default_rng(1).permutation(len(data))
    parts = [np.arange(n) for n in n_rows] + [order[:n] for n in n_rows]
    return all(np.array_equal(predicted(model, data[part]), whole[part]) for part in parts)


@pytest.mark.parametrize("settings", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("hidden", [(), (1,), (3,), (8, 5), (17, 33), (100,), (256, 256, 256)], ids=str)
def test_rows_alone(hidden: tuple[int, ...], settings: dict[str, Any]) -> None:
    """A subset is predicted as it is within the whole, bit for bit, whatever the network, the rows and their order."""
    if not hidden and not isinstance(settings["activation"], str):
        pytest.skip("without hidden layers there is no activation")
    model = model_of(hidden, **settings)
    data = X[:300]
    assert is_the_same_by_rows(model, data, [1, 2, 3, 7, 8, 9, 48, 49, 127, 128, 129, 135, 255, 256, 257])


def test_every_number_of_rows() -> None:
    """From one to a thousand rows, each number of them, and each row alone: what a row gets is always the same."""
    model = model_of((24, 24), n_members=3)
    whole = model.predict_proba(X)
    scores = model.scores(X)
    assert all(np.array_equal(model.predict_proba(X[:n]), whole[:n]) for n in range(1, 1001, 7))
    assert all(np.array_equal(model.predict_proba(X[i : i + 1]), whole[i : i + 1]) for i in range(0, 1000, 3))
    assert all(np.array_equal(model.scores(X[n:]), scores[:, n:]) for n in range(0, 1000, 11))


@pytest.mark.parametrize("target", [CLASSES, NUMBERS, LabelTarget(4)], ids=["classes", "numbers", "labels"])
@pytest.mark.parametrize("n_members", [1, 2, 9])
def test_rows_alone_of_ensembles(target: Any, n_members: int) -> None:
    """The mean over members is taken row by row: it is not summed in another order when there are more rows."""
    model = model_of((12,), n_members, target)
    assert is_the_same_by_rows(model, X[:140], [1, 2, 8, 9, 139])


def test_rows_alone_with_one_output() -> None:
    """One number for each row, of one member or of ten, is also the same for one row."""
    for n_members in (1, 10):
        model = model_of((12,), n_members, NumberTarget.fit(np.arange(9.0)))
        assert model.predict(X).shape == (1000,)
        assert is_the_same_by_rows(model, X, [1, 2, 8, 9, 999])


def test_rows_alone_of_layouts() -> None:
    """Columns first, every other row, reversed rows, float32 and lists are the same numbers."""
    data = X[:100].astype(np.float32).astype(np.float64)
    model = model_of(data=data)
    whole = model.predict_proba(data)
    wide = np.full((200, 10), np.nan)
    wide[::2, ::2] = data
    for same in (np.asfortranarray(data), wide[::2, ::2], data.astype(np.float32), data.tolist()):
        assert np.array_equal(model.predict_proba(same), whole)
    assert np.array_equal(model.predict_proba(data[::-1]), whole[::-1])


def test_rows_alone_of_mixed_columns() -> None:
    """Categories, embedded or not, and rows that were never seen do not touch their neighbours."""
    n = 200
    columns = {
        "number": RNG.normal(size=n).tolist(),
        "few": RNG.choice(["a", "b", "c"], n).tolist(),
        "many": [f"c{i}" for i in RNG.integers(0, 40, n)],
    }
    table = as_table(columns)
    model = model_of((16,), data=table)
    assert model.encoder.embedded
    whole = model.predict_proba(table)
    odd = as_table({**columns, "many": ["?", *columns["many"][1:]]})
    assert np.array_equal(model.predict_proba(odd)[1:], whole[1:])
    assert not np.array_equal(model.predict_proba(odd)[0], whole[0])
    for rows in ([5], [7, 3], list(range(50, 190))):
        assert np.array_equal(model.predict_proba(table.take(rows)), whole[rows])


def test_without_machine_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy predicts where machine code cannot, almost the same numbers, and rows are alone there, too."""
    by_machine = model_of((40, 30), n_members=2).predict_proba(X[:60])
    compile_ = blocks.compile

    def refuse(*arguments: Any, engine: str) -> Any:
        if engine == "native":
            raise CannotLower("no")
        return compile_(*arguments, engine=engine)

    monkeypatch.setattr(blocks, "compile", refuse)
    monkeypatch.setattr("memograd.train.model.blocks_of", Blocks)
    model = model_of((40, 30), n_members=2)
    np.testing.assert_allclose(model.predict_proba(X[:60]), by_machine, atol=1e-5)
    assert is_the_same_by_rows(model, X[:60], [1, 2, 3, 59])


def test_scores() -> None:
    """Scores are those of the network on the encoded rows, for each member; rounding apart."""
    model = model_of((50,), n_members=2)
    encoded = model.encoder.transform(as_table(X))
    for member, parameters in enumerate(model.members):
        np.testing.assert_allclose(model.scores(X)[member], model.network(parameters, encoded), atol=1e-5)


def test_classes() -> None:
    """The class predicted is that of the largest probability, and probabilities are means that add up to one."""
    model = model_of(n_members=3)
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert model.predict(X).tolist() == CLASSES.labels[probabilities.argmax(axis=1)].tolist()
    alone = [Model(model.network, (member,), model.encoder, CLASSES).predict_proba(X) for member in model.members]
    np.testing.assert_allclose(probabilities, np.mean(alone, axis=0))


def test_one_score_for_two_classes() -> None:
    """A network of one score tells two classes apart."""
    target = ClassTarget.fit([False, True])
    encoder = Encoder.fit(as_table(X))
    network = MLP((encoder.n_inputs, 4, 1), "tanh", "binary_cross_entropy")
    model = Model(network, (network.init(0),), encoder, target)
    assert np.array_equal(model.predict(X), model.predict_proba(X)[:, 1] > 0.5)
    assert is_the_same_by_rows(model, X[:30], [1, 8, 9])


def test_labels() -> None:
    """A label is predicted where it is more probable than not."""
    model = model_of(target=LabelTarget(3))
    assert np.array_equal(model.predict(X), (model.predict_proba(X) > 0.5).astype(np.int64))


def test_clipped_numbers() -> None:
    """With `clip`, and only with it, no number is outside of what was seen."""
    far = np.where(np.isnan(X), 0, X)
    target = NumberTarget.fit(np.linspace(-1e-3, 1e-3, 5))
    target = dataclasses.replace(target, scale=np.array([50.0]))
    model = model_of(target=target)
    assert np.abs(model.predict(far)).max() > 1e-3
    clipped = dataclasses.replace(model, clip=True).predict(far)
    assert -1e-3 <= clipped.min() < clipped.max() <= 1e-3


def test_no_probabilities_of_numbers() -> None:
    """A model of numbers says that it has no probabilities."""
    with pytest.raises(BadSetting, match="no probabilities"):
        model_of(target=NUMBERS).predict_proba(X)


def test_overflow() -> None:
    """A row whose scores are not finite is an error that names it, not a class; others are predicted without it."""
    model = model_of((4,), activation="relu")
    huge = map_leaves(lambda leaf: leaf * np.float32(1e38), model.members[0])
    with pytest.raises(DataError, match=r"row \d+ has no finite prediction"):
        Model(model.network, (huge,), model.encoder, model.target).predict(X)


def test_no_rows() -> None:
    """No rows give no predictions, of the right shape."""
    assert model_of().predict_proba(as_table(X).take([])).shape == (0, 3)
    assert model_of(target=NUMBERS).predict(as_table(X).take([])).shape == (0, 2)


def test_pickled() -> None:
    """A model that comes out of a pickle predicts the same bits; machine code does not go in."""
    model = model_of(n_members=2)
    model.predict(X)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.scores(X), model.scores(X))
    assert b"llvm" not in pickle.dumps(model).lower()


def test_programs_are_shared() -> None:
    """Models of equal networks share machine code, and those with a function of the user's own do not."""
    assert model_of()._blocks is model_of()._blocks
    one, other = (model_of(activation=lambda x, c=c: c * x) for c in (1.0, 2.0))
    assert one._blocks is not other._blocks
    assert not np.array_equal(one.predict_proba(X[:9]), other.predict_proba(X[:9]))


def test_threads() -> None:
    """Several threads can predict at one time."""
    model = model_of((64, 64))
    whole = predicted(model, X)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: predicted(model, X[:n]), range(1, 300, 3)))
    assert all(np.array_equal(part, whole[: len(part)]) for part in found)


def test_members_are_not_aliased() -> None:
    """Columns-first parameters are laid out anew, and predict the same."""
    model = model_of()
    turned = map_leaves(np.asfortranarray, model.members[0])
    assert np.array_equal(Model(model.network, (turned,), model.encoder, CLASSES).scores(X), model.scores(X))


MISFITS: dict[str, tuple[Callable[[Model], dict[str, Any]], str]] = {
    "no members": (lambda m: {"members": ()}, "there are no parameters"),
    "target": (lambda m: {"target": "y"}, "the target is 'y'"),
    "encoder": (lambda m: {"encoder": Encoder.fit(as_table(X[:, :2]))}, "does not give the network's inputs"),
    "loss": (lambda m: {"target": NUMBERS}, "the loss is not one of a regression"),
    "outputs": (lambda m: {"target": ClassTarget.fit([0, 1])}, "outputs are not those of the target"),
    "shapes": (lambda m: {"members": (m.network.init(0)[:-1],)}, "a member's parameters"),
    "dtype": (lambda m: {"members": (m.network.init(0, np.float64),)}, "a member's parameters"),
}


@pytest.mark.parametrize(("change", "message"), MISFITS.values(), ids=MISFITS)
def test_misfits(change: Callable[[Model], dict[str, Any]], message: str) -> None:
    """A model cannot be made of parts that do not fit; the message says which."""
    model = model_of()
    with pytest.raises(BadSetting, match=message):
        dataclasses.replace(model, **change(model))
