"""How numba compiles here: for the processor's widest vectors, without what this package does not need, or not at all.

LLVM prefers 256-bit vectors on processors that have 512-bit ones, because those can lower the clock rate. Here the
matrix products, OpenBLAS's, use 512 bits anyway, and loops over parameters and activations take about 40 % less time
with them. Where there are no such vectors the preference changes nothing.

Most of the time of a compilation is spent in numba, not in LLVM. Its passes for closures, generators of code, array
expressions and branches on constants find nothing in the functions of this package, but each goes through all of them.
"""

from inspect import signature

import numba

from .numba_internals import (
    Compiler,
    CPUCodegen,
    JITCodeLibrary,
    Lower,
    NativeLowering,
    binding,
    register_pass,
)

DISABLED = bool(numba.config.DISABLE_JIT)

# numba 0.61 has one for all functions of a module, later versions one for each function
_SHARES_PASS_MANAGER = "llvm_module" in signature(CPUCodegen._function_pass_manager).parameters

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


class _NoMachineCode:
    """Stands for the code generator of a library without machine code."""

    @staticmethod
    def set_env(name, environment):
        """Do nothing: there is no variable that has the address of the function's environment."""


class _Library(JITCodeLibrary):
    """A function's code that becomes machine code only if somebody asks for it.

    Helpers never do: their code is linked into the functions that call them, so most of what numba would emit is saved.
    """

    def __init__(self, codegen, name):
        super().__init__(codegen, name)
        self._is_emitted = False

    @property
    def codegen(self):
        return self._codegen if self._is_emitted else _NoMachineCode

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def _optimize_functions(self, ll_module):
        if _SHARES_PASS_MANAGER:
            super()._optimize_functions(ll_module)
            return
        ll_module.data_layout = self._codegen._data_layout
        for function in ll_module.functions:
            if not function.is_declaration:  # numba makes a pass manager for each of these, too
                passes, builder = self._codegen._function_pass_manager()
                passes.run(function, builder)

    def _optimize_final_module(self):
        pass

    def _emit(self):
        if not self._is_emitted:
            self._is_emitted = True
            super()._finalize_final_module()

    def get_pointer_to_function(self, name):
        self._ensure_finalized()
        if not any(function.name == name and not function.is_declaration for function in self._final_module.functions):
            return 0
        self._emit()
        return super().get_pointer_to_function(name)

    def serialize_using_object_code(self):
        self._ensure_finalized()
        self._emit()
        return super().serialize_using_object_code()


class _SelfContainedLibrary(_Library):
    """The code of a function that is called through its address.

    Helpers that are linked into it become its own. Otherwise the copies that several functions hold of a helper would
    be one symbol of the process, and which of them is called, compiled in which surroundings, would be chance.
    """

    def _optimize_final_module(self):
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == binding.Linkage.linkonce_odr:
                function.linkage = binding.Linkage.internal
        JITCodeLibrary._optimize_final_module(self)


@register_pass(mutates_CFG=True, analysis_only=False)
class _FullWidthLowering(NativeLowering):
    _name = "full_width_lowering"

    library_class = _Library

    @property
    def lowering_class(self):
        return _FullWidthLower

    def run_pass(self, state):
        state.library = self.library_class(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        return super().run_pass(state)


@register_pass(mutates_CFG=True, analysis_only=False)
class _KernelLowering(_FullWidthLowering):
    _name = "kernel_lowering"
    library_class = _SelfContainedLibrary


class HelperCompiler(Compiler):
    """numba's default compiler with :class:`NativeLowering` replaced and some passes left out."""

    lowering = _FullWidthLowering

    def define_pipelines(self):
        """Return the default pipelines with the preference for wide vectors."""
        managers = super().define_pipelines()
        for manager in managers:
            manager.passes = [
                (self.lowering if stage is NativeLowering else stage, description)
                for stage, description in manager.passes
                if stage.__name__ not in _NOT_NEEDED
            ]
            manager.finalize()
        return managers


class KernelCompiler(HelperCompiler):
    """The same for functions that are called through their addresses."""

    lowering = _KernelLowering


# NaN and infinities must survive, so neither `nnan` nor `ninf`; `reassoc` is what lets LLVM vectorise sums.
# `_nrt=False`: no reference counting, hence no allocation, in any compiled function.
OPTIONS = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz", "reassoc"},
    "_nrt": False,
    "pipeline_class": HelperCompiler,
}
KERNEL_OPTIONS = {**OPTIONS, "pipeline_class": KernelCompiler}
