"""
Under- and overfitting: width, depth and alpha
==============================================

A network that is too small, or held back too much, cannot fit even the rows it is trained on: it underfits. One that
fits them perfectly may still be wrong about new rows: it overfits. Both show in two numbers, the loss of the training
rows and that of rows kept aside. We draw them against the three parameters that decide how flexible a network is.
"""

# %%
# Few rows
# --------
# Overfitting needs little data to be seen well: 300 of scikit-learn's 1797 handwritten digits to train on and 1000
# others to validate on, in five random divisions.

from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedShuffleSplit

X, y = load_digits(return_X_y=True)
divisions = StratifiedShuffleSplit(n_splits=5, train_size=300, test_size=1000, random_state=0)

# %%
# A network without regularisation
# --------------------------------
# One hidden layer of 32 units and ``alpha=0``, always trained for 150 epochs: with ``tol=0`` and an infinite patience
# nothing stops a fit before.

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skregopt import MLPClassifier

warnings.filterwarnings("ignore", category=ConvergenceWarning)  # 150 epochs are what we ask for

network = MLPClassifier(
    hidden_layer_sizes=32,
    alpha=0,
    batch_size=32,
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
# The width is ``hidden_layer_sizes``, the depth ``n_hidden_layers``, both single numbers, so that
# :func:`~sklearn.model_selection.validation_curve` and the searches can run over them. A depth of 0 is logistic
# regression. We score by the log loss: it still moves where accuracy does not.

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
# *Width*: with one or two units both losses are high, the network underfits. From 16 units on it knows its 300 rows
# by heart, and yet the validation loss does not rise: on these clean data a wide network does no harm.
# *Depth*: each further layer makes the network more confident, and more confidently wrong. One hidden layer is as
# good as any. *alpha*: too little leaves the gap between the two curves, too much closes it by making both bad. The
# best value, about 0.001, lies between.

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
axes[0].set_ylim(5e-6, 4)
axes[2].set_xscale("log")
axes[0].annotate("validation rows", (32, 0.45), color=colours["validation"], ha="center")
axes[0].annotate("training rows", (20, 0.004), color=colours["training"])

if plt.get_backend().lower() == "agg":  # no display
    figure.savefig("plot_overfitting.png", dpi=150)
    print("figure saved to plot_overfitting.png")
else:
    plt.show()
