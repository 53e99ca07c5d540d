"""Where a training in machine code has its numbers: the state, the arenas, and each thread's tables of pointers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from memograd.engine.native.blocks import aligned_block
from memograd.engine.native.layouts import bytes_of
from memograd.engine.native.threads import WORDS
from memograd.engine.native.traced_step import COUNTER, KEY, PROGRESS, ROWS, STATE
from memograd.engine.native.training_code import TrainingCode
from memograd.graph.node import Array


class TrainingMemory:
    """Where everything lies: the state, the arenas, and each thread's tables of pointers."""

    def __init__(
        self,
        code: TrainingCode,
        state: Sequence[Array],
        data: Sequence[Array],
        seed: int,
        n_threads: int,
    ) -> None:
        lowered = code.lowered
        (lowering, step), *_ = lowered
        lanes = lowering.lanes
        nodes = [form.node for form in code.states]
        arena_bytes = max(each.arena_bytes for each, _ in lowered)
        sizes = [_aligned(bytes_of(form.node, lanes, form.layout)) + 64 for form in code.states]
        self._lanes = lanes
        self._arena = aligned_block(arena_bytes)
        self._state = aligned_block(sum(sizes))
        self._starts = np.cumsum([0, *sizes])[:-1].tolist()
        self._forms = code.states
        self.control = np.zeros(WORDS + 8, np.int64)
        for form, start, value in zip(self._forms, self._starts, state, strict=True):
            form.write(self._state[start:], lanes, value)
        # What each thread computes for itself: scalars of the state, the clock, and scalars in between.
        self._private: list[Array] = []
        self._tables: list[Array] = []
        self._scalars: list[dict[int, Array]] = []
        self.tables: list[tuple[int, int]] = []
        for _ in range(n_threads):
            pointers = []
            own = _Own(sum(64 for _ in step.roles) + 256)
            scalars = {
                i: own.put(np.array(value, node.dtype))
                for i, (node, value) in enumerate(zip(nodes, state, strict=True))
                if node.size == 1
            }
            clock = {
                PROGRESS: own.put(np.zeros(1)),
                KEY: own.put(np.array([seed, 0], np.uint64)),
                COUNTER: own.put(np.zeros(4, np.uint64)),
            }
            results = [own.put(np.zeros(1)) for _ in range(2)]
            for each, traced in lowered:
                block = aligned_block(each.private_bytes)
                self._private.append(block)
                table = np.zeros(len(each.slots), np.int64)
                states = iter(range(len(nodes)))
                for i, role in enumerate(traced.roles):
                    if role == STATE:
                        j = next(states)
                        table[i] = scalars.get(j, self._state.ctypes.data + self._starts[j])
                        table[len(traced.roles) + j] = table[i]
                    elif role != ROWS:
                        table[i] = clock[role]
                n_inputs, n_outputs = len(traced.roles), len(traced.graph.outputs)
                table[n_inputs + n_outputs - 2 : n_inputs + n_outputs] = results
                rows = traced.roles.count(ROWS)
                table[n_inputs + n_outputs : n_inputs + n_outputs + rows] = [x.ctypes.data for x in data]
                for i, slot in enumerate(each.slots):
                    if slot.kind == "arena":
                        table[i] = self._arena.ctypes.data + slot.offset
                    elif slot.kind == "private":
                        table[i] = block.ctypes.data + slot.offset
                self._tables.append(table)
                pointers.append(table.ctypes.data)
            self._private.append(own.block)
            self.tables.append((pointers[0], pointers[-1]))
            self._scalars.append({j: own.view(address, nodes[j].dtype) for j, address in scalars.items()})

    def share_scalars(self, n_threads: int) -> None:
        """Tell the scalars of the state to threads that may not have taken part in the last call."""
        for scalars in self._scalars[1:n_threads]:
            for j, value in scalars.items():
                value[...] = self._scalars[0][j]

    def state(self, count: int | None = None) -> list[Array]:
        """Copies of the first parts of the state, so many; by default of all."""
        return [
            self._scalars[0][j].reshape(form.node.shape).copy()
            if j in self._scalars[0]
            else form.read(self._state[start:], self._lanes)
            for j, (form, start) in enumerate([*zip(self._forms, self._starts, strict=True)][:count])
        ]


class _Own:
    """Small things of one thread, each in a cache line of its own."""

    def __init__(self, size_bytes: int) -> None:
        self.block = aligned_block(size_bytes)
        self._next = 0

    def put(self, value: Array) -> int:
        """Copy a value there; its address."""
        place = self._next
        self.block[place : place + value.nbytes] = np.atleast_1d(value).view(np.uint8).reshape(-1)
        self._next += _aligned(value.nbytes)
        return int(self.block.ctypes.data + place)

    def view(self, address: int, dtype: Any) -> Array:
        """The number at an address."""
        place = address - self.block.ctypes.data
        return self.block[place : place + np.dtype(dtype).itemsize].view(dtype)


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // 64) * 64
