"""scikit-learn's callbacks, which it has from 1.9 on: a fit is a task, and each of its epochs a task within it."""

from contextlib import contextmanager

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:
        """Nothing: this version of scikit-learn has no callbacks."""


@contextmanager
def fit_task(estimator, method, max_epochs, data):
    """Report the fit within the block to the callbacks of an estimator.

    scikit-learn tears the callbacks down when ``fit`` returns or raises.

    Parameters
    ----------
    estimator : BaseMLP
    method : {'fit', 'partial_fit'}
    max_epochs : int
        Most epochs (iterations of L-BFGS).
    data : FitData
        What callbacks are told of.

    Yields
    ------
    FitTask or None
        None for an estimator without callbacks: nothing is reported.
    """
    if not hasattr(estimator, "_skl_callbacks"):
        yield None
        return
    task = FitTask(estimator, method, max_epochs, data)
    task.context.call_on_fit_task_begin(**task.reported)
    yield task
    task.context.call_on_fit_task_end(**task.reported, reconstruction_attributes={})


class FitTask:
    """A fit that callbacks are told of. Parameters as in :func:`fit_task`; creating it sets the callbacks up."""

    def __init__(self, estimator, method, max_epochs, data):
        metadata = None if data.sample_weight is None else {"sample_weight": data.sample_weight}
        self.reported = {"estimator": estimator, "X": data.X, "y": data.y, "metadata": metadata}
        self.context = estimator._init_callback_context(task_name=method, max_subtasks=max_epochs)

    def epochs(self, fitted_attributes):
        """Return the :class:`EpochTasks` of this fit.

        Parameters
        ----------
        fitted_attributes : callable
            ``fitted_attributes(outcome)`` returns the fitted attributes for this outcome, as a dict.
        """
        return EpochTasks(self.context, self.reported, fitted_attributes)


class EpochTasks:
    """The epochs of a :class:`FitTask`, one at a time."""

    def __init__(self, fit_context, reported, fitted_attributes):
        self._fit_context = fit_context
        self._reported = reported
        self._fitted_attributes = fitted_attributes
        self._context = None  # of the epoch that is under way

    def begin_epoch(self):
        """Report that an epoch begins, unless one is under way."""
        if self._context is None:
            self._context = self._fit_context.subcontext(task_name="epoch")
            self._context.call_on_fit_task_begin(**self._reported)

    def end_epoch(self, outcome):
        """Report that the epoch has ended; returns whether a callback wants the fit to end.

        Parameters
        ----------
        outcome : callable or None
            Returns the :class:`Outcome` so far, for callbacks that want a fitted estimator; None if there is none.
        """
        attributes = None if outcome is None else lambda: self._fitted_attributes(outcome())
        context, self._context = self._context, None
        return context.call_on_fit_task_end(**self._reported, reconstruction_attributes=attributes)

    def close(self):
        """Report the end of an epoch that was begun in vain, if there is one."""
        if self._context is not None:
            self.end_epoch(None)
