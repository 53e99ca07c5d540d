"""The machine code of a training: its steps and the loop over them. What it trains on is given later."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence

from memograd.engine.native import driver
from memograd.engine.native.driver import StepCode
from memograd.engine.native.ir import Module
from memograd.engine.native.jit import Code
from memograd.engine.native.layouts import Layout, StateForm, best_in_panels
from memograd.engine.native.lowering import Form, Lowering
from memograd.engine.native.machine import Machine, machine, usable_cores
from memograd.engine.native.narrow import Narrow
from memograd.engine.native.ordered import Ordered, ordered
from memograd.engine.native.positions import Positions, positions_of
from memograd.engine.native.program import lanes_for
from memograd.engine.native.remembered import Remembered
from memograd.engine.native.traced_step import COUNTER, KEY, PROGRESS, ROWS, STATE, TracedStep
from memograd.engine.native.turned import is_narrow, turned
from memograd.errors import CannotLower
from memograd.graph.node import Node


class TrainingCode:
    """Compiled steps; many trainings, in many threads, can share them.

    Parameters
    ----------
    steps : mapping of int to TracedStep
        By the number of rows: of whole minibatches, and of the last one of an epoch if that is smaller.
    target : Machine, optional
        By default the one that this runs on.

    Attributes
    ----------
    batch_size : int
    cost : int
        Scalar operations of a step.
    is_narrow : bool
        Whether the batch lies along the lanes; then a step is straight-line code of one thread.
    lowered : list of (Lowering or Narrow, TracedStep)
    states : list of StateForm
    positions : list of (int, Positions)
        What must be checked of which array of the data.

    Raises
    ------
    CannotLower
        When a step holds what this engine has no code for.
    EngineUnavailable
        When llvmlite cannot be used on this machine.
    """

    def __init__(self, steps: Mapping[int, TracedStep], target: Machine | None = None) -> None:
        target = target or machine()
        self.batch_size = max(steps)
        whole = steps[self.batch_size]
        self.cost = whole.plan.schedule.cost
        lanes = lanes_for(whole.plan.nodes, target)
        by_size = [(n_rows, steps[n_rows]) for n_rows in sorted(steps, reverse=True)]
        self.positions = _positions(whole)
        try:
            module = Module()
            self.lowered: list[tuple[Lowering | Narrow, TracedStep]] = [
                (_narrow(module, f"step{n_rows}", step, lanes), step) for n_rows, step in by_size
            ]
            self.states = [StateForm(node, Layout.COMPACT) for node in _states(whole.graph.inputs, whole)]
            self.is_narrow = True
        except CannotLower:
            module = Module()
            is_turned = _turns(whole, lanes)
            graphs = [_ordered(step, is_turned) for _, step in by_size]
            self.states = _state_forms(graphs[0], whole, is_turned)
            self.lowered = [
                (_wide(module, f"step{n_rows}", step, graph, self.states, target, lanes), step)
                for (n_rows, step), graph in zip(by_size, graphs, strict=True)
            ]
            self.is_narrow = False
        codes = [_code_of(*each, n_rows) for each, (n_rows, _) in zip(self.lowered, by_size, strict=True)]
        driver.define(module, *codes)
        self._code = Code(str(module), target)
        pointer, integer = ctypes.c_void_p, ctypes.c_int64
        self.run = self._code.function("run", None, integer, integer, pointer, pointer, pointer, pointer)

    @property
    def source(self) -> str:
        """LLVM's IR."""
        return self._code.source


def training_code(steps: Mapping[int, TracedStep]) -> TrainingCode:
    """The code of steps; those of the last trainings of this process are at hand.

    Raises
    ------
    CannotLower, EngineUnavailable
        See `TrainingCode`.
    """
    graphs = [(n_rows, step.graph.inputs, step.graph.outputs, step.roles) for n_rows, step in sorted(steps.items())]
    target = machine()
    return _codes.get((target, usable_cores(), *graphs), lambda: TrainingCode(steps, target))


_codes = Remembered[TrainingCode]()


def _positions(step: TracedStep) -> list[tuple[int, Positions]]:
    rows = [node for node, role in zip(step.graph.inputs, step.roles, strict=True) if role == ROWS]
    found = positions_of(step.plan.nodes)
    for each in found:
        if each.source not in rows:
            raise CannotLower(f"{each.taker!r}: its positions change from step to step, so they cannot be checked")
    return [(rows.index(each.source), each) for each in found]


def _narrow(module: Module, name: str, step: TracedStep, lanes: int) -> Narrow:
    rows, states = ([i for i, role in enumerate(step.roles) if role == kind] for kind in (ROWS, STATE))
    return Narrow(
        module, name, step.plan.nodes, step.graph.inputs, step.graph.outputs, rows=rows, states=states, lanes=lanes
    )


def _turns(step: TracedStep, lanes: int) -> list[bool]:
    """Which parts of the state are turned: as suits the step of whole minibatches; the last one's must do with that."""
    in_panels = best_in_panels(step.plan.nodes)
    return [node in in_panels and is_narrow(node, lanes) for node in _states(step.graph.inputs, step)]


def _states(nodes: Sequence[Node], step: TracedStep) -> list[Node]:
    return [node for node, role in zip(nodes, step.roles, strict=True) if role == STATE]


def _ordered(step: TracedStep, is_turned: Sequence[bool]) -> Ordered:
    """The graph of a step, with parts of the state turned."""
    graph = ordered(step.graph, step.plan)
    states = [i for i, role in enumerate(step.roles) if role == STATE]
    outputs = {j for j, turns in enumerate(is_turned) if turns}
    return turned(graph, {states[j] for j in outputs}, outputs) if outputs else graph


def _state_forms(graph: Ordered, step: TracedStep, is_turned: Sequence[bool]) -> list[StateForm]:
    """How the state lies in memory."""
    in_panels = best_in_panels(graph.nodes)
    return [
        StateForm(node, Layout.PANELS if node in in_panels else Layout.ROWS, is_turned=turns)
        for node, turns in zip(_states(graph.inputs, step), is_turned, strict=True)
    ]


def _wide(
    module: Module,
    name: str,
    step: TracedStep,
    graph: Ordered,
    states: Sequence[StateForm],
    target: Machine,
    lanes: int,
) -> Lowering:
    forms = {
        ROWS: Form(Layout.ROWS, is_gathered=True),
        PROGRESS: Form(is_private=True),
        KEY: Form(is_private=True),
        COUNTER: Form(is_private=True),
    }
    inputs, outputs = [], []
    left = iter(states)
    for i, role in enumerate(step.roles):
        if role == STATE:
            state = next(left)
            inputs.append(Form(state.layout, is_private=state.node.size == 1))
            outputs.append(Form(state.layout, state=i))
        else:
            inputs.append(forms[role])
    outputs += [Form(is_private=True)] * 2
    return Lowering(module, name, graph, (inputs, outputs), machine=target, lanes=lanes, n_cores=usable_cores())


def _code_of(lowering: Lowering | Narrow, step: TracedStep, n_rows: int) -> StepCode:
    n_inputs, n_outputs = len(step.graph.inputs), len(step.graph.outputs)
    place = {role: i for i, role in enumerate(step.roles)}
    return StepCode(
        lowering.name,
        n_rows,
        numbers=n_inputs + n_outputs + step.roles.count(ROWS),
        progress=place.get(PROGRESS),
        counter=place.get(COUNTER),
        total=n_inputs + n_outputs - 2,
        amount=n_inputs + n_outputs - 1,
    )
