"""Naive NumPy twins of what the compiled training loop does.

Written from the papers and from the documented formulas, one obvious statement after another: float64,
lists of matrices, no tiles, no buffers, nothing in place, and not a line of the package. ``fit`` takes the
estimators' parameters.

Targets are matrices of one column per output: one-hot for 'softmax', zeros and ones for 'sigmoid', or what label
smoothing makes of these.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logsumexp, ndtr, softmax, xlogy

# --- activations: value and derivative as functions of the pre-activation -----------------------


def _sigmoid_derivative(z):
    return np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))) ** 2


def _softplus(z):
    return np.logaddexp(0, z)


def _elu(scale, alpha):
    value = lambda z: scale * np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))  # noqa: E731
    return value, lambda z: scale * np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0)))


def _gelu_derivative(z):
    return ndtr(z) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


def _mish_derivative(z):
    return np.tanh(_softplus(z)) + z * expit(z) / np.cosh(_softplus(z)) ** 2


ACTIVATIONS = {
    "identity": (lambda z: z, np.ones_like),
    "logistic": (expit, _sigmoid_derivative),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: np.where(z > 0, 1.0, 0.0)),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1.0, 0.01)),
    "elu": _elu(1, 1),
    "selu": _elu(1.0507009873554804934193349852946, 1.6732632423543772848170429916717),
    "gelu": (lambda z: z * ndtr(z), _gelu_derivative),
    "silu": (lambda z: z * expit(z), lambda z: expit(z) + z * _sigmoid_derivative(z)),
    "mish": (lambda z: z * np.tanh(_softplus(z)), _mish_derivative),
    "softplus": (_softplus, expit),
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
    """Return the factors of the non-smooth term (the l1 norm or that of groups) and of ||W||_2^2 / 2."""
    shares = {None: (0, 0), "l1": (1, 0), "l2": (0, 1)}
    return shares.get(penalty, (l1_ratio, 1 - l1_ratio))


def penalty_value(coefs, penalty, alpha, l1_ratio=0.5):
    """Return alpha times the penalty of all weights."""
    l1, l2 = penalty_shares(penalty, l1_ratio)
    if penalty == "group_l1":
        n_units = coefs[0].shape[1]
        norm = sum(np.sqrt(n_units) * np.linalg.norm(row) for row in coefs[0])
    else:
        norm = sum(np.abs(W).sum() for W in coefs)
    return alpha * (l1 * norm + l2 / 2 * sum((W**2).sum() for W in coefs))


def prox(weights, step_size, penalty, alpha, l1_ratio=0.5, layer=0):
    """Return argmin_x sum (x - weights)^2 / (2 step_size) + alpha * non-smooth part of the penalty of x."""
    strength = alpha * penalty_shares(penalty, l1_ratio)[0]
    if penalty != "group_l1":
        return np.sign(weights) * np.maximum(np.abs(weights) - strength * step_size, 0)
    if layer > 0:
        return weights
    strength *= np.sqrt(weights.shape[1])
    return np.array([prox_of_row(*row, strength) for row in zip(weights, step_size, strict=True)])


def prox_of_row(u, step_size, strength):
    """Return argmin_x sum (x - u)^2 / (2 step_size) + strength ||x||, for finite step sizes above 0."""
    d = 1 / step_size
    if np.linalg.norm(d * u) <= strength:
        return np.zeros_like(u)
    if strength == 0:
        return u
    # the norm of x is where d u / (d norm + strength) has length one
    norm = brentq(
        lambda norm: np.linalg.norm(d * u / (d * norm + strength)) - 1, 0, np.linalg.norm(u), xtol=1e-300, rtol=1e-15
    )
    return d * u * norm / (d * norm + strength)


# --- the network --------------------------------------------------------------------------------


def per_layer(activation, n_hidden):
    """Return the names of the hidden layers' activations, from one name or from the list itself."""
    return [activation] * n_hidden if isinstance(activation, str) else activation


