"""What is compiled when, and that machine code computes what Python would."""

import inspect
import os
import shutil
from collections import Counter

import numpy as np
import pytest
from processes import DATA, PACKAGE, Child, run
from support.kernels import needs_compiler, zipped

# a dozen combinations that need most kernels, and every function of the training loop
FITS = (
    DATA
    + """
FITS = {
    "verbose": (MLPClassifier((5, 4), verbose=True), X, classes),
    "binary": (MLPClassifier(4, activation="logistic", solver="minibatch", batch_size=7), X, classes > 0),
    "multilabel": (MLPClassifier(4, activation="tanh", dropout=0.3), X, X[:, :2] > 0),
    "l1": (MLPClassifier(4, penalty="l1", solver="sgd", alpha=1e-2), X, classes),
    "linear": (MLPRegressor((), penalty="elasticnet", solver="gd", learning_rate="adaptive"), X, counts),
    "two outputs": (MLPRegressor((4,), penalty=None, learning_rate="invscaling"), X, X[:, :2]),
    "poisson": (MLPRegressor((4, 3), loss="poisson", activation="identity", nesterovs_momentum=False,
                             solver="minibatch"), X, counts),
    "lbfgs": (MLPRegressor(4, solver="lbfgs", activation="tanh"), X, counts),
    "csr": (MLPClassifier(4, input_dropout=0.2), sp.csr_array(X), classes),
    "csr, long rows": (MLPRegressor(4, solver="sgd"), sp.csr_array(np.tile(X, 3)), counts),
    "early stopping": (MLPClassifier(4, early_stopping=True, validation_fraction=0.3), X, classes),
    "scorer": (MLPRegressor(4, early_stopping=True, validation_fraction=0.3, scoring="r2"), X, counts, weights),
    "lbfgs, early stopping": (MLPClassifier(4, solver="lbfgs", early_stopping=True, validation_fraction=0.3),
                              X, classes),
}
for dtype in dtypes:
    for name, (model, X_fit, *more) in FITS.items():
        model.set_params(dtype=dtype, random_state=0, max_iter=4, learning_rate_init=0.01)
        model.fit(X_fit, *more)
        learnt = [*model.coefs_, *model.intercepts_, model.predict(X_fit)]
        result[f"{name}, {dtype}"] = [float(value) for array in learnt for value in np.ravel(array)]
"""
)
SINGLE, DOUBLE, BOTH = ('dtypes = ["float32"]\n', 'dtypes = ["float64"]\n', 'dtypes = ["float64", "float32"]\n')


def values(result):
    """Return what a child has computed, by combination."""
    return {name: value for name, value in result.items() if isinstance(value, list) and name != "compiled"}


def unwritable(folder):
    """Return environment variables and a path to a copy of the package with nowhere to write to, for root either."""
    shutil.copytree(PACKAGE, folder / "skregopt", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "skregopt" / "__pycache__").touch()  # a file, so that it cannot become a folder
    (folder / "skregopt").chmod(0o555)
    return {"path": folder, "env": {"HOME": os.devnull, "XDG_CACHE_HOME": None, "NUMBA_CACHE_DIR": "/dev/null/cache"}}


@needs_compiler
def test_import_compiles_nothing(tmp_path):
    files = [path.relative_to(PACKAGE.parent).with_suffix("") for path in PACKAGE.rglob("*.py")]
    modules = "\n".join(f"import {'.'.join(file.parts)}" for file in files if file.stem != "__init__")
    assert run(f"import skregopt\n{modules}", cache=tmp_path)["compiled"] == []
    assert not list(tmp_path.rglob("*"))


@pytest.fixture(scope="module")
def cold(tmp_path_factory):
    """The first process on a machine, and the cache that it leaves."""
    folder = tmp_path_factory.mktemp("cache")
    return folder, run(BOTH + FITS, cache=folder)


@needs_compiler
def test_first_process_compiles_each_function_once_per_dtype(cold):
    _, first = cold
    counts = Counter(first["compiled"])
    assert counts["skregopt._engine.loop.run_epochs"] == 2
    assert counts["skregopt._engine.loop.predict"] == 2
    assert counts["skregopt.activations._relu_activate"] == 2
    # loaders: one function for each kind and element type of X
    assert {name: n for name, n in counts.items() if "<locals>" not in name and n > 2} == {}


@needs_compiler
def test_second_process_compiles_nothing(cold):
    folder, first = cold
    files = {path: path.stat().st_mtime_ns for path in folder.rglob("*.nb?")}
    second = run(BOTH + FITS, cache=folder)
    assert second["compiled"] == []
    assert values(second) == values(first)
    assert len(values(second)) == 26
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.nb?")} == files


@needs_compiler
def test_compilation_is_announced_once_and_only_if_there_is_any(cold):
    folder, first = cold
    assert first["printed"].count("Compiling") == 2  # two fits with verbose, each the first of its dtype
    model = 'MLPClassifier((5, 4), verbose=True, random_state=0, max_iter=2, dtype="float32").fit(X, classes)'
    second = run(DATA + model, cache=folder)
    assert "Compiling" not in second["printed"]
    assert "Iteration 1" in second["printed"]


