"""doc/extending.rst: fit, search, clone, pickle, gradients, other processes, without the compiler; errors."""

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import njit
from numba.core.errors import NumbaError
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from support.embeddings import Column, embedded, gradient_of
from support.processes import PACKAGE, run

from skregopt import MLPRegressor, optimizers, schedules, to_onnx
from skregopt._engine.records import N_SCALARS
from skregopt._kernels.compiler import DISABLED
from skregopt._training.memory import N_MEMORY
from skregopt.activations import Activation, Tanh
from skregopt.losses import REGRESSION_LOSSES

FOLDER = Path(__file__).parents[2] / "doc" / "extending"
sys.path.insert(0, str(FOLDER))
import my_components  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# parameter of the estimator: an instance, and the parameter to search with two values
COMPONENTS = {
    "activation": (my_components.Softsign(), "width", [0.5, 2.0]),
    "feature_embedding": (my_components.Bumps(), "width", [0.5, 2.0]),
    "loss": (my_components.LogCosh(), "width", [0.5, 2.0]),
    "penalty": (my_components.CappedL1(), "cap", [0.02, 2.0]),
    "solver": (my_components.AdaBelief(), "beta_1", [0.5, 0.9]),
    "learning_rate": (my_components.Linear(), "end", [0.01, 1.0]),
    "weight_init": (my_components.Normal(), "scale", [0.01, 0.3]),
}
ALL = {name: component for name, (component, _, _) in COMPONENTS.items()}
each_component = pytest.mark.parametrize("name", COMPONENTS)
SMALL = {"hidden_layer_sizes": (5,), "max_iter": 15, "random_state": 0, "alpha": 0.01, "learning_rate_init": 0.02}


def data():
    X = np.random.RandomState(0).normal(size=(50, 4))
    return X, X[:, 0] - np.abs(X[:, 1])


def coefs(model):
    return np.concatenate([W.ravel() for W in model.fit(*data()).coefs_])


@pytest.mark.nojit
@each_component
def test_fit_clone_pickle(name):
    model = MLPRegressor(**SMALL, **{name: COMPONENTS[name][0]})
    fitted, (X, y) = coefs(model), data()
    assert np.abs(model.predict(X) - MLPRegressor(**SMALL).fit(X, y).predict(X)).max() > 1e-6
    np.testing.assert_array_equal(coefs(clone(model)), fitted)
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


@each_component
def test_search(name):
    component, parameter, values = COMPONENTS[name]
    search = GridSearchCV(MLPRegressor(**SMALL, **{name: component}), {f"{name}__{parameter}": values}, cv=2)
    search.fit(*data())
    scores = search.cv_results_["mean_test_score"]
    assert np.all(np.isfinite(scores)) and scores[0] != scores[1]


def test_documented_lengths_of_vectors():
    """A kernel that writes beyond them would overwrite other memory."""
    assert f"{N_MEMORY} numbers in ``memory``" in optimizers.__doc__
    assert f"up to {N_SCALARS} ``scalars``" in optimizers.__doc__
    assert f"``memory`` holds {N_MEMORY} float64 numbers" in schedules.__doc__


@pytest.mark.nojit
def test_together_and_by_name():
    model = MLPRegressor(**SMALL | {"max_iter": 100}, **ALL).fit(*data())
    assert model.score(*data()) > 0.5 and model.sparsity_ > 0
    registered = {name: rule for name, rule in ALL.items() if name != "loss"}
    by_name = MLPRegressor(**SMALL | {"max_iter": 100}, **registered, loss="log_cosh")
    np.testing.assert_array_equal(coefs(by_name), coefs(model))
    assert REGRESSION_LOSSES["log_cosh"] is my_components.LogCosh


