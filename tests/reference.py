"""Naive NumPy twins of what the compiled training loop does.

Written from the papers and from the documented formulas, one obvious statement after another: float64,
lists of matrices, no tiles, no buffers, nothing in place, and not a line of the package. ``fit`` takes the
estimators' parameters.

Targets are matrices of one column per output: one-hot for 'softmax', zeros and ones for 'sigmoid', or what label
smoothing makes of these.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from scipy.special import expit, logsumexp, softmax, xlogy

# --- activations: value and derivative as functions of the pre-activation -----------------------


def _sigmoid_derivative(z):
    return np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))) ** 2


ACTIVATIONS = {
    "identity": (lambda z: z, np.ones_like),
    "logistic": (expit, _sigmoid_derivative),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: np.where(z > 0, 1.0, 0.0)),
}


# --- losses: inverse link, loss of each row, gradient of it with respect to raw predictions -----


def _sigmoid_loss(raw, y):
    return (np.logaddexp(0, raw) - y * raw).sum(axis=1)


def _squared_error(raw, y):
    return ((raw - y) ** 2 / 2).mean(axis=1)


def _half_poisson_deviance(raw, y):
    return (np.exp(raw) - y * raw + xlogy(y, y) - y).mean(axis=1)


def _focal_softmax(raw, y, gamma=2.0):
    p = softmax(raw, axis=1)
    return -(y * (1 - p) ** gamma * np.log(p)).sum(axis=1)


def _focal_softmax_gradient(raw, y, gamma=2.0):
    p = softmax(raw, axis=1)
    by_p = y * (gamma * (1 - p) ** (gamma - 1) * np.log(p) - (1 - p) ** gamma / p)
    return p * (by_p - (by_p * p).sum(axis=1, keepdims=True))  # the Jacobian of softmax: diag(p) - p p'


def _focal_sigmoid(raw, y, gamma=2.0):
    p = expit(raw)
    return -(y * (1 - p) ** gamma * np.log(p) + (1 - y) * p**gamma * np.log(1 - p)).sum(axis=1)


def _focal_sigmoid_gradient(raw, y, gamma=2.0):
    p = expit(raw)
    q = 1 - p
    yes = gamma * q ** (gamma - 1) * np.log(p) - q**gamma / p
    no = p**gamma / q - gamma * p ** (gamma - 1) * np.log(q)
    return (y * yes + (1 - y) * no) * p * q


def _huber(raw, y, delta=1.0):
    r = np.abs(raw - y)
    return np.where(r <= delta, r**2 / 2, delta * (r - delta / 2)).mean(axis=1)


def _pinball(levels):
    """Return loss and gradient for the level of each output."""

    def loss(raw, y):
        return np.where(y > raw, levels * (y - raw), (1 - levels) * (raw - y)).mean(axis=1)

    return loss, lambda raw, y: np.where(y > raw, -levels, 1.0 - levels) / y.shape[1]


def _half_gamma_deviance(raw, y):
    return (np.log(np.exp(raw) / y) + y / np.exp(raw) - 1).mean(axis=1)


QUANTILES = np.array([0.8, 0.3, 0.5])

LOSSES = {
    "focalsoftmax": (lambda raw: softmax(raw, axis=1), _focal_softmax, _focal_softmax_gradient),
    "focalsigmoid": (expit, _focal_sigmoid, _focal_sigmoid_gradient),
    "absolute_error": (
        lambda raw: raw,
        lambda raw, y: np.abs(raw - y).mean(axis=1),
        lambda raw, y: np.sign(raw - y) / y.shape[1],
    ),
    "huber": (lambda raw: raw, _huber, lambda raw, y: np.clip(raw - y, -1, 1) / y.shape[1]),
    "quantile": (lambda raw: raw, *_pinball(0.3)),
    # ascending in the order 0.3, 0.5, 0.8
    "quantiles": (lambda raw: np.sort(raw, axis=1)[:, [2, 0, 1]], *_pinball(QUANTILES)),
    "gamma": (np.exp, _half_gamma_deviance, lambda raw, y: (1 - y * np.exp(-raw)) / y.shape[1]),
    "softmax": (
        lambda raw: softmax(raw, axis=1),
        lambda raw, y: logsumexp(raw, axis=1) - (y * raw).sum(axis=1),
        lambda raw, y: softmax(raw, axis=1) - y,
    ),
    "sigmoid": (expit, _sigmoid_loss, lambda raw, y: expit(raw) - y),
    "squared_error": (lambda raw: raw, _squared_error, lambda raw, y: (raw - y) / y.shape[1]),
    "poisson": (np.exp, _half_poisson_deviance, lambda raw, y: (np.exp(raw) - y) / y.shape[1]),
}


# --- penalties ----------------------------------------------------------------------------------


def penalty_shares(penalty, l1_ratio=0.5):
    """Return the factors of ||W||_1 and of ||W||_2^2 / 2."""
    shares = {None: (0, 0), "l1": (1, 0), "l2": (0, 1), "elasticnet": (l1_ratio, 1 - l1_ratio)}
    return shares[penalty]


def penalty_value(coefs, penalty, alpha, l1_ratio=0.5):
    """Return alpha times the penalty of all weights."""
    l1, l2 = penalty_shares(penalty, l1_ratio)
    return alpha * sum(l1 * np.abs(W).sum() + l2 / 2 * (W**2).sum() for W in coefs)


def prox(weights, step_size, penalty, alpha, l1_ratio=0.5):
    """Return argmin_x sum (x - weights)^2 / (2 step_size) + alpha * l1 part of the penalty of x."""
    threshold = step_size * alpha * penalty_shares(penalty, l1_ratio)[0]
    return np.sign(weights) * np.maximum(np.abs(weights) - threshold, 0)


# --- the network --------------------------------------------------------------------------------


def forward(X, coefs, intercepts, activation="relu", input_mask=None, masks=None):
    """Return the pre-activations of all layers and what entered each of them."""
    activate = ACTIVATIONS[activation][0]
    entered, pre_activations = [X if input_mask is None else X * input_mask], []
    for layer, (W, b) in enumerate(zip(coefs, intercepts, strict=True)):
        pre_activations.append(entered[-1] @ W + b)
        if layer < len(coefs) - 1:
            hidden = activate(pre_activations[-1])
            entered.append(hidden if masks is None else hidden * masks[layer])
    return pre_activations, entered


def data_loss(X, y, coefs, intercepts, loss, activation="relu", weights=None, masks=(None, None)):
    """Return sum_i w_i loss_i / sum_i w_i."""
    raw = forward(X, coefs, intercepts, activation, *masks)[0][-1]
    return np.average(LOSSES[loss][1](raw, y), weights=weights)


def gradient(X, y, coefs, intercepts, loss, activation, row_weights, masks=(None, None)):
    """Return the gradient of sum_i row_weights_i loss_i by weights and by intercepts."""
    derivative = ACTIVATIONS[activation][1]
    pre_activations, entered = forward(X, coefs, intercepts, activation, *masks)
    delta = row_weights[:, None] * LOSSES[loss][2](pre_activations[-1], y)
    by_coefs, by_intercepts = [], []
    for layer in reversed(range(len(coefs))):
        by_coefs.insert(0, entered[layer].T @ delta)
        by_intercepts.insert(0, delta.sum(axis=0))
        if layer > 0:
            delta = delta @ coefs[layer].T
            if masks[1] is not None:
                delta = delta * masks[1][layer - 1]
            delta = delta * derivative(pre_activations[layer - 1])
    return by_coefs, by_intercepts


def initial_weights(units, activation, random_state):
    """Return scikit-learn's initial weights and intercepts, and the next draw, the seed of all else."""
    rng = np.random.RandomState(random_state)
    coefs, intercepts = [], []
    for fan_in, fan_out in pairwise(units):
        bound = np.sqrt((2 if activation == "logistic" else 6) / (fan_in + fan_out))
        coefs.append(rng.uniform(-bound, bound, (fan_in, fan_out)))
        intercepts.append(rng.uniform(-bound, bound, fan_out))
    return coefs, intercepts, int(rng.randint(2**31 - 1))


