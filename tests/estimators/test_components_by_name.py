"""Parameters of components that are given by name, which have none: the error says what to set instead."""

import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from support.estimators import make_data

from skregopt import MLPClassifier, MLPRegressor
from skregopt.activations import Trainable
from skregopt.model_selection import MLPClassifierCV
from skregopt.optimizers import Adam
from skregopt.schedules import Warmup

pytestmark = pytest.mark.nojit

BY_NAME = [
    ({}, {"solver__beta_1": 0.9}, r"solver='adam' has no parameters of its own. Use the parameter beta_1 of "
     r"MLPRegressor, or an object: solver=Adam\(beta_1=0.9\)\.$"),
    ({"solver": "lion"}, {"solver__beta_2": 0.9}, r"solver='lion' .* Use an object: solver=Lion\(beta_2=0.9\)\.$"),
    ({"learning_rate": "cosine"}, {"learning_rate__floor": 1e-5}, r"learning_rate=Cosine\(floor=1e-05\)\.$"),
    ({}, {"penalty": "elasticnet", "penalty__l1_ratio": 0.9}, r"penalty='elasticnet' .* parameter l1_ratio of .*, or"),
    ({"penalty": None}, {"penalty__l1_ratio": 0.9}, r"penalty=None has no parameters of its own\. Use an object "
     r"that has one: penalty=ElasticNet\(l1_ratio=0.9\) or GroupL1\(l1_ratio=0.9\)\.$"),
    ({}, {"feature_embedding__n_bins": 4}, r"None has no .*: feature_embedding=PiecewiseLinear\(n_bins=4\)\.$"),
    ({"feature_embedding": "periodic"}, {"feature_embedding__n_bins": 4}, r"=PiecewiseLinear\(n_bins=4\)\.$"),
    ({}, {"feature_embedding__n_outputs": 4}, r"=Periodic\(n_outputs=4\) or PiecewiseLinear\(n_outputs=4\)\.$"),
    ({}, {"solver__lr": 0.9}, r"Use an object: solver=Adam\(...\)\.$"),
    ({"solver": "lbfgs"}, {"solver__lr": 0.9}, r"solver='lbfgs' has no parameters of its own\.$"),
    ({"activation": ["relu"]}, {"activation__width": 1}, r"activation=\['relu'\] has no parameters"),
    ({}, {"dropout__rate": 1}, r"dropout=0\.0 has no parameters"),
    ({"learning_rate": Warmup("cosine")}, {"learning_rate__schedule__floor": 1e-5},
     r"for estimator Warmup: schedule='cosine' .* schedule=Cosine\(floor=1e-05\)\.$"),
    ({"activation": Trainable("elu")}, {"activation__activation__negative_scale": 2.0},
     r"for estimator Trainable: activation='elu' .* activation=ELU\(negative_scale=2.0\)\.$"),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "nested", "message"), BY_NAME)
def test_parameters_of_a_component_given_by_name(parameters, nested, message):
    model = MLPRegressor(**parameters)
    with pytest.raises(ValueError, match=f"^Invalid parameter '.*{message}"):
        model.set_params(**nested)
    nested = {f"mlpregressor__{name}": value for name, value in nested.items()}
    with pytest.raises(ValueError, match=f"^Invalid parameter '.*{message}"):
        make_pipeline(model).set_params(**nested)


def test_parameters_of_a_component_given_by_name_in_a_search_and_in_a_cv_estimator():
    X, y = make_data(MLPClassifier)
    with pytest.raises(ValueError, match="solver='adam' has no parameters of its own"):
        GridSearchCV(MLPClassifier(), {"solver__beta_1": [0.9]}).fit(X, y)
    with pytest.raises(ValueError, match="solver='adam' has no parameters of its own"):
        MLPClassifierCV(MLPClassifier()).set_params(estimator__solver__beta_1=0.9)
    model = MLPClassifier().set_params(solver=Adam(), solver__beta_1=0.5)
    assert model.solver.beta_1 == 0.5
    assert MLPClassifierCV(model).set_params(estimator__solver__beta_1=0.25).estimator.solver.beta_1 == 0.25