def test_proximal_operator_of_the_penalty():
    """Against a search on a grid, for steps on both sides of where a weight jumps from zero to itself."""
    grid = np.linspace(-3, 3, 60_001)
    for step_size in (0.1, 0.9, 4.0):
        for w in np.random.RandomState(0).uniform(-2.5, 2.5, 40):
            moved, cap, alpha = np.array([w]), 0.5, 0.8
            my_components.capped_prox(moved, np.array([step_size]), 1, 0, alpha, np.array([cap]))
            cost = (grid - w) ** 2 / (2 * step_size) + alpha * np.minimum(np.abs(grid), cap)
            assert abs(moved[0] - grid[cost.argmin()]) < 2e-4


def test_gradient_of_loss_and_activation():
    """lbfgs finds a point at which its gradient vanishes only if value and gradient agree."""
    X, y = data()
    params = {"activation": ALL["activation"], "loss": ALL["loss"], "penalty": "l2", "alpha": 0.01}
    model = MLPRegressor((3,), solver="lbfgs", max_iter=3000, max_fun=30_000, tol=1e-8, random_state=0, **params)
    model.fit(X, y)

    def objective(W):
        a = X @ W + model.intercepts_[0]
        a = a / (1 + np.abs(a))
        residual = (a @ model.coefs_[1] + model.intercepts_[1]).ravel() - y
        return np.log(np.cosh(residual)).mean() + 0.005 * ((W**2).sum() + (model.coefs_[1] ** 2).sum())

    W = model.coefs_[0]
    np.testing.assert_allclose(objective(W), model.loss_, rtol=1e-10)
    for i in range(W.size):
        E = np.zeros(W.size)
        E[i] = 1e-5
        E = E.reshape(W.shape)
        assert abs(objective(W + E) - objective(W - E)) / 2e-5 < 1e-6


@pytest.mark.nojit
def test_gradient_and_bound_of_the_embedding():
    component, x = my_components.Bumps(n_outputs=5), np.random.RandomState(1).normal(size=37)
    column = Column.random(component, np.float64)
    deltas = np.random.RandomState(2).normal(size=(5, 37))

    def total(centres):
        return np.sum(deltas * embedded(component, column._replace(parameters=centres), x)[0])

    centres = column.parameters
    expected = [(total(centres + step) - total(centres - step)) / 2e-5 for step in 1e-5 * np.eye(5)]
    np.testing.assert_allclose(gradient_of(component, column, x, deltas), expected, atol=1e-8)
    outputs, _ = embedded(component, column, np.append(x, centres))
    largest = np.linalg.norm(outputs, axis=0).max()
    assert largest < component.bound(np.inf, 1, np.inf) == 5**0.5 and outputs.max() == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_onnx_of_the_embedding(dtype):
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    X = data()[0].astype(dtype)
    X[:, 1] = X[:, 1] > 0  # not embedded
    model = MLPRegressor(**SMALL, feature_embedding=ALL["feature_embedding"], dtype=dtype).fit(X, data()[1])
    assert model.embedded_columns_.tolist() == [0, 2, 3] and model.coefs_[0].shape == (1 + 3 * 8, 5)
    session = onnxruntime.InferenceSession(to_onnx(model).SerializeToString(), providers=["CPUExecutionProvider"])
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(session.run(None, {"X": X})[0], model.predict(X), rtol=tolerance, atol=tolerance)


@pytest.mark.skipif(DISABLED, reason="without the JIT there is nothing to compile")
def test_second_process_compiles_nothing(tmp_path):
    """Of a module that no process has seen; what it works together with may be compiled already."""
    shutil.copy(FOLDER / "my_components.py", tmp_path)
    code = f"""
        sys.path.insert(0, {str(tmp_path)!r})
        import numpy as np, my_components as m
        from skregopt import MLPRegressor
        warnings.simplefilter("ignore")
        X = np.random.RandomState(0).normal(size=(50, 4))
        model = MLPRegressor(5, loss="log_cosh", activation=m.Softsign(), penalty=m.CappedL1(), solver=m.AdaBelief(),
                             learning_rate=m.Linear(), weight_init=m.Normal(), feature_embedding=m.Bumps(),
                             max_iter=3, random_state=0)
        model.fit(X, X[:, 0])
        result["bits"] = bits(*model.coefs_)
    """
    first, second = (run(code) for _ in range(2))
    assert all(any(kernel in name for name in first["compiled"]) for kernel in ("softsign", "bumps"))
    assert second["compiled"] == [] and second["bits"] == first["bits"]


