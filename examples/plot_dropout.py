"""
Dropout: rates and widths
=========================

In each training step, dropout drops every hidden unit with some probability. ``input_dropout`` does the same with
features. So no unit can rely on a single other unit. Which rate is best, and which networks gain from dropout?
"""

# %%
# Data
# ----
# We train on 300 handwritten digits and validate on all others. Pixels go from 0 to 16, so we divide by 16. Dividing
# each pixel by its own standard deviation would amplify pixels that are nearly always empty.

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X / 16, y, train_size=300, stratify=y, random_state=0)

# %%
# Rates and widths
# ----------------
# Without early stopping, ``fit`` only records the loss of ``X_val``. ``validation_loss_curve_`` holds it after each
# epoch, without dropout. We use three seeds per setting.

import numpy as np

from skregopt import MLPClassifier

rates = [0, 0.2, 0.4, 0.6, 0.8, 0.9]
widths = [16, 64, 256]
fits = {
    (width, rate): [
        MLPClassifier(
            hidden_layer_sizes=width,
            dropout=rate,
            alpha=0,
            batch_size=50,
            learning_rate="cosine",
            learning_rate_init=0.003,
            max_iter=200,
            tol=0,
            n_iter_no_change=np.inf,
            random_state=seed,
        ).fit(X_train, y_train, X_val=X_val, y_val=y_val)
        for seed in range(3)
    ]
    for width in widths
    for rate in rates
}

# %%
# Validation loss after 200 epochs
# --------------------------------

last = {key: np.array([clf.validation_loss_curve_[-1] for clf in group]) for key, group in fits.items()}
for width in widths:
    best = min(rates, key=lambda rate: last[width, rate].mean())
    print(
        f"{width} units: validation loss {last[width, 0].mean():.3f} without dropout, "
        f"{last[width, best].mean():.3f} with a rate of {best}"
    )

# %%
# The result
# ----------
# Left: without dropout, the validation loss soon rises again, because the network memorises its training rows. With
# dropout the validation loss falls further. A higher rate needs more epochs.
#
# Right: wider networks gain from more dropout. The network of 256 units gains from every rate up to 0.9, the network of
# 64 units from rates up to 0.6. The network of 16 units has no units to spare, and loses with any dropout.

import matplotlib.pyplot as plt

colours = ["#333333", "#0072B2", "#D55E00"]
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
for rate, colour in zip([0, 0.6, 0.9], colours, strict=True):
    curve = np.mean([clf.validation_loss_curve_ for clf in fits[256, rate]], axis=0)
    left.plot(np.arange(1, len(curve) + 1), curve, color=colour, linewidth=1.8, label=f"dropout = {rate}")
left.set(title="256 units", xlabel="epoch", ylabel="validation log loss (nats per row)", xscale="log", xlim=(4, 210))
left.set_xticks([5, 10, 20, 50, 100, 200])
left.xaxis.set_minor_formatter("")
left.xaxis.set_major_formatter("{x:g}")
left.legend(frameon=False)
for width, colour, marker in zip(widths, ["#CC79A7", "#009E73", "#333333"], "s^o", strict=True):
    means = np.array([last[width, rate].mean() for rate in rates])
    right.plot(rates, means, marker + "-", color=colour, label=f"{width} units")
right.set(title="After 200 epochs", xlabel="dropout (probability)", xticks=rates)
right.legend(frameon=False, loc="upper left")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
right.set_ylim(0.15, 0.5)
right.tick_params(labelleft=True)

if plt.get_backend().lower() == "agg":  # no display
    figure.savefig("plot_dropout.png", dpi=150)
    print("figure saved to plot_dropout.png")
else:
    plt.show()
