"""Edits of small projects: every one that changes the meaning is seen, and what does not is not mistaken for one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from memograd.memo.report import differences
from memograd.memo.shelf import parts_of

from .all_worlds import ALL
from .worlds import Edit, Seen, World, see

Unedited = Mapping[str, Seen]

MEANT = [pytest.param(world, edit, id=f"{world.name}: {edit.name}") for world in ALL for edit in world.meant]
HARMLESS = [pytest.param(world, edit, id=f"{world.name}: {edit.name}") for world in ALL for edit in world.harmless]


@pytest.fixture(scope="module")
def unedited(tmp_path_factory: pytest.TempPathFactory) -> Unedited:
    """What is seen of each project before any edit."""
    return {world.name: see(tmp_path_factory.mktemp("unedited"), world.sources) for world in ALL}


@pytest.mark.parametrize(("world", "edit"), MEANT)
def test_an_edit_that_changes_the_meaning_changes_the_identity(
    world: World, edit: Edit, unedited: Unedited, tmp_path: Path
) -> None:
    """What returns something else has another identity, and the old one after the edit is undone."""
    before, after = unedited[world.name], see(tmp_path, edit.applied(world.sources))
    assert before.result != after.result
    assert before.identity.digest != after.identity.digest
    assert differences(parts_of(after.identity), parts_of(before.identity))
    assert see(tmp_path, world.sources).identity == before.identity


@pytest.mark.parametrize(("world", "edit"), HARMLESS)
def test_an_edit_that_does_not_change_the_meaning_keeps_the_identity(
    world: World, edit: Edit, unedited: Unedited, tmp_path: Path
) -> None:
    """Stored results stay reachable after comments, formatting, moves and edits elsewhere."""
    before, after = unedited[world.name], see(tmp_path, edit.applied(world.sources))
    assert before.result == after.result
    assert before.identity.digest == after.identity.digest


def test_there_are_enough_edits() -> None:
    """Of edits that change the meaning there are more than two hundred; of those that do not, all keep their hits."""
    assert len(MEANT) >= 200
    assert len(HARMLESS) >= 60
