"""
L1 penalties: sparse weights and feature selection
==================================================

``penalty='l1'`` sets single weights to zero. ``penalty='group_l1'`` sets all weights of an input feature to zero.
The zeros are exact, because each update ends with the proximal operator of the penalty. How many weights and
features can we remove before the accuracy falls?
"""

# %%
# Data
# ----
# The data are handwritten digits of 8 x 8 pixels. The pixels at the margins are nearly always empty.

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, stratify=y, random_state=0)
scaler = StandardScaler().fit(X_train)
X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)

# %%
# Fits along alpha
# ----------------
# The learning rate falls to zero. So the noise of the batches fades, and weights that are not needed stay zero.
# ``sparsity_`` is the share of all weights that are zero. A pixel is dropped when its row of the first weight matrix is
# zero. Then its ``feature_importances_`` is zero, too.

import numpy as np

from skregopt import MLPClassifier

alphas = {"l1": np.logspace(-5, -1.5, 13), "group_l1": np.logspace(-4, -0.5, 13)}


def fit(penalty, alpha, seed):
    """Fit a network with 16 hidden units."""
    return MLPClassifier(
        hidden_layer_sizes=16,
        penalty=penalty,
        alpha=alpha,
        batch_size=64,
        learning_rate="cosine",
        learning_rate_init=0.01,
        max_iter=150,
        tol=0,
        n_iter_no_change=np.inf,
        random_state=seed,
    ).fit(X_train, y_train)


fits = {penalty: [[fit(penalty, alpha, seed) for seed in range(3)] for alpha in alphas[penalty]] for penalty in alphas}
accuracy = {
    penalty: np.array([np.mean([clf.score(X_test, y_test) for clf in row]) for row in rows])
    for penalty, rows in fits.items()
}
zeros = {
    "l1": np.array([np.mean([clf.sparsity_ for clf in row]) for row in fits["l1"]]),
    "group_l1": np.array(
        [np.mean([(clf.feature_importances_ == 0).mean() for clf in row]) for row in fits["group_l1"]]
    ),
}
shown = {}
for penalty, things in {"l1": "weights", "group_l1": "pixels"}.items():
    # the sparsest network within one point of the best accuracy
    index = np.flatnonzero(accuracy[penalty] >= accuracy[penalty].max() - 0.01)[-1]
    shown[penalty] = index
    print(
        f"{penalty}, alpha = {alphas[penalty][index]:.2g}: {zeros[penalty][index]:.0%} of the {things} are zero, "
        f"test accuracy {accuracy[penalty][index]:.3f} (best {accuracy[penalty].max():.3f})"
    )

# %%
# The result
# ----------
# Left: the network keeps its accuracy, up to one percentage point, without about three quarters of its weights or a
# fifth of the pixels (dotted lines). Beyond that the accuracy falls.
#
# Middle: the first-layer weights of the 16 units at the dotted line of 'l1'. Red weights are positive, blue weights are
# negative, grey weights are exactly zero. Each unit uses only some pixels. Some units are not needed at all.
#
# Right: the importance of each pixel at the dotted line of 'group_l1'. Crossed pixels are dropped. Most of them
# lie at the margins, which are nearly always empty.

import matplotlib.pyplot as plt

colours = {"l1": "#D55E00", "group_l1": "#0072B2"}
figure = plt.figure(figsize=(12, 4.2), layout="constrained")
curves, images, pixels = figure.subfigures(1, 3, width_ratios=[1.25, 1.1, 1])

axes = curves.subplots(2, 1, sharex=True)
for penalty, colour in colours.items():
    axes[0].plot(alphas[penalty], 100 * accuracy[penalty], "o-", markersize=4, color=colour)
    axes[1].plot(alphas[penalty], 100 * zeros[penalty], "o-", markersize=4, color=colour)
    for ax in axes:
        ax.axvline(alphas[penalty][shown[penalty]], color=colour, linestyle=":", zorder=0)
axes[0].set(ylabel="test accuracy (%)", ylim=(80, 100))
axes[1].set(ylabel="exactly zero (%)", ylim=(-3, 103), xlabel="alpha", xscale="log")
axes[1].annotate("weights (l1)", (2e-5, 68), color=colours["l1"])
axes[1].annotate("pixels\n(group_l1)", (0.05, 6), color=colours["group_l1"])
for ax in axes:
    ax.spines[["top", "right"]].set_visible(False)

coef = fits["l1"][shown["l1"]][0].coefs_[0]
coef = np.where(coef == 0, np.nan, np.sign(coef) * np.sqrt(np.abs(coef)))  # the root makes small weights visible
limit = np.nanmax(np.abs(coef))
red_and_blue = plt.get_cmap("RdBu_r").with_extremes(bad="0.85")
for ax, unit in zip(images.subplots(4, 4).flat, coef.T, strict=True):
    ax.imshow(unit.reshape(8, 8), cmap=red_and_blue, vmin=-limit, vmax=limit)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
images.suptitle("l1: weights of the 16 units", fontsize=12)

importances = fits["group_l1"][shown["group_l1"]][0].feature_importances_.reshape(8, 8)
ax = pixels.subplots()
blue_to_yellow = plt.get_cmap("cividis").with_extremes(bad="0.85")
picture = ax.imshow(np.where(importances > 0, 100 * importances, np.nan), cmap=blue_to_yellow, vmin=0)
rows, columns = np.nonzero(importances == 0)
ax.plot(columns, rows, "x", color="0.45", markersize=8)
ax.set(xticks=[], yticks=[])
ax.spines[:].set_visible(False)
pixels.suptitle(f"group_l1: {(importances > 0).sum()} of 64 pixels kept", fontsize=12)
pixels.colorbar(picture, ax=ax, orientation="horizontal", label="importance (%)", shrink=0.8).outline.set(visible=False)

if plt.get_backend().lower() == "agg":  # no display
    figure.savefig("plot_l1_sparsity.png", dpi=150)
    print("figure saved to plot_l1_sparsity.png")
else:
    plt.show()
