"""Operations on a number that several threads read and write at the same time, for compiled code.

Numbers are int64 and given by their address. All operations are sequentially consistent: what a thread has written
before it stores a number is seen by the thread that loads it.

The cache key of every compiled function contains a digest of this file (see ``cache.py``).
"""

import platform

from numba import types
from numba.extending import intrinsic

from .numba_internals import binding, cgutils, ir

_ORDER, _ALIGNMENT = "seq_cst", 8
_number = ir.IntType(64)
_MACHINE = platform.machine().lower()
_PAUSES = {"x86_64": "llvm.x86.sse2.pause", "amd64": "llvm.x86.sse2.pause"}
_YIELDS = ("sched_yield", "SwitchToThread")  # of POSIX, of Windows


def _pointer(builder, address):
    return builder.inttoptr(address, _number.as_pointer())


@intrinsic
def load(typingctx, address):
    """Return the number."""

    def codegen(context, builder, signature, args):
        return builder.load_atomic(_pointer(builder, args[0]), _ORDER, _ALIGNMENT)

    return types.int64(types.int64), codegen


@intrinsic
def store(typingctx, address, value):
    """Set the number."""

    def codegen(context, builder, signature, args):
        builder.store_atomic(args[1], _pointer(builder, args[0]), _ORDER, _ALIGNMENT)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@intrinsic
def add(typingctx, address, value):
    """Add to the number; returns what it was."""

    def codegen(context, builder, signature, args):
        return builder.atomic_rmw("add", _pointer(builder, args[0]), args[1], _ORDER)

    return types.int64(types.int64, types.int64), codegen


@intrinsic
def replace(typingctx, address, expected, value):
    """Set the number to ``value`` if it is ``expected``; returns whether it was."""

    def codegen(context, builder, signature, args):
        result = builder.cmpxchg(_pointer(builder, args[0]), args[1], args[2], _ORDER, _ORDER)
        return builder.extract_value(result, 1)

    return types.boolean(types.int64, types.int64, types.int64), codegen


@intrinsic
def pause(typingctx):
    """Tell the processor that this thread waits in a loop: a few dozen cycles."""

    def codegen(context, builder, signature, args):
        if _MACHINE in _PAUSES:
            function_type = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, function_type, _PAUSES[_MACHINE]), [])
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def give_way(typingctx):
    """Let another thread have the processor, if one waits for it."""

    def codegen(context, builder, signature, args):
        for name in _YIELDS:
            if binding.address_of_symbol(name):
                function_type = ir.FunctionType(ir.IntType(32), [])
                builder.call(cgutils.get_or_insert_function(builder.module, function_type, name), [])
                break
        return context.get_dummy_value()

    return types.void(), codegen
