"""The numba policy, and what compiled code is made of: maths, BLAS, views of memory, atomic numbers, components."""
