"""
Gradient descent, one example at a time, in batches, and Adam
=============================================================

``solver='gd'`` takes one step per epoch, along the gradient of all rows. ``'sgd'`` takes a step after every single row,
``'minibatch'`` after every batch; all three are one rule. ``'adam'`` also works in batches and scales the step of each
weight. Which one is fastest depends on what one counts: epochs, or seconds.
"""

# %%
# Data and solvers
# ----------------
# All 1797 handwritten digits; here we only ask how fast the objective falls. Each solver has the learning rate that
# was best for it among 0.0003, 0.001, ..., 1 (a factor of about three apart) at the objective after its last epoch.

from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

X, y = load_digits(return_X_y=True)
X = StandardScaler().fit_transform(X)

runs = {
    "gd": {"learning_rate_init": 0.3, "epochs": 1000},
    "sgd": {"learning_rate_init": 0.001, "epochs": 30},
    "minibatch": {"batch_size": 50, "learning_rate_init": 0.03, "epochs": 100},
    "adam": {"batch_size": 50, "learning_rate_init": 0.003, "epochs": 100},
}

# %%
# One epoch after the other
# -------------------------
# ``partial_fit`` trains one epoch and keeps the state of the optimizer: k calls give the same bits as a ``fit`` of k
# epochs. Between the calls the clock stands still, and we evaluate the objective with the weights as they are.
# (``loss_curve_`` would have the loss met during the epoch instead.) The solvers run once before the clock starts:
# the first fit on a machine compiles.

from time import perf_counter

import numpy as np
from sklearn.metrics import log_loss

from skregopt import MLPClassifier

alpha = 1e-4
classes = np.unique(y)
seconds, objective = {}, {}
for solver, params in runs.items():
    params = dict(params)
    epochs = params.pop("epochs")
    clf = MLPClassifier(hidden_layer_sizes=64, solver=solver, alpha=alpha, random_state=0, **params)
    MLPClassifier(**clf.get_params()).partial_fit(X, y, classes=classes)
    elapsed = 0.0
    seconds[solver], objective[solver] = [], []
    for _ in range(epochs):
        start = perf_counter()
        clf.partial_fit(X, y, classes=classes)
        elapsed += perf_counter() - start
        penalty = alpha / 2 * sum((coef**2).sum() for coef in clf.coefs_)
        seconds[solver].append(elapsed)
        objective[solver].append(log_loss(y, clf.predict_proba(X)) + penalty)
    print(f"{solver:>9}: {1000 * elapsed / epochs:6.2f} ms per epoch, objective {objective[solver][-1]:.4f} at the end")

# %%
# The result
# ----------
# Counted in epochs (left), one row at a time wins at first: it makes 1797 steps where gradient descent makes one.
# But a step on one row cannot use the processor well, and so each of its epochs costs much more time. Counted in
# seconds (right), batches are the best of both: nearly as many useful steps per epoch, at the price per epoch of
# gradient descent times a small factor. The seconds are those of the machine that drew the figure.

import matplotlib.pyplot as plt

colours = {"gd": "#333333", "sgd": "#D55E00", "minibatch": "#0072B2", "adam": "#009E73"}
names = {
    "gd": "gd: all rows",
    "sgd": "sgd: one row",
    "minibatch": "minibatch: 50 rows",
    "adam": "adam: 50 rows",
}
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
for solver, colour in colours.items():
    left.plot(np.arange(1, len(objective[solver]) + 1), objective[solver], color=colour, label=names[solver], lw=1.8)
    right.plot(seconds[solver], objective[solver], color=colour, lw=1.8)
left.set(ylabel="objective (nats per row)", xlabel="epochs", title="Against epochs", yscale="log", xscale="log")
right.set(xlabel="seconds of training", title="Against seconds", xscale="log")
left.legend(frameon=False, loc="lower left")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
    ax.xaxis.set_major_formatter("{x:g}")
left.yaxis.set_major_formatter("{x:g}")

if plt.get_backend().lower() == "agg":  # no display
    figure.savefig("plot_gradient_descent.png", dpi=150)
    print("figure saved to plot_gradient_descent.png")
else:
    plt.show()
