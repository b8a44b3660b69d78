"""Parameters of the estimators: scikit-learn's and their own, by name or by instance, cloned and nested."""

import inspect
import pickle

import numpy as np
import pytest
import sklearn
import sklearn.neural_network
from sklearn.base import clone
from sklearn.utils._param_validation import InvalidParameterError, validate_parameter_constraints
from support.estimators import BOTH, make_data, small
from support.states import plain, weights

import skregopt
from skregopt import MLPClassifier, MLPRegressor
from skregopt.activations import ACTIVATIONS
from skregopt.initializers import INITIALIZERS
from skregopt.losses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES
from skregopt.optimizers import OPTIMIZERS, SGD, Adam
from skregopt.penalties import L1, L2, PENALTIES, ElasticNet
from skregopt.schedules import SCHEDULES, Adaptive, Constant, InvScaling

pytestmark = [pytest.mark.nojit, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

# the only default that differs
OTHER_DEFAULTS = {"learning_rate_init": "auto"}


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_every_parameter_and_method_of_scikit_learn_exists(name):
    theirs, ours = getattr(sklearn.neural_network, name), getattr(skregopt, name)
    parameters = inspect.signature(ours).parameters
    for parameter in inspect.signature(theirs).parameters.values():
        assert parameter.name in parameters
        default = OTHER_DEFAULTS.get(parameter.name, parameter.default)
        assert parameters[parameter.name].default == default, parameter.name
    public = {method for method in dir(theirs) if not method.startswith("_")}
    assert public <= set(dir(ours))


@BOTH
def test_two_positional_parameters(kind):
    kinds = [p.kind for p in inspect.signature(kind).parameters.values()]
    assert kinds[:2] == [inspect.Parameter.POSITIONAL_OR_KEYWORD] * 2
    assert set(kinds[2:]) == {inspect.Parameter.KEYWORD_ONLY}
    model = kind((3, 2), "tanh")
    assert (model.hidden_layer_sizes, model.activation) == ((3, 2), "tanh")


def test_both_classes_have_the_same_parameters():
    classifier, regressor = (inspect.signature(kind).parameters for kind in (MLPClassifier, MLPRegressor))
    assert [name for name in classifier if name in regressor] == list(regressor)
    assert set(classifier) - set(regressor) == {"class_weight", "label_smoothing"}
    differing = {name for name in regressor if classifier[name].default != regressor[name].default}
    assert differing == {"loss"}


@BOTH
def test_get_params_set_params_clone(kind):
    sizes, solver = [3, 2], Adam(beta_1=0.8)
    model = kind(sizes, solver=solver, random_state=3)
    params = model.get_params()
    assert params["solver"] is solver
    assert params["hidden_layer_sizes"] is sizes
    assert params["solver__beta_1"] == 0.8
    twin = clone(model)
    assert twin.solver is not solver and twin.solver.beta_1 == 0.8
    model.set_params(solver__beta_1=0.7, alpha=3)
    assert (solver.beta_1, model.alpha, twin.solver.beta_1) == (0.7, 3, 0.8)
    assert repr(kind()) == f"{kind.__name__}()"
    with pytest.raises(ValueError, match="Invalid parameter 'beta'"):
        model.set_params(solver__beta=1)


@BOTH
def test_fit_does_not_change_parameters(kind):
    X, y = make_data(kind)
    model = small(kind, solver=Adam(), penalty=ElasticNet(), learning_rate=Adaptive())
    before = {name: plain(value) for name, value in model.get_params().items()}
    model.fit(X, y).partial_fit(X, y).predict(X)
    assert {name: plain(value) for name, value in model.get_params().items()} == before


@BOTH
@pytest.mark.parametrize(
    ("flat", "instance"),
    [
        ({"solver": "adam", "beta_1": 0.5, "epsilon": 1e-3}, {"solver": Adam(beta_1=0.5, epsilon=1e-3)}),
        (
            {"solver": "minibatch", "momentum": 0.5, "nesterovs_momentum": False, "learning_rate_init": 0.01},
            {"solver": SGD(momentum=0.5, nesterovs_momentum=False), "learning_rate_init": 0.01},
        ),
        ({"learning_rate": "invscaling", "power_t": 0.2}, {"learning_rate": InvScaling(power_t=0.2)}),
        ({"learning_rate": "constant"}, {"learning_rate": Constant()}),
        (
            {"penalty": "elasticnet", "l1_ratio": 0.3, "alpha": 0.1},
            {"penalty": ElasticNet(l1_ratio=0.3), "alpha": 0.1},
        ),
        ({"penalty": "l1", "alpha": 0.01}, {"penalty": L1(), "alpha": 0.01}),
        ({"penalty": "l2", "alpha": 0.1}, {"penalty": L2(), "alpha": 0.1}),
        ({"penalty": None}, {"penalty": PENALTIES[None]()}),
        ({"activation": "tanh"}, {"activation": ACTIVATIONS["tanh"]()}),
        ({"activation": "logistic"}, {"activation": ACTIVATIONS["logistic"]()}),
    ],
    ids=str,
)
def test_a_name_with_flat_parameters_is_the_instance(kind, flat, instance):
    X, y = make_data(kind)
    by_name, by_instance = small(kind, **flat).fit(X, y), small(kind, **instance).fit(X, y)
    assert weights(by_name) == weights(by_instance)
    assert by_name.loss_curve_ == by_instance.loss_curve_
    if flat != {"learning_rate": "constant"}:
        assert weights(small(kind).fit(X, y)) != weights(by_name)


REGISTRIES = [ACTIVATIONS, CLASSIFICATION_LOSSES, REGRESSION_LOSSES, OPTIMIZERS, SCHEDULES, PENALTIES, INITIALIZERS]


@pytest.mark.parametrize("rule", [rule for registry in REGISTRIES for rule in registry.values()])
def test_components_are_cloneable_and_small(rule):
    component = rule()
    assert clone(component).get_params() == component.get_params()
    assert len(pickle.dumps(component)) < 300
    assert repr(component) == f"{rule.__name__}()"


@pytest.mark.parametrize(
    ("kind", "registry"), [(MLPClassifier, CLASSIFICATION_LOSSES), (MLPRegressor, REGRESSION_LOSSES)]
)
def test_loss_by_instance(kind, registry):
    X, y = make_data(kind)
    by_name = [weights(small(kind, loss=name).fit(X, abs(y))) for name in registry]
    assert by_name == [weights(small(kind, loss=rule()).fit(X, abs(y))) for rule in registry.values()]
    assert len(set(by_name)) == len(registry)


@BOTH
def test_parameters_of_scikit_learn_that_do_not_apply_are_ignored(kind):
    X, y = make_data(kind)
    of_sgd = {"momentum": 0.1, "nesterovs_momentum": False, "power_t": 0.1}
    of_adam = {"beta_1": 0.1, "beta_2": 0.1, "epsilon": 1.0}
    of_first_order = {
        "batch_size": 3, "learning_rate": "invscaling", "learning_rate_init": 0.3, "shuffle": False,
    }  # fmt: skip
    other = {"max_fun": 3, "validation_fraction": 0.7}

    def same(solver, **ignored):
        model, default = (small(kind, solver=solver, **params).fit(X, y) for params in (ignored, {}))
        return weights(model) == weights(default)

    assert same("adam", **of_sgd, **other)
    for solver in ("gd", "sgd", "minibatch"):
        assert same(solver, **of_adam, power_t=0.1, **other)
    assert same("lbfgs", **of_sgd, **of_adam, **of_first_order, validation_fraction=0.7)
    assert not same("lbfgs", max_fun=3)


@BOTH
def test_hidden_layer_sizes_in_every_form(kind):
    X, y = make_data(kind)
    forms = [4, np.int64(4), (4,), [4], np.array([4])]
    assert len({weights(small(kind, hidden_layer_sizes=form).fit(X, y)) for form in forms}) == 1
    deep = small(kind, hidden_layer_sizes=(4, 3, 2)).fit(X, y)
    n_outputs = 3 if kind is MLPClassifier else 1
    assert [coef.shape for coef in deep.coefs_] == [(5, 4), (4, 3), (3, 2), (2, n_outputs)]
    assert [b.shape for b in deep.intercepts_] == [(4,), (3,), (2,), (n_outputs,)]
    assert (deep.n_layers_, deep.n_outputs_) == (5, n_outputs)
    linear = small(kind, hidden_layer_sizes=()).fit(X, y)
    assert [coef.shape for coef in linear.coefs_] == [(5, n_outputs)]


@BOTH
def test_defaults_are_within_their_domains(kind):
    """A fit does not look at parameters that nobody has set."""
    model = kind()
    validate_parameter_constraints(model._parameter_constraints, model._default_parameters(), kind.__name__)
    assert not model._parameters_to_validate()


@BOTH
def test_bad_defaults_of_a_subclass_are_noticed(kind):
    class Careless(kind):
        def __init__(self, alpha=-1.0):
            super().__init__(alpha=alpha)

    with pytest.raises(InvalidParameterError, match="alpha"):
        Careless().fit(*make_data(kind))
