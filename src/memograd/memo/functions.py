"""Memoized functions and methods: threads wait for one computation, processes for one lock."""

from __future__ import annotations

import threading
import time
from typing import Any, final

from memograd.memo.flight import AGAIN, LEAD, Flight, Flights
from memograd.memo.memoized import UNKEYED, Call, Memoized
from memograd.memo.shelf import MISS


@final
class MemoizedFunction(Memoized):
    """A function that looks before it computes."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._flights = Flights()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result of the call: the stored one, or a new one that is stored.

        Raises
        ------
        CannotDigest
            When an argument has no digest, unless on_refuse is "call".
        Exception
            Whatever the function raises; exceptions are not stored.
        """
        start = time.perf_counter()
        if self._is_bypassed():
            try:
                return self._function(*args, **kwargs)
            finally:
                self._bypassed(start)
        found, call = self._look(args, kwargs, start)
        if found is not MISS:
            return found
        if call is UNKEYED:
            return self._function(*args, **kwargs)
        return self._once(call)

    def _once(self, call: Call) -> Any:
        """Compute, unless another thread does so already: then wait, and look again."""
        me = threading.current_thread()
        while True:
            turn = self._flights.board(call.key.digest, me)
            if turn is AGAIN:
                return self._function(*call.args, **call.kwargs)
            if isinstance(turn, Flight):
                turn.wait(me)
                found = self._recall_again(call)
                if found is not MISS:
                    return found
                continue
            assert turn is LEAD
            try:
                return self._lead(call)
            finally:
                self._flights.land(call.key.digest)

    def _lead(self, call: Call) -> Any:
        with self._shelf.lock(call.key):
            # Another process may have been first.
            found = self._recall_again(call)
            return found if found is not MISS else self._compute(call)

    def _compute(self, call: Call) -> Any:
        begun = time.perf_counter()
        value = self._function(*call.args, **call.kwargs)
        cost = time.perf_counter() - begun
        kept = self._keep(call, value, cost)
        self._missed(cost, begun - call.looked_seconds)
        return kept
