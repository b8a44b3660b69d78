"""Calls of compiled functions whose addresses stand in a table that a record points to."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .jit import DISABLED, _called


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
        From a numba scalar type to the signature of the kernel, whose precision is that of the arrays among the
        arguments.

    Returns
    -------
    callable
    """
    if DISABLED:
        return function
    record, field = table
    _called[function.__name__] = f"{index} {for_scalar(types.float64)}"

    @intrinsic
    def call(typingctx, *arguments):
        # numba passes the types of *arguments either one by one or as one tuple type
        given = arguments[0] if isinstance(arguments[0], types.BaseTuple) else arguments
        single = any(getattr(kind, "dtype", None) == types.float32 for kind in given)
        signature = for_scalar(types.float32 if single else types.float64)
        holder = signature.args.index(record)

        def codegen(context, builder, _, values):
            arguments = [builder.extract_value(values[0], i) for i in range(len(signature.args))]
            integer, byte = ir.IntType(64), ir.IntType(8)

            def load(pointer, offset):
                pointer = builder.gep(builder.bitcast(pointer, byte.as_pointer()), [ir.Constant(integer, offset)])
                return builder.load(builder.bitcast(pointer, integer.as_pointer()))

            start = load(arguments[holder], record.offset(field))
            address = load(builder.inttoptr(start, byte.as_pointer()), index * 8)
            convention = context.call_conv
            function_type = convention.get_function_type(signature.return_type, signature.args)
            _, result = convention.call_function(
                builder, builder.inttoptr(address, function_type.as_pointer()), signature.return_type, signature.args,
                arguments,
            )  # fmt: skip
            return context.get_dummy_value() if signature.return_type == types.void else result

        return signature.return_type(types.StarArgTuple(signature.args)), codegen

    return call
