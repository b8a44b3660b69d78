"""
Embeddings of features: smooth and ragged targets
=================================================

``feature_embedding`` replaces a feature by several trained functions of it: cosines, or functions that are linear
between quantiles. What can a model represent with them, and what without? We fit two functions of one feature, a wave
that gets faster and a function with steps.
"""

# %%
# Data
# ----
# 1000 noisy rows of each function.

import numpy as np

jumps = np.array([-1.2, -1.05, -0.4, 0.1, 0.3, 1.0, 1.1])
levels = np.array([-0.5, 1.0, -0.5, 0.5, -1.0, 0.6, -0.7, 0.2])
targets = {
    "smooth": lambda x: np.sin(2.4 * np.pi * (x + x**2 / 4)),
    "ragged": lambda x: levels[np.searchsorted(jumps, x)],
}
rng = np.random.RandomState(0)
x = rng.uniform(-1.7, 1.7, 1000)
noise = 0.1 * rng.normal(size=x.size)
grid = np.linspace(-1.7, 1.7, 1000)

# %%
# Fits
# ----
# Each embedding gets two models: a linear model, which shows what the embedding itself can represent, and a network
# with two hidden layers. Every fit has the same 50 epochs. The numbers are root mean squared errors on a grid, against
# the function without noise.

from skregopt import MLPRegressor
from skregopt.embeddings import Periodic, PiecewiseLinear

embeddings = {
    "no embedding": None,
    "periodic": Periodic(frequency_scale=1.0),
    "piecewise linear": PiecewiseLinear(n_bins=32),
}
# hidden layers, peak of the learning rate
models = {"linear model": ((), 0.03), "network": ((64, 64), 0.01)}


def fitted(target, embedding, hidden_layer_sizes, peak):
    """Return a model, and its error."""
    model = MLPRegressor(
        hidden_layer_sizes,
        feature_embedding=embedding,
        batch_size=32,
        learning_rate="one_cycle",
        learning_rate_init=peak,
        max_iter=50,
        tol=0,
        n_iter_no_change=np.inf,
        random_state=0,
    ).fit(x[:, None], targets[target](x) + noise)
    return model, np.sqrt(np.mean((model.predict(grid[:, None]) - targets[target](grid)) ** 2))


fits = {
    (target, name, kind): fitted(target, embedding, *models[kind])
    for target in targets
    for name, embedding in embeddings.items()
    for kind in models
}
for target in targets:
    for name in embeddings:
        errors = ", ".join(f"{kind} {fits[target, name, kind][1]:.3f}" for kind in models)
        print(f"{target}, {name}: {errors}")

# %%
# Frequencies and bins
# --------------------
# The bins are quantiles of the training rows and stay as they are. The frequencies are trained, in periods per unit of
# the feature. They start with the standard deviation ``frequency_scale``. Low ones grow. High ones stay high, and fit
# the noise.

bins = fits["smooth", "piecewise linear", "network"][0].embedding_bins_[0]
print("first edges of bins:", bins[:5].round(2))
for scale in (0.01, 0.1, 1.0, 10.0, 100.0):
    network, error = fitted("smooth", Periodic(frequency_scale=scale), *models["network"])
    frequency = np.abs(network.embedding_frequencies_[0]).max()
    print(f"frequency_scale={scale}: highest frequency {frequency:.2f} after training, error {error:.3f}")

# %%
# The result
# ----------
# Without an embedding, the linear model is a line, and the network misses what happens within a short distance: the
# fast end of the wave and the narrow steps. With cosines, even the linear model follows the wave, but it rounds the
# steps and swings between them. Between quantiles, the linear model bends at the edges of the bins and nowhere else. It
# comes closer to the steps, and cuts tops of the wave. Behind either embedding the network fits both functions, better
# behind the one that suits them.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(2, 3, figsize=(11, 6), sharex=True, sharey=True, layout="constrained")
# a thin dark line on a wide pale one: where they coincide, both are seen
styles = {"network": ("#F4A582", 4.5, 1.3), "linear model": ("#0072B2", 1.1, 1.65)}
text_colours = {"network": "#B24700", "linear model": "#0072B2"}
shown = rng.choice(x.size, 150, replace=False)
for row, target in zip(axes, targets, strict=True):
    for ax, name in zip(row, embeddings, strict=True):
        points = targets[target](x[shown]) + noise[shown]
        ax.plot(x[shown], points, ".", color="0.6", markersize=3.5, label="some of the rows")
        ax.plot(grid, targets[target](grid), ":", color="0.15", linewidth=1.2, label="function without noise", zorder=4)
        for kind, (colour, width, height) in styles.items():
            model, error = fits[target, name, kind]
            ax.plot(grid, model.predict(grid[:, None]), color=colour, linewidth=width, label=kind)
            words = f"RMSE of the {kind}: {error:.2f}"
            ax.text(-1.7, height, words, color=text_colours[kind], fontsize="small")
        ax.set(xlim=(-1.75, 1.75), ylim=(-1.5, 1.9), xticks=[-1, 0, 1], yticks=[-1, 0, 1])
        ax.spines[["top", "right"]].set_visible(False)
    row[-1].plot(bins, np.full(bins.size, -1.42), "|", color="0.3", markersize=6, label="edges of bins")
    row[0].set_ylabel(f"{target} target")
for ax, name in zip(axes[0], embeddings, strict=True):
    ax.set_title(name)
for ax in axes[1]:
    ax.set_xlabel("feature")
figure.legend(*axes[0, -1].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)

if plt.get_backend().lower() == "agg":  # no display
    figure.savefig("plot_embeddings.png", dpi=150)
    print("figure saved to plot_embeddings.png")
else:
    plt.show()
