"""Every name that the package takes from inside numba, or from llvmlite, numba's back end.

Neither promises to keep them. They were seen to be there, and to work, from numba 0.61.0 with llvmlite 0.44.0 to numba
0.68.1 with llvmlite 0.50.0.
"""

from llvmlite import __version__ as LLVMLITE_VERSION
from llvmlite import binding, ir
from numba.core import cgutils
from numba.core.codegen import CPUCodegen, JITCodeLibrary
from numba.core.compiler import Compiler, CompileResult
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import register_pass
from numba.core.errors import NumbaError
from numba.core.lowering import Lower
from numba.core.registry import cpu_target
from numba.core.serialize import dumps
from numba.core.typed_passes import NativeLowering
from numba.core.typing.templates import Signature
from numba.np.arrayobj import make_array, populate_array

__all__ = [
    "LLVMLITE_VERSION",
    "CPUCodegen",
    "CompileResult",
    "Compiler",
    "JITCodeLibrary",
    "Lower",
    "NativeLowering",
    "NumbaError",
    "Signature",
    "binding",
    "cgutils",
    "cpu_target",
    "dumps",
    "global_compiler_lock",
    "ir",
    "make_array",
    "populate_array",
    "register_pass",
]
