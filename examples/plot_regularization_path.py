"""
Feature selection on a regularisation path
==========================================

How strong should a penalty be? A regularisation path shows it. The path starts with a network that uses all
features. Then it raises ``alpha`` step by step. Each fit starts from the weights of the fit before. The path ends
when all weights are zero. With ``penalty='group_l1'`` features leave one after the other, and the most important
features leave last.
"""

# %%
# Data with noise features
# ------------------------
# The data are thirty measurements of cells in 569 tumours. We add thirty columns of random numbers.

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

data = load_breast_cancer()
noise = np.random.default_rng(0).normal(size=(data.data.shape[0], 30))
X = np.hstack([data.data, noise])
names = [*data.feature_names, *(f"noise {j}" for j in range(30))]
X_train, X_test, y_train, y_test = train_test_split(X, data.target, stratify=data.target, random_state=0)
scaler = StandardScaler().fit(X_train)
X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)

# %%
# Choose alpha by cross-validation
# --------------------------------
# ``MLPClassifierCV`` follows the path on all rows and on five folds. The held-out rows of the folds give the scores.
# ``selection='1se'`` takes the largest alpha whose score is within one standard error of the best score. This gives the
# sparsest network that is not measurably worse.

from skregopt import MLPClassifier, RegularizationPathDisplay
from skregopt.model_selection import MLPClassifierCV

network = MLPClassifier(
    20, penalty="group_l1", batch_size=64, learning_rate_init=0.005, learning_rate="cosine", random_state=0
)
clf = MLPClassifierCV(network, n_alphas=40, scoring="neg_log_loss", selection="1se").fit(X_train, y_train)

is_noise = np.arange(60) >= 30
kept = clf.feature_importances_ > 0
accuracy = clf.best_estimator_.score(X_test, y_test)
print(
    f"alpha = {clf.alpha_:.3g} keeps {np.sum(kept & ~is_noise)} of 30 measurements "
    f"and {np.sum(kept & is_noise)} of 30 noise features"
)
print(f"test accuracy {accuracy:.3f}; of the densest network {clf.path_.estimators_[0].score(X_test, y_test):.3f}")

# %%
# Choose a number of features instead
# -----------------------------------
# ``path.select`` returns scikit-learn's ``SelectFromModel``, fitted, for a network with at most so many features. With
# a ``SelectFromModel`` of your own give ``threshold=1e-12``: its default is the mean importance, because scikit-learn
# knows an L1 penalty only by the name ``penalty='l1'``.

selector = clf.path_.select(max_features=6)
print("at most six features:", *np.array(names)[selector.get_support()], sep="\n  ")
second = MLPClassifier(20, learning_rate="cosine", random_state=0).fit(selector.transform(X_train), y_train)
print(f"test accuracy of a network on them: {second.score(selector.transform(X_test), y_test):.3f}")

# %%
# The path
# --------
# Top: the importance of each feature. The features that stay longest have names. Noise features are pale red. Middle:
# the score of the held-out rows with its standard error. Bottom: the share of weights that are zero. The dotted line is
# the chosen alpha.
#
# Nearly all noise features leave before the chosen alpha. A strong penalty also shrinks the other weights, which
# costs a little accuracy. To predict, use ``selection='best'``, or fit another network on the selected features.

import matplotlib.pyplot as plt

display = RegularizationPathDisplay.from_estimator(clf, feature_names=names, score_name="log likelihood")
for j in np.flatnonzero(is_noise):
    display.lines_[j].set(color="#e9a3a3", zorder=2)

if plt.get_backend().lower() == "agg":  # no display
    display.figure_.savefig("plot_regularization_path.png", dpi=150)
    print("figure saved to plot_regularization_path.png")
else:
    plt.show()
