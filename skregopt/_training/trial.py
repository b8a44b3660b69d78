"""A trial of a user's optimizer: its kernels run once as plain Python, which notices an index beyond an array.

Compiled code does not: it reads and writes whatever lies there, and the process may crash.
"""

from numbers import Integral

import numpy as np

from .._engine.records import N_SCALARS
from .memory import N_MEMORY, N_SLOTS

_SIZE = 3  # parameters of the trial


def try_out(optimizer):
    """Run ``prepare`` and ``step`` of an optimizer that is not of this package; afterwards it is as it was.

    Raises
    ------
    ValueError
        For an ``n_slots`` outside of its domain, and for kernels that look beyond the ends of their arrays.
    """
    kind = type(optimizer)
    if kind.__module__.partition(".")[0] == __name__.partition(".")[0]:
        return
    if not isinstance(optimizer.n_slots, Integral) or not 0 <= optimizer.n_slots <= N_SLOTS:
        raise ValueError(
            f"n_slots of the optimizer {kind.__name__} must be an int from 0 to {N_SLOTS}, the number of state vectors "
            f"that step uses, got {optimizer.n_slots!r}."
        )
    hyper, memory, scalars = np.array(optimizer.hyper_parameters(), float), np.zeros(N_MEMORY), np.zeros(N_SCALARS)
    slots = [np.zeros(_SIZE if k < optimizer.n_slots else 0) for k in range(N_SLOTS)]
    name = "prepare"
    try:
        with np.errstate(all="ignore"):
            kind.prepare(0.1, 1, hyper, memory, scalars)
            name = "step"
            for n_step_sizes in (0, _SIZE):
                kind.step(np.ones(_SIZE), np.ones(_SIZE), *slots, scalars, np.zeros(n_step_sizes))
    except IndexError as error:
        raise ValueError(
            f"The kernel {name!r} of the optimizer {kind.__name__} looks beyond the end of an array ({error}). step "
            f"may use the first n_slots={optimizer.n_slots} slots: set n_slots in the class body. hyper has the "
            f"{hyper.size} number(s) of hyper_parameters(), memory has {N_MEMORY}, scalars {N_SCALARS}."
        ) from error
    except Exception:  # a kernel may do what only compiled code can, or fail for the numbers of the trial
        return
