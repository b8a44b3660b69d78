"""What is compiled when, and that machine code computes what Python would."""

import inspect
import os
from collections import Counter

import numpy as np
import pytest
from support.kernels import needs_compiler, zipped
from support.processes import DATA, PACKAGE, Child, run

from skregopt._estimators.verbose import say_what_compiles

# a few combinations that need most of the engine
FITS = (
    DATA
    + """
FITS = {
    "verbose": (MLPClassifier((5, 4), verbose=True), X, classes),
    "multilabel": (MLPClassifier(4, activation="tanh", dropout=0.3), X, X[:, :2] > 0),
    "l1": (MLPClassifier(4, penalty="l1", solver="sgd", alpha=1e-2), X, classes),
    "linear": (MLPRegressor((), penalty="elasticnet", solver="gd", learning_rate="adaptive"), X, counts),
    "poisson": (MLPRegressor((4, 3), loss="poisson", activation="logistic", nesterovs_momentum=False,
                             solver="minibatch"), X, counts),
    "csr": (MLPClassifier(4, input_dropout=0.2), sp.csr_array(np.tile(X, 3)), classes),
    "scorer": (MLPRegressor(4, early_stopping=True, validation_fraction=0.3, scoring="r2"), X, counts, weights),
    "lbfgs": (MLPClassifier(4, solver="lbfgs", early_stopping=True, validation_fraction=0.3), X, classes),
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


NO_CACHE = {"HOME": os.devnull, "XDG_CACHE_HOME": None, "NUMBA_CACHE_DIR": None}


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
    # "<locals>": loaders, one for each kind and element type of X, and overloads
    counts = Counter(name.rpartition(".")[2] for name in first["compiled"] if "<locals>" not in name)
    assert counts["run_epochs"] == counts["predict"] == counts["_relu_activate"] == 2
    assert max(Counter(name for name in first["compiled"] if "<locals>" not in name).values()) == 2


@needs_compiler
def test_second_process_compiles_nothing(cold):
    folder, first = cold
    files = {path: path.stat().st_mtime_ns for path in folder.rglob("*.code")}
    second = run(BOTH + FITS, cache=folder)
    assert second["compiled"] == []
    assert "Compiling" not in second["printed"] and "Iteration 1" in second["printed"]
    assert values(second) == values(first)
    assert len(values(second)) == 16
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.code")} == files


@needs_compiler
def test_compilation_is_announced_once(cold):
    folder, first = cold
    (code_folder,) = (folder / "skregopt").glob("*/")
    assert first["printed"].count("Compiling") == 2  # two fits with verbose, each the first of its dtype
    assert str(code_folder) in first["printed"]


@pytest.mark.nojit
def test_a_folder_of_no_use_is_named(monkeypatch, capsys):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/nowhere")
    say_what_compiles(None)
    assert "as every process has to: NUMBA_CACHE_DIR=/nowhere keeps no machine code. Set it" in capsys.readouterr().out


@needs_compiler
@pytest.mark.exhaustive
def test_a_whole_fit_without_a_cache(cold):
    """It gives the same bits, and says that the next process has to compile again."""
    code = DATA + inspect.cleandoc("""
    model = MLPClassifier(4, penalty="l1", solver="sgd", alpha=1e-2, dtype="float32", random_state=0, max_iter=4)
    model.set_params(learning_rate_init=0.01, verbose=True).fit(X, classes)
    learnt = [*model.coefs_, *model.intercepts_, model.predict(X)]
    result["values"] = [float(value) for array in learnt for value in np.ravel(array)]
    """)
    fitted = run(code, env=NO_CACHE)
    assert fitted["compiled"].count("skregopt._engine.loop.run_epochs") == 1
    assert "as every process has to: there is no folder" in fitted["printed"]
    assert fitted["values"] == cold[1]["l1, float32"]


COMPILED_FOR_THE_DEFAULTS = {
    "adam_prepare", "adam_step", "constant_rate", "l2_add_gradient", "l2_value", "relu_activate",
    "relu_differentiate", "stop_when_exhausted", "activation_backward", "activation_forward", "backward",
    "evaluate_rows", "forward", "gradient_of_coefs", "gradient_of_intercepts", "gradient_of_vectors", "load",
    "load_tile", "loss_of_tile", "product_backward", "product_forward", "run_epochs", "softmax_evaluate",
    "train_rows", "update_pieces",
}  # fmt: skip


@needs_compiler
@pytest.mark.exhaustive
def test_time_of_first_fits(tmp_path):
    """Bounds for busy machines; the numbers themselves are printed with -s.

    What others use is not compiled for those who do not.
    """
    code = """
    model = MLPClassifier(random_state=0, max_iter=5, dtype="float32")
    clock, processor = time.perf_counter(), time.process_time()
    model.fit(X, classes)
    result["seconds"], result["processor"] = time.perf_counter() - clock, time.process_time() - processor
    """
    for name, limit in (("first", 60), ("later", 5)):
        fit = run(DATA + inspect.cleandoc(code), cache=tmp_path)
        print(f"\n{name} fit: {fit['seconds']:.2f} s, of which the processor worked {fit['processor']:.2f} s")
        assert fit["seconds"] < limit
    assert {path.name.partition(".")[0].strip("_") for path in tmp_path.rglob("*.code")} == COMPILED_FOR_THE_DEFAULTS


@needs_compiler
@pytest.mark.exhaustive
def test_whole_fit_from_a_zip_archive_without_home_folder(tmp_path, cold):
    assert values(run(SINGLE + FITS, path=zipped(tmp_path), env=NO_CACHE)).items() <= values(cold[1]).items()


@needs_compiler
@pytest.mark.exhaustive
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
