"""Embeddings of numeric features: values, gradients, and where numbers end."""

import tracemalloc

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils._param_validation import InvalidParameterError
from support.embeddings import FORMULAS, Column, embedded, gradient_of
from twin.embeddings import edges_of_bins

from skregopt._kernels.compiler import DISABLED
from skregopt.embeddings import EMBEDDINGS, Embedding, Periodic, PiecewiseLinear
from skregopt.preprocessing import PiecewiseLinearEncoder

pytestmark = pytest.mark.numerics

DTYPES = [np.float32, np.float64]
# name -> (component, formula)
RULES = {
    **{name: (rule(), name) for name, rule in EMBEDDINGS.items()},
    "periodic, small": (Periodic(n_frequencies=1, n_outputs=2), "periodic"),
    "periodic, odd": (Periodic(n_frequencies=5, n_outputs=6, frequency_scale=2.0), "periodic"),
    "periodic, even": (Periodic(n_frequencies=4, n_outputs=9), "periodic"),
    "piecewise_linear, small": (PiecewiseLinear(n_bins=1, n_outputs=1), "piecewise_linear"),
    "piecewise_linear, odd": (PiecewiseLinear(n_bins=5, n_outputs=7), "piecewise_linear"),
    "piecewise_linear, even": (PiecewiseLinear(n_bins=40, n_outputs=14), "piecewise_linear"),
}
N_ROWS = 37  # vector instructions and a remainder

each_rule = pytest.mark.parametrize("name", RULES)
each_dtype = pytest.mark.parametrize("dtype", DTYPES)


def problem(name, dtype, n_rows=N_ROWS):
    component = RULES[name][0]
    rng = np.random.RandomState(1)
    column = Column.random(component, dtype)
    x = (1.5 * rng.normal(size=n_rows)).astype(dtype)
    return component, column, x, rng.normal(size=(component.n_outputs, n_rows)).astype(dtype)


def exact_outputs(name, column, x):
    """Return the outputs in float64, of shape (n_outputs, n_rows), for numbers in any dtype."""
    component = RULES[name][0]
    arrays = column.by_name(component, column.parameters.astype(float))
    return FORMULAS[RULES[name][1]](x.astype(float), arrays).T


# --- values ---------------------------------------------------------------------------------------------------------


@pytest.mark.nojit
@each_dtype
@each_rule
@pytest.mark.parametrize("n_rows", [1, 2, N_ROWS, 512])
def test_outputs_are_those_of_the_formula(name, dtype, n_rows):
    component, column, x, _ = problem(name, dtype, n_rows)
    outputs, _ = embedded(component, column, x)
    assert outputs.shape == (component.n_outputs, n_rows) and outputs.dtype == dtype
    np.testing.assert_allclose(outputs, exact_outputs(name, column, x), rtol=0, atol=200 * np.finfo(dtype).eps)


@pytest.mark.nojit
@each_dtype
@each_rule
def test_training_and_prediction_agree_in_each_bit(name, dtype):
    component, column, x, _ = problem(name, dtype, 211)
    in_training, saved = embedded(component, column, x, is_training=True)
    np.testing.assert_array_equal(in_training, embedded(component, column, x)[0])
    assert not np.isnan(saved).any()


@each_dtype
@each_rule
def test_outputs_of_a_row_do_not_depend_on_other_rows(name, dtype):
    component, column, x, _ = problem(name, dtype, 211)
    together, _ = embedded(component, column, x)
    for cut in (1, 16, 100, 210):
        parts = [embedded(component, column, part)[0] for part in (x[:cut].copy(), x[cut:].copy())]
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), together)


@pytest.mark.nojit
@each_dtype
@each_rule
def test_extreme_values_give_numbers_and_nan_stays(name, dtype):
    component, column, _, _ = problem(name, dtype)
    limits = np.finfo(dtype)
    x = np.array([1e30, -1e30, 1e-30, limits.tiny, limits.smallest_subnormal, -limits.tiny / 4, 0.0, -0.0], dtype)
    outputs, _ = embedded(component, column, x)
    assert np.isfinite(outputs).all()
    np.testing.assert_allclose(outputs[:, 2:], exact_outputs(name, column, x[2:]), atol=200 * limits.eps)
    norm = abs(float(x[0])) + 1
    largest = component.bound(norm, 1, np.linalg.norm(column.parameters.astype(float)))
    assert np.linalg.norm(outputs[:, 0].astype(float)) <= largest < np.inf
    for place in (0, 20, N_ROWS - 1):
        x = np.linspace(-1, 1, N_ROWS).astype(dtype)
        x[place] = np.nan
        bad = np.isnan(embedded(component, column, x)[0])
        assert bad[:, place].all() and bad.sum() == component.n_outputs


