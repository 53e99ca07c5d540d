"""A code cache of the tests' own: none of them writes into the user's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from memograd.engine.native import jit
from memograd.engine.native.cache import CodeCache


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where compiled code is kept while the tests run."""
    return tmp_path_factory.mktemp("home") / "code"


@pytest.fixture(scope="module", autouse=True)
def own_cache(cache_folder: Path) -> Iterator[CodeCache]:
    """The cache that all code of a test module goes through."""
    cache = CodeCache(cache_folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jit, "code_cache", lambda: cache)
        yield cache
