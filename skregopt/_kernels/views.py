"""Views of contiguous memory for compiled code: a pointer and a shape, nothing else.

numba's own slicing and reshaping check bounds, negative indices and layouts and count references, which is most of what
there is to compile in a loop that only walks through buffers it knows. These views do none of that: the caller
guarantees that ``start`` and the sizes lie inside the array, and that the array outlives the view.

With ``NUMBA_DISABLE_JIT=1`` the same names are plain NumPy functions, which are their definition.
"""

import ctypes

import numpy as np
from numba import types
from numba.extending import intrinsic

from .compiler import DISABLED
from .numba_internals import ir, make_array, populate_array


def _flat_view(array, start, size):
    return array.reshape(-1)[start : start + size]


def _matrix_view(array, start, n_rows, n_columns):
    return array.reshape(-1)[start : start + n_rows * n_columns].reshape(n_rows, n_columns)


def _array_at(address, size, like):
    dtype = like.dtype if isinstance(like, np.ndarray) else np.dtype(like)
    if size == 0:
        return np.empty(0, dtype)
    memory = (ctypes.c_char * (int(size) * dtype.itemsize)).from_address(int(address))
    return np.frombuffer(memory, dtype=dtype)


def _matrix_at(address, start, n_rows, n_columns, like):
    return _matrix_view(_array_at(address, start + n_rows * n_columns, like), start, n_rows, n_columns)


def _build(context, builder, array_type, data, shape):
    itemsize = context.get_constant(types.intp, context.get_abi_sizeof(
        context.get_data_type(array_type.dtype)
    ))  # fmt: skip
    strides, step = [], itemsize
    for extent in reversed(shape):
        strides.insert(0, step)
        step = builder.mul(step, extent)
    view = make_array(array_type)(context, builder)
    populate_array(view, data=data, shape=shape, strides=strides, itemsize=itemsize, meminfo=None)
    return view._getvalue()


def _start_of(context, builder, array_type, array, start):
    return builder.gep(make_array(array_type)(context, builder, array).data, [start])


@intrinsic
def _flat_view_intrinsic(typingctx, array, start, size):
    view = types.Array(array.dtype, 1, "C")

    def codegen(context, builder, signature, args):
        data = _start_of(context, builder, signature.args[0], args[0], args[1])
        return _build(context, builder, signature.return_type, data, [args[2]])

    return view(array, types.intp, types.intp), codegen


@intrinsic
def _matrix_view_intrinsic(typingctx, array, start, n_rows, n_columns):
    view = types.Array(array.dtype, 2, "C")

    def codegen(context, builder, signature, args):
        data = _start_of(context, builder, signature.args[0], args[0], args[1])
        return _build(context, builder, signature.return_type, data, [args[2], args[3]])

    return view(array, types.intp, types.intp, types.intp), codegen


@intrinsic
def _matrix_at_intrinsic(typingctx, address, start, n_rows, n_columns, like):
    view = types.Array(like.dtype, 2, "C")

    def codegen(context, builder, signature, args):
        pointer = context.get_data_type(signature.return_type.dtype).as_pointer()
        data = builder.gep(builder.inttoptr(args[0], pointer), [args[1]])
        return _build(context, builder, signature.return_type, data, [args[2], args[3]])

    return view(types.intp, types.intp, types.intp, types.intp, like), codegen


@intrinsic
def _array_at_intrinsic(typingctx, address, size, like):
    view = types.Array(like.dtype, 1, "C")

    def codegen(context, builder, signature, args):
        pointer = context.get_data_type(signature.return_type.dtype).as_pointer()
        return _build(context, builder, signature.return_type, builder.inttoptr(args[0], pointer), [args[1]])

    return view(types.intp, types.intp, like), codegen


@intrinsic
def _prefetch_intrinsic(typingctx, address):
    def codegen(context, builder, signature, args):
        pointer = ir.IntType(8).as_pointer()
        number = ir.IntType(32)
        arguments = [pointer, number, number, number]
        function = builder.module.declare_intrinsic(
            "llvm.prefetch", [pointer], ir.FunctionType(ir.VoidType(), arguments)
        )
        for_reading, to_all_levels, data = (ir.Constant(number, value) for value in (0, 3, 1))
        builder.call(function, [builder.inttoptr(args[0], pointer), for_reading, to_all_levels, data])
        return context.get_dummy_value()

    return types.void(types.intp), codegen


# prefetch(address): begin to bring the cache line of an address, which need not be valid, into the cache
prefetch = (lambda address: None) if DISABLED else _prefetch_intrinsic
# flat_view(array, start, size): vector of `size` elements from element `start` of a C-contiguous array
flat_view = _flat_view if DISABLED else _flat_view_intrinsic
# matrix_view(array, start, n_rows, n_columns): C-contiguous matrix from element `start` of a C-contiguous array
matrix_view = _matrix_view if DISABLED else _matrix_view_intrinsic
# array_at(address, size, like): vector at an address, `like` being a NumPy scalar type or an array of the same type
array_at = _array_at if DISABLED else _array_at_intrinsic
# matrix_at(address, start, n_rows, n_columns, like): matrix from element `start` of the memory at an address
matrix_at = _matrix_at if DISABLED else _matrix_at_intrinsic