@each_rule
def test_no_outputs_are_beyond_the_bound(name):
    component = RULES[name][0]
    rng, norms, parameters, outputs = np.random.RandomState(0), 0.0, [], []
    row = rng.normal(size=5)
    for i, value in enumerate(row):
        column = Column.random(component, np.float64, seed=i)
        parameters.append(column.parameters)
        outputs.append(embedded(component, column, np.array([value]))[0])
    norms = np.linalg.norm(np.concatenate(parameters))
    largest = component.bound(np.linalg.norm(row), 5, norms)
    assert largest / 20 < np.linalg.norm(outputs) <= largest
    assert component.bound(np.inf, 5, 1.0) == np.inf and not np.isfinite(component.bound(1.0, 5, np.nan))


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_bound_is_reached(name):
    """By equal weights behind cosines, or shares of bins, that are all 1, with a feature that is 0."""
    component = EMBEDDINGS[name]()
    arrays = component.start(np.random.RandomState(0), np.linspace(-3, -1, 99), np.ones(99))
    for vector in component.vectors:
        if vector.trained:
            has_weights = vector.attribute in ("embedding_coefs_", "embedding_intercepts_")
            arrays[vector.attribute][...] = 0.7 if has_weights else 0.0
    column = Column.of(component, arrays, np.float64)
    outputs, _ = embedded(component, column, np.zeros(1))
    largest = component.bound(0.0, 1, np.linalg.norm(column.parameters))
    np.testing.assert_allclose(np.linalg.norm(outputs), largest, rtol=1e-12)


def test_a_bound_is_unknown_by_default():
    assert Embedding().bound(1.0, 1, 1.0) == np.inf


# --- gradients ------------------------------------------------------------------------------------------------------


@pytest.mark.nojit
@each_rule
@pytest.mark.parametrize("n_rows", [1, N_ROWS])
def test_gradients_are_central_differences(name, n_rows):
    component, column, x, deltas = problem(name, np.float64, n_rows)
    gradient, step = gradient_of(component, column, x, deltas), 1e-5
    expected = np.empty_like(gradient)
    for i in range(gradient.size):
        sums = []
        for sign in (1, -1):
            parameters = column.parameters.copy()
            parameters[i] += sign * step
            outputs, _ = embedded(component, column._replace(parameters=parameters), x)
            sums.append(np.sum(deltas * outputs))
        expected[i] = (sums[0] - sums[1]) / (2 * step)
    np.testing.assert_allclose(gradient, expected, rtol=1e-7, atol=1e-7)


@pytest.mark.torch
@pytest.mark.nojit
@each_dtype
@each_rule
def test_gradients_are_those_of_torch(name, dtype):
    torch = pytest.importorskip("torch")
    component, column, x, deltas = problem(name, dtype, 100 if DISABLED else 512)
    parameters = torch.tensor(column.parameters.astype(float), requires_grad=True)
    arrays = column.by_name(component, parameters)
    outputs = FORMULAS[RULES[name][1]](torch.tensor(x.astype(float)), arrays)
    (outputs.T * torch.tensor(deltas.astype(float))).sum().backward()
    gradient = gradient_of(component, column, x, deltas)
    if dtype == np.float64:
        np.testing.assert_allclose(outputs.detach().numpy().T, embedded(component, column, x)[0], rtol=0, atol=1e-12)
    tolerance = 1e-12 if dtype == np.float64 else 3e-5
    np.testing.assert_allclose(gradient, parameters.grad.numpy(), rtol=0, atol=tolerance * len(x))


@pytest.mark.nojit
@each_dtype
@each_rule
def test_nan_in_deltas_is_not_lost(name, dtype):
    component, column, x, deltas = problem(name, dtype)
    for output in {min(1, component.n_outputs - 1), component.n_outputs - 1}:
        for row in (0, N_ROWS - 1):
            bad = deltas.copy()
            bad[output, row] = np.nan
            assert np.isnan(gradient_of(component, column, x, bad)).any()


# --- start ----------------------------------------------------------------------------------------------------------


