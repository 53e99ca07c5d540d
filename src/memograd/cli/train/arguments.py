"""The arguments of `memograd train`. Which of them the result depends on, and which only say where it goes."""

from __future__ import annotations

import argparse
from typing import Any

from memograd.cli.arguments import at_least, hidden_sizes, positive, share
from memograd.cli.train.names import ACTIVATIONS, CURVE_FILES, PRESETS, SCHEDULES, TASKS
from memograd.cli.train.stores import VARIABLE

OPTIONS = (
    "target", "task", "ignore", "category", "preset", "hidden", "activation", "dropout", "epochs", "patience",
    "batch_size", "learning_rate", "schedule", "seed", "folds",
)  # fmt: skip
"""What the result depends on besides the tables. An option that is not given is None, and the preset's affair."""

MAX_FOLDS = 100


def curve_file(text: str) -> str:
    """The name of a file for a curve; what it is to hold is told by its ending.

    Examples
    --------
    >>> curve_file("loss.csv")
    'loss.csv'
    """
    if not text.lower().endswith(CURVE_FILES):
        raise argparse.ArgumentTypeError(f"{text!r} has none of the endings {', '.join(CURVE_FILES)}")
    return text


def options_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options that the result depends on, those that mean the same written in one way."""
    options = {name: getattr(arguments, name) for name in OPTIONS}
    return {**options, **{name: sorted(set(options[name])) for name in ("ignore", "category")}}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "data", metavar="DATA.csv",
        help="a CSV file with a header; numbers, truth values, ISO dates and categories, with gaps or without",
    )  # fmt: skip
    parser.add_argument("--target", required=True, metavar="COL", help="the column to predict")
    parser.add_argument("--task", choices=TASKS, help="what to make of the target (default: by its values)")
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="COL", help="leave a column out; may be repeated"
    )
    parser.add_argument(
        "--category", action="append", default=[], metavar="COL",
        help="a column whose numbers only name something, such as postcodes; may be repeated",
    )  # fmt: skip
    held_out = parser.add_mutually_exclusive_group()
    held_out.add_argument(
        "--val", metavar="FILE", help="hold out these rows, of the same columns (default: a fifth of the table)"
    )
    held_out.add_argument(
        "--folds", type=at_least(2, MAX_FOLDS), metavar="K",
        help="train K networks, each with another part of the rows held out, and predict by their mean",
    )  # fmt: skip
    _add_network_arguments(parser.add_argument_group("the network"))
    _add_training_arguments(parser.add_argument_group("its training"))
    _add_result_arguments(parser.add_argument_group("the result"))
    _add_store_arguments(parser.add_argument_group("what is remembered"))


def _add_network_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--preset", choices=PRESETS, default="tuned",
        help="what chooses all that is not given: tuned is RealMLP-TD-S, sklearn has the defaults of scikit-learn "
        "(default: tuned)",
    )  # fmt: skip
    group.add_argument(
        "--hidden", type=hidden_sizes, metavar="N,N", help="nodes of each hidden layer, such as 64,64, or none"
    )
    group.add_argument(
        "--activation", choices=ACTIVATIONS, metavar="NAME", help=f"of the hidden layers: {', '.join(ACTIVATIONS)}"
    )
    group.add_argument("--dropout", type=share, metavar="RATE", help="share of hidden outputs dropped in training")


def _add_training_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--epochs", type=at_least(1), metavar="N", help="at most so many passes over the rows")
    group.add_argument(
        "--patience",
        type=at_least(1),
        metavar="N",
        help="stop after so many epochs that were no better on rows held out",
    )
    group.add_argument("--batch-size", type=at_least(1), metavar="N", help="rows of a minibatch")
    group.add_argument("--learning-rate", type=positive, metavar="RATE", help="the largest one, such as 0.001")
    group.add_argument(
        "--schedule", choices=SCHEDULES, metavar="NAME", help=f"of the learning rate: {', '.join(SCHEDULES)}"
    )
    group.add_argument(
        "--seed", type=at_least(0), default=0, metavar="S", help="the same seed gives the same model (default: 0)"
    )


def _add_result_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--model", metavar="OUT", help="where to write the model (default: DATA.model, here)")
    group.add_argument(
        "--curve", type=curve_file, metavar="FILE",
        help="write the losses of each epoch: as numbers to a .csv or .json, as a picture to a .png, .svg or .pdf",
    )  # fmt: skip
    group.add_argument(
        "--plot", action=argparse.BooleanOptionalAction, help="draw the losses as text (default: on a terminal)"
    )
    group.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def _add_store_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--store", metavar="DIR",
        help=f"remember trainings there (default: ${VARIABLE}, else 4 GiB in the user's cache directory)",
    )  # fmt: skip
    group.add_argument("--no-store", action="store_true", help="recall nothing, and remember nothing")
