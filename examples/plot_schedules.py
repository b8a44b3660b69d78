"""
Learning-rate schedules
=======================

A high learning rate makes fast progress. A low learning rate lets the weights settle. A schedule begins with a high
learning rate and ends with a low one. We draw the learning rate of every schedule, from ``learning_rate_curve_``,
and the loss that it reaches.
"""

# %%
# Data
# ----

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.4, stratify=y, random_state=0)
scaler = StandardScaler().fit(X_train)
X_train, X_val = scaler.transform(X_train), scaler.transform(X_val)

# %%
# Schedules
# ---------
# A name stands for a schedule with its defaults. An instance has its own parameters. All schedules have the same peak,
# 0.02, twenty times the default of Adam. They last for 60 epochs.

from skregopt.schedules import Cosine, Exponential, Plateau, Step, Warmup

schedules = {
    "constant": "constant",
    "invscaling": "invscaling",
    "adaptive": "adaptive",
    "plateau": Plateau(factor=0.3, patience=2),
    "step": Step(step_size=20),
    "exponential": Exponential(gamma=0.92),
    "cosine": "cosine",
    "cosine, restarts": Cosine(restart_every=20),
    "warm-up, cosine": Warmup("cosine", n_epochs=10),
    "one_cycle": "one_cycle",
}

# %%
# Fits
# ----
# 'adaptive' lowers the learning rate after ``n_iter_no_change`` epochs without progress. We set it to 3. Each call of
# ``partial_fit`` trains for one epoch and never stops by itself. We use five seeds for each schedule.

import numpy as np

from skregopt import MLPClassifier


def trained(schedule, n_epochs=60, **params):
    """Return a network after 60 epochs."""
    clf = MLPClassifier(
        hidden_layer_sizes=64,
        batch_size=32,
        learning_rate=schedule,
        learning_rate_init=0.02,
        max_iter=n_epochs,
        n_iter_no_change=3 if schedule == "adaptive" else np.inf,
        **params,
    )
    for _ in range(n_epochs):
        clf.partial_fit(X_train, y_train, classes=np.unique(y_train))
    return clf


fits, validation_losses = {}, {}
for name, schedule in schedules.items():
    fits[name] = [trained(schedule, random_state=seed) for seed in range(5)]
    validation_losses[name] = [-clf.predict_log_proba(X_val)[range(len(y_val)), y_val].mean() for clf in fits[name]]
    print(
        f"{name:>16}: objective {np.median([clf.loss_ for clf in fits[name]]):.4f}, "
        f"validation loss {np.median(validation_losses[name]):.3f}"
    )

# %%
# The result
# ----------
# Each dot is one seed, and each line is their median. At a constant learning rate of 0.02 Adam never settles.
# 'adaptive' and 'plateau' wait until progress stalls, which happens late here. Schedules that fall at fixed times
# reach a lower loss. A warm-up and 'one_cycle' also begin low, and reach the lowest validation loss: they avoid
# the high learning rate while the weights are random. With restarts the high learning rate comes back, and two of the
# five networks do not recover in time.

import matplotlib.pyplot as plt

names = list(fits)
figure = plt.figure(figsize=(10, 6), layout="constrained")
grid = figure.add_gridspec(len(names), 3, width_ratios=[1.2, 1, 1])
for row, name in enumerate(names):
    ax = figure.add_subplot(grid[row, 0])
    curve = fits[name][0].learning_rate_curve_
    epochs = np.arange(1, len(curve) + 1)
    ax.fill_between(epochs, curve, color="#0072B2", alpha=0.25, linewidth=0)
    ax.plot(epochs, curve, color="#0072B2", linewidth=1.5)
    ax.set(xlim=(0, 60), ylim=(0, 0.021), yticks=[0, 0.02], xticks=[0, 20, 40, 60])
    ax.set_ylabel(name, rotation=0, ha="right", va="center")
    ax.tick_params(axis="y", labelsize=8)
    ax.tick_params(axis="x", labelbottom=row == len(names) - 1)
    ax.spines[["top", "right"]].set_visible(False)
    if row == 0:
        ax.set_title("Learning rate, first seed")
ax.set_xlabel("epoch")

objective = {name: [clf.loss_ for clf in fits[name]] for name in names}
for column, (title, values) in enumerate(
    {"Objective at the end": objective, "Validation loss at the end": validation_losses}.items(), start=1
):
    ax = figure.add_subplot(grid[:, column])
    for row, name in enumerate(names):
        ax.plot(values[name], [row] * 5, "o", color="#D55E00", alpha=0.35, markeredgewidth=0)
        ax.plot(np.median(values[name]), row, "|", color="#D55E00", markersize=18, markeredgewidth=2.5)
    ax.set(title=title, ylim=(len(names) - 0.5, -0.5), yticks=range(len(names)), yticklabels=[], xscale="log")
    ax.set_xlabel("nats per row")
    ax.grid(axis="y", color="0.9")
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.spines[["top", "right", "left"]].set_visible(False)

if plt.get_backend().lower() == "agg":  # no display
    figure.savefig("plot_schedules.png", dpi=150)
    print("figure saved to plot_schedules.png")
else:
    plt.show()
