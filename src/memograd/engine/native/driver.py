"""The loop over epochs and steps, in machine code: it draws the order of rows, sets the clock and calls the step."""

from __future__ import annotations

from dataclasses import dataclass

from memograd.engine.native.ir import Builder, Module, Value
from memograd.engine.native.ir_types import F64, I32, I64, PTR, VOID
from memograd.engine.native.threads import barrier

# The job, in 64-bit words. Pointers: to int32 numbers of rows (in order, to choose from), to a float64 for each epoch.
(N_ROWS, STEPS_AN_EPOCH, FIRST_STEP, END_STEP, N_EPOCHS, SEED, ORDER, ROW_NUMBERS, GIVEN_ORDER, TOTALS, AMOUNTS) = (
    range(11)
)
JOB_WORDS = 16


@dataclass(frozen=True, slots=True)
class StepCode:
    """What the loop must know of a step's function.

    Attributes
    ----------
    name : str
    n_rows : int
    numbers, progress, counter, total, amount : int or None
        The slots of the table: of the pointer to the numbers of the step's rows; of the clock, where the step reads
        it; of the summed loss and of what it is to be divided by.
    """

    name: str
    n_rows: int
    numbers: int
    progress: int | None
    counter: int | None
    total: int
    amount: int


def define(module: Module, full: StepCode, last: StepCode | None = None) -> str:
    """The function ``run(thread, n_threads, control, job, table, table of the last step)``.

    Parameters
    ----------
    full, last : StepCode
        Of the steps of whole minibatches; and of the last one of an epoch, if that is smaller.
    """

    def body(
        b: Builder, thread: Value, n_threads: Value, control: Value, job: Value, table: Value, last_table: Value
    ) -> None:
        word = [b.load(b.offset(job, i, I64), I64) for i in range(SEED + 1)]
        pointer = {i: b.load(b.offset(job, i, I64), PTR) for i in (ORDER, ROW_NUMBERS, GIVEN_ORDER, TOTALS, AMOUNTS)}
        is_first = b.compare("==", thread, 0)
        draws = b.compare("==", b.load(b.offset(job, GIVEN_ORDER, I64), I64), 0)
        n_steps = b.convert(word[STEPS_AN_EPOCH] * word[N_EPOCHS], "sitofp", F64)

        def step(number: Value, epoch: Value, within: Value) -> list[Value]:

            def draw() -> None:
                b.branch(
                    is_first,
                    lambda: shuffle(b, pointer[ORDER], pointer[ROW_NUMBERS], word[N_ROWS], word[SEED], epoch),
                )
                barrier(b, control, n_threads)

            b.branch(draws & b.compare("==", within, 0), draw)
            given = b.offset(pointer[GIVEN_ORDER], epoch * word[N_ROWS], I32)
            order = b.select(draws, pointer[ORDER], given)
            numbers = b.offset(order, within * full.n_rows, I32)
            progress = (b.convert(number, "sitofp", F64) + 0.5) / n_steps

            def run(code: StepCode, own: Value) -> None:
                b.store(b.offset(own, code.numbers, PTR), numbers)
                if code.progress is not None:
                    b.store(b.load(b.offset(own, code.progress, PTR), PTR), progress)
                if code.counter is not None:
                    counter = b.load(b.offset(own, code.counter, PTR), PTR)
                    b.store(b.offset(counter, 1, I64), within)
                    b.store(b.offset(counter, 2, I64), epoch)
                b.invoke(code.name, VOID, own, thread, n_threads, control)

                def note() -> None:
                    for slot, sums in ((code.total, TOTALS), (code.amount, AMOUNTS)):
                        place = b.offset(pointer[sums], epoch, F64)
                        found = b.load(b.load(b.offset(own, slot, PTR), PTR), F64)
                        b.store(place, b.load(place, F64) + found)

                b.branch(is_first, note)

            if last is None:
                run(full, table)
            else:
                is_last = b.compare("==", within + 1, word[STEPS_AN_EPOCH])
                b.branch(is_last, lambda: run(last, last_table), lambda: run(full, table))
            barrier(b, control, n_threads)
            is_over = b.compare("==", within + 1, word[STEPS_AN_EPOCH])
            return [b.select(is_over, epoch + 1, epoch), b.select(is_over, b.constant(0, I64), within + 1)]

        first = word[FIRST_STEP]
        start = [first // word[STEPS_AN_EPOCH], first % word[STEPS_AN_EPOCH]]
        b.loop(first, word[END_STEP], step, carry=start)

    return module.define("run", VOID, [I64, I64, PTR, PTR, PTR, PTR], body, exported=True)


# Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators", the generator's output function.
_GOLDEN, _MIX1, _MIX2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def mixed(b: Builder, x: Value) -> Value:
    """A 64-bit number, all of whose bits depend on all of those of another one."""
    x = (x ^ (x >> 30)) * b.constant(_MIX1, I64)
    x = (x ^ (x >> 27)) * b.constant(_MIX2, I64)
    return x ^ (x >> 31)


def shuffle(b: Builder, order: Value, rows: Value, n_rows: Value, seed: Value, epoch: Value) -> None:
    """Draw an order of rows, by seed and epoch alone.

    Source: Durstenfeld 1964, algorithm 235, in the form that fills the array as it goes. No random number waits for
    the one before; of n rows, none is preferred by more than n / 2³².
    """
    golden = b.constant(_GOLDEN, I64)
    start = mixed(b, mixed(b, seed + golden) + epoch * golden)

    def place(i: Value) -> None:
        bits = mixed(b, start + (i + 1) * golden)
        j = ((bits >> 32) * (i + 1)) >> 32
        b.store(b.offset(order, i, I32), b.load(b.offset(order, j, I32), I32))
        b.store(b.offset(order, j, I32), b.load(b.offset(rows, i, I32), I32))

    b.loop(0, n_rows, place)