def test_start_of_periodic():
    component, rng = Periodic(n_frequencies=2000, frequency_scale=0.3), np.random.RandomState(0)
    arrays = component.start(rng, np.arange(5.0), np.ones(5))
    assert {name: array.shape for name, array in arrays.items()} == {
        "embedding_frequencies_": (2000,), "embedding_phases_": (2000,), "embedding_coefs_": (2000, 3),
        "embedding_intercepts_": (3,),
    }  # fmt: skip
    assert abs(arrays["embedding_frequencies_"].std() - 0.3) < 0.03
    for name, largest in (("embedding_phases_", np.pi), ("embedding_coefs_", 2000**-0.5)):
        assert 0.99 * largest < np.abs(arrays[name]).max() <= largest
        assert abs(arrays[name].mean()) < 0.1 * largest
    assert np.abs(arrays["embedding_intercepts_"]).max() <= 2000**-0.5


def bins(values, n_bins, weights=None):
    component, values = PiecewiseLinear(n_bins=n_bins), np.asarray(values, float)
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, float)
    return component.start(np.random.RandomState(0), values, weights)["embedding_bins_"]


def test_start_of_piecewise_linear():
    component, rng = PiecewiseLinear(n_bins=4, n_outputs=1000), np.random.RandomState(0)
    arrays = component.start(rng, rng.permutation(101).astype(float), np.ones(101))
    assert arrays["embedding_bins_"].tolist() == [0, 25, 50, 75, 100]
    assert arrays["embedding_coefs_"].shape == (4, 1000) and not arrays["embedding_coefs_"].any()
    for name in ("embedding_slopes_", "embedding_intercepts_"):
        assert arrays[name].shape == (1000,) and abs(arrays[name].mean()) < 0.1 * 1000**-0.5
        assert 0.98 * 1000**-0.5 < np.abs(arrays[name]).max() <= 1000**-0.5


@pytest.mark.parametrize("n_bins", [1, 2, 3, 7, 16])
@pytest.mark.parametrize("seed", range(5))
def test_bins_are_quantiles_of_repeated_rows(n_bins, seed):
    rng = np.random.RandomState(seed)
    values, weights = rng.permutation(60) / 3.0, rng.randint(1, 4, 60)
    repeated = np.repeat(values, weights)
    expected = np.unique(np.quantile(repeated, np.arange(n_bins + 1) / n_bins, method="inverted_cdf"))
    assert bins(values, n_bins, weights).tolist() == bins(repeated, n_bins).tolist() == expected.tolist()
    assert bins(values, n_bins, 0.25 * weights).tolist() == expected.tolist()


@pytest.mark.parametrize("n_bins", [1, 2, 5, 16, 48, 500])
@pytest.mark.parametrize("seed", range(10))
def test_frequent_values_leave_the_other_bins_to_others(n_bins, seed):
    rng = np.random.RandomState(seed)
    for n_rows in (9, 70):
        values = rng.choice(30, n_rows, p=rng.dirichlet(np.full(30, 0.3))) / 3.0
        weights = rng.randint(1, 5, n_rows)
        expected = edges_of_bins(values.tolist(), weights.tolist(), n_bins)
        assert len(expected) == min(n_bins + 1, np.unique(values).size)
        repeated = np.repeat(values, weights)
        assert bins(values, n_bins, weights).tolist() == bins(repeated, n_bins).tolist() == expected
        assert bins(values, n_bins, weights / 7).tolist() == expected
        encoder = PiecewiseLinearEncoder(n_bins).fit(repeated[:, None])
        assert encoder.bin_edges_[0].tolist() == expected


def test_bins_beside_a_value_that_piles_up():
    rng = np.random.RandomState(0)
    others = rng.permutation(np.linspace(1, 2, 80))
    assert bins([0.0] * 920 + others.tolist(), 16).tolist() == [0, *np.sort(others)[4::5]]
    assert bins([1.5] * 920 + others.tolist(), 16).size == 17


