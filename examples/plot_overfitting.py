"""
Underfitting and overfitting: width, depth and alpha
====================================================

A network underfits if it cannot even fit its training rows, because it is too small or regularised too much. A network
overfits if it fits its training rows much better than new rows. The training loss and the validation loss show both. We
draw them against three parameters that decide how flexible a network is.
"""

# %%
# Data
# ----
# Networks overfit most with few rows. We train on 300 of scikit-learn's 1797 handwritten digits and validate on 1000
# others, in five random splits.

from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedShuffleSplit

X, y = load_digits(return_X_y=True)
divisions = StratifiedShuffleSplit(n_splits=5, train_size=300, test_size=1000, random_state=0)

# %%
# A network without regularisation
# --------------------------------
# The network has one hidden layer of 32 units and ``alpha=0``. It always trains for 150 epochs, because ``tol=0``
# and an infinite ``n_iter_no_change`` prevent an earlier stop. The learning rate ends there, too.

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skregopt import MLPClassifier

network = MLPClassifier(
    hidden_layer_sizes=32,
    alpha=0,
    batch_size=32,
    learning_rate="cosine",
    learning_rate_init=0.003,
    max_iter=150,
    tol=0,
    n_iter_no_change=np.inf,
    random_state=0,
)
pipeline = make_pipeline(StandardScaler(), network)

# %%
# One parameter at a time
# -----------------------
# The width is ``hidden_layer_sizes``, and the depth is ``n_hidden_layers``. Both are single numbers, so searches and
# :func:`~sklearn.model_selection.validation_curve` can vary them. Depth 0 is logistic regression. We score with the log
# loss, because it changes when accuracy does not.

from sklearn.model_selection import validation_curve

ranges = {
    "hidden_layer_sizes": [1, 2, 4, 8, 16, 32, 64, 128, 256],
    "n_hidden_layers": [0, 1, 2, 3, 4, 6, 8],
    "alpha": [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1],
}
losses = {}
for name, values in ranges.items():
    scores = validation_curve(
        pipeline, X, y, param_name=f"mlpclassifier__{name}", param_range=values, cv=divisions, scoring="neg_log_loss"
    )
    losses[name] = [-score for score in scores]
    best = values[np.argmin(losses[name][1].mean(axis=1))]
    print(f"{name}: lowest validation loss {losses[name][1].mean(axis=1).min():.3f} at {best:g}")

# %%
# The result
# ----------
# *Width*: with one or two units both losses are high, so the network underfits. From 16 units on it memorises its 300
# training rows. Yet the validation loss does not rise: on these clean data, a wide network does no harm.
#
# *Depth*: each further hidden layer makes the network more confident, also where it is wrong. One hidden layer is as
# good as more.
#
# *alpha*: a small value leaves a gap between the two losses. A large value closes the gap, but both losses are high.
# The best value lies between, at about 0.001.

import matplotlib.pyplot as plt

colours = {"training": "#0072B2", "validation": "#D55E00"}
titles = {
    "hidden_layer_sizes": ("Width", "units in the hidden layer"),
    "n_hidden_layers": ("Depth", "hidden layers of 32 units"),
    "alpha": ("L2 penalty", "alpha"),
}

figure, axes = plt.subplots(1, 3, figsize=(11, 3.8), sharey=True, layout="constrained")
for ax, (name, values) in zip(axes, ranges.items(), strict=True):
    for (label, colour), loss in zip(colours.items(), losses[name], strict=True):
        ax.plot(values, loss.mean(axis=1), "o-", color=colour, markersize=4, label=label)
        ax.fill_between(values, loss.min(axis=1), loss.max(axis=1), color=colour, alpha=0.2, linewidth=0)
    title, xlabel = titles[name]
    ax.set(title=title, xlabel=xlabel, yscale="log")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_xscale("log", base=2)
axes[0].set_xticks(ranges["hidden_layer_sizes"], ranges["hidden_layer_sizes"])
axes[0].set(ylabel="log loss (nats per row)")
axes[0].set_yticks([1e-4, 1e-2, 1])
axes[0].set_ylim(2e-5, 4)
axes[2].set_xscale("log")
axes[0].annotate("validation rows", (32, 0.45), color=colours["validation"], ha="center")
axes[0].annotate("training rows", (24, 0.008), color=colours["training"])

if plt.get_backend().lower() == "agg":  # no display
    figure.savefig("plot_overfitting.png", dpi=150)
    print("figure saved to plot_overfitting.png")
else:
    plt.show()
