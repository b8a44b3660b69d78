"""
Which features matter: a path from dense to sparse
==================================================

How strong should a penalty be? One fit does not tell; a path does. It starts with a network that uses everything, makes
``alpha`` larger step by step, each fit going on from the weights of the last, and ends when nothing is left. With
``penalty='group_l1'`` features leave one after the other, those that matter last.
"""

# %%
# Data with features that are nothing
# -----------------------------------
# Thirty measurements of cells in 569 tumours, and thirty columns of random numbers.

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
# alpha by cross-validation
# -------------------------
# ``MLPClassifierCV`` follows the path on all rows, and on each of five folds, whose held-out rows give the scores.
# ``selection='1se'`` takes the largest alpha whose score is within a standard error of the best one: the sparsest
# network that is not measurably worse.

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
    f"alpha = {clf.alpha_:.3g} keeps {np.sum(kept & ~is_noise)} of 30 measurements and {np.sum(kept & is_noise)} noise"
)
print(f"test accuracy {accuracy:.3f}; of the densest network {clf.path_.estimators_[0].score(X_test, y_test):.3f}")

# %%
# The path
# --------
# Top: the importance of each feature; those that stay longest have names, and red is noise. Middle: the score of
# held-out rows, with its standard error. Bottom: how many weights are zero. The dotted line is the alpha chosen. Nearly
# all noise has gone before it. A strong penalty also shrinks what it keeps, which costs a few test rows: to predict,
# rather than to select, take ``selection='best'``, or fit another network on the features that are left.

import matplotlib.pyplot as plt

display = RegularizationPathDisplay.from_estimator(clf, feature_names=names, score_name="log likelihood")
for j in np.flatnonzero(is_noise):
    display.lines_[j].set(color="#e9a3a3", zorder=2)

if plt.get_backend().lower() == "agg":  # no display
    display.figure_.savefig("plot_regularization_path.png", dpi=150)
    print("figure saved to plot_regularization_path.png")
else:
    plt.show()