RULES_AND_PASSES = {
    "activations", "losses", "penalties", "optimizers", "schedules", "_class_kernels", "_update_kernels",
    "_batch_norm", "_constraints", "_passes", "_source", "_team", "_update",
}  # fmt: skip
KERNELS_OF_THE_DEFAULTS = {
    "_adam_prepare", "_adam_step", "_constant_rate", "_stop_when_exhausted", "_l2_add_gradient", "_l2_value",
    "_relu_activate", "_relu_differentiate", "softmax_evaluate", "_highest", "_larger", "_subtract_highest",
    "_replace_by_exp", "load", "load_tile", "train_rows", "forward", "evaluate_rows", "backward", "gradient_rows",
    "update_pieces", "_add_product", "_add_scaled", "_column_sums", "_intercept_gradient", "_product_transposed",
    "_transpose", "loss_of_tile",
}  # fmt: skip


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("dtype", [pytest.param("float64", marks=pytest.mark.heavy), "float32"])
def test_time_of_first_fits(tmp_path, dtype, record_property):
    """Bounds for busy machines; the numbers themselves are in the report (--junitxml) and printed with -s."""
    code = f"""
    model = MLPClassifier(random_state=0, max_iter=5, dtype={dtype!r})
    clock, processor = time.perf_counter(), time.process_time()
    model.fit(X, classes)
    result["seconds"], result["processor"] = time.perf_counter() - clock, time.process_time() - processor
    """
    code = DATA + inspect.cleandoc(code)
    for name, limit in (("first", 60), ("later", 5)):
        fit = run(code, cache=tmp_path)
        record_property(f"{name}_fit_seconds", fit["seconds"])
        print(f"\n{name} fit, {dtype}: {fit['seconds']:.2f} s, of which the processor worked {fit['processor']:.2f} s")
        assert fit["seconds"] < limit
        if name == "first":
            # what others use is not compiled for those who do not
            rules = {function for function in fit["compiled"] if function.split(".")[1] in RULES_AND_PASSES}
            assert {function.rpartition(".")[2] for function in rules} == KERNELS_OF_THE_DEFAULTS


@needs_compiler
@pytest.mark.slow
def test_threads_of_a_cold_process_compile_once(tmp_path):
    code = """
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(4) as pool:
        models = [MLPClassifier(4, dtype=dtype, max_iter=3, random_state=0) for dtype in ("float32", "float64") * 4]
        fitted = list(pool.map(lambda model: model.fit(X, classes), models))
    result["n"] = len({bits(*model.coefs_) for model in fitted})
    """
    threads = run(DATA + inspect.cleandoc(code), cache=tmp_path)
    assert threads["n"] == 2
    assert max(Counter(name for name in threads["compiled"] if "<locals>" not in name).values()) == 2


@needs_compiler
def test_read_only_installation_without_home_folder(tmp_path, cold):
    """A whole fit, uncached, gives the same bits."""
    options = unwritable(tmp_path)
    code = DATA + inspect.cleandoc("""
    model = MLPClassifier(4, penalty="l1", solver="sgd", alpha=1e-2, dtype="float32", random_state=0, max_iter=4)
    model.set_params(learning_rate_init=0.01).fit(X, classes)
    learnt = [*model.coefs_, *model.intercepts_, model.predict(X)]
    result["values"] = [float(value) for array in learnt for value in np.ravel(array)]
    """)
    fitted = run(code, **options)
    assert fitted["compiled"].count("skregopt._engine.loop.run_epochs") == 1
    assert fitted["values"] == cold[1]["l1, float32"]
    assert not list(tmp_path.rglob("*.nb?"))


@needs_compiler
@pytest.mark.slow
@pytest.mark.heavy
def test_whole_fit_from_a_zip_archive_without_home_folder(tmp_path, cold):
    options = {"path": zipped(tmp_path), "env": {"HOME": os.devnull, "XDG_CACHE_HOME": None}}
    assert values(run(SINGLE + FITS, **options)).items() <= values(cold[1]).items()


@needs_compiler
@pytest.mark.slow
@pytest.mark.heavy
def test_cold_processes_at_once_with_whole_fits(tmp_path, cold):
    codes = [SINGLE, DOUBLE, BOTH, 'dtypes = ["float32", "float64"]\n']
    children = [Child(code + FITS, cache=tmp_path) for code in codes]
    for child in children:
        result = child.result()
        assert values(result)
        assert values(result).items() <= values(cold[1]).items()
    later = run(BOTH + FITS, cache=tmp_path)
    assert later["compiled"] == []
    assert values(later) == values(cold[1])


@needs_compiler
def test_without_compiler_to_rounding(cold):
    plain = run(DOUBLE + FITS, env={"NUMBA_DISABLE_JIT": "1"})
    assert plain["compiled"] == []
    compiled = {name: value for name, value in values(cold[1]).items() if "float64" in name}
    assert values(plain).keys() == compiled.keys()
    for name, expected in compiled.items():
        np.testing.assert_allclose(values(plain)[name], expected, rtol=1e-9, atol=1e-9, err_msg=name)
