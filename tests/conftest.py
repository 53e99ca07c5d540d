"""What all tests share: the flag that renews golden files, and patience with slow machines."""

from __future__ import annotations

import pytest
from hypothesis import settings

# A slow machine is no wrong result.
settings.register_profile("memograd", deadline=None)
settings.load_profile("memograd")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag."""
    parser.addoption(
        "--refresh-golden", action="store_true", help="write golden files anew instead of comparing with them"
    )


@pytest.fixture(scope="session")
def refresh_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written anew."""
    return bool(request.config.getoption("--refresh-golden"))
