"""
Searching batch size, epochs, learning rate, penalty and dropout
================================================================

Every hyper-parameter is an ordinary scikit-learn parameter, so scikit-learn's searches can search
it. First a grid search covers the parameters of the optimisation. Then a random search covers the
regularisation. Both run their fits in parallel processes. The scores do not depend on ``n_jobs``.
"""

# %%
# The pipeline
# ------------
# With ``tol=0`` and an ``n_iter_no_change`` above ``max_iter``, every fit lasts ``max_iter`` epochs.

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skregopt import MLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

pipeline = make_pipeline(
    StandardScaler(),
    MLPClassifier(hidden_layer_sizes=64, learning_rate="cosine", tol=0, n_iter_no_change=1000, random_state=0),
)

# %%
# A grid search over the optimisation
# -----------------------------------

from sklearn.model_selection import GridSearchCV

batch_sizes = [16, 32, 64, 128, 256]
learning_rates = [0.0003, 0.001, 0.003, 0.01, 0.03]
epochs = [5, 20]

grid = GridSearchCV(
    pipeline,
    {
        "mlpclassifier__batch_size": batch_sizes,
        "mlpclassifier__learning_rate_init": learning_rates,
        "mlpclassifier__max_iter": epochs,
    },
    cv=3,
    n_jobs=-1,
).fit(X_train, y_train)
best = {name.split("__")[1]: value for name, value in grid.best_params_.items()}
print(f"grid: accuracy {grid.best_score_:.3f} with {best}")

# %%
# A random search over the regularisation
# ---------------------------------------
# ``alpha`` means the same for every batch size, so we keep the best parameters of the grid. We only
# double the number of epochs, because dropout learns more slowly.

from scipy.stats import loguniform, uniform
from sklearn.model_selection import RandomizedSearchCV

draws = RandomizedSearchCV(
    grid.best_estimator_.set_params(mlpclassifier__max_iter=40),
    {
        "mlpclassifier__alpha": loguniform(1e-5, 1),
        "mlpclassifier__dropout": uniform(0, 0.8),
    },
    n_iter=40,
    cv=3,
    n_jobs=-1,
    random_state=0,
).fit(X_train, y_train)
best = {name.split("__")[1]: float(f"{value:.2g}") for name, value in draws.best_params_.items()}
print(f"random draws: accuracy {draws.best_score_:.3f} with {best}")
print(f"test accuracy: {draws.score(X_test, y_test):.3f}")

# %%
# The result
# ----------
# Left and middle: a larger batch has fewer updates per epoch, so it needs a larger learning rate.
# With more epochs the choice matters less. Right: many values of ``alpha`` and ``dropout`` work. Only
# a strong L2 penalty underfits, with any dropout.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 3, figsize=(12, 3.9), width_ratios=[1, 1, 1.15], layout="constrained")

# The grid runs through its parameters in alphabetical order, the last one fastest.
scores = grid.cv_results_["mean_test_score"].reshape(len(batch_sizes), len(learning_rates), len(epochs))
colour_range = {"cmap": "cividis", "vmin": 0.9, "vmax": scores.max()}
for i, (ax, max_iter) in enumerate(zip(axes, epochs, strict=False)):
    table = scores[:, :, i]
    ax.imshow(table, **colour_range, aspect="auto")
    for row, line in enumerate(table):
        for column, score in enumerate(line):
            ax.text(
                column,
                row,
                f"{score:.3f}",
                ha="center",
                va="center",
                fontsize=9,
                color="black" if score > 0.945 else "white",
            )
    ax.set(
        title=f"Grid: {max_iter} epochs",
        xlabel="learning_rate_init",
        xticks=range(len(learning_rates)),
        xticklabels=[f"{rate:g}" for rate in learning_rates],
        yticks=range(len(batch_sizes)),
        yticklabels=batch_sizes,
    )
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
axes[0].set_ylabel("batch_size")

results = draws.cv_results_
points = axes[2].scatter(
    results["param_mlpclassifier__alpha"].astype(float),
    results["param_mlpclassifier__dropout"].astype(float),
    c=results["mean_test_score"],
    s=45,
    edgecolors="white",
    linewidths=0.5,
    **colour_range,
)
axes[2].set(title="Random: regularisation", xlabel="alpha (L2)", ylabel="dropout", xscale="log")
axes[2].spines[["top", "right"]].set_visible(False)
figure.colorbar(points, ax=axes[2], label="cross-validated accuracy", extend="min").outline.set(visible=False)

if plt.get_backend().lower() == "agg":  # no display
    figure.savefig("plot_grid_search.png", dpi=150)
    print("figure saved to plot_grid_search.png")
else:
    plt.show()