def forward(X, coefs, intercepts, activation="relu", input_mask=None, masks=None):
    """Return the pre-activations of all layers and what entered each of them."""
    activations = per_layer(activation, len(coefs) - 1)
    entered, pre_activations = [X if input_mask is None else X * input_mask], []
    for layer, (W, b) in enumerate(zip(coefs, intercepts, strict=True)):
        pre_activations.append(entered[-1] @ W + b)
        if layer < len(coefs) - 1:
            hidden = ACTIVATIONS[activations[layer]][0](pre_activations[-1])
            entered.append(hidden if masks is None else hidden * masks[layer])
    return pre_activations, entered


def data_loss(X, y, coefs, intercepts, loss, activation="relu", weights=None, masks=(None, None)):
    """Return sum_i w_i loss_i / sum_i w_i."""
    raw = forward(X, coefs, intercepts, activation, *masks)[0][-1]
    return np.average(LOSSES[loss][1](raw, y), weights=weights)


def gradient(X, y, coefs, intercepts, loss, activation, row_weights, masks=(None, None)):
    """Return the gradient of sum_i row_weights_i loss_i by weights and by intercepts."""
    activations = per_layer(activation, len(coefs) - 1)
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
            delta = delta * ACTIVATIONS[activations[layer - 1]][1](pre_activations[layer - 1])
    return by_coefs, by_intercepts


def _orthogonal(rng, n, m):
    if n < m:
        return _orthogonal(rng, m, n).T
    q, r = np.linalg.qr(rng.normal(size=(n, m)))
    return q * np.sign(np.diag(r))


def _uniform(rng, variance, n, m):
    return rng.uniform(-np.sqrt(3 * variance), np.sqrt(3 * variance), (n, m))


# weights from a generator, the number of units below and above
INITIALIZERS = {
    "glorot_normal": lambda rng, n, m: rng.normal(size=(n, m)) * np.sqrt(2 / (n + m)),
    "he_uniform": lambda rng, n, m: _uniform(rng, 2 / n, n, m),
    "he_normal": lambda rng, n, m: rng.normal(size=(n, m)) * np.sqrt(2 / n),
    "lecun_uniform": lambda rng, n, m: _uniform(rng, 1 / n, n, m),
    "lecun_normal": lambda rng, n, m: rng.normal(size=(n, m)) * np.sqrt(1 / n),
    "orthogonal": _orthogonal,
}
OF_SCIKIT_LEARN = ("identity", "logistic", "tanh", "relu")


def initial_weights(units, activation, random_state, weight_init="auto"):
    """Return the initial weights and intercepts, and the next draw, the seed of all else."""
    rng = np.random.RandomState(random_state)
    coefs, intercepts = [], []
    activations = per_layer(activation, len(units) - 2)
    # the output layer goes by the last hidden one
    last = activation if isinstance(activation, str) else activations[-1]
    for (fan_in, fan_out), name in zip(pairwise(units), [*activations, last], strict=True):
        rule = weight_init
        if weight_init == "auto":
            of_others = "lecun_normal" if name == "selu" else "he_uniform"
            rule = "glorot_uniform" if name in OF_SCIKIT_LEARN else of_others
        if rule == "glorot_uniform":  # scikit-learn's
            bound = np.sqrt((2 if name == "logistic" else 6) / (fan_in + fan_out))
            coefs.append(rng.uniform(-bound, bound, (fan_in, fan_out)))
            intercepts.append(rng.uniform(-bound, bound, fan_out))
        else:
            coefs.append(INITIALIZERS[rule](rng, fan_in, fan_out))
            intercepts.append(np.zeros(fan_out))
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


class PerArray:
    """Base of rules that are written for one array, whose state ``update`` finds in the dict ``s``."""

    def __init__(self, **parameters):
        vars(self).update(parameters)
        self.t, self.states = 0, None

    def step(self, gradients, lr):
        """Return updates and step sizes."""
        self.t += 1
        self.states = self.states or [defaultdict(float) for _ in gradients]
        pairs = [self.update(s, g, lr, self.t) for s, g in zip(self.states, gradients, strict=True)]
        return [update for update, _ in pairs], [step_size for _, step_size in pairs]


# An update is a sum of past gradients times factors; its step size is the sum of the factors, which is what the
# same recurrence gives for gradients that are all one. Entries of the state named "ones" are such sums.