# --- optimizers: step(gradients, lr) -> updates u (to be subtracted) and prox step sizes --------
# The step size is |u| / |c| with c the average of past gradients from which u was made.


class SGD:
    """Gradient descent with momentum (Polyak; Nesterov in the form of Sutskever et al. 2013)."""

    def __init__(self, momentum, nesterov):
        self.momentum, self.nesterov = momentum, nesterov and momentum > 0
        self.velocities, self.weight = None, 0.0

    def step(self, gradients, lr):
        """Return updates and step sizes; ``weight`` is the sum of the factors of past gradients."""
        mu = self.momentum
        velocities = self.velocities or [np.zeros_like(g) for g in gradients]
        self.velocities = [mu * v + g for v, g in zip(velocities, gradients, strict=True)]
        self.weight = mu * self.weight + 1
        if self.nesterov:
            ahead = zip(gradients, self.velocities, strict=True)
            updates, weight = [lr * (g + mu * v) for g, v in ahead], 1 + mu * self.weight
        else:
            updates, weight = [lr * v for v in self.velocities], self.weight
        return updates, [np.full_like(u, lr * weight) for u in updates]


class Adam:
    """Kingma and Ba 2015, algorithm 1."""

    def __init__(self, beta_1, beta_2, epsilon):
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.t, self.first, self.second = 0, None, None

    def step(self, gradients, lr):
        """Return updates and step sizes; the corrected first moment is an average already."""
        self.t += 1
        first = self.first or [np.zeros_like(g) for g in gradients]
        second = self.second or [np.zeros_like(g) for g in gradients]
        b1, b2 = self.beta_1, self.beta_2
        self.first = [b1 * m + (1 - b1) * g for m, g in zip(first, gradients, strict=True)]
        self.second = [b2 * v + (1 - b2) * g**2 for v, g in zip(second, gradients, strict=True)]
        corrected = [m / (1 - b1**self.t) for m in self.first]
        roots = [np.sqrt(v / (1 - b2**self.t)) for v in self.second]
        step_sizes = [lr / (root + self.epsilon) for root in roots]
        return [s * m for s, m in zip(step_sizes, corrected, strict=True)], step_sizes


