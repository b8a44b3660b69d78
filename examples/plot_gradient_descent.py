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
# All 1797 handwritten digits; here we only ask how fast the training loss falls. The learning rates are high: at three
# times as much, training becomes erratic or diverges.

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
# Fits with a clock, and fits with a record
# -----------------------------------------
# Each solver trains twice from the same seed, which gives the same weights. The first fit is timed; all its epochs do
# the same work, so each takes its share of the time. The second gets the training rows as ``X_val`` too, and so
# records their loss after every epoch. (``loss_curve_`` has the loss met during the epoch instead.) A fit of one epoch
# before the clock starts loads the compiled code.

import warnings
from time import perf_counter

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skregopt import MLPClassifier

warnings.filterwarnings("ignore", category=ConvergenceWarning)  # the number of epochs is what we ask for

seconds, loss = {}, {}
for solver, params in runs.items():
    clf = MLPClassifier(
        hidden_layer_sizes=64, solver=solver, alpha=0, tol=0, n_iter_no_change=np.inf, random_state=0, **params
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
# Counted in epochs (left), the solvers that take many steps in each are far ahead at first: gradient descent takes one
# where 'minibatch' and 'adam' take 36 and 'sgd' 1797. But a step on a single row cannot use the processor well, and so
# an epoch of 'sgd' costs many times that of the others. Counted in seconds (right), it falls behind; batches have the
# many steps at nearly the price of gradient descent. The seconds are those of the machine that drew the figure.

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
left.set(ylabel="training log loss (nats per row)", xlabel="epochs", title="Against epochs", yscale="log", xscale="log")
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
