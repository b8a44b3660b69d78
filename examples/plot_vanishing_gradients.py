"""
Vanishing gradients
===================

Backpropagation multiplies the gradient, layer by layer, by the weights and by the derivative of the activation. The
derivative of the logistic function is at most 1/4. So in a deep network the gradient is tiny in the first layers,
and they do not learn. Which activations and initial weights keep the gradient large? What does batch normalisation
change?
"""

# %%
# Networks
# --------
# All networks have eight hidden layers of 32 units.
#
# * 'logistic' with its default initial weights.
# * 'logistic' with orthogonal initial weights times 4. An orthogonal matrix keeps the length of every vector. The
#   factor 4 compensates for the derivative.
# * 'logistic' with ``batch_norm=True``. It gives every unit mean 0 and variance 1 over the batch.
# * 'tanh' with its default initial weights.
# * 'relu' with He's initial weights.

from skregopt.initializers import Orthogonal

networks = {
    "logistic": {"activation": "logistic"},
    "logistic, orthogonal × 4": {"activation": "logistic", "weight_init": Orthogonal(gain=4)},
    "logistic, batch norm": {"activation": "logistic", "batch_norm": True},
    "tanh": {"activation": "tanh"},
    "relu": {"activation": "relu", "weight_init": "he_uniform"},
}

# %%
# Data
# ----

from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

X, y = load_digits(return_X_y=True)
X = StandardScaler().fit_transform(X)

# %%
# The gradient of each layer
# --------------------------
# Gradient descent with learning rate 1 and no penalty subtracts the gradient from the weights. So the difference of
# the weights before and after one update is the gradient, up to rounding. To get the initial weights, we make a
# first update with a learning rate so small that the weights do not change.

import numpy as np

from skregopt import MLPClassifier

depth = 8
classes = np.unique(y)


def gradient_norms(params, seed):
    """Return the root mean square gradient of the weights of each layer, at the initial weights."""
    clf = MLPClassifier(
        hidden_layer_sizes=32,
        n_hidden_layers=depth,
        solver="gd",
        momentum=0,
        alpha=0,
        learning_rate_init=1e-30,
        random_state=seed,
        **params,
    ).partial_fit(X, y, classes=classes)
    before = [coef.copy() for coef in clf.coefs_]
    after = clf.set_params(learning_rate_init=1.0).partial_fit(X, y).coefs_
    return [np.sqrt(np.mean((a - b) ** 2)) for a, b in zip(after, before, strict=True)]


norms = {
    name: np.exp(np.mean([np.log(gradient_norms(params, seed)) for seed in range(5)], axis=0))
    for name, params in networks.items()
}
for name, norm in norms.items():
    print(f"{name:>25}: first layer {norm[0]:.1e}, last layer {norm[-1]:.1e}")

# %%
# Training curves
# ---------------
# Each network trains on mini-batches with momentum. We keep the best of four learning rates.


def loss_curve(params, rate):
    """Return the training objective after each of 60 epochs."""
    clf = MLPClassifier(
        hidden_layer_sizes=32,
        n_hidden_layers=depth,
        solver="minibatch",
        batch_size=50,
        learning_rate_init=rate,
        random_state=0,
        **params,
    )
    for _ in range(60):
        clf.partial_fit(X, y, classes=classes)
    return clf.loss_curve_


curves = {}
for name, params in networks.items():
    candidates = {rate: loss_curve(params, rate) for rate in [0.001, 0.003, 0.01, 0.03]}
    rate = min(candidates, key=lambda rate: candidates[rate][-1])
    curves[name] = candidates[rate]
    print(f"{name:>25}: objective {curves[name][-1]:.3f} after 60 epochs, rate {rate}")

# %%
# The result
# ----------
# Left: in the logistic network the gradient shrinks with every layer below the output, to less than a millionth in the
# first layer. With the larger initial weights it shrinks by a factor of about two per layer. With batch normalisation,
# tanh or relu, all layers get gradients of about the same size. The derivatives of tanh and relu reach 1.
#
# Right: the logistic network stays at the loss of guessing, log(10) = 2.3 (dotted line), because its first layers keep
# their random weights. The other networks learn.

import matplotlib.pyplot as plt

colours = ["#333333", "#E69F00", "#D55E00", "#0072B2", "#009E73"]
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for name, colour, marker in zip(networks, colours, "osv^D", strict=True):
    left.plot(range(1, depth + 2), norms[name], marker + "-", color=colour, markersize=5, label=name)
    right.plot(range(1, len(curves[name]) + 1), curves[name], color=colour, linewidth=1.8)
left.set(
    title="Gradient at the start",
    xlabel="layer (9 is the output layer)",
    ylabel="root mean square gradient per weight",
    yscale="log",
    xticks=range(1, depth + 2),
)
right.set(title="Objective during training", xlabel="epoch", ylabel="objective (nats per row)", ylim=(0, None))
right.axhline(np.log(len(classes)), color="0.6", linestyle=":", zorder=0)
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
left.legend(frameon=False, loc="lower right")

if plt.get_backend().lower() == "agg":  # no display
    figure.savefig("plot_vanishing_gradients.png", dpi=150)
    print("figure saved to plot_vanishing_gradients.png")
else:
    plt.show()
