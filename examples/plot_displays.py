"""
Seeing a fit
============

Three displays, in the manner of scikit-learn's: how a fit went, what its first layer looks at, and what a search over
parameters found. Each is one call, and takes an ``ax`` if it is to be part of a larger figure. The fourth, of a
regularisation path, is in :doc:`plot_regularization_path`.
"""

# %%
# How a fit went
# --------------
# The loss of the training and of the held-out rows, the watched score, the epoch whose weights were kept, and the
# learning rate, because it changes.

import warnings

from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from skregopt import LossCurveDisplay, MLPClassifier

warnings.filterwarnings("ignore", category=ConvergenceWarning)  # the numbers of epochs are what we ask for

X, y = load_digits(return_X_y=True)
X = X / 16

clf = MLPClassifier(
    hidden_layer_sizes=64,
    early_stopping=True,
    scoring="accuracy",
    learning_rate="cosine",
    learning_rate_init=0.005,
    max_iter=60,
    n_iter_no_change=60,
    random_state=0,
).fit(X, y)
losses = LossCurveDisplay.from_estimator(clf)

# %%
# What the first layer looks at
# -----------------------------
# The weights from the 64 pixels into each of the 24 units, under an L1 penalty. Grey is exactly zero: the margins
# of the images, which say nothing, and whole units that the network does without.

from skregopt import WeightsDisplay

sparse = MLPClassifier(hidden_layer_sizes=24, penalty="l1", alpha=2e-3, max_iter=200, random_state=0).fit(X, y)
weights = WeightsDisplay.from_estimator(sparse, image_shape=(8, 8))

# %%
# Features that are no pixels get bars, of the norm of the weights out of each. The group penalty drops features as
# a whole, which the bars say in words.

from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

cancer = load_breast_cancer()
grouped = make_pipeline(
    StandardScaler(),
    MLPClassifier(hidden_layer_sizes=16, penalty="group_l1", alpha=0.01, max_iter=300, random_state=0),
).fit(cancer.data, cancer.target)
bars = WeightsDisplay.from_estimator(grouped, feature_names=cancer.feature_names)

# %%
# What a search found
# -------------------
# Two parameters make a heat map, whose best cell is framed.

from sklearn.model_selection import GridSearchCV

from skregopt import SearchResultsDisplay

network = MLPClassifier(hidden_layer_sizes=32, max_iter=15, random_state=0)
grid = {"alpha": [1e-5, 1e-4, 1e-3, 1e-2, 1e-1], "learning_rate_init": [3e-4, 1e-3, 3e-3, 1e-2, 3e-2]}
search = GridSearchCV(network, grid, cv=3, scoring="accuracy").fit(X, y)
heat_map = SearchResultsDisplay.from_search(search)

# %%
# More of them make parallel coordinates: one line for each candidate, from its parameters to its score, the best of
# them in orange. Bright lines come from high learning rates and an alpha that is not too large; the activation hardly
# matters.

from scipy.stats import loguniform, uniform
from sklearn.model_selection import RandomizedSearchCV

distributions = {
    "activation": ["relu", "tanh", "gelu"],
    "alpha": loguniform(1e-5, 1),
    "dropout": uniform(0, 0.6),
    "hidden_layer_sizes": [8, 16, 32, 64],
    "learning_rate_init": loguniform(1e-4, 1e-1),
}
draws = RandomizedSearchCV(network, distributions, n_iter=60, cv=3, random_state=0, scoring="accuracy").fit(X, y)
lines = SearchResultsDisplay.from_search(draws)

# %%
# Any of them into axes of one's own. ``params`` picks from a search; two parameters that were drawn rather than laid
# out in a grid become points.

import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
SearchResultsDisplay.from_search(search, params="learning_rate_init", ax=left)
SearchResultsDisplay.from_search(draws, params=["learning_rate_init", "alpha"], ax=right)

if plt.get_backend().lower() == "agg":  # no display
    losses.figure_.savefig("plot_displays.png", dpi=150)
    print("one of the figures saved to plot_displays.png")
else:
    plt.show()
