"""
Optimizers and their learning rates
===================================

This example trains a small network for 20 epochs with every optimizer, at its default learning rate and at many others.
How low is the validation loss? The names come from the registry ``OPTIMIZERS``.
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
# Every optimizer at every learning rate
# --------------------------------------
# 'gd', 'sgd' and 'minibatch' are one optimizer with three default batch sizes, so we only use 'minibatch'. If the
# learning rate is far too high, the weights overflow and ``fit`` raises a ValueError. Then we set the loss to
# infinity.

import numpy as np

from skregopt import MLPClassifier
from skregopt.optimizers import OPTIMIZERS


def validation_loss(solver, rate):
    """Return the validation loss after 20 epochs, averaged over three seeds."""
    losses = []
    for seed in range(3):
        clf = MLPClassifier(
            hidden_layer_sizes=64, solver=solver, batch_size=50, learning_rate_init=rate, random_state=seed
        )
        try:
            for _ in range(20):
                clf.partial_fit(X_train, y_train, classes=np.unique(y_train))
            losses.append(-clf.predict_log_proba(X_val)[range(len(y_val)), y_val].mean())
        except ValueError:
            return np.inf
    return np.mean(losses)


rates = 10.0 ** np.arange(-4, 2, 0.5)
solvers = [name for name in OPTIMIZERS if name not in ("gd", "sgd")]
# what learning_rate_init='auto' stands for
default_rate = {solver: OPTIMIZERS[solver].default_learning_rate for solver in solvers} | {"minibatch": 0.01}
default = {solver: validation_loss(solver, default_rate[solver]) for solver in solvers}
losses = {solver: np.array([validation_loss(solver, rate) for rate in rates]) for solver in solvers}
solvers.sort(key=default.get)
for solver in solvers:
    best = losses[solver].argmin()
    print(
        f"{solver:>9}: {default[solver]:.3f} at {default_rate[solver]:g}, "
        f"{losses[solver][best]:.3f} at {rates[best]:.2g}"
    )

# %%
# The result
# ----------
# Left: each optimizer has a range of good learning rates. Within its range, most optimizers reach about the same
# loss. The ranges differ in place and width, so a good learning rate for one optimizer may be bad for another. The
# circle is the default learning rate.
#
# Right: the loss at the default and at the best learning rate. If an optimizer disappoints, search its learning rate
# before you try another optimizer.

import matplotlib.pyplot as plt
from matplotlib.colors import LogNorm

figure, (left, right) = plt.subplots(
    1, 2, figsize=(11.5, 4.6), width_ratios=[1.5, 1], sharey=True, layout="constrained"
)
table = np.minimum([losses[solver] for solver in solvers], 1e9)  # a finite colour for overflow, too
picture = left.imshow(table, cmap="cividis_r", norm=LogNorm(0.1, 2), aspect="auto")
for row, solver in enumerate(solvers):
    position = 2 * (np.log10(default_rate[solver]) + 4)
    left.plot(position, row, "o", markersize=11, markerfacecolor="none", markeredgecolor="white", markeredgewidth=3)
    left.plot(position, row, "o", markersize=11, markerfacecolor="none", markeredgecolor="black", markeredgewidth=1.3)
left.set(
    title="Validation loss at each rate",
    xlabel="learning_rate_init",
    xticks=range(0, len(rates), 2),
    xticklabels=[f"{rate:g}" for rate in rates[::2]],
    yticks=range(len(solvers)),
    yticklabels=solvers,
)
left.tick_params(length=0)
left.spines[:].set_visible(False)
figure.colorbar(
    picture,
    ax=left,
    label="validation log loss (nats per row)",
    extend="both",
    ticks=[0.1, 0.2, 0.5, 1, 2],
    format="{x:g}",
)

for row, solver in enumerate(solvers):
    tuned = losses[solver].min()
    right.plot([default[solver], tuned], [row, row], color="0.8", zorder=0)
    right.plot(default[solver], row, "o", color="#D55E00", label="default rate" if row == 0 else None)
    right.plot(tuned, row, "D", color="#0072B2", label="best rate" if row == 0 else None)
right.set(title="Default and best rate", xlabel="validation log loss (nats per row)", xlim=(0, None))
right.legend(frameon=False, loc="upper right")
figure.get_layout_engine().set(w_pad=0.1)
right.spines[["top", "right", "left"]].set_visible(False)
right.tick_params(axis="y", length=0, labelleft=True)

if plt.get_backend().lower() == "agg":  # no display
    figure.savefig("plot_optimizers.png", dpi=150)
    print("figure saved to plot_optimizers.png")
else:
    plt.show()
