"""Matrix products inside compiled code, by the BLAS that ``blas_library.py`` finds.

``np.dot(a, b, out=c)`` overwrites ``c`` and copies operands that are not contiguous. Here the product is *added* to
``c``, which saves a pass over memory for the intercepts and for gradients summed over tiles.

The cache key of every compiled function contains a digest of this file (see ``cache.py``).
"""

import numpy as np
from numba import types
from numba.extending import intrinsic, overload

from .blas_library import symbol
from .compiler import HelperCompiler
from .numba_internals import cgutils, ir

# Multiplications up to which OpenBLAS, where it has kernels for small matrices, does not copy them first. That saves
# up to a third of the time; a larger product is cut where its parts keep enough rows.
SMALL_PRODUCT = 1_000_000
ENOUGH_ROWS = 24

# Elements up to which it pays to transpose a matrix for such a product, and rows of the other from which on.
SMALL_MATRIX = 6_000
ENOUGH_TO_TRANSPOSE = 8


# machine code that was loaded from disk looks for them, too
_SYMBOLS = {types.float32: symbol("sgemm"), types.float64: symbol("dgemm")}


@intrinsic
def _call_gemm(
    typingctx,
    transpose_left,
    transpose_right,
    m,
    n,
    k,
    left,
    ld_left,
    right,
    ld_right,
    beta,
    out,
    ld_out,
):
    """Column-major BLAS product out = op(left) op(right) + beta out on raw addresses, beta being 0 or 1."""
    scalar = out.dtype
    signature = types.void(
        types.boolean, types.boolean, types.intp, types.intp, types.intp,
        types.intp, types.intp, types.intp, types.intp, types.intp, out, types.intp,
    )  # fmt: skip

    def codegen(context, builder, signature, args):
        ta, tb, m, n, k, a, lda, b, ldb, beta, c, ldc = args
        number = context.get_value_type(scalar)
        pointer = cgutils.voidptr_t
        function_type = ir.FunctionType(ir.VoidType(), [pointer] * 13)
        function = cgutils.get_or_insert_function(builder.module, function_type, _SYMBOLS[scalar])

        def on_stack(value):
            slot = cgutils.alloca_once_value(builder, value)
            return builder.bitcast(slot, pointer)

        def as_flag(condition):
            byte = ir.IntType(8)
            return on_stack(builder.select(condition, ir.Constant(byte, ord("t")), ir.Constant(byte, ord("n"))))

        array = context.make_array(out)(context, builder, c)
        builder.call(
            function,
            [
                as_flag(ta), as_flag(tb), on_stack(m), on_stack(n), on_stack(k),
                on_stack(ir.Constant(number, 1.0)), builder.inttoptr(a, pointer), on_stack(lda),
                builder.inttoptr(b, pointer), on_stack(ldb),
                on_stack(builder.sitofp(beta, number)), builder.bitcast(array.data, pointer), on_stack(ldc),
            ],
        )  # fmt: skip
        return context.get_dummy_value()

    return signature, codegen


def gemm(transpose_left, transpose_right, left, right, accumulate, out):
    """Compute ``out = op(left) @ op(right)``, or add it to ``out``.

    Parameters
    ----------
    transpose_left, transpose_right : bool
        Whether op is the transposition.
    left, right : C-contiguous arrays of shape (m, k) and (k, n), or their transposes
    accumulate : bool
        Add to what ``out`` holds instead of overwriting it.
    out : C-contiguous array of shape (m, n)
    """
    product = np.dot(left.T if transpose_left else left, right.T if transpose_right else right)
    if accumulate:
        out += product
    else:
        out[...] = product


def gemm_of_columns(left, first, right, accumulate, out):
    """Compute ``out = left[:, first : first + n_rows].T @ right``, or add it, without a copy of those columns.

    Parameters
    ----------
    left, right : C-contiguous arrays of shape (k, any) and (k, n)
    first : int
        Column of ``left``.
    accumulate : bool
        Add to what ``out`` holds instead of overwriting it.
    out : C-contiguous array of shape (n_rows, n)
    """
    gemm(True, False, left[:, first : first + out.shape[0]], right, accumulate, out)


@overload(gemm_of_columns, jit_options={"pipeline_class": HelperCompiler})
def _overload_gemm_of_columns(left, first, right, accumulate, out):
    itemsize = left.dtype.bitwidth // 8

    def implementation(left, first, right, accumulate, out):
        m, n = out.shape
        _call_gemm(
            False, True, n, m, left.shape[0],
            right.ctypes.data, right.shape[1], left.ctypes.data + first * itemsize, left.shape[1],
            1 if accumulate else 0, out, n,
        )  # fmt: skip

    return implementation


@overload(gemm, jit_options={"pipeline_class": HelperCompiler})
def _overload_gemm(transpose_left, transpose_right, left, right, accumulate, out):
    def implementation(transpose_left, transpose_right, left, right, accumulate, out):
        m, n = out.shape
        k = left.shape[0] if transpose_left else left.shape[1]
        # a row-major product is the column-major product of the operands in reverse order
        _call_gemm(
            transpose_right, transpose_left, n, m, k,
            right.ctypes.data, right.shape[1], left.ctypes.data, left.shape[1],
            1 if accumulate else 0, out, n,
        )  # fmt: skip

    return implementation
