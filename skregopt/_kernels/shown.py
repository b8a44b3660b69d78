"""How messages show values."""

import numpy as np


def shortened(values, n_shown=10):
    """Return the list of some values as users write them, of which there may be too many to show.

    Parameters
    ----------
    values : array-like
        Labels, for instance.
    n_shown : int, default=10
        How many are shown; of the others only the number is.
    """
    plain = (value.item() if isinstance(value, np.generic) else value for value in values[:n_shown])
    shown = ", ".join(map(repr, plain))
    more = len(values) - n_shown
    return f"{shown} and {more} more" if more > 0 else shown
