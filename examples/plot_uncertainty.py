"""
Uncertainty of predictions: quantiles and Monte Carlo dropout
=============================================================

For intervals of new observations, predict quantiles. Monte Carlo dropout answers another question. A network trained
with dropout can also use dropout in prediction. Then every prediction is a random draw. Near the training rows the
draws agree. Far from the training rows they differ. So a classifier becomes less confident about rows unlike its
training rows. But the standard deviation of the draws does not measure the errors.
"""

# %%
# Intervals of new observations
# -----------------------------
# The networks predict the progression of diabetes after one year. One predicts the quantiles 0.05, 0.5 and 0.95, the
# other one draws 200 thinned networks. We count how many held-out patients lie within intervals of nominal 90 %.

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold
from sklearn.preprocessing import scale

from skregopt import MLPRegressor
from skregopt.losses import Quantile

X, y = load_diabetes(return_X_y=True)
X, y = scale(X), scale(y)
quantiles = MLPRegressor(
    (100, 100), loss=Quantile([0.05, 0.5, 0.95]), early_stopping=True, max_iter=1000, random_state=0
)
dropout = MLPRegressor((100, 100), dropout=0.1, early_stopping=True, max_iter=1000, random_state=0)
within = {"quantiles": [], "1.64 standard deviations of the draws": []}
for train, test in KFold(shuffle=True, random_state=0).split(X):
    low, _, high = quantiles.fit(X[train], y[train]).predict(X[test]).T
    mean, std = dropout.fit(X[train], y[train]).predict(X[test], return_std=True, n_draws=200)
    for hits, (lower, upper) in zip(
        within.values(), [(low, high), (mean - 1.64 * std, mean + 1.64 * std)], strict=True
    ):
        hits.extend((lower <= y[test]) & (y[test] <= upper))
for name, hits in within.items():
    print(f"{name}: {np.mean(hits):.0%} of the patients")

# %%
# Beyond the range of the data
# ----------------------------
# The next network predicts the progression from the body mass index alone. We leave out the heaviest patients in
# training. ``return_std=True`` returns the mean and the standard deviation over 500 thinned networks. Each thinned
# network is the same for all rows.

data = load_diabetes(scaled=False)
bmi, progression = data.data[:, [2]], data.target
seen = bmi[:, 0] < 32
x_mean, x_scale = bmi[seen].mean(), bmi[seen].std()
y_mean, y_scale = progression[seen].mean(), progression[seen].std()

model = MLPRegressor((100, 100), dropout=0.05, learning_rate="cosine", max_iter=400, tol=0, random_state=0)
model.fit((bmi[seen] - x_mean) / x_scale, (progression[seen] - y_mean) / y_scale)

grid = np.linspace(14, 46, 200)[:, None]
mean, std = model.predict((grid - x_mean) / x_scale, return_std=True, n_draws=500)
mean, std = mean * y_scale + y_mean, std * y_scale

# %%
# The standard deviation belongs to the *curve*. In addition, single patients scatter around the curve. We estimate this
# scatter from the residuals. For simplicity we use the training rows.

fitted, _ = model.predict((bmi[seen] - x_mean) / x_scale, return_std=True, n_draws=500)
noise = np.std(progression[seen] - (fitted * y_scale + y_mean))
at_the_mean, far_out = (std[np.abs(grid[:, 0] - place).argmin()] for place in (x_mean, 42))
print(f"standard deviation of the curve: {at_the_mean:.0f} at a BMI of {x_mean:.0f}, {far_out:.0f} at 42")
print(f"scatter of the patients around it: {noise:.0f}")

# %%
# Unknown digits
# --------------
# A classifier learns the digits 0 to 4. Then it predicts the digits 5 to 9. All its answers are wrong, so it should
# not be confident. ``predict_proba(X, n_draws=500)`` averages the probabilities of the draws.
# The AUC tells how well the confidence separates the known digits from the unknown ones.

from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from skregopt import MLPClassifier

X, y = load_digits(return_X_y=True)
X = X / 16
known = y < 5
X_train, X_known, y_train, y_known = train_test_split(X[known], y[known], random_state=0)
clf = MLPClassifier((100, 100), dropout=0.5, learning_rate="cosine", tol=0, random_state=0).fit(X_train, y_train)

confidence = {}
for name, n_draws in (("plain", None), ("500 draws", 500)):
    confidence[name] = [clf.predict_proba(rows, n_draws=n_draws).max(axis=1) for rows in (X_known, X[~known])]
    of_known, of_unknown = confidence[name]
    auc = roc_auc_score(np.repeat([1, 0], [of_known.size, of_unknown.size]), np.concatenate([of_known, of_unknown]))
    print(
        f"{name:>9}: probability above 0.9 for {np.mean(of_known > 0.9):.0%} of the known and "
        f"{np.mean(of_unknown > 0.9):.0%} of the unknown digits; AUC {auc:.3f}"
    )

# %%
# The result
# ----------
# Left: the draws of the curve differ more outside the range of the training rows. Right: with draws, the classifier
# is less confident about the unknown digits.

import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
left.scatter(bmi[seen], progression[seen], s=9, color="#888888", linewidths=0, label="training rows")
left.scatter(
    bmi[~seen], progression[~seen], s=13, facecolors="none", edgecolors="#D55E00", linewidths=0.9, label="left out"
)
x = grid[:, 0]
outer = 2 * np.sqrt(std**2 + noise**2)
left.fill_between(x, mean - outer, mean + outer, color="#0072B2", alpha=0.12, linewidth=0, label="patients, 2 s.d.")
left.fill_between(x, mean - 2 * std, mean + 2 * std, color="#0072B2", alpha=0.35, linewidth=0, label="curve, 2 s.d.")
left.plot(x, mean, color="#0072B2", linewidth=1.8, label="mean of the draws")
left.axvline(32, ymax=0.8, color="#555555", linewidth=0.8, linestyle=":")
left.set(title="Trained up to a BMI of 32", xlabel="body mass index", ylabel="progression after one year")
left.set(xlim=(14, 46), ylim=(-100, 500))
left.legend(frameon=False, fontsize="small", loc="upper left", ncols=2)

levels = np.linspace(0, 1, 201)
for (name, (of_known, of_unknown)), style in zip(confidence.items(), ("--", "-"), strict=True):
    for values, colour, what in ((of_known, "#0072B2", "known"), (of_unknown, "#D55E00", "unknown")):
        share = [np.mean(values > level) for level in levels]
        right.plot(levels, share, style, color=colour, linewidth=1.8, label=f"{what} digits, {name}")
right.set(
    title="Trained on the digits 0 to 4",
    xlabel="probability of the chosen class",
    ylabel="share of the digits above it",
    xlim=(0.2, 1),
    ylim=(0, 1.02),
)
right.legend(frameon=False, fontsize="small", loc="lower left")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)

if plt.get_backend().lower() == "agg":  # no display
    figure.savefig("plot_uncertainty.png", dpi=150)
    print("figure saved to plot_uncertainty.png")
else:
    plt.show()
