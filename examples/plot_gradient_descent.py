"""
Gradient descent, SGD, mini-batches and Adam
============================================

``solver='gd'`` takes one step per epoch, along the gradient of all rows. ``'sgd'`` takes one step per row,
``'minibatch'`` one step per batch. All three use the same update rule. ``'adam'`` also takes one step per batch, and
scales the step of each weight. Which solver is fastest: counted in epochs, and counted in seconds?
"""

# %%
# Data and solvers
# ----------------
# We train on all 1797 handwritten digits, because we only measure how fast the training loss falls. The learning rates
# are high: three times higher, training becomes erratic or diverges.

from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

X, y = load_digits(return_X_y=True)
X = StandardScaler().fit_transform(X)

runs = {
    "gd": {"learning_rate_init": 1, "max_iter": 1000},
    "sgd": {"learning_rate_init": 0.003, "max_iter": 30},
    "minibatch": {"batch_size": 50, "learning_rate_init": 0.1, "max_iter": 100},
    "adam": {"batch_size": 50, "learning_rate_init": 0.01, "max_iter": 100},
}

# %%
# Measure time and loss
# ---------------------
# The learning rate falls to zero along a cosine wave. Each solver trains twice with the same seed, so both fits have
# the same weights. We time the first fit. All its epochs do the same work, so we divide its time evenly among them. The
# second fit gets the training rows as ``X_val``, too, and records their loss after every epoch. (``loss_curve_`` holds
# the loss during the epoch instead.) Before we time anything, a fit of one epoch loads the compiled code.

from time import perf_counter

import numpy as np

from skregopt import MLPClassifier

seconds, loss = {}, {}
for solver, params in runs.items():
    clf = MLPClassifier(
        hidden_layer_sizes=64,
        solver=solver,
        alpha=0,
        learning_rate="cosine",
        tol=0,
        n_iter_no_change=np.inf,
        random_state=0,
        **params,
    )
    MLPClassifier(**clf.get_params() | {"max_iter": 1}).fit(X, y)
    start = perf_counter()
    clf.fit(X, y)
    elapsed = perf_counter() - start
    loss[solver] = clf.fit(X, y, X_val=X, y_val=y).validation_loss_curve_
    seconds[solver] = elapsed * np.arange(1, clf.n_iter_ + 1) / clf.n_iter_
    print(f"{solver:>9}: {1000 * elapsed / clf.n_iter_:6.2f} ms per epoch, loss {loss[solver][-1]:.2g} at the end")

# %%
# The result
# ----------
# Left: counted in epochs, solvers with many steps per epoch lead at first. Per epoch, 'gd' takes one step,
# 'minibatch' and 'adam' take 36, and 'sgd' takes 1797.
#
# Right: counted in seconds, 'sgd' falls behind. A step on a single row uses the processor badly, so an epoch of
# 'sgd' costs several times as much as an epoch of the others. Batches take many steps at nearly the cost of 'gd'. The
# seconds depend on the machine.

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
    left.plot(np.arange(1, len(loss[solver]) + 1), loss[solver], color=colour, label=names[solver], lw=1.8)
    right.plot(seconds[solver], loss[solver], color=colour, lw=1.8)
left.set(ylabel="training log loss (nats per row)", xlabel="epoch", title="Against epochs", yscale="log", xscale="log")
right.set(xlabel="seconds of training", title="Against seconds", xscale="log")
left.legend(frameon=False, loc="lower left")
figure.get_layout_engine().set(w_pad=0.15)  # room between the last tick of one axis and the first of the next
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
    ax.xaxis.set_major_formatter("{x:g}")
left.yaxis.set_major_formatter("{x:g}")

if plt.get_backend().lower() == "agg":  # no display
    figure.savefig("plot_gradient_descent.png", dpi=150)
    print("figure saved to plot_gradient_descent.png")
else:
    plt.show()
