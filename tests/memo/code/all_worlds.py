"""All projects that identities are tested with."""

from __future__ import annotations

from collections.abc import Sequence

from .calls import CALLS
from .classes import CLASSES
from .exotic import EXOTIC
from .syntax import EXPRESSIONS, STATEMENTS
from .values import DEFAULTS, VALUES
from .worlds import World
from .wrappers import OBJECTS, WRAPPERS

ALL: Sequence[World] = (CALLS, VALUES, DEFAULTS, EXPRESSIONS, STATEMENTS, CLASSES, WRAPPERS, OBJECTS, EXOTIC)
