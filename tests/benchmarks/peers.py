"""The same training with skregopt and with its peers: one function per library.

Each returns a function without arguments that trains one network for a fixed number of epochs, early stopping and
tolerance off, set-up included: what it costs to call ``fit`` once everything is loaded and compiled. Threads are not
limited here: the process is pinned to as many processors as are to be compared, which every library is told to use.
"""

import os
from functools import cache

import numpy as np
import sklearn.neural_network

import skregopt

os.environ.setdefault("KERAS_BACKEND", "jax")


def _scikit_learn_style(estimator, case, X, y, **parameters):
    return lambda: estimator(
        hidden_layer_sizes=case.hidden,
        solver=case.solver,
        batch_size=case.batch_size,
        max_iter=case.epochs,
        learning_rate_init=0.001,
        n_iter_no_change=case.epochs + 1,
        tol=0.0,
        random_state=0,
        **parameters,
    ).fit(X, y)


def fit_skregopt(case, X, y):
    """Train with skregopt."""
    n_processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return _scikit_learn_style(skregopt.MLPClassifier, case, X, y, n_jobs=n_processors)


def fit_scikit_learn(case, X, y):
    """Train with scikit-learn's MLPClassifier."""
    return _scikit_learn_style(sklearn.neural_network.MLPClassifier, case, X, y)


def fit_torch(case, X, y):
    """Train with PyTorch as its tutorials do, data on the CPU as tensors, batches by index, fused optimizer."""
    import torch

    def fit():
        torch.manual_seed(0)
        features, labels = torch.from_numpy(X), torch.from_numpy(y)
        widths = [X.shape[1], *case.hidden]
        layers = []
        for fan_in, fan_out in zip(widths[:-1], widths[1:], strict=True):
            layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.ReLU()]
        model = torch.nn.Sequential(*layers, torch.nn.Linear(widths[-1], int(y.max()) + 1)).to(features.dtype)
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

    return fit


@cache
def _jax_epoch(batch_size, dtype):
    """Return a whole epoch of Adam in one compiled function: a scan over the full batches, then the rest."""
    import jax
    import jax.numpy as jnp

    def loss(layers, features, labels):
        for coef, intercept in layers[:-1]:
            features = jax.nn.relu(features @ coef + intercept)
        scores = jax.nn.log_softmax(features @ layers[-1][0] + layers[-1][1])
        return -jnp.mean(jnp.take_along_axis(scores, labels[:, None], axis=1))

    def update(state, batch):
        layers, first, second, t = state
        gradient = jax.grad(loss)(layers, *batch)
        t = t + 1
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
        rate = (0.001 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)).astype(dtype)
        layers = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-8), layers, first, second)
        return (layers, first, second, t), None

    @jax.jit
    def epoch(state, features, labels, key):
        order = jax.random.permutation(key, labels.shape[0])
        n_full = labels.shape[0] // batch_size * batch_size
        batches = order[:n_full].reshape(-1, batch_size)
        state, _ = jax.lax.scan(lambda state, rows: update(state, (features[rows], labels[rows])), state, batches)
        if n_full < labels.shape[0]:
            rows = order[n_full:]
            state, _ = update(state, (features[rows], labels[rows]))
        return state

    return epoch


def fit_jax(case, X, y):
    """Train with JAX, a whole epoch in one compiled function, which is kept between fits."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    dtype = np.dtype(X.dtype)
    epoch = _jax_epoch(case.batch_size, dtype)

    def fit():
        rng = np.random.RandomState(0)
        widths = [X.shape[1], *case.hidden, int(y.max()) + 1]
        layers = [
            (jnp.asarray(rng.normal(0, fan_in**-0.5, (fan_in, fan_out)), dtype), jnp.zeros(fan_out, dtype))
            for fan_in, fan_out in zip(widths[:-1], widths[1:], strict=True)
        ]
        zeros = jax.tree.map(jnp.zeros_like, layers)
        state = (layers, zeros, zeros, jnp.asarray(0.0, dtype))
        features, labels = jnp.asarray(X), jnp.asarray(y)
        for key in jax.random.split(jax.random.key(0), case.epochs):
            state = epoch(state, features, labels, key)
        jax.block_until_ready(state)

    return fit


def fit_keras(case, X, y):
    """Train with Keras as its tutorials do."""
    import keras

    layers = [keras.layers.Dense(width, activation="relu", dtype=str(X.dtype)) for width in case.hidden]
    layers.append(keras.layers.Dense(int(y.max()) + 1, activation="softmax", dtype=str(X.dtype)))
    model = keras.Sequential(layers)

    def fit():
        model.compile(keras.optimizers.Adam(0.001), loss="sparse_categorical_crossentropy")
        model.fit(X, y, batch_size=case.batch_size, epochs=case.epochs, verbose=0)

    return fit


PEERS = {
    "skregopt": fit_skregopt,
    "scikit-learn": fit_scikit_learn,
    "PyTorch": fit_torch,
    "JAX": fit_jax,
    "Keras": fit_keras,
}
_MODULES = {"PyTorch": "torch", "JAX": "jax", "Keras": "keras"}


def installed(case, X):
    """Return the names of the peers that are installed and can do the case."""
    from importlib.util import find_spec

    from scipy.sparse import issparse

    names = [name for name in PEERS if name not in _MODULES or find_spec(_MODULES[name])]
    if issparse(X) or case.solver != "adam":  # Keras and JAX take seconds for an epoch of single examples
        names = [name for name in names if name in ("skregopt", "scikit-learn", *([] if issparse(X) else ["PyTorch"]))]
    return names
