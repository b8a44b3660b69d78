"""The same training with skregopt and with its peers: one function per library, each returns seconds.

Every function trains one network for a fixed number of epochs, on one thread, with early stopping and tolerance off,
and times the whole fit, set-up included.
"""

import time
import warnings

import sklearn.neural_network
from threadpoolctl import threadpool_limits

import skregopt

try:
    import torch
except ImportError:
    torch = None


def _seconds(fit):
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # every library says that so few epochs are not enough
        start = time.perf_counter()
        fit()
        return time.perf_counter() - start


def _scikit_learn_style(estimator, case, X, y):
    model = estimator(
        hidden_layer_sizes=case.hidden,
        solver=case.solver,
        batch_size=case.batch_size,
        max_iter=case.epochs,
        learning_rate_init=0.001,
        n_iter_no_change=case.epochs + 1,
        tol=0.0,
        random_state=0,
    )
    return _seconds(lambda: model.fit(X, y))


def time_skregopt(case, X, y):
    """Train with skregopt."""
    return _scikit_learn_style(skregopt.MLPClassifier, case, X, y)


def time_scikit_learn(case, X, y):
    """Train with scikit-learn's MLPClassifier."""
    return _scikit_learn_style(sklearn.neural_network.MLPClassifier, case, X, y)


def time_torch(case, X, y):
    """Train with PyTorch as its tutorials do, data on the CPU as tensors, batches by index, fused optimizer."""

    def fit():
        torch.manual_seed(0)
        features, labels = torch.from_numpy(X), torch.from_numpy(y).long()
        widths = [X.shape[1], *case.hidden]
        layers = []
        for fan_in, fan_out in zip(widths[:-1], widths[1:], strict=True):
            layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.ReLU()]
        model = torch.nn.Sequential(*layers, torch.nn.Linear(widths[-1], int(y.max()) + 1))
        if case.solver == "adam":
            optimizer = torch.optim.Adam(model.parameters(), lr=0.001, fused=True)
        else:
            optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9, nesterov=True, fused=True)
        loss_function = torch.nn.CrossEntropyLoss()
        for _ in range(case.epochs):
            order = torch.randperm(len(labels))
            for start in range(0, len(labels), case.batch_size):
                rows = order[start : start + case.batch_size]
                optimizer.zero_grad()
                loss_function(model(features[rows]), labels[rows]).backward()
                optimizer.step()

    torch.set_num_threads(1)
    return _seconds(fit)


PEERS = {"skregopt": time_skregopt, "scikit-learn": time_scikit_learn}
if torch is not None:
    PEERS["PyTorch"] = time_torch
