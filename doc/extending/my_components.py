"""One custom component of each family, and a custom estimator."""

from numbers import Integral, Real

import numpy as np
from numba import njit
from sklearn.utils._param_validation import Interval

from skregopt import MLPRegressor
from skregopt.activations import Activation
from skregopt.embeddings import Embedding, EmbeddingVector
from skregopt.initializers import Initializer
from skregopt.losses import REGRESSION_LOSSES, Loss
from skregopt.optimizers import Optimizer
from skregopt.penalties import Penalty
from skregopt.schedules import Schedule

POSITIVE = [Interval(Real, 0, None, closed="neither")]


# --- activation -----------------------------------------------------------------------------------


def softsign_activate(z, saved, hyper):
    width = hyper[0]
    for i in range(z.size):
        z[i] = z[i] / (width + abs(z[i]))


def softsign_differentiate(a, saved, delta, hyper):
    width = hyper[0]
    for i in range(a.size):
        rest = 1 - abs(a[i])
        delta[i] *= rest * rest / width


class Softsign(Activation):
    """f(z) = z / (width + |z|), with the derivative (1 - |f|)^2 / width."""

    _parameter_constraints = {"width": POSITIVE}
    linear_bound = (0.0, 1.0)  # |f(z)| <= 0 |z| + 1
    activate = staticmethod(softsign_activate)
    differentiate = staticmethod(softsign_differentiate)

    def __init__(self, width=1.0):
        self.width = width

    def to_onnx(self, op, z):
        """Return f(z) in operators of ONNX; only ``skregopt.to_onnx`` needs it."""
        return op.Div(z, op.Add(op.Abs(z), self.width))


# --- embedding ------------------------------------------------------------------------------------


def bumps_embed(x, parameters, constants, outputs, saved, hyper):
    n_rows, width = x.size, hyper[1]  # hyper: n_outputs, width
    for j in range(parameters.size):
        for i in range(n_rows):
            distance = (x[i] - parameters[j]) / width
            outputs[j * n_rows + i] = np.exp(-distance * distance / 2)


def bumps_differentiate(x, parameters, constants, saved, deltas, gradient, hyper):
    n_rows, width = x.size, hyper[1]
    for j in range(parameters.size):
        total = gradient[j]
        for i in range(n_rows):
            distance = (x[i] - parameters[j]) / width
            total += deltas[j * n_rows + i] * np.exp(-distance * distance / 2) * distance / width
        gradient[j] = total


class Bumps(Embedding):
    """Bumps exp(-(x - c_j)^2 / (2 width^2)) around trained centres c_j."""

    _parameter_constraints = {"n_outputs": [Interval(Integral, 1, None, closed="left")], "width": POSITIVE}
    vectors = (EmbeddingVector("embedding_centres_", trained=True),)
    embed = staticmethod(bumps_embed)
    differentiate = staticmethod(bumps_differentiate)

    def __init__(self, n_outputs=8, width=0.5):
        self.n_outputs = n_outputs
        self.width = width

    def start(self, rng, values, weights):  # centres at training values
        return {"embedding_centres_": rng.choice(values, self.n_outputs, p=weights / weights.sum())}

    def bound(self, norm, n_columns, largest_parameter_norm):  # each output is at most 1
        return (n_columns * self.n_outputs) ** 0.5

    def to_onnx(self, op, x, arrays):  # only skregopt.to_onnx needs it
        centres = np.stack(arrays["embedding_centres_"])  # (n_columns, n_outputs)
        distance = op.Div(op.Sub(op.Unsqueeze(x, np.array([2])), centres), self.width)
        bumps = op.Exp(op.Mul(op.Mul(distance, distance), -0.5))
        return op.Reshape(bumps, np.array([0, centres.size]))


# --- loss -----------------------------------------------------------------------------------------


@njit(nogil=True)
def log_cosh(x):
    """Return log(cosh(x)) without overflow."""
    return abs(x) + np.log1p(np.exp(-2 * abs(x))) - np.log(2.0)


def log_cosh_evaluate(raw_prediction, y, weights, scale, hyper):
    width, n_outputs = hyper[0], raw_prediction.shape[1]
    total = 0.0
    for i in range(raw_prediction.shape[0]):
        for k in range(n_outputs):
            residual = (raw_prediction[i, k] - y[i, k]) / width
            total += np.float64(weights[i, 0]) * log_cosh(np.float64(residual))
            raw_prediction[i, k] = scale * weights[i, 0] * np.tanh(residual) / (width * n_outputs)
    return total / n_outputs


def same_prediction(raw_prediction, hyper):
    pass


class LogCosh(Loss):
    """The loss log cosh((z - y) / width), averaged over outputs."""

    targets = ("continuous",)
    _parameter_constraints = {"width": POSITIVE}
    growth = "polynomial"
    evaluate = staticmethod(log_cosh_evaluate)
    invert_link = staticmethod(same_prediction)

    def __init__(self, width=1.0):
        self.width = width


# --- penalty --------------------------------------------------------------------------------------


