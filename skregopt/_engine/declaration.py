"""How compiled functions of the engine are declared: once each, by a decorator that knows the signature.

A *pass* is what compiled code calls. It is optimised on its own, although training, validation and prediction share it,
and it is compiled only for jobs that need it: the job points to a :func:`table` of addresses. In compiled code
a call of it reads like any other, ``forward(theta, job, strip)``. An *entry* is what Python calls.
"""

from functools import cache, wraps

import numpy as np

from .._kernels.calls import table_caller
from .._kernels.jit import entry_point, kernel, scalar_type, vector
from .records import job_type

PASSES = {}  # name -> (Python function, signature for a scalar type), in the order of the table
ENTRIES = {}  # name -> (Python function, signature for a scalar type and its vector type)


def compiled_pass(for_scalar):
    """Declare a function that compiled code calls; its arguments include a job, and a vector of T.

    Parameters
    ----------
    for_scalar : callable
        From the numba scalar type T of the working precision to the signature.

    Returns
    -------
    callable
        A decorator. Instead of the function it returns what compiled code calls.
    """

    def declare(function):
        caller = table_caller(function, len(PASSES), (job_type, "passes"), for_scalar)
        PASSES[function.__name__] = (function, for_scalar)
        return caller

    return declare


@cache
def pass_address(name, dtype):
    """Return the address of a pass, compiled for the working precision ``dtype``."""
    function, for_scalar = PASSES[name]
    return kernel(function, for_scalar(scalar_type(dtype)))


@cache
def table(names, dtype):
    """Return the table of passes for jobs that call those of a frozen set of names: int64, 0 for the others."""
    return np.array([pass_address(name, dtype) if name in names else 0 for name in PASSES], dtype=np.int64)


def entry(for_scalar):
    """Declare a function that Python calls; its first argument is a vector of T.

    Parameters
    ----------
    for_scalar : callable
        From the numba scalar type T of the working precision, and the type of its vectors, to the signature.

    Returns
    -------
    callable
        A decorator. The function that it returns compiles on the first call for each precision, or before it by
        ``.compiled(dtype)``.
    """

    def declare(function):
        ENTRIES[function.__name__] = (function, for_scalar)

        @cache
        def compiled(dtype):
            T = scalar_type(dtype)
            return entry_point(function, for_scalar(T, vector(T)))

        @wraps(function)
        def call(theta, *arguments):
            return compiled(theta.dtype)(theta, *arguments)

        call.compiled = compiled
        return call

    return declare
