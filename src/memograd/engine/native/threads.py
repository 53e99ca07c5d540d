"""How threads wait for each other inside machine code.

A barrier counts arrivals; the last to arrive sets the count back and lets the others go by a new generation. Waiting
spins for a moment, which is what a barrier between two free cores takes, and then gives the core away at each look: a
thread whose core is taken by somebody else would otherwise keep the others from finishing.
"""

from __future__ import annotations

from memograd.engine.native.ir import Builder, Value
from memograd.engine.native.ir_types import I32, I64, PTR, VOID

SPINS = 4000

# The control block, in 64-bit words: two words that all threads write, each in a cache line of its own.
ARRIVED, GENERATION, STOP, WORDS = 0, 8, 16, 24


def barrier(b: Builder, control: Value, n_threads: Value) -> None:
    """Wait until all threads are here; what they wrote before is then seen by all."""
    name = b.module.shared(("barrier",), VOID, [PTR, I64], _body)
    b.branch(n_threads > 1, lambda: b.invoke(name, VOID, control, n_threads))


def _body(b: Builder, control: Value, n_threads: Value) -> None:
    arrived, generation = (b.offset(control, word, I64) for word in (ARRIVED, GENERATION))
    now = b.atomic_load(generation)
    before = b.atomic_add(arrived, 1)

    def release() -> None:
        b.atomic_store(arrived, b.constant(0, I64))
        b.atomic_add(generation, 1)

    def wait() -> None:
        count = b.stack(I64, 1)
        b.store(count, b.constant(0, I64))
        with b.forever() as leave:
            leave(b.compare("!=", b.atomic_load(generation), now))
            spins = b.load(count, I64)
            b.store(count, spins + 1)
            b.branch(spins > SPINS, lambda: b.call("sched_yield", I32))

    b.branch(b.compare("==", before + 1, n_threads), release, wait)