@pytest.mark.exhaustive
def test_loky_workers(tmp_path):
    """In a script: workers import the module, and with it register the name."""
    script = tmp_path / "search.py"
    script.write_text(
        f"""
import sys, os
sys.path.insert(0, {str(FOLDER)!r})
os.environ["PYTHONPATH"] = {str(FOLDER)!r} + os.pathsep + os.environ.get("PYTHONPATH", "")
import numpy as np, my_components
from sklearn.model_selection import GridSearchCV
from skregopt import MLPRegressor
if __name__ == "__main__":
    X = np.random.RandomState(0).normal(size=(50, 4))
    model = MLPRegressor(5, loss="log_cosh", activation=my_components.Softsign(), max_iter=5, random_state=0)
    search = GridSearchCV(model, {{"activation__width": [0.5, 1.0]}}, cv=2, n_jobs=2).fit(X, X[:, 0])
    print(np.isfinite(search.cv_results_["mean_test_score"]).all())
"""
    )
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    command = [sys.executable, "-W", "ignore", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, env=environment)
    assert done.stdout.strip() == "True", done.stderr


# --- errors ---------------------------------------------------------------------------------------


def three(z, saved, hyper):
    pass


def anything(*arguments):
    pass


def plain(x):
    return x


def uses_plain_python(z, saved, hyper):
    for i in range(z.size):
        z[i] = plain(z[i])


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (None, r"kernel 'activate' of the activation Mine is None\. Assign a plain"),
        (staticmethod(three.__call__), r"kernel 'activate' of the activation Mine is <method-wrapper"),
        (staticmethod(Tanh.differentiate), r"arguments \(a, saved, delta, hyper\), expected 3, of types"),
        (staticmethod(anything), r"arguments \(\*arguments\), expected 3"),
    ],
)
def test_bad_kernels(kernel, message):
    mine = type("Mine", (Tanh,), {"activate": kernel})()
    with pytest.raises(TypeError, match=message):
        MLPRegressor(**SMALL, activation=mine).fit(*data())


def velocity_step(weights, grad, velocity, slot_2, slot_3, slot_4, scalars, step_size):
    for i in range(weights.size):
        velocity[i] = scalars[1] * velocity[i] - scalars[0] * grad[i]
        weights[i] += velocity[i]


def rate(lr, t, hyper, memory, scalars):
    scalars[0], scalars[1] = lr, hyper[0]


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({}, r"The kernel 'step' of the optimizer Mine looks beyond .* the first n_slots=0 slots: set n_slots"),
        ({"n_slots": 1, "hyper_parameters": lambda self: ()}, r"The kernel 'prepare' .* hyper has the 0 number\(s\)"),
        ({"n_slots": 9}, r"n_slots of the optimizer Mine must be an int from 0 to 4, .* got 9\."),
        ({"n_slots": 1.0}, r"n_slots of the optimizer Mine must be an int from 0 to 4, .* got 1\.0"),
    ],
)
def test_optimizers_that_look_beyond_their_arrays(attributes, message):
    """Compiled, they would crash the process."""
    mine = {"prepare": staticmethod(rate), "step": staticmethod(velocity_step), "hyper_parameters": lambda self: (0.9,)}
    model = MLPRegressor(**SMALL, solver=type("Mine", (optimizers.Optimizer,), mine | attributes)())
    with pytest.raises(ValueError, match=message):
        model.fit(*data())
    model.set_params(solver=type("Mine", (optimizers.Optimizer,), mine | {"n_slots": 1})()).fit(*data())


