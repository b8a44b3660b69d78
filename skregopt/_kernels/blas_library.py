"""Which BLAS compiled code calls: SciPy's, as numba does, or NumPy's where that is a newer OpenBLAS.

The wheels of NumPy and of SciPy each bring an OpenBLAS, and one is often newer than the other. SciPy 1.17 brings
0.3.30, NumPy 2.4 brings 0.3.31. On processors with 512-bit vectors, 0.3.30 takes a sixth longer for products of
matrices that are not transposed. Builds that share one library, or use another one than OpenBLAS, have SciPy's.

Compiled code knows the routines by the names registered here, so machine code on disk works with any of them.
"""

import ctypes
from functools import cache

import scipy.linalg.cython_blas  # noqa: F401  (loads the library, so that it is among those that are found)
from numba.extending import get_cython_function_address
from threadpoolctl import threadpool_info

from .numba_internals import binding


@cache
def _openblas_libraries():
    """Return (version, library) of each OpenBLAS in this process."""
    found = [info for info in threadpool_info() if info["internal_api"] == "openblas"]
    return [(_numbers(info["version"]), ctypes.CDLL(info["filepath"])) for info in found]


def _numbers(version):
    return [int(part) for part in (version or "").split(".") if part.isdigit()][:3]


def _exported(library, routine):
    """Return the address of a routine of NumPy's or SciPy's wheel, or None: other builds name it otherwise."""
    for name in (f"scipy_{routine}_", f"scipy_{routine}_64_"):
        with_this_name = getattr(library, name, None)
        if with_this_name is not None:
            return ctypes.cast(with_this_name, ctypes.c_void_p).value
    return None


def address(routine):
    """Return the address of a routine in the newest OpenBLAS of the wheels, or in SciPy's BLAS.

    Its integers have 32 or 64 bits: compiled code passes the addresses of 64-bit ones, which a routine for 32 bits may
    read as well, because every machine that numba supports is little-endian.

    Parameters
    ----------
    routine : str
        Name in BLAS, such as 'sgemm'.

    Returns
    -------
    int
    """
    found = [(version, _exported(library, routine)) for version, library in _openblas_libraries()]
    found = [(version, exported) for version, exported in found if exported is not None]
    versions = [version for version, _ in found]
    if len(found) < 2 or min(versions) == max(versions):
        return get_cython_function_address("scipy.linalg.cython_blas", routine)
    return max(found)[1]


def symbol(routine):
    """Return the name by which compiled code calls a routine, registered in this process."""
    name = f"skregopt_{routine}"
    binding.add_symbol(name, address(routine))
    return name
