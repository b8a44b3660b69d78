"""Denormal numbers count as zero while the training loop runs.

Processors take a hundred times as long for a number below the smallest normal one (1.2e-38 in single precision).
Training makes plenty of them in the long run: moments of weights whose gradient is zero, errors of rows that are
certain, weights that a penalty shrinks. The two switches of x86 for this, "flush to zero" for results and "denormals
are zero" for operands, belong to the thread and cost nothing, so compiled code sets them on entry and restores them on
exit. ARM's processors need no switch.

The cache key of every compiled function contains a digest of this file (see ``cache.py``).
"""

import platform

from numba import types
from numba.extending import intrinsic

from .compiler import DISABLED
from .numba_internals import cgutils, ir

_HAS_SWITCH = platform.machine().lower() in ("x86_64", "amd64")
_FLUSH_TO_ZERO, _DENORMALS_ARE_ZERO = 1 << 15, 1 << 6  # bits of the MXCSR register, Intel's manual, volume 1, 10.2.3
_register = ir.IntType(32)


def _call(builder, name, slot):
    function_type = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t])
    function = cgutils.get_or_insert_function(builder.module, function_type, f"llvm.x86.sse.{name}")
    builder.call(function, [builder.bitcast(slot, cgutils.voidptr_t)])


@intrinsic
def _denormals_off(typingctx):
    def codegen(context, builder, signature, args):
        slot = cgutils.alloca_once(builder, _register)
        if not _HAS_SWITCH:
            return ir.Constant(_register, 0)
        _call(builder, "stmxcsr", slot)
        before = builder.load(slot)
        switches = ir.Constant(_register, _FLUSH_TO_ZERO | _DENORMALS_ARE_ZERO)
        builder.store(builder.or_(before, switches), slot)
        _call(builder, "ldmxcsr", slot)
        return before

    return types.uint32(), codegen


@intrinsic
def _denormals_as(typingctx, before):
    def codegen(context, builder, signature, args):
        if _HAS_SWITCH:
            _call(builder, "ldmxcsr", cgutils.alloca_once_value(builder, args[0]))
        return context.get_dummy_value()

    return types.void(types.uint32), codegen


# denormals_off(): switch them off in this thread, returns what denormals_as takes to restore how it was before
denormals_off = (lambda: 0) if DISABLED else _denormals_off
denormals_as = (lambda before: None) if DISABLED else _denormals_as
