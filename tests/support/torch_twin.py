"""The same networks in PyTorch, trained over the same batches from the same weights, in float64."""

import numpy as np
import torch

N_STEPS = 30
N_SAMPLES, BATCH_SIZE = 50, 9  # six batches, the last one smaller: five epochs
ALPHA = 0.03
RATE = 0.01


def cross_entropy(raw, y):
    """Return the loss of each row."""
    return torch.nn.functional.cross_entropy(raw, y, reduction="none")


def binary_cross_entropy(raw, y):
    """Return the loss of each row, summed over labels."""
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    return bce(raw, y, reduction="none").sum(dim=1)


def half_squared_error(raw, y):
    """Return the loss of each row, averaged over outputs."""
    return torch.nn.functional.mse_loss(raw, y, reduction="none").mean(dim=1) / 2


def poisson(raw, y):
    """Return the loss of each row, without what the targets alone decide."""
    nll = torch.nn.functional.poisson_nll_loss
    return nll(raw, y, log_input=True, reduction="none").mean(dim=1)


def absolute_error(raw, y):
    """Return the loss of each row."""
    return torch.nn.functional.l1_loss(raw, y, reduction="none").mean(dim=1)


def huber(raw, y):
    """Return the loss of each row."""
    return torch.nn.functional.huber_loss(raw, y, reduction="none").mean(dim=1)


def gamma(raw, y):
    """Return the loss of each row, without what the targets alone decide."""
    return (raw - torch.log(y) + y * torch.exp(-raw) - 1).mean(dim=1)


LOSSES = {
    "absolute_error": absolute_error,
    "multi-output huber": huber,
    "multi-output gamma": gamma,
    "multiclass": cross_entropy,
    "binary": binary_cross_entropy,
    "multilabel": binary_cross_entropy,
    "regression": half_squared_error,
    "multi-output regression": half_squared_error,
    "poisson": poisson,
    "multi-output poisson": poisson,
}
ACTIVATIONS = {
    "identity": torch.nn.Identity,
    "logistic": torch.nn.Sigmoid,
    "tanh": torch.nn.Tanh,
    "relu": torch.nn.ReLU,
    "leaky_relu": torch.nn.LeakyReLU,
    "elu": torch.nn.ELU,
    "selu": torch.nn.SELU,
    "gelu": torch.nn.GELU,
    "silu": torch.nn.SiLU,
    "mish": torch.nn.Mish,
    "softplus": torch.nn.Softplus,
}


def torch_network(coefs, intercepts, activation):
    """Return the network; ``activation`` is a name, or one per hidden layer."""
    hidden = [activation] * (len(coefs) - 1) if isinstance(activation, str) else activation
    layers = []
    for W, b, name in zip(coefs, intercepts, [*hidden, "identity"], strict=True):
        linear = torch.nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W.T))
            linear.bias.copy_(torch.tensor(b))
        layers += [linear, ACTIVATIONS[name]()]
    return torch.nn.Sequential(*layers[:-1])


def matrices(network):
    """Return the weight matrices."""
    return [p for p in network.parameters() if p.ndim == 2]


def train_torch(
    network, optimizer, problem, row_loss, weights, alpha=0.0, before_step=None, after_step=None,
    batch_size=BATCH_SIZE, n_steps=N_STEPS,
):  # fmt: skip
    """Make the steps; ``alpha`` is the strength of an L2 penalty that is part of the loss."""
    X = torch.tensor(problem.X)
    y = torch.tensor(problem.Y)
    y = y.argmax(dim=1) if row_loss is cross_entropy else y
    weights = torch.tensor(weights / weights.mean())
    for step in range(n_steps):
        start = step * batch_size % (batch_size * -(-N_SAMPLES // batch_size))
        rows = slice(start, start + batch_size)
        optimizer.zero_grad()
        loss = (weights[rows] * row_loss(network(X[rows]), y[rows])).mean()
        (loss + alpha / 2 * sum((W**2).sum() for W in matrices(network))).backward()
        if before_step is not None:
            before_step()
        optimizer.step()
        if after_step is not None:
            after_step()


def start_weights(units):
    """Draw weights and intercepts."""
    rng = np.random.RandomState(4)
    coefs = [rng.normal(size=(units[i], units[i + 1])) / 2 for i in range(len(units) - 1)]
    return coefs, [rng.normal(size=width) / 2 for width in units[1:]]


def assert_same_weights(estimator, network, start, tolerance=1e-9):
    """Compare, and make sure that training has moved the weights by much more than the tolerance."""
    linears = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
    for layer, linear in enumerate(linears):
        W, b = linear.weight.detach().numpy().T, linear.bias.detach().numpy()
        assert np.abs(W - start[layer]).max() > 1e-3
        np.testing.assert_allclose(estimator.coefs_[layer], W, rtol=0, atol=tolerance)
        np.testing.assert_allclose(estimator.intercepts_[layer], b, rtol=0, atol=tolerance)