class RMSprop(PerArray):
    """Tieleman and Hinton 2012; centered: Graves 2013."""

    def update(self, s, g, lr, t):
        """Return update and step size."""
        s["v"] = self.rho * s["v"] + (1 - self.rho) * g**2
        s["m"] = self.rho * s["m"] + (1 - self.rho) * g
        root = np.sqrt(s["v"] - s["m"] ** 2 if self.centered else s["v"]) + self.epsilon
        s["b"] = self.momentum * s["b"] + g / root
        s["ones"] = self.momentum * s["ones"] + 1 / root
        return lr * s["b"], lr * s["ones"]


class Adagrad(PerArray):
    """Duchi, Hazan, Singer 2011, with PyTorch's decay."""

    def update(self, s, g, lr, t):
        """Return update and step size."""
        s["sum"] = s["sum"] + (self.initial_accumulator_value if t == 1 else 0) + g**2
        step_size = lr / (1 + (t - 1) * self.lr_decay) / (np.sqrt(s["sum"]) + self.epsilon)
        return step_size * g, step_size


class Adadelta(PerArray):
    """Zeiler 2012, algorithm 1."""

    def update(self, s, g, lr, t):
        """Return update and step size."""
        s["v"] = self.rho * s["v"] + (1 - self.rho) * g**2
        ratio = np.sqrt(s["d"] + self.epsilon) / np.sqrt(s["v"] + self.epsilon)
        s["d"] = self.rho * s["d"] + (1 - self.rho) * (ratio * g) ** 2
        return lr * ratio * g, lr * ratio


class AMSGrad(PerArray):
    """Reddi, Kale, Kumar 2018, with Adam's corrections as in PyTorch."""

    def update(self, s, g, lr, t):
        """Return update and step size."""
        s["m"] = self.beta_1 * s["m"] + (1 - self.beta_1) * g
        s["v"] = self.beta_2 * s["v"] + (1 - self.beta_2) * g**2
        s["largest"] = np.maximum(s["largest"], s["v"])
        step_size = lr / (np.sqrt(s["largest"] / (1 - self.beta_2**t)) + self.epsilon)
        return step_size * s["m"] / (1 - self.beta_1**t), step_size


class Adamax(PerArray):
    """Kingma and Ba 2015, algorithm 2."""

    def update(self, s, g, lr, t):
        """Return update and step size."""
        s["m"] = self.beta_1 * s["m"] + (1 - self.beta_1) * g
        s["norm"] = np.maximum(self.beta_2 * s["norm"], np.abs(g) + self.epsilon)
        return lr * s["m"] / (1 - self.beta_1**t) / s["norm"], lr / s["norm"]


class Nadam(PerArray):
    """Dozat 2016, with PyTorch's momentum schedule."""

    def mu(self, t):
        """Return the momentum of update t."""
        return self.beta_1 * (1 - 0.96 ** (t * self.momentum_decay) / 2)

    def update(self, s, g, lr, t):
        """Return update and step size."""
        s["m"] = self.beta_1 * s["m"] + (1 - self.beta_1) * g
        s["ones"] = self.beta_1 * s["ones"] + (1 - self.beta_1)
        s["v"] = self.beta_2 * s["v"] + (1 - self.beta_2) * g**2
        root = np.sqrt(s["v"] / (1 - self.beta_2**t)) + self.epsilon
        product = np.prod([self.mu(k) for k in range(1, t + 1)])
        of_gradient = (1 - self.mu(t)) / (1 - product)
        of_moment = self.mu(t + 1) / (1 - product * self.mu(t + 1))
        ahead, ones = of_gradient * g + of_moment * s["m"], of_gradient + of_moment * s["ones"]
        return lr * ahead / root, lr * ones / root


