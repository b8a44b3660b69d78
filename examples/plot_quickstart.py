"""
Quick start: L2, L1, dropout and early stopping
===============================================

We regularise a network with one hidden layer in four ways: a little L2 (the default), L1, dropout,
and early stopping. It learns scikit-learn's handwritten digits inside a
:class:`~sklearn.pipeline.Pipeline`. We compare the validation loss after every epoch, the accuracy on
test data, and the share of weights that are exactly zero.
"""

# %%
# Data
# ----
# We split the rows into training, validation and test data. The fits record the loss on the
# validation data during training. We use the test data once, at the end.

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

X, y = load_digits(return_X_y=True)
X_rest, X_test, y_rest, y_test = train_test_split(X, y, test_size=0.4, stratify=y, random_state=0)
X_train, X_val, y_train, y_val = train_test_split(X_rest, y_rest, test_size=0.25, stratify=y_rest, random_state=0)

# %%
# A pipeline that scales the validation data too
# ----------------------------------------------
# ``fit`` takes ``X_val`` and ``y_val``. Metadata routing passes them through the pipeline.
# ``transform_input`` applies the scaler to ``X_val``, too.

import sklearn
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skregopt import MLPClassifier

sklearn.set_config(enable_metadata_routing=True)


def fit_pipeline(random_state, **params):
    """Fit scaler and network, and record the validation loss of every epoch."""
    network = MLPClassifier(
        hidden_layer_sizes=64,
        batch_size=64,
        learning_rate_init=0.003,
        max_iter=100,
        random_state=random_state,
    )
    network.set_params(**params).set_fit_request(X_val=True, y_val=True)
    pipeline = Pipeline([("scale", StandardScaler()), ("network", network)], transform_input=["X_val"])
    return pipeline.fit(X_train, y_train, X_val=X_val, y_val=y_val)


# %%
# Four variants, five seeds each
# ------------------------------
# The first three variants train for all 100 epochs, because ``n_iter_no_change`` is above 100, and their
# learning rate falls to zero along a cosine wave. Early stopping ends after more than ten epochs without a
# better validation loss, and restores the weights of the best epoch.

to_the_end = {"learning_rate": "cosine", "tol": 0, "n_iter_no_change": 1000}
variants = {
    "L2": {"alpha": 1e-4, **to_the_end},
    "L1": {"penalty": "l1", "alpha": 5e-4, **to_the_end},
    "dropout": {"dropout": 0.5, **to_the_end},
    "early stopping": {"early_stopping": True, "max_iter": 500},
}
n_seeds = 5
accuracy, zeros, curves = {}, {}, {}
for name, params in variants.items():
    fits = [fit_pipeline(seed, **params) for seed in range(n_seeds)]
    accuracy[name] = [pipeline.score(X_test, y_test) for pipeline in fits]
    zeros[name] = sum(pipeline["network"].sparsity_ for pipeline in fits) / n_seeds
    curves[name] = fits[0]["network"].validation_loss_curve_
    print(
        f"{name:>14}: test accuracy {sum(accuracy[name]) / n_seeds:.3f}, "
        f"exact zeros {zeros[name]:.0%}, epochs {len(curves[name])}"
    )

# %%
# The result
# ----------
# L1 sets most of the weights to exactly zero and keeps the accuracy. With L2 alone the validation
# loss soon stops falling. Early stopping detects this and saves more than half of the epochs. L1 and
# dropout reach a lower loss.

import sys

import matplotlib.pyplot as plt

# These colours are distinct for colour-blind readers (Okabe and Ito).
colours = dict(zip(variants, ["#0072B2", "#D55E00", "#009E73", "#333333"], strict=True))

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.4), width_ratios=[2, 1.2, 1.2], layout="constrained")
figure.get_layout_engine().set(w_pad=0.15)
for name, curve in curves.items():
    left.plot(range(1, len(curve) + 1), curve, color=colours[name], linewidth=1.8)
    ends_early = len(curve) < max(map(len, curves.values()))
    left.plot(len(curve), curve[-1], "o", color=colours[name], markersize=4)
    left.annotate(
        name,
        (len(curve), curve[-1]),
        xytext=(0, 9) if ends_early else (7, {"L1": 4, "dropout": -4}.get(name, 0)),
        textcoords="offset points",
        color=colours[name],
        ha="center" if ends_early else "left",
        va="center",
    )
left.set_xticks(range(0, 101, 20))
left.set(title="Validation loss, first seed", xlabel="epoch", xlim=(0, 118))
left.set(ylabel="log loss (nats per row)", ylim=(0.09, 0.3))
left.set_yticks([0.1, 0.15, 0.2, 0.25, 0.3])

rows = range(len(variants))
for row, name in enumerate(variants):
    mean = sum(accuracy[name]) / n_seeds
    middle.plot(accuracy[name], [row] * n_seeds, "o", color=colours[name], alpha=0.35)
    middle.plot(mean, row, "|", color=colours[name], markersize=18, markeredgewidth=2.5)
    right.barh(row, zeros[name], color=colours[name], height=0.5)
    right.text(zeros[name] + 0.02, row, f"{zeros[name]:.0%}", va="center", color=colours[name])
middle.set(title="Test accuracy, five seeds", yticks=rows, yticklabels=variants)
right.set(title="Weights exactly zero", yticks=[], xlim=(0, 1), xticks=[])
right.spines[["left", "bottom"]].set_visible(False)
middle.spines["left"].set_visible(False)
middle.tick_params(axis="y", length=0)
for axes in (middle, right):
    axes.set_ylim(len(variants) - 0.5, -0.5)
for axes in (left, middle, right):
    axes.spines[["top", "right"]].set_visible(False)

if len(sys.argv) > 1 or plt.get_backend().lower() == "agg":  # a path was given, or no display
    path = sys.argv[1] if len(sys.argv) > 1 else "plot_quickstart.png"
    figure.savefig(path, dpi=150)
    print(f"figure saved to {path}")
else:
    plt.show()
