"""The row of instances of plain classes: those of the project that say nothing of themselves, and need not.

An instance is told by the code of its class and by its attributes where these are all that it is. That is so when
nothing but attributes lies in it, and when its class shows no sign of anything beyond them: a handle that has to be
closed, a place in an iteration, a way of its own to be copied. What the standard library and C make has no row here:
there, what an instance is may stand elsewhere.

Like all values, two instances with one class and equal attributes are one. What a class keeps of its instances beside
them, by their identity, is not seen.
"""

from __future__ import annotations

import sys
from typing import Any

from memograd.digest.attributes import grows_by_attributes, reader_of_attributes
from memograd.digest.instances import identify, maker_of_nodes
from memograd.digest.node import Code, Row
from memograd.digest.refusal import sign_of_more, words_for


def resolve_plain(kind: type, code: Code | None) -> Row | None:
    """The row of the instances of a plain class; none without a hook that says what its methods do."""
    if code is None or not _is_plain(kind):
        return None
    identity = identify(kind, code)
    if identity.said is NotImplemented:
        return None
    instance = maker_of_nodes("instance", identity)
    attributes_of = reader_of_attributes(kind, object)
    return lambda value: instance({}, attributes_of(value))


def _is_plain(kind: Any) -> bool:
    return (
        kind is not object
        and kind.__module__.partition(".")[0] not in sys.stdlib_module_names
        and words_for(kind) is None
        and sign_of_more(kind) is None
        and grows_by_attributes(kind, object)
    )
