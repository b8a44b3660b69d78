"""A fit in six stages, each of which takes what those before returned: resolve, read, split, start, train, commit."""

from contextlib import nullcontext

from .._kernels import jit
from .._kernels.blas_threads import single_blas_thread
from .._kernels.sklearn_internals import fit_context
from .._training.threads import counted_fit
from .callbacks import fit_task
from .commit import FittedAttributes, commit
from .read import read
from .resolve import resolve
from .split import split
from .start import start
from .train import observe, train
from .verbose import say_how_training_ended, say_what_compiles


@fit_context(prefer_skip_nested_validation=True)  # validates parameters; tears callbacks down
def run_fit(estimator, data, incremental=False):
    """Fit an estimator and return how training ended; the caller warns about it.

    Parameters
    ----------
    estimator : BaseMLP
        Its fitted attributes are set at the end.
    data : FitData
    incremental : bool, default=False
        Whether this is ``partial_fit``.

    Returns
    -------
    Outcome

    Raises
    ------
    InvalidParameterError
        For a parameter outside its domain.
    ValueError
        For data that cannot be used, parameters that contradict each other, training that diverged, or early stopping
        without a single finite score.
    KeyboardInterrupt
        If the user interrupts ``partial_fit``.
    """
    method, max_epochs = ("partial_fit", 1) if incremental else ("fit", int(estimator.max_iter))
    with (
        fit_task(estimator, method, max_epochs, data) as task,
        single_blas_thread(),
        counted_fit(),
        jit.announcing(say_what_compiles) if estimator.verbose else nullcontext(),
    ):
        resolved = resolve(estimator, incremental)
        inputs = read(estimator, resolved, data)
        parts = split(resolved, inputs, data)
        beginning = start(resolved, inputs, parts, data)
        attributes = FittedAttributes(resolved, inputs, beginning.network, parts.train.indices.size)
        if task is not None:
            attributes.remove_others(estimator)  # callbacks see copies, and cannot remove them there
        outcome = train(resolved, inputs, parts, beginning, observe(estimator, parts, attributes, task))
        commit(estimator, attributes, outcome, beginning.memory if incremental else None)
    if estimator.verbose and not incremental:
        say_how_training_ended(outcome, resolved)
    return outcome
