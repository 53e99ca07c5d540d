"""The arguments of `memograd train`: their names are those of the library, and none is left out of the key."""

from __future__ import annotations

import argparse

import pytest

from memograd.cli.train import names
from memograd.cli.train.arguments import OPTIONS, add_arguments, options_of
from memograd.cli.train.curve import WRITERS
from memograd.nn.activations import ACTIVATIONS
from memograd.nn.schedules import SCHEDULES
from memograd.train.recipe import PRESETS, TASKS

WITHOUT_EFFECT = {"data", "val", "model", "curve", "plot", "json", "store", "no_store"}
"""What the model does not depend on, but for the content of the two files, which is in the key by itself."""


def parsed(*arguments: str) -> argparse.Namespace:
    """Return arguments as the command has them."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(["t.csv", "--target", "y", *arguments])


def test_names() -> None:
    """What options take is what the library has."""
    assert tuple(sorted(ACTIVATIONS)) == names.ACTIVATIONS
    assert tuple(sorted(SCHEDULES.members)) == names.SCHEDULES
    assert tuple(PRESETS) == names.PRESETS
    assert set(names.TASKS) < set(TASKS)
    assert tuple(sorted(WRITERS)) == names.CURVE_FILES


def test_every_argument_is_in_the_key_or_has_no_effect() -> None:
    """An argument that is added must be put into the key, or be known to change no model."""
    assert set(vars(parsed())) == {*OPTIONS, *WITHOUT_EFFECT}
    assert WITHOUT_EFFECT.isdisjoint(OPTIONS)


def test_what_is_not_given_is_left_to_the_preset() -> None:
    """Options without a value are None, so that a preset decides."""
    given = {name for name, value in options_of(parsed()).items() if value is not None}
    assert given == {"target", "ignore", "category", "preset", "seed"}


def test_one_way_to_write_options() -> None:
    """The same options in another order, or twice, are the same."""
    once = options_of(parsed("--ignore", "a", "--ignore", "b"))
    assert once == options_of(parsed("--ignore", "b", "--ignore", "a", "--ignore", "b"))


@pytest.mark.parametrize("schedule", names.SCHEDULES)
def test_schedules_need_no_settings(schedule: str) -> None:
    """Every schedule that can be named can be made of its name."""
    assert SCHEDULES.make(schedule) is not None
