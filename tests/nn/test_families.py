"""Names: looked up, written and read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from memograd.errors import ModelFileError, UnknownName
from memograd.nn.activations import resolve_activation
from memograd.nn.families import Family, look_up
from memograd.nn.losses import LOSSES, FunctionLoss, resolve_loss
from memograd.nn.optimizers import OPTIMIZERS, Adam, resolve_optimizer
from memograd.nn.regression import Huber
from memograd.nn.schedules import SCHEDULES, resolve_schedule

FAMILIES: list[Family[Any]] = [LOSSES, SCHEDULES, OPTIMIZERS]
MEMBERS = [(family, name) for family in FAMILIES for name in family.members]


def test_an_unknown_name_is_answered_with_close_ones_and_all() -> None:
    """The message has the kind, the name, what is close to it, and the whole table in order."""
    with pytest.raises(UnknownName) as caught:
        look_up("loss", {"squared_error": 1, "huber": 2}, "squared_eror")
    expected = "there is no loss 'squared_eror'; did you mean 'squared_error'? There are: huber, squared_error"
    assert str(caught.value) == expected


def test_a_name_that_is_close_to_none_is_answered_with_all() -> None:
    """Nothing is suggested that is not close."""
    with pytest.raises(UnknownName, match=r"^there is no loss 'zzz'. There are: huber$"):
        look_up("loss", {"huber": 2}, "zzz")


@pytest.mark.parametrize(("family", "name"), MEMBERS)
def test_every_member_goes_through_json_and_back(family: Family[Any], name: str) -> None:
    """A member's description is JSON, starts with its name, and makes an equal member."""
    record = family.make(name)
    config = family.to_config(record)
    assert config["name"] == name
    assert family.from_config(json.loads(json.dumps(config))) == record


def test_settings_are_kept() -> None:
    """A setting that is not the default survives."""
    assert LOSSES.from_config({"name": "huber", "delta": 2.5}) == LOSSES.members["huber"](delta=2.5)  # type: ignore[call-arg]


def test_a_function_cannot_be_written() -> None:
    """The message says why a function cannot be in a file, and what to do."""
    with pytest.raises(ModelFileError, match="is code, and a model file holds only names and numbers: use one of abs"):
        LOSSES.to_config(FunctionLoss(lambda scores, target: scores))


def test_an_unknown_setting_is_refused() -> None:
    """A description with a setting that the member lacks is an error that names it."""
    with pytest.raises(ModelFileError, match="the loss 'huber' has no setting gamma"):
        LOSSES.from_config({"name": "huber", "gamma": 1.0})


def test_a_description_without_a_name_is_refused() -> None:
    """A description that names nothing is an error."""
    with pytest.raises(UnknownName, match="there is no loss 'None'"):
        LOSSES.from_config({"delta": 1.0})


@pytest.mark.parametrize("thing", [None, 3, Huber, Adam, ["huber"]])
@pytest.mark.parametrize("resolve", [resolve_activation, resolve_loss, resolve_optimizer, resolve_schedule])
def test_what_is_no_name_is_answered_with_all(resolve: Callable[[Any], Any], thing: Any) -> None:
    """Neither a name nor a record nor a function: the table is listed; a class is not taken for a function."""
    with pytest.raises(UnknownName, match=r"^there is no .* There are: "):
        resolve(thing)