class Lion(PerArray):
    """Chen et al. 2023, algorithm 2."""

    def update(self, s, g, lr, t):
        """Return update and step size, |u| over the average; where that is zero, any weight becomes zero."""
        c = self.beta_1 * s["m"] + (1 - self.beta_1) * g
        ones = self.beta_1 * s["ones"] + (1 - self.beta_1)
        s["m"] = self.beta_2 * s["m"] + (1 - self.beta_2) * g
        s["ones"] = self.beta_2 * s["ones"] + (1 - self.beta_2)
        with np.errstate(divide="ignore"):
            return lr * np.sign(c), lr / np.abs(c / ones)


class Muon:
    """Jordan et al. 2024 by a singular value decomposition; Adam for the last matrix and for vectors."""

    def __init__(self, beta_1, beta_2, epsilon, momentum, nesterov, n_steps, match_rms_adamw):
        self.adam = Adam(beta_1, beta_2, epsilon)
        self.momentum, self.nesterov, self.n_steps = momentum, nesterov, n_steps
        self.match_rms_adamw, self.t, self.averages = match_rms_adamw, 0, None

    def orthogonalise(self, C):
        """Return the matrix with the same singular vectors whose singular values went through the polynomial."""
        U, s, Vt = np.linalg.svd(C / max(np.linalg.norm(C), 1e-7), full_matrices=False)
        for _ in range(self.n_steps):
            s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
        return U * s @ Vt

    def update(self, G, M, lr):
        """Return update, step size and average of one matrix; ``fit`` sets ``proximal`` if a prox follows."""
        mu = self.momentum
        M = mu * M + (1 - mu) * G
        C, ones = ((1 - mu) * G + mu * M, 1 - mu ** (self.t + 1)) if self.nesterov else (M, 1 - mu**self.t)
        direction = self.orthogonalise(C)
        fan_in, fan_out = G.shape
        lr = lr * (0.2 * max(G.shape) ** 0.5 if self.match_rms_adamw else max(1, fan_out / fan_in) ** 0.5)
        if not self.proximal:
            return lr * direction, np.zeros_like(G), M
        least = 0.1 * max(np.linalg.norm(direction), 1) / max(np.linalg.norm(C), 1e-7)
        # an input that was always zero has no direction either, but for the rounding of the decomposition
        ratio = np.maximum(np.abs(direction) / np.where(C == 0, np.inf, np.abs(C)), least)
        return lr * np.maximum(np.abs(direction), least * np.abs(C)) * np.sign(C), lr * ones * ratio, M

    def step(self, gradients, lr):
        """Return updates and step sizes."""
        self.t += 1
        updates, step_sizes = self.adam.step(gradients, lr)
        n_hidden = sum(g.ndim == 2 for g in gradients) - 1
        self.averages = self.averages or [np.zeros_like(g) for g in gradients[:n_hidden]]
        for k in range(n_hidden):
            updates[k], step_sizes[k], self.averages[k] = self.update(gradients[k], self.averages[k], lr)
        return updates, step_sizes


# decoupled weight decay, other than 0
DECAYS = {"adamw": 0.01, "muon": 0.1}

# defaults of the rules that take none of the estimators' parameters
OPTIMIZERS = {
    "rmsprop": (RMSprop, {"rho": 0.99, "momentum": 0.0, "centered": False, "epsilon": 1e-8}),
    "adagrad": (Adagrad, {"lr_decay": 0.0, "initial_accumulator_value": 0.0, "epsilon": 1e-10}),
    "adadelta": (Adadelta, {"rho": 0.9, "epsilon": 1e-6}),
    "amsgrad": (AMSGrad, {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}),
    "adamax": (Adamax, {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}),
    "nadam": (Nadam, {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8, "momentum_decay": 4e-3}),
    "lion": (Lion, {"beta_1": 0.9, "beta_2": 0.99}),
    "muon": (
        Muon,
        {
            "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8,
            "momentum": 0.95, "nesterov": True, "n_steps": 5, "match_rms_adamw": False,
        },
    ),
}  # fmt: skip


def make_optimizer(name, **parameters):
    """Return a rule of ``OPTIMIZERS`` with some of its parameters changed."""
    rule, defaults = OPTIMIZERS[name]
    return rule(**defaults | parameters)


# --- schedules ----------------------------------------------------------------------------------


