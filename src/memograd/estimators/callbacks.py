"""scikit-learn's callbacks, where there are some: from version 1.9 on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

try:
    from sklearn.callback import CallbackSupportMixin
    from sklearn.callback import with_callbacks as _torn_down
except ImportError:  # scikit-learn < 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing is supported."""

    _torn_down = None

__all__ = ["CallbackSupportMixin", "FitTasks", "with_callbacks"]

F = TypeVar("F", bound=Callable[..., Any])


def with_callbacks(fit: F) -> F:
    """The method, after which callbacks are torn down, however it ends."""
    found: F = fit if _torn_down is None else _torn_down(fit)
    return found


class FitTasks:
    """The tasks of one fit, as callbacks see them: the fit, and below it each epoch, which is told when it is over.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    n_epochs : int
        At most so many, of all members together.
    **given
        `X`, `y` and `metadata`, which callbacks may ask for.
    """

    def __init__(self, estimator: Any, n_epochs: int, **given: Any) -> None:
        self._estimator = estimator
        self._given = given
        self._context: Any = None
        if hasattr(estimator, "_init_callback_context"):
            self._context = estimator._init_callback_context(max_subtasks=n_epochs)
            self._context.call_on_fit_task_begin(estimator=estimator, **given)

    @property
    def are_watched(self) -> bool:
        """Whether there is a callback that is told of epochs."""
        return bool(getattr(self._estimator, "_skl_callbacks", ()))

    def epoch(self, fitted: Callable[[], Mapping[str, Any]] | None = None) -> bool:
        """Tell that an epoch is over; whether a callback asks to stop.

        Parameters
        ----------
        fitted : callable, optional
            Returns the attributes of the estimator as if it had stopped here.
        """
        if not self.are_watched:
            return False
        context = self._context.subcontext(task_name="epoch")
        context.call_on_fit_task_begin(estimator=self._estimator, **self._given)
        stops = context.call_on_fit_task_end(estimator=self._estimator, reconstruction_attributes=fitted, **self._given)
        return bool(stops)

    def end(self) -> None:
        """Tell that the fit is over."""
        if self._context is not None:
            self._context.call_on_fit_task_end(estimator=self._estimator, reconstruction_attributes={}, **self._given)
