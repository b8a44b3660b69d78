"""Initial weights, as functions of NumPy's generator.

They are drawn in float64 and rounded afterwards, so that they do not depend on the dtype of the network, and layer by
layer, first the weights, then the intercepts: scikit-learn's order, so that the same ``random_state`` starts from the
same network as scikit-learn's MLP.
"""

import numpy as np


def glorot_uniform(rng, fan_in, fan_out, gain=1.0):
    r"""Draw uniformly from [-b, b] with b = sqrt(6 gain / (fan_in + fan_out)).

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010,
    equation 16; intercepts from the same interval, as scikit-learn does.

    Parameters
    ----------
    rng : numpy.random.RandomState
    fan_in, fan_out : int
        Number of units below and above.
    gain : float, default=1.0
        Factor on the variance; 1/3 for the logistic activation, as in scikit-learn.

    Returns
    -------
    coef : ndarray of shape (fan_in, fan_out), float64
    intercept : ndarray of shape (fan_out,), float64

    Examples
    --------
    >>> import numpy as np
    >>> from skregopt.initializers import glorot_uniform
    >>> coef, intercept = glorot_uniform(np.random.RandomState(0), 3, 2)
    >>> coef.shape, intercept.shape
    ((3, 2), (2,))
    """
    bound = np.sqrt(6.0 * gain / (fan_in + fan_out))
    return rng.uniform(-bound, bound, (fan_in, fan_out)), rng.uniform(-bound, bound, fan_out)


INITIALIZERS = {"glorot_uniform": glorot_uniform}