class Constant:
    """The same learning rate throughout."""

    def __init__(self, lr):
        self.lr = lr

    def rate(self, t, epoch):
        """Return the learning rate of update t, counted from 1, in an epoch, counted from 0."""
        return self.lr

    def goes_on(self, exhausted, score):
        """Take note of the end of an epoch; tell whether training goes on although progress stalled."""
        return False


class InvScaling(Constant):
    """lr / t^power_t."""

    def __init__(self, lr, power_t):
        super().__init__(lr)
        self.power_t = power_t

    def rate(self, t, epoch):
        """Return the learning rate of update t, counted from 1."""
        return self.lr / t**self.power_t


class Adaptive(Constant):
    """A fifth of the rate, instead of stopping, until it is 1e-6 or less."""

    def goes_on(self, exhausted, score):
        """Lower the rate, unless it is too low already."""
        if not exhausted or self.lr <= 1e-6:
            return False
        self.lr /= 5
        return True


class Step(Constant):
    """A tenth of the rate every 50 epochs."""

    step_size, gamma = 50, 0.1

    def rate(self, t, epoch):
        """Return the learning rate of an epoch, counted from 0."""
        return self.lr * self.gamma ** (epoch // self.step_size)


class Exponential(Step):
    """2 % less in each epoch."""

    step_size, gamma = 1, 0.98


class Cosine(Constant):
    """Half a cosine wave from lr to zero within n_epochs."""

    def __init__(self, lr, n_epochs):
        super().__init__(lr)
        self.n_epochs = n_epochs

    def rate(self, t, epoch):
        """Return the learning rate of an epoch, counted from 0."""
        return self.lr * (1 + np.cos(np.pi * min(epoch / self.n_epochs, 1))) / 2


class OneCycle(Constant):
    """Two half cosine waves: lr / 25 to lr in the first 30 % of the updates, then to lr / 250 000."""

    def __init__(self, lr, n_updates):
        super().__init__(lr)
        self.n_updates = n_updates

    def rate(self, t, epoch):
        """Return the learning rate of update t, counted from 1."""
        corners = [0, 0.3 * self.n_updates - 1, self.n_updates - 1]
        rates = [self.lr / 25, self.lr, self.lr / 25e4]
        piece = 0 if t - 1 <= corners[1] else 1
        share = (t - 1 - corners[piece]) / (corners[piece + 1] - corners[piece])
        start, end = rates[piece : piece + 2]
        return end + (start - end) / 2 * (1 + np.cos(np.pi * min(share, 1)))


class Plateau(Constant):
    """A tenth of the rate after 11 epochs without relative improvement by 1e-4, or instead of stopping."""

    factor, patience, threshold = 0.1, 10, 1e-4

    def __init__(self, lr):
        super().__init__(lr)
        self.best, self.n_bad, self.age = -np.inf, 0, np.inf

    def goes_on(self, exhausted, score):
        """Count; a rate that was lowered within the last 10 epochs is left alone."""
        margin = self.threshold * abs(self.best) if np.isfinite(self.best) else 0
        improved = score > self.best + margin
        self.best = score if improved else self.best
        self.n_bad = 0 if improved else self.n_bad + 1
        self.age += 1
        if self.n_bad > self.patience or (exhausted and self.age > self.patience):
            self.n_bad = 0
            if self.lr * (1 - self.factor) > 1e-8:
                self.lr, self.age = self.lr * self.factor, 0
        return self.age <= self.patience


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


# --- around the step --------------------------------------------------------------------------


def clipped(gradients, clip_norm):
    """Return the gradients, scaled if their norm all together is above ``clip_norm``."""
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * min(1, clip_norm / (norm + 1e-6)) for g in gradients]


def limited(W, max_norm):
    """Return the matrix with its longer columns, the incoming weights of a unit, scaled to ``max_norm``."""
    columns = [w if np.linalg.norm(w) <= max_norm else w * (max_norm / np.linalg.norm(w)) for w in W.T]
    return np.array(columns).T


