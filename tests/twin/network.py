"""The network: forward, loss, gradient."""

import numpy as np

from .activations import ACTIVATIONS
from .losses import LOSSES


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


def gradients(X, y, coefs, intercepts, loss, activation, row_weights, masks=(None, None)):
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
