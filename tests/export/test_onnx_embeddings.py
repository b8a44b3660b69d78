"""to_onnx of embeddings and trainable activations: onnxruntime predicts what the estimators predict."""

import numpy as np
import pytest
from support.onnx_models import DTYPES, RTOL, SMALL, assert_exported
from support.pairwise import exhaustive
from support.problems import make_problem

import skregopt
from skregopt import MLPClassifier, MLPRegressor
from skregopt.activations import ACTIVATIONS, ELU, Trainable
from skregopt.embeddings import EMBEDDINGS, Embedding, EmbeddingVector, Periodic, PiecewiseLinear

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RULES = {
    **{name: rule() for name, rule in EMBEDDINGS.items() if rule.__module__.startswith("skregopt.")},
    "one frequency": Periodic(1, 1.0, 2, columns=[1]),
    "some periodic": Periodic(5, 1.0, 7, columns=[3, 0]),
    "one bin": PiecewiseLinear(1, 1, columns=[0, 2]),
    "some bins": PiecewiseLinear(5, 3, columns=[3, 1]),
}


def make_data():
    """Draw X with columns of two, of four and of many values, and a constant one."""
    X = np.random.RandomState(0).normal(size=(60, 5))
    X[:, 1] = X[:, 1] > 0
    X[:, 2] = np.round(X[:, 2])
    X[:, 4] = 1.5
    return X, np.sin(2 * X[:, 0]) + X[:, 2]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("hidden", [(6, 5), ()], ids=str)
def test_embeddings(rule, hidden, dtype, run):
    X, y = make_data()
    params = SMALL | {"hidden_layer_sizes": hidden, "dtype": dtype, "input_dropout": 0.2}
    model = MLPRegressor(feature_embedding=rule, **params).fit(X, y)
    assert_exported(model, X, run)
    # far from the training values, where angles are large and all bins are full, or empty
    far = (30 * X).astype(dtype)
    found, expected = run(skregopt.to_onnx(model), far)["prediction"], model.predict(far)
    atol = (1e-4 if dtype == "float32" else 1e-10) * max(1, np.abs(expected).max())
    np.testing.assert_allclose(found, expected, rtol=RTOL, atol=atol)


@pytest.mark.parametrize("rule", EMBEDDINGS)
def test_double_precision_is_kept(rule, run):
    X, y = make_data()
    model = MLPRegressor(feature_embedding=rule, activation=Trainable("tanh"), **SMALL).fit(X, y)
    found = run(skregopt.to_onnx(model), X)["prediction"]
    np.testing.assert_allclose(found, model.predict(X), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("task", ["multiclass", "binary", "multilabel", *exhaustive("quantiles", "multi-output huber")])
@pytest.mark.parametrize("rule", EMBEDDINGS)
def test_tasks(rule, task, run):
    problem = make_problem(task, n_samples=40)
    params = {"feature_embedding": rule, "activation": [Trainable("mish"), "tanh"], "layer_norm": True}
    assert_exported(problem.make(**SMALL | params).fit(problem.X, problem.y), problem.X, run)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", [*(name for name in ACTIVATIONS if name != "identity"), ELU(0.5)], ids=str)
def test_trainable_activations(activation, dtype, run):
    X, y = make_data()
    model = MLPClassifier(activation=Trainable(activation), **SMALL, dtype=dtype).fit(X, y > 0)
    model.activation_scales_ = [
        np.linspace(-1, 2, scales.size, dtype=scales.dtype) for scales in model.activation_scales_
    ]
    assert_exported(model, X, run)


@pytest.mark.parametrize("rule", EMBEDDINGS)
def test_replaced_arrays_count(rule, run):
    X, y = make_data()
    model = MLPRegressor(feature_embedding=rule, **SMALL).fit(X, y)
    before = model.predict(X)
    model.embedding_coefs_ = [coefs + 0.5 for coefs in model.embedding_coefs_]
    assert np.abs(model.predict(X) - before).max() > 1e-3
    assert_exported(model, X, run)


class Square(Embedding):
    """A user's rule without a form."""

    vectors = (EmbeddingVector("embedding_factors_", True),)
    n_outputs = 1

    def start(self, rng, values, weights):
        return {"embedding_factors_": np.ones(1)}

    @staticmethod
    def embed(x, parameters, constants, outputs, saved, hyper):
        for i in range(x.size):
            outputs[i] = parameters[0] * x[i] * x[i]

    @staticmethod
    def differentiate(x, parameters, constants, saved, deltas, gradient, hyper):
        for i in range(x.size):
            gradient[0] += deltas[i] * x[i] * x[i]


def test_a_rule_without_a_form(onnxruntime, tmp_path):
    X, y = make_data()
    model = MLPRegressor(feature_embedding=Square(), **SMALL).fit(X, y)
    with pytest.raises(
        ValueError, match=r"Square\(\) has no ONNX form. Define to_onnx\(self, op, x, arrays\) in the class Square"
    ):
        skregopt.to_onnx(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