def averaged(average, current, decay):
    """Return the moving average after one more value; zeros of the current weights are zeros of the average."""
    moved = current if average is None else decay * average + (1 - decay) * current
    return np.where(current == 0, 0, moved)


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
    weight_init="auto",
    penalty="l2",
    alpha=1e-4,
    l1_ratio=0.5,
    weight_decay=None,
    dropout=0.0,
    input_dropout=0.0,
    max_norm=None,
    clip_norm=None,
    ema_decay=None,
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
    coefs, intercepts, seed = initial_weights(units, activation, random_state, weight_init)
    coefs = coefs if coef_init is None else coef_init
    intercepts = intercepts if intercept_init is None else intercept_init
    weights = np.ones(n) if sample_weight is None else sample_weight
    if normalises_weights:
        weights = weights / weights.mean()
    if batch_size == "auto":
        batch_size = n if solver == "gd" else 1 if solver == "sgd" else min(200, n)
    if weight_decay is None:
        weight_decay = DECAYS.get(solver, 0.0) if isinstance(solver, str) else 0.0
    if isinstance(solver, PerArray | Muon):
        optimizer = solver
    elif solver in OPTIMIZERS:
        optimizer = make_optimizer(solver)
    elif solver in ("adam", "adamw"):
        optimizer = Adam(beta_1, beta_2, epsilon)
    else:
        optimizer = SGD(momentum, nesterovs_momentum)
    schedule = {
        "constant": lambda lr: Constant(lr),
        "invscaling": lambda lr: InvScaling(lr, power_t),
        "adaptive": lambda lr: Adaptive(lr),
        "step": lambda lr: Step(lr),
        "exponential": lambda lr: Exponential(lr),
        "cosine": lambda lr: Cosine(lr, max_iter),
        "one_cycle": lambda lr: OneCycle(lr, max_iter * -(-n // batch_size)),
        "plateau": lambda lr: Plateau(lr),
    }[learning_rate](learning_rate_init)
    l1_share, l2_share = penalty_shares(penalty, l1_ratio)
    l2_strength = alpha * l2_share
    optimizer.proximal = alpha * l1_share > 0

    fitted = Fitted(coefs, intercepts)
    averages = [None] * 2 * len(coefs)
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
            lr = schedule.rate(t, epoch)
            gradients = [*by_coefs, *by_intercepts]
            if clip_norm is not None:
                gradients = clipped(gradients, clip_norm)
            updates, step_sizes = optimizer.step(gradients, lr)
            decayed = [(1 - lr * weight_decay) * W for W in coefs]
            moved = [w - u for w, u in zip([*decayed, *intercepts], updates, strict=True)]
            n_layers = len(coefs)
            coefs = [
                prox(W, s, penalty, alpha, l1_ratio, layer)
                for layer, (W, s) in enumerate(zip(moved[:n_layers], step_sizes[:n_layers], strict=True))
            ]
            intercepts = moved[n_layers:]
            if max_norm is not None:
                coefs = [limited(W, max_norm) for W in coefs]
            kept = coefs, intercepts
            if ema_decay is not None:
                pairs = zip(averages, [*coefs, *intercepts], strict=True)
                averages = [averaged(average, current, ema_decay) for average, current in pairs]
                kept = averages[:n_layers], averages[n_layers:]
        objective = loss_sum / weights.sum() + penalty_value(coefs, penalty, alpha, l1_ratio)
        fitted.loss_curve_.append(objective)
        fitted.learning_rate_curve_.append(lr)
        score = -objective
        if validation is not None:
            X_val, y_val, weights_val = validation
            loss_val = data_loss(X_val, y_val, *kept, loss, activation, weights_val)
            fitted.validation_loss_curve_.append(loss_val)
            score = -loss_val if early_stopping else score
        n_without_improvement = 0 if score >= best_score + tol else n_without_improvement + 1
        if not early_stopping or score > best_score:
            fitted.coefs_, fitted.intercepts_ = kept
        if score > best_score:
            best_score = score
            fitted.best_iter_ = epoch + 1 if early_stopping else None
        exhausted = n_without_improvement > n_iter_no_change
        goes_on = schedule.goes_on(exhausted, score)
        if exhausted and not goes_on:
            break
        n_without_improvement = 0 if exhausted else n_without_improvement
    return fitted
