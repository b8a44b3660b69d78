"""Optimizers: step(gradients, lr) -> updates u (to be subtracted) and prox step sizes.

The step size is |u| / |c| with c the average of past gradients from which u was made.
"""

from collections import defaultdict

import numpy as np


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
            return lr * np.sign(c), lr / np.abs(c / ones) if lr > 0 else np.zeros_like(c)


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
