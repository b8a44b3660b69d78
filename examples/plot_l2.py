"""
L2 penalty: smaller weights
===========================

The default penalty adds ``alpha / 2`` times the sum of all squared weights to the mean loss. It pulls each weight
towards zero in proportion to its size, but no weight becomes exactly zero. How does it change the weights and the
losses? And does the best ``alpha`` depend on the batch size?
"""

# %%
# Data
# ----
# We train on only 300 handwritten digits, so that the network overfits. We validate on all others.

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X, y, train_size=300, stratify=y, random_state=0)
scaler = StandardScaler().fit(X_train)
X_train, X_val = scaler.transform(X_train), scaler.transform(X_val)

# %%
# Fits along alpha, for three batch sizes
# ---------------------------------------
# The objective is the mean loss plus the penalty, for every batch size. So ``alpha`` should mean the same for
# batches of 10 and of 300 rows. (scikit-learn's MLP divides the penalty by the batch size.) All fits run for 1500
# updates. The learning rate falls to zero along a cosine wave, so all fits end close to a minimum of the objective.

import numpy as np
from sklearn.metrics import log_loss

from skregopt import MLPClassifier

alphas = np.logspace(-5, 0, 11)  # two per decade
batch_sizes = [10, 50, 300]
seeds = range(2)
fits = {
    (batch_size, alpha): [
        MLPClassifier(
            hidden_layer_sizes=64,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate="cosine",
            learning_rate_init=0.005,
            max_iter=1500 * batch_size // len(X_train),
            tol=0,
            n_iter_no_change=np.inf,
            random_state=seed,
        ).fit(X_train, y_train)
        for seed in seeds
    ]
    for batch_size in batch_sizes
    for alpha in alphas
}

# %%
# Losses
# ------
# These losses do not include the penalty.


def mean_loss(X, y, batch_size):
    """Return the log loss along alpha, averaged over seeds."""
    return np.array([np.mean([log_loss(y, fit.predict_proba(X)) for fit in fits[batch_size, a]]) for a in alphas])


training = mean_loss(X_train, y_train, 50)
validation = {batch_size: mean_loss(X_val, y_val, batch_size) for batch_size in batch_sizes}
for batch_size, loss in validation.items():
    print(f"batches of {batch_size}: lowest validation loss {loss.min():.3f} at alpha = {alphas[loss.argmin()]:.2g}")

# %%
# The result
# ----------
# Left: the training loss rises with ``alpha``. The validation loss first falls, because the penalty reduces
# overfitting, and then rises, because the network underfits. At ``alpha=1`` all weights are nearly zero, and the
# network predicts a tenth for each digit.
#
# Middle: batches of 10, 50 and 300 rows have the same best ``alpha``.
#
# Right: a larger ``alpha`` gives a narrower distribution of the weights. The weights are small,
# but not exactly zero.

import matplotlib.pyplot as plt

colours = ["#0072B2", "#D55E00", "#009E73"]
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11.5, 3.8), layout="constrained")
left.plot(alphas, training, "o-", color=colours[0], markersize=4, label="training rows")
left.plot(alphas, validation[50], "o-", color=colours[1], markersize=4, label="validation rows")
left.set(title="Batches of 50 rows", ylabel="log loss (nats per row)")
for (batch_size, loss), colour, marker in zip(validation.items(), colours, "s^o", strict=True):
    middle.plot(alphas, loss, marker + "-", color=colour, markersize=4, label=f"batches of {batch_size}")
middle.set(title="Validation rows", ylim=(0.15, 1), ylabel="log loss (nats per row)")
for ax in (left, middle):
    ax.set(xscale="log", yscale="log", xlabel="alpha")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("")
    ax.legend(frameon=False, loc="upper left")
middle.set_yticks([0.2, 0.5, 1])

bins = np.linspace(-0.6, 0.6, 61)
for alpha, colour in zip(alphas[[0, 4, 8]], colours, strict=True):
    weights = np.concatenate([coef.ravel() for coef in fits[50, alpha][0].coefs_])
    right.hist(weights, bins, histtype="step", color=colour, linewidth=1.8, label=f"alpha = {alpha:g}")
right.set(title="Weights, first seed", xlabel="weight", ylabel="number of weights", yscale="log", ylim=(0.7, 2e4))
right.legend(frameon=False, loc="upper left")
for ax in (left, middle, right):
    ax.spines[["top", "right"]].set_visible(False)

if plt.get_backend().lower() == "agg":  # no display
    figure.savefig("plot_l2.png", dpi=150)
    print("figure saved to plot_l2.png")
else:
    plt.show()