@pytest.mark.parametrize(("n_bins", "n_rows"), [(14, 42), (20, 100), (48, 108), (100, 25)])
def test_whole_weights_are_compared_without_rounding(n_bins, n_rows):
    """A quantile at j / n is the next value if j / n times the number of rows, a whole number, is rounded up."""
    ranks = np.arange(1, n_rows + 1)
    expected = [1, *(-(-j * n_rows // n_bins) for j in range(1, n_bins + 1))]
    assert bins(ranks, n_bins).tolist() == np.unique(expected).tolist()


SCALES = [0.7, 0.1, 1 / 3, 3, 7, 1e-9, 1e-3, 1e9, 1e-300, 1e300, np.pi]


@pytest.mark.parametrize("scale", SCALES)
def test_bins_do_not_depend_on_the_scale_of_weights(scale):
    """Where sums of weights decide whether a quantile is this value or the next one, they differ by rounding."""
    rng = np.random.RandomState(0)
    for n_rows, n_bins in ((10, 5), (60, 16), (300, 20)):
        values = rng.permutation(n_rows) / 7
        expected = bins(values, n_bins).tolist()
        assert bins(values, n_bins, np.full(n_rows, scale)).tolist() == expected
        for most in (2, 6):
            weights = rng.randint(1, most, n_rows)
            repeated = bins(np.repeat(values, weights), n_bins).tolist()
            assert bins(values, n_bins, scale * weights).tolist() == repeated
            assert bins(values, n_bins, scale * (weights / 10)).tolist() == repeated
        weights = rng.uniform(0.1, 3, n_rows)
        assert bins(values, n_bins, scale * weights).tolist() == bins(values, n_bins, weights).tolist()


def test_bins_of_few_values():
    assert bins([2.0] * 9, 16).tolist() == [2]
    assert bins([2.0], 16).tolist() == [2]
    assert bins([1.0] * 90 + [3.0], 4).tolist() == [1, 3]
    assert bins([0.0, -0.0, 1.0, 5.0], 100).tolist() == [0, 1, 5]
    assert bins([1.0, 2.0, 3.0], 2, [1, 1, 1000]).tolist() == [1, 2, 3]
    assert bins([1.0, 2.0, 3.0, 4.0], 2, [1, 1, 1, 1000]).tolist() == [1, 3, 4]


@pytest.mark.nojit
@each_dtype
def test_a_constant_column_has_a_linear_part_only(dtype):
    component = PiecewiseLinear(n_outputs=5)
    column = Column.random(component, dtype, values=np.full(20, 3.0))
    assert column.arrays["embedding_coefs_"].shape == (0, 5) and column.parameters.size == 10
    x = np.linspace(-2, 4, 21).astype(dtype)
    outputs, _ = embedded(component, column, x)
    expected = column.parameters[:5, None] * x + column.parameters[5:, None]
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=20 * np.finfo(dtype).eps)
    gradient = gradient_of(component, column, x, np.ones_like(outputs))
    np.testing.assert_allclose(gradient, np.repeat([x.sum(), x.size], 5), rtol=1e-5)


def test_piecewise_linear_starts_linear():
    """Neither bins nor their number change the outputs before training."""
    x, outputs = np.linspace(-3, 3, 50), []
    for n_bins in (1, 16):
        component = PiecewiseLinear(n_bins=n_bins)
        arrays = component.start(np.random.RandomState(0), x, np.ones(50))
        outputs.append(embedded(component, Column.of(component, arrays, np.float64), x)[0])
    np.testing.assert_array_equal(*outputs)
    np.testing.assert_allclose(np.diff(outputs[0], n=2), 0, atol=1e-14)


@pytest.mark.nojit
@each_dtype
def test_edges_that_coincide_make_a_step(dtype):
    """Values that differ in float64 may be one number in float32."""
    component = PiecewiseLinear(n_bins=2, n_outputs=1)
    tiny = np.finfo(dtype).smallest_subnormal
    for low, high in ((1.0, 1.0), (0.0, tiny), (-tiny, 3 * tiny)):
        arrays = {
            "embedding_slopes_": np.zeros(1), "embedding_intercepts_": np.zeros(1),
            "embedding_coefs_": np.array([[1.0], [10.0]]), "embedding_bins_": np.array([low, high, 2.0]),
        }  # fmt: skip
        column = Column.of(component, arrays, dtype)
        outputs, _ = embedded(component, column, np.array([low - 0.5, low + 0.5, 9.0], dtype))
        exact = [0, 1 + 10 * (low + 0.5 - high) / (2 - high), 11]
        np.testing.assert_allclose(outputs[0], exact, rtol=1e-6)
        at_edges, _ = embedded(component, column, np.array([low, high], dtype))
        assert np.isfinite(at_edges).all() and (at_edges >= 0).all() and (at_edges <= 1).all()


@each_rule
def test_start_gives_the_arrays_that_vectors_name(name):
    component = RULES[name][0]
    arrays = component.start(np.random.RandomState(0), np.arange(9.0), np.ones(9))
    assert list(arrays) == [vector.attribute for vector in component.vectors]
    assert all(array.dtype == np.float64 and np.isfinite(array).all() for array in arrays.values())
    again = component.start(np.random.RandomState(0), np.arange(9.0), np.ones(9))
    assert all(np.array_equal(arrays[name], again[name]) for name in arrays)


@pytest.mark.parametrize(
    "component",
    [
        Periodic(n_frequencies=0), Periodic(n_frequencies=2.5), Periodic(frequency_scale=0), Periodic(n_outputs=1),
        Periodic(frequency_scale=np.nan), Periodic(columns=None), Periodic(columns="all"), Periodic(columns=3),
        PiecewiseLinear(n_bins=0), PiecewiseLinear(n_outputs=0), PiecewiseLinear(columns=1.0),
    ],
    ids=repr,
)  # fmt: skip
def test_parameters_outside_their_domain_are_refused(component):
    with pytest.raises(InvalidParameterError, match="The '.*' parameter of (Periodic|PiecewiseLinear) must be"):
        clone(component)._validate_params()


# --- ONNX -----------------------------------------------------------------------------------------------------------


def onnx_outputs(component, X, columns):
    """Return the outputs of all columns as onnxruntime computes them, of shape (n_rows, n_columns * n_outputs)."""
    onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    from skregopt._onnx.graph import Graph

    nodes, constants = [], []
    op = Graph(
        X.dtype,
        lambda stem: f"{stem}_{len(nodes)}_{len(constants)}",
        lambda operator, *names, **attributes: nodes.append(onnx.helper.make_node(operator, *names, **attributes)),
        lambda name, array: constants.append(onnx.numpy_helper.from_array(np.ascontiguousarray(array), name)),
    )
    arrays = {v.attribute: [column.arrays[v.attribute] for column in columns] for v in component.vectors}
    op.Identity(component.to_onnx(op, "x", arrays), outputs=["outputs"])
    values = [
        onnx.helper.make_tensor_value_info(name, op.element_type, ["n_samples", width])
        for name, width in (("x", X.shape[1]), ("outputs", X.shape[1] * component.n_outputs))
    ]
    graph = onnx.helper.make_graph(nodes, "embedding", values[:1], values[1:], constants)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": X})[0]


@each_dtype
@each_rule
def test_onnx_form(name, dtype):
    component = RULES[name][0]
    rng = np.random.RandomState(0)
    X = (2 * rng.normal(size=(50, 3))).astype(dtype)
    columns = [Column.random(component, dtype, seed=seed) for seed in range(3)]
    expected = [embedded(component, column, X[:, i].copy())[0].T for i, column in enumerate(columns)]
    for rows in (X, X[:1], X[:0]):
        got = onnx_outputs(component, rows, columns)
        assert got.dtype == dtype
        np.testing.assert_allclose(got, np.hstack(expected)[: len(rows)], rtol=0, atol=200 * np.finfo(dtype).eps)


@each_dtype
@pytest.mark.parametrize("n_distinct", [(1, 1), (1, 4), (4, 200)])
def test_onnx_form_of_columns_with_different_bins(dtype, n_distinct):
    component = PiecewiseLinear(n_bins=6, n_outputs=3)
    rng = np.random.RandomState(0)
    columns = [Column.random(component, dtype, values=rng.randint(0, n, 500) / n) for n in n_distinct]
    X = rng.uniform(-0.5, 1.5, (30, 2)).astype(dtype)
    expected = [embedded(component, column, X[:, i].copy())[0].T for i, column in enumerate(columns)]
    np.testing.assert_allclose(onnx_outputs(component, X, columns), np.hstack(expected), atol=50 * np.finfo(dtype).eps)


def test_there_is_no_onnx_form_by_default():
    with pytest.raises(NotImplementedError):
        Embedding().to_onnx(None, "x", {})
    with pytest.raises(NotImplementedError):
        Embedding().start(None, None, None)


@pytest.mark.parametrize("weighted", [False, True])
def test_more_bins_than_values(weighted):
    """Each value is an edge, however many quantiles are asked for, and memory is taken for values only."""
    values = np.random.RandomState(0).normal(size=120)
    weights = np.random.RandomState(1).uniform(0.1, 3, 120) if weighted else np.ones(120)
    tracemalloc.start()
    try:
        arrays = PiecewiseLinear(n_bins=10**7).start(np.random.RandomState(0), values, weights)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(arrays["embedding_bins_"], np.sort(values))
    assert peak < 1e6
    most = PiecewiseLinear(n_bins=10**9).start(np.random.RandomState(0), values, weights)
    np.testing.assert_array_equal(most["embedding_bins_"], np.sort(values))