def capped_value(weights, row_length, layer, alpha, hyper):
    total, cap = 0.0, np.float64(hyper[0])
    for i in range(weights.size):
        total += min(abs(np.float64(weights[i])), cap)
    return alpha * total


def no_gradient(weights, alpha, hyper, grad):
    pass


def capped_prox(weights, step_size, row_length, layer, alpha, hyper):
    cap = hyper[0]
    for i in range(weights.size):
        magnitude, shift = abs(weights[i]), step_size[i] * alpha
        shrunk = magnitude - shift
        if magnitude <= (cap + shift / 2 if shift < 2 * cap else np.sqrt(2 * shift * cap)):
            weights[i] = 0 if shrunk <= 0 else shrunk if weights[i] > 0 else -shrunk


class CappedL1(Penalty):
    """alpha sum_j min(|w_j|, cap): sets small weights to exactly 0.0 and does not shrink large ones."""

    is_smooth = False
    _parameter_constraints = {"cap": POSITIVE}
    value = staticmethod(capped_value)
    add_gradient = staticmethod(no_gradient)
    prox = staticmethod(capped_prox)

    def __init__(self, cap=0.5):
        self.cap = cap


# --- optimizer ------------------------------------------------------------------------------------


# places in scalars, the first two also in hyper
BETA_1, BETA_2, LR, MEAN_CORRECTION, VARIANCE_CORRECTION = range(5)


def adabelief_prepare(lr, t, hyper, memory, scalars):
    scalars[BETA_1], scalars[BETA_2], scalars[LR] = hyper[BETA_1], hyper[BETA_2], lr
    scalars[MEAN_CORRECTION] = 1 / (1 - hyper[BETA_1] ** t)
    scalars[VARIANCE_CORRECTION] = 1 / (1 - hyper[BETA_2] ** t)


def adabelief_step(weights, grad, mean, variance, slot_3, slot_4, scalars, step_size):
    lr, beta_1, beta_2 = scalars[LR], scalars[BETA_1], scalars[BETA_2]
    of_mean, of_variance = scalars[MEAN_CORRECTION], scalars[VARIANCE_CORRECTION]
    epsilon = weights.dtype.type(1e-8)
    for i in range(weights.size):
        mean[i] += (1 - beta_1) * (grad[i] - mean[i])
        surprise = grad[i] - mean[i]
        variance[i] = beta_2 * variance[i] + (1 - beta_2) * (surprise * surprise) + epsilon
        weights[i] -= lr * of_mean * mean[i] / (np.sqrt(of_variance * variance[i]) + epsilon)
    for i in range(step_size.size):
        step_size[i] = lr / (np.sqrt(of_variance * variance[i]) + epsilon)


class AdaBelief(Optimizer):
    """AdaBelief (Zhuang et al., "AdaBelief optimizer", NeurIPS 2020)."""

    n_slots = 2
    _parameter_constraints = {
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
    }
    prepare = staticmethod(adabelief_prepare)
    step = staticmethod(adabelief_step)

    def __init__(self, beta_1=0.9, beta_2=0.999):
        self.beta_1 = beta_1
        self.beta_2 = beta_2


# --- schedule -------------------------------------------------------------------------------------


def linear_rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
    end = hyper[0]
    done = min(t / (max_iter * updates_per_epoch), 1.0)
    return peak * (1 - (1 - end) * done)


def stop_when_exhausted(exhausted, score, hyper, memory):
    return 0


class Linear(Schedule):
    """Falls in a straight line from learning_rate_init to ``end`` times it, within ``max_iter`` epochs."""

    _parameter_constraints = {"end": [Interval(Real, 0, 1, closed="right")]}
    has_horizon = True  # after max_iter epochs training is done as planned
    rate = staticmethod(linear_rate)
    end_epoch = staticmethod(stop_when_exhausted)

    def __init__(self, end=0.01):
        self.end = end


# --- initializer ----------------------------------------------------------------------------------


class Normal(Initializer):
    """Normal weights with the standard deviation ``scale``; zero intercepts."""

    _parameter_constraints = {"scale": POSITIVE}

    def __init__(self, scale=0.1):
        self.scale = scale

    def draw(self, rng, fan_in, fan_out, activation):
        """Return the weights and intercepts of one layer, see ``Initializer.draw``."""
        return self.scale * rng.normal(size=(fan_in, fan_out)), np.zeros(fan_out)


# --- registration ---------------------------------------------------------------------------------

REGRESSION_LOSSES["log_cosh"] = LogCosh


# --- estimator ------------------------------------------------------------------------------------


class Funnel(MLPRegressor):
    """Each hidden layer has half the units of the layer before."""

    def __init__(self, width=64, depth=2, alpha=1e-4, random_state=None):
        super().__init__(alpha=alpha, random_state=random_state)
        self.width = width
        self.depth = depth

    @property
    def hidden_layer_sizes(self):
        return [max(1, self.width >> layer) for layer in range(self.depth)]

    @hidden_layer_sizes.setter
    def hidden_layer_sizes(self, sizes):  # pyright: ignore[reportIncompatibleVariableOverride]
        """Ignore what the constructor of MLPRegressor sets."""
