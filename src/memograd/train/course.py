"""What is trained, on what, by which engine: all that members of an ensemble share."""

from __future__ import annotations

import threading
import warnings
from typing import Any, final

from memograd.errors import CannotLower, EngineFallback, EngineUnavailable
from memograd.nn.optimizers import resolve_optimizer
from memograd.nn.step import training_step
from memograd.train.epochs import Epochs, NumpyPrograms, Pace, Programs, State
from memograd.train.native import NativePrograms
from memograd.train.rows import Rows
from memograd.train.settings import Settings
from memograd.train.validation import Score, Validation

NATIVE, NUMPY = "native", "numpy"


@final
class Course:
    """A network, rows, and the engine that trains it. Compiles what it needs once. Safe to use from several threads.

    Parameters
    ----------
    network : MLP, Network, or what has their `init` and `loss_value`
    data : Rows
    settings : Settings
        Seed, patience and number of threads do not count here.
    score : callable or None

    Attributes
    ----------
    engine : {"native", "numpy"}
        What trains it. Machine code is assumed, and NumPy takes its place when there is no code for the network.
    validate : Validation
    """

    def __init__(self, network: Any, data: Rows, settings: Settings, score: Score | None) -> None:
        self.network = network
        self.data = data
        self.score = score
        self.validate = Validation(network, score, settings.engine)
        self.engine = NUMPY if settings.engine == NUMPY else NATIVE
        self._settings = settings
        self._programs: Programs | None = None
        self._lock = threading.Lock()

    def initial(self, seed: int) -> State:
        """The state before the first epoch."""
        parameters = self.network.init(seed, self.data.X.dtype)
        return State(parameters, resolve_optimizer(self._settings.optimizer).init(parameters))

    def start(self, state: State, pace: Pace) -> Epochs:
        """Take up a training from a state; warns when NumPy must do what machine code was asked for.

        Raises
        ------
        CannotLower, EngineUnavailable
            When nothing but machine code will do.
        """
        programs = self._compiler()
        try:
            return programs.start(state, pace)
        except (CannotLower, EngineUnavailable) as error:
            if self._settings.engine == NATIVE:
                raise
            with self._lock:
                is_first = self.engine == NATIVE
                if is_first:
                    # One engine for both: a key names one, and stands for all numbers.
                    self.engine, self._programs = NUMPY, None
                    self.validate = Validation(self.network, self.score, NUMPY)
            if is_first:
                message = f"this network is trained by the numpy engine: {error}"
                warnings.warn(EngineFallback(message), stacklevel=6)
        return self._compiler().start(state, pace)

    def _compiler(self) -> Programs:
        with self._lock:
            if self._programs is None:
                settings = self._settings
                step = training_step(self.network, settings.optimizer, settings.schedule, l2=settings.l2)
                kind = NativePrograms if self.engine == NATIVE else NumpyPrograms
                self._programs = kind(step, self.data)
            return self._programs
