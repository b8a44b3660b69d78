"""
Displays of losses, weights and searches
========================================

skregopt has displays in the style of scikit-learn. This example shows three of them: the losses of a fit, the
weights of its first layer, and the scores of a search. One call draws each. The argument ``ax`` draws into an
existing figure. :doc:`plot_regularization_path` shows the fourth display.
"""

# %%
# Losses of a fit
# ---------------
# The display shows the training loss, the validation loss, the validation score, the epoch whose weights were restored,
# and the learning rate.

from sklearn.datasets import load_digits

from skregopt import LossCurveDisplay, MLPClassifier

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
# Weights of the first layer
# --------------------------
# Each image shows the weights from the 64 pixels to one of the 24 units, with an L1 penalty. Grey weights are exactly
# zero. Many belong to pixels at the margins, which carry no information, or to units that the network does not use.

from skregopt import WeightsDisplay

sparse = MLPClassifier(hidden_layer_sizes=24, penalty="l1", alpha=2e-3, learning_rate="cosine", random_state=0).fit(
    X, y
)
weights = WeightsDisplay.from_estimator(sparse, image_shape=(8, 8))

# %%
# Other features get bars. The length of a bar is the norm of the weights from this feature. The group penalty drops
# whole features, and the display marks them.

from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

cancer = load_breast_cancer()
grouped = make_pipeline(
    StandardScaler(),
    MLPClassifier(
        hidden_layer_sizes=16, penalty="group_l1", alpha=0.01, learning_rate="cosine", max_iter=300, random_state=0
    ),
).fit(cancer.data, cancer.target)
bars = WeightsDisplay.from_estimator(grouped, feature_names=cancer.feature_names)

# %%
# Scores of a search
# ------------------
# A grid over two parameters gives a heat map. A frame marks the best cell.

from sklearn.model_selection import GridSearchCV

from skregopt import SearchResultsDisplay

network = MLPClassifier(hidden_layer_sizes=32, learning_rate="cosine", max_iter=15, random_state=0)
grid = {"alpha": [1e-5, 1e-4, 1e-3, 1e-2, 1e-1], "learning_rate_init": [3e-4, 1e-3, 3e-3, 1e-2, 3e-2]}
search = GridSearchCV(network, grid, cv=3, scoring="accuracy").fit(X, y)
heat_map = SearchResultsDisplay.from_search(search)

# %%
# More parameters give parallel coordinates. Each line is one candidate, with its parameters and its score. The best
# candidate is orange. The bright lines have high learning rates and an alpha that is not too large. The activation
# hardly matters.

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
# ``ax`` draws into your own figure. ``params`` chooses parameters of the search. Two parameters of a random search give
# points.

import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
SearchResultsDisplay.from_search(search, params="learning_rate_init", ax=left)
SearchResultsDisplay.from_search(draws, params=["learning_rate_init", "alpha"], ax=right)

if plt.get_backend().lower() == "agg":  # no display
    losses.figure_.savefig("plot_displays.png", dpi=150)
    print("one of the figures saved to plot_displays.png")
else:
    plt.show()