# --- schedules ----------------------------------------------------------------------------------


class Constant:
    """The same learning rate throughout."""

    def __init__(self, lr):
        self.lr = lr

    def rate(self, t):
        """Return the learning rate of update t, counted from 1."""
        return self.lr

    def goes_on(self):
        """Tell whether training goes on although progress stalled."""
        return False


class InvScaling(Constant):
    """lr / t^power_t."""

    def __init__(self, lr, power_t):
        super().__init__(lr)
        self.power_t = power_t

    def rate(self, t):
        """Return the learning rate of update t, counted from 1."""
        return self.lr / t**self.power_t


class Adaptive(Constant):
    """A fifth of the rate, instead of stopping, until it is 1e-6 or less."""

    def goes_on(self):
        """Lower the rate, unless it is too low already."""
        if self.lr <= 1e-6:
            return False
        self.lr /= 5
        return True


# --- random numbers -----------------------------------------------------------------------------


def mix(key, value):
    """Return SplitMix64's output number ``value + 1`` for the state ``key``."""
    z = (key + (value + 1) * 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31


def random_bits(key, index):
    """Return 32 bits: an invertible hash of the index, keyed with the halves of a 64-bit key."""
    h = (index * 0x9E3779B9 + key) % 2**32
    h = (h ^ h >> 16) * 0x7FEB352D % 2**32
    h ^= key >> 32
    h = (h ^ h >> 15) * 0x846CA68B % 2**32
    return h ^ h >> 16


def permutation(seed, epoch, n):
    """Return the order in which an epoch (counted from 0) visits n rows: Fisher-Yates."""
    order = list(range(n))
    key = mix(mix(seed, epoch), -1)
    for i in range(n - 1, 0, -1):
        j = random_bits(key, i) * (i + 1) // 2**32
        order[i], order[j] = order[j], order[i]
    return np.array(order)


def dropout_mask(seed, epoch, rows, layer, n_units, rate):
    """Return multipliers 0 and 1 / (1 - rate); layer -1 are the inputs."""
    mask = np.empty((len(rows), n_units))
    for i, row in enumerate(rows):
        key = mix(mix(mix(seed, epoch), int(row)), layer + 1)
        for unit in range(n_units):
            dropped = random_bits(key, unit) < int(rate * 2**32)
            mask[i, unit] = 0 if dropped else 1 / (1 - rate)
    return mask


def batch_masks(seed, epoch, rows, units, dropout, input_dropout):
    """Return the mask of the inputs and those of the hidden layers."""
    rates = list(dropout) if np.ndim(dropout) else [dropout] * (len(units) - 2)
    on_inputs = dropout_mask(seed, epoch, rows, -1, units[0], input_dropout)
    layers = enumerate(zip(units[1:-1], rates, strict=True))
    return on_inputs, [dropout_mask(seed, epoch, rows, k, n, rate) for k, (n, rate) in layers]


# --- training -----------------------------------------------------------------------------------


@dataclass
class Fitted:
    """What a fit leaves behind, under the estimators' names."""

    coefs_: list
    intercepts_: list
    loss_curve_: list = field(default_factory=list)
    validation_loss_curve_: list = field(default_factory=list)
    learning_rate_curve_: list = field(default_factory=list)
    best_iter_: int | None = None

    @property
    def n_iter_(self):
        """Number of epochs."""
        return len(self.loss_curve_)


def fit(
    X,
    y,
    loss,
    *,
    hidden_layer_sizes=(),
    activation="relu",
    penalty="l2",
    alpha=1e-4,
    l1_ratio=0.5,
    dropout=0.0,
    input_dropout=0.0,
    solver="adam",
    batch_size="auto",
    learning_rate="constant",
    learning_rate_init=0.001,
    power_t=0.5,
    momentum=0.9,
    nesterovs_momentum=True,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-8,
    max_iter=200,
    shuffle=True,
    early_stopping=False,
    n_iter_no_change=10,
    tol=1e-4,
    random_state=0,
    sample_weight=None,
    normalises_weights=True,
    validation=None,
    coef_init=None,
    intercept_init=None,
):
    """Train a network; ``validation`` is (X, y, weights or None)."""
    n = len(X)
    units = [X.shape[1], *hidden_layer_sizes, y.shape[1]]
    coefs, intercepts, seed = initial_weights(units, activation, random_state)
    coefs = coefs if coef_init is None else coef_init
    intercepts = intercepts if intercept_init is None else intercept_init
    weights = np.ones(n) if sample_weight is None else sample_weight
    if normalises_weights:
        weights = weights / weights.mean()
    if batch_size == "auto":
        batch_size = {"gd": n, "sgd": 1}.get(solver, min(200, n))
    if solver == "adam":
        optimizer = Adam(beta_1, beta_2, epsilon)
    else:
        optimizer = SGD(momentum, nesterovs_momentum)
    if learning_rate == "invscaling":
        schedule = InvScaling(learning_rate_init, power_t)
    else:
        schedule = {"constant": Constant, "adaptive": Adaptive}[learning_rate](learning_rate_init)
    l2_strength = alpha * penalty_shares(penalty, l1_ratio)[1]

    fitted = Fitted(coefs, intercepts)
    t, n_without_improvement, best_score = 0, 0, -np.inf
    for epoch in range(max_iter):
        order = permutation(seed, epoch, n) if shuffle else np.arange(n)
        loss_sum = 0.0
        for start in range(0, n, batch_size):
            rows = order[start : start + batch_size]
            masks = batch_masks(seed, epoch, rows, units, dropout, input_dropout)
            model = (X[rows], y[rows], coefs, intercepts, loss, activation)
            raw = forward(X[rows], coefs, intercepts, activation, *masks)[0][-1]
            loss_sum += (weights[rows] * LOSSES[loss][1](raw, y[rows])).sum()
            by_coefs, by_intercepts = gradient(*model, weights[rows] / len(rows), masks)
            by_coefs = [g + l2_strength * W for g, W in zip(by_coefs, coefs, strict=True)]
            t += 1
            lr = schedule.rate(t)
            updates, step_sizes = optimizer.step([*by_coefs, *by_intercepts], lr)
            moved = [w - u for w, u in zip([*coefs, *intercepts], updates, strict=True)]
            n_layers = len(coefs)
            coefs = [
                prox(W, s, penalty, alpha, l1_ratio)
                for W, s in zip(moved[:n_layers], step_sizes[:n_layers], strict=True)
            ]
            intercepts = moved[n_layers:]
        objective = loss_sum / weights.sum() + penalty_value(coefs, penalty, alpha, l1_ratio)
        fitted.loss_curve_.append(objective)
        fitted.learning_rate_curve_.append(lr)
        score = -objective
        if validation is not None:
            X_val, y_val, weights_val = validation
            loss_val = data_loss(X_val, y_val, coefs, intercepts, loss, activation, weights_val)
            fitted.validation_loss_curve_.append(loss_val)
            score = -loss_val if early_stopping else score
        n_without_improvement = 0 if score >= best_score + tol else n_without_improvement + 1
        if not early_stopping or score > best_score:
            fitted.coefs_, fitted.intercepts_ = coefs, intercepts
        if score > best_score:
            best_score = score
            fitted.best_iter_ = epoch + 1 if early_stopping else None
        if n_without_improvement > n_iter_no_change:
            if not schedule.goes_on():
                break
            n_without_improvement = 0
    return fitted
