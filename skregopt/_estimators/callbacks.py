"""scikit-learn's callbacks, which it has from 1.9 on: a fit is a task, and each of its epochs a task within it."""

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:
        """Nothing: this version of scikit-learn has no callbacks."""


class FitTasks:
    """Reports one fit to the callbacks of an estimator.

    Creating it sets the callbacks up; scikit-learn tears them down when ``fit`` returns or raises.

    Parameters
    ----------
    estimator : BaseMLP
        With callbacks.
    method : str
        "fit" or "partial_fit".
    max_epochs : int
        Most epochs (iterations of L-BFGS).
    X, y, sample_weight
        As given to the method.
    """

    def __init__(self, estimator, method, max_epochs, X, y, sample_weight):
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._given = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._fit = estimator._init_callback_context(task_name=method, max_subtasks=max_epochs)
        self._epoch = None
        # outcome of the training so far -> fitted attributes; the fit sets it when it knows how
        self.fitted_attributes = None

    def begin(self):
        """Report that the fit begins."""
        self._fit.call_on_fit_task_begin(**self._given)

    def begin_epoch(self):
        """Report that an epoch begins, unless one is under way."""
        if self._epoch is None:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(**self._given)

    def end_epoch(self, outcome):
        """Report that the epoch has ended; returns whether a callback wants the fit to end.

        Parameters
        ----------
        outcome : callable or None
            Returns the :class:`Outcome` so far, for callbacks that want a fitted estimator; None if there is none.
        """
        attributes = None if outcome is None else lambda: self.fitted_attributes(outcome())
        epoch, self._epoch = self._epoch, None
        return epoch.call_on_fit_task_end(**self._given, reconstruction_attributes=attributes)

    def end(self):
        """Report that the fit has ended, and with it an epoch that was begun in vain."""
        if self._epoch is not None:
            self.end_epoch(None)
        self._fit.call_on_fit_task_end(**self._given, reconstruction_attributes={})


def fit_tasks(estimator, method, max_epochs, X, y, sample_weight):
    """Return the :class:`FitTasks` of a fit, None for an estimator without callbacks: then nothing is reported."""
    if not hasattr(estimator, "_skl_callbacks"):
        return None
    return FitTasks(estimator, method, max_epochs, X, y, sample_weight)
