"""Once means once, within a process: whoever asks for what is being computed waits for it.

Waiting in a circle (one thread computes f(1) and needs g(1), another computes g(1) and needs f(1)) would last for ever;
whoever would close the circle is told to compute for itself. A circle through another process is not seen: such calls
need each other and would not end without memo either, unless a parameter that does not count ends them.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, final

from memograd.store.locks import guard

if TYPE_CHECKING:
    from concurrent.futures import Future

LEAD: Final = "lead"
AGAIN: Final = "again"


def running() -> Future[None]:
    """A future that cannot be cancelled: one of many who wait may give up, which must not cancel it for the others."""
    from concurrent.futures import Future  # 4 ms, for those who wait only

    future: Future[None] = Future()
    future.set_running_or_notify_cancel()
    return future


@final
class Flight:
    """A computation that is under way.

    Attributes
    ----------
    leader : object
        The thread or task that computes.
    """

    __slots__ = ("_done", "leader")

    def __init__(self, leader: object) -> None:
        self.leader = leader
        # Made when somebody comes to wait, which is seldom: it takes as long as a look-up.
        self._done: Future[None] | None = None

    def expect(self) -> None:
        """Say that somebody will wait; under `guard`."""
        if self._done is None:
            self._done = running()

    def end(self) -> None:
        """Wake all who wait; when nobody can come to wait any more."""
        if self._done is not None:
            self._done.set_result(None)

    def wait(self, who: object) -> None:
        """Wait for the end; `who` is the thread that boarded."""
        assert self._done is not None
        try:
            self._done.result()
        finally:
            _waits_for.pop(who, None)

    async def wait_in_task(self, who: object, wrapped: Callable[[Future[None]], Awaitable[None]]) -> None:
        """Wait for the end; `who` is the task that boarded, and `wrapped` makes of a future what its loop waits for."""
        assert self._done is not None
        try:
            await wrapped(self._done)
        finally:
            _waits_for.pop(who, None)


_waits_for: dict[object, Flight] = {}
"""The flight that each thread or task waits for, of whatever function; changed under `guard`, or by its own key."""


@final
class Flights:
    """Computations of one function that are under way, by key.

    The first to `board` a key leads: it computes and lands. All others get the flight to wait for. When it is over, the
    result is in the store, or there is none, and the next to board leads.

    Examples
    --------
    >>> flights = Flights()
    >>> flights.board("a", "one"), flights.board("a", "one")
    ('lead', 'again')
    >>> flights.land("a")
    >>> flights.board("a", "another")
    'lead'
    """

    __slots__ = ("_under_way",)

    def __init__(self) -> None:
        # By process: a forked child does not have the threads that lead.
        self._under_way: dict[tuple[int, str], Flight] = {}

    def board(self, key: str, who: object) -> Flight | str:
        """`LEAD` for the first; a flight for others, who then must wait for it.

        `who` is the thread or task that asks. It is told `AGAIN` when waiting would be waiting for itself: the function
        calls itself with the same arguments, directly or by way of what other threads or tasks wait for.
        """
        with guard:
            flight = self._under_way.setdefault((os.getpid(), key), mine := Flight(who))
            if flight is mine:
                return LEAD
            if _leads_back(flight, who):
                return AGAIN
            flight.expect()
            _waits_for[who] = flight
            return flight

    def land(self, key: str) -> None:
        """The leader is done, well or not."""
        with guard:
            flight = self._under_way.pop((os.getpid(), key), None)
        # None in a child that was forked while it was under way.
        if flight is not None:
            flight.end()


def _leads_back(flight: Flight, who: object) -> bool:
    """Whether a flight waits for somebody; there are no circles yet, so this ends."""
    while flight.leader is not who:
        further = _waits_for.get(flight.leader)
        if further is None:
            return False
        flight = further
    return True
