"""Calls of compiled functions through addresses, from compiled code.

A function that compiled code calls by its address is optimised on its own, and neither it nor the function that calls
it is compiled again for the sake of the other. The address is an argument, or stands in a table
that a record points to.
"""

import hashlib
from functools import cache

from numba import types
from numba.extending import intrinsic

from .compiler import DISABLED
from .numba_internals import ir

_called = {}  # name -> signature for float64 of what compiled code calls through addresses

# With the JIT disabled an "address" is a position in here, beginning with 1.
plain_functions = []


def caller(name, for_scalar):
    """Return a function ``call(address, *arguments)`` that calls a kernel from compiled code.

    Parameters
    ----------
    name : str
        For the key of the cache.
    for_scalar : callable
        From a numba scalar type to the signature of the kernel, whose precision follows from its
        arrays.

    Returns
    -------
    callable
    """
    if DISABLED:
        return lambda address, *arguments: plain_functions[address - 1](*arguments)
    _note(name, for_scalar(types.float64))

    @intrinsic
    def call(typingctx, address, *arguments):
        signature = _signature_for(for_scalar, arguments)

        def codegen(context, builder, _, values):
            address, arguments = values
            return _call(context, builder, address, signature, arguments)

        return signature.return_type(types.int64, types.StarArgTuple(signature.args)), codegen

    return call


def table_caller(function, index, table, for_scalar):
    """Return a function of the same arguments that calls the ``index``-th kernel of a table from compiled code.

    Parameters
    ----------
    function : callable
        What the kernel is compiled from; returned as it is where the JIT is disabled.
    index : int
        Position in the table.
    table : (numba record type, str)
        Type of the argument that has the address of the table, and the field that holds it.
    for_scalar : callable
        From a numba scalar type to the signature of the kernel, whose precision follows from its
        arrays.

    Returns
    -------
    callable
    """
    if DISABLED:
        return function
    record, field = table
    _note(f"{function.__name__} {index}", for_scalar(types.float64))

    @intrinsic
    def call(typingctx, *arguments):
        signature = _signature_for(for_scalar, arguments)
        holder = signature.args.index(record)

        def codegen(context, builder, _, values):
            (arguments,) = values
            integer, byte = ir.IntType(64), ir.IntType(8)

            def load(pointer, offset):
                pointer = builder.gep(builder.bitcast(pointer, byte.as_pointer()), [ir.Constant(integer, offset)])
                return builder.load(builder.bitcast(pointer, integer.as_pointer()))

            start = load(builder.extract_value(arguments, holder), record.offset(field))
            address = load(builder.inttoptr(start, byte.as_pointer()), index * 8)
            return _call(context, builder, address, signature, arguments)

        return signature.return_type(types.StarArgTuple(signature.args)), codegen

    return call


def _note(name, signature):
    _called[name] = signature
    digest_of_calls.cache_clear()


@cache
def digest_of_calls():
    """Return a digest of the signatures of everything that compiled code calls through addresses.

    It is part of every name in the cache: machine code that calls a kernel in the manner of an older version must not
    be loaded.
    """
    text = repr({name: digest_of_signature(_called[name]) for name in sorted(_called)})
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of_signature(signature):
    """Return a digest of the types in a signature, whose texts fill pages where records are among them."""
    text = " ".join(_digest_of_type(kind) for kind in (signature.return_type, *signature.args))
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _digest_of_type(kind):
    return hashlib.sha256(str(kind).encode()).hexdigest()


def _signature_for(for_scalar, arguments):
    """Return the signature for the types of arguments, which numba passes one by one or as one tuple type."""
    given = arguments[0] if isinstance(arguments[0], types.BaseTuple) else arguments
    single = any(getattr(kind, "dtype", None) == types.float32 for kind in given)
    return for_scalar(types.float32 if single else types.float64)


def _call(context, builder, address, signature, arguments):
    """Emit the call of what is at an address with the elements of a tuple, and return its result."""
    convention = context.call_conv
    function_type = convention.get_function_type(signature.return_type, signature.args)
    _, result = convention.call_function(
        builder, builder.inttoptr(address, function_type.as_pointer()), signature.return_type, signature.args,
        [builder.extract_value(arguments, i) for i in range(len(signature.args))],
    )  # fmt: skip
    return context.get_dummy_value() if signature.return_type == types.void else result
