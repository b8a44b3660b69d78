"""numba's compiler, told to use the processor's widest vectors, without what this package does not need.

LLVM prefers 256-bit vectors on processors that have 512-bit ones, because those can lower the clock rate. Here the
matrix products, OpenBLAS's, use 512 bits anyway, and loops over parameters and activations take about 40 % less time
with them. Where there are no such vectors the preference changes nothing.

Most of the time of a compilation is spent in numba, not in LLVM. Its passes for closures, generators of code, array
expressions and branches on constants find nothing in the functions of this package, but each goes through all of them.
"""

from numba.core.compiler import Compiler
from numba.core.compiler_machinery import register_pass
from numba.core.lowering import Lower
from numba.core.typed_passes import NativeLowering

_PREFERENCE = '"prefer-vector-width"="512"'

# by name: a version of numba that has no such pass has none to leave out
_NOT_NEEDED = {
    "WithLifting",
    "InlineClosureLikes",
    "RewriteSemanticConstants",
    "DeadBranchPrune",
    "RewriteDynamicRaises",
    "MakeFunctionToJitFunction",
    "InlineInlinables",
    "FindLiterallyCalls",
    "LiteralUnroll",
    "LiteralPropagationSubPipelinePass",
    "InlineOverloads",
    "NopythonRewrites",
    "DumpParforDiagnostics",
}


class _FullWidthLower(Lower):
    def setup_function(self, fndesc):
        super().setup_function(fndesc)
        # llvmlite's own `add` knows the attributes that are keywords only; this one is a string
        set.add(self.function.attributes, _PREFERENCE)


@register_pass(mutates_CFG=True, analysis_only=False)
class _FullWidthLowering(NativeLowering):
    _name = "full_width_lowering"

    @property
    def lowering_class(self):
        return _FullWidthLower


class FullWidthCompiler(Compiler):
    """numba's default compiler with :class:`NativeLowering` replaced and some passes left out."""

    def define_pipelines(self):
        """Return the default pipelines with the preference for wide vectors."""
        managers = super().define_pipelines()
        for manager in managers:
            manager.passes = [
                (_FullWidthLowering if stage is NativeLowering else stage, description)
                for stage, description in manager.passes
                if stage.__name__ not in _NOT_NEEDED
            ]
            manager.finalize()
        return managers
