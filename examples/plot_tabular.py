"""
Tables: how many networks
=========================

``TabularMLPRegressor`` takes a data frame with categories and missing values as it is. It trains ``n_estimators``
networks of different recipes, which hold out different rows, and averages their predictions. How much does it help to
double their number?
"""

# %%
# Data
# ----
# The diabetes data of scikit-learn in their own units: 442 patients, ten columns, and a measure of how the disease goes
# on in the next year. The sex becomes a category. A tenth of all values is removed at random.

import numpy as np
from sklearn.datasets import load_diabetes

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
X["sex"] = X["sex"].astype("category")
X = X.mask(np.random.RandomState(0).uniform(size=X.shape) < 0.1)
print(X.head())

# %%
# Fits
# ----
# The frame goes into ``fit`` as it is, and y stays in its unit. There are two models to compare with: scikit-learn's
# boosted trees, which also know categories and missing values, and a linear model behind the same encoder. Errors are
# those of rows held out, in five folds.

from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline

from skregopt import TabularMLPRegressor
from skregopt.preprocessing import TabularEncoder

folds = KFold(5, shuffle=True, random_state=0)


def errors(model):
    """Return the root mean squared error of each fold."""
    return -cross_val_score(model, X, y, cv=folds, scoring="neg_root_mean_squared_error")


numbers = [1, 2, 4, 8]
of_networks = np.array([errors(TabularMLPRegressor(n_estimators=n, random_state=0)) for n in numbers])
others = {
    "boosted trees": errors(HistGradientBoostingRegressor(categorical_features="from_dtype", random_state=0)),
    "linear model": errors(make_pipeline(TabularEncoder(), RidgeCV(np.logspace(-2, 3, 11)))),
}
for n, each in zip(numbers, of_networks, strict=True):
    print(f"networks: {n}, RMSE {each.mean():.1f}")
for name, each in others.items():
    print(f"{name}: RMSE {each.mean():.1f}")

# %%
# What the model is made of
# -------------------------
# ``weights_`` are the shares of the networks in the prediction. Few rows have been held out, so they differ little.
# ``recipes_`` names their recipes.

model = TabularMLPRegressor(n_estimators=4, random_state=0).fit(X, y)
print("weights:", model.weights_.round(2))
print("recipes:", ", ".join(model.recipes_))

# %%
# The result
# ----------
# The mean error falls with each doubling, most with the first ones. The seconds grow in proportion to the number. On so
# few rows with so much noise a linear model is hard to beat. One line of code tells.

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
ax.plot(numbers, of_networks, color="0.8", linewidth=1)
ax.plot([], [], color="0.8", linewidth=1, label="networks, single folds")
ax.plot(numbers, of_networks.mean(axis=1), "o-", color="#0072B2", linewidth=2, label="networks, mean of folds")
for (name, each), colour, style in zip(others.items(), ("#B24700", "0.25"), ("--", ":"), strict=True):
    ax.axhline(each.mean(), color=colour, linestyle=style, label=f"{name}, mean of folds")
ax.set_xscale("log", base=2)
ax.set_xticks(numbers, numbers)
ax.set(xlabel="networks (n_estimators)", ylabel="RMSE of rows held out")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, fontsize="small")

if plt.get_backend().lower() == "agg":  # no display
    figure.savefig("plot_tabular.png", dpi=150)
    print("figure saved to plot_tabular.png")
else:
    plt.show()