def test_missing_kernel():
    mine = type("Mine", (Activation,), {"activate": staticmethod(three)})()
    with pytest.raises(TypeError, match="kernel 'differentiate' of the activation Mine is missing"):
        MLPRegressor(**SMALL, activation=mine).fit(*data())


@pytest.mark.skipif(DISABLED, reason="plain Python compiles nothing")
def test_kernel_that_does_not_compile():
    mine = type("Mine", (Tanh,), {"activate": staticmethod(uses_plain_python)})()
    with pytest.raises(NumbaError) as caught:
        MLPRegressor(**SMALL, activation=mine).fit(*data())
    (note,) = caught.value.__notes__
    assert note.startswith("The kernel 'activate' of the activation Mine does not compile")


def whole_array(z, saved, hyper):
    z[:] = z / (1 + np.abs(z))


def product_of_arrays(a, saved, delta, hyper):
    delta *= 1 - a * a


def new_array(z, saved, hyper):
    z[0] = np.zeros(2)[0]


def inner_function(z, saved, hyper):
    def double(x):
        return 2 * x

    z[0] = double(z[0])


def comprehension(z, saved, hyper):
    z[0] = [2 * x for x in z][0]


@pytest.mark.skipif(DISABLED, reason="plain Python compiles nothing")
@pytest.mark.parametrize("kernel", [whole_array, product_of_arrays, new_array, inner_function, comprehension])
def test_kernels_that_make_arrays(kernel):
    name = "differentiate" if kernel is product_of_arrays else "activate"
    mine = type("Mine", (Tanh,), {name: staticmethod(kernel)})()
    with pytest.raises(NumbaError) as caught:
        MLPRegressor(**SMALL, activation=mine).fit(*data())
    (note,) = caught.value.__notes__
    assert f"The kernel {name!r} of the activation Mine does not compile" in note
    assert "make no new arrays" in note and "Write a loop over elements" in note and "Functions within" in note


@njit
def shown(x):
    print(x)
    return x


def prints(z, saved, hyper):
    print(z[0])


def calls_what_prints(z, saved, hyper):
    z[0] = shown(z[0])


@pytest.mark.skipif(DISABLED, reason="plain Python may print")
@pytest.mark.parametrize("kernel", [prints, calls_what_prints])
def test_kernels_do_not_print(kernel):
    """Compiled, they would wait forever."""
    mine = type("Mine", (Tanh,), {"activate": staticmethod(kernel)})()
    with pytest.raises(TypeError, match="kernel 'activate' of the activation Mine calls print"):
        MLPRegressor(**SMALL, activation=mine).fit(*data())


def test_not_a_component():
    class Mine:
        activate = staticmethod(three)

    for wrong in (Mine(), Softsign := my_components.Softsign, my_components.CappedL1()):
        with pytest.raises(ValueError, match="The 'activation' parameter of MLPRegressor must be"):
            MLPRegressor(**SMALL, activation=wrong).fit(*data())
    assert isinstance(Softsign(), Activation)
    with pytest.raises(ValueError, match="'width' parameter of Softsign must be"):
        MLPRegressor(**SMALL, activation=my_components.Softsign(width=-1)).fit(*data())


def test_convergence_warning_is_what_is_ignored():
    with pytest.warns(ConvergenceWarning):
        MLPRegressor(**SMALL).fit(*data())


@pytest.mark.nojit
def test_subclass_of_an_estimator():
    search = GridSearchCV(my_components.Funnel(random_state=0), {"width": [4], "depth": [1, 3]}, cv=2)
    search.fit(*data())
    assert search.best_estimator_.n_layers_ == search.best_params_["depth"] + 2
    assert clone(my_components.Funnel(9, depth=3)).fit(*data()).coefs_[2].shape == (4, 2)
