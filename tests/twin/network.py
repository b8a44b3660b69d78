"""The network: forward, loss, gradient."""

import numpy as np

from .activations import ACTIVATIONS
from .losses import LOSSES


def per_layer(activation, n_hidden):
    """Return the names of the hidden layers' activations, from one name or from the list itself."""
    return [activation] * n_hidden if isinstance(activation, str) else activation


def forward(X, coefs, intercepts, activation="relu", input_mask=None, masks=None, scales=None):
    """Return the pre-activations z of all layers and what entered each of them.

    With trained scales s, empty for a layer without, an activation f is z + s (f(z) - z).
    """
    activations = per_layer(activation, len(coefs) - 1)
    entered, pre_activations = [X if input_mask is None else X * input_mask], []
    for layer, (W, b) in enumerate(zip(coefs, intercepts, strict=True)):
        pre_activations.append(entered[-1] @ W + b)
        if layer < len(coefs) - 1:
            z = pre_activations[-1]
            hidden = ACTIVATIONS[activations[layer]][0](z)
            if scales is not None and scales[layer].size:
                hidden = z + scales[layer] * (hidden - z)
            entered.append(hidden if masks is None else hidden * masks[layer])
    return pre_activations, entered


def data_loss(X, y, coefs, intercepts, loss, activation="relu", weights=None, masks=(None, None), scales=None):
    """Return sum_i w_i loss_i / sum_i w_i."""
    raw = forward(X, coefs, intercepts, activation, *masks, scales)[0][-1]
    return np.average(LOSSES[loss][1](raw, y), weights=weights)


def gradients(X, y, coefs, intercepts, loss, activation, row_weights, masks=(None, None), scales=None):
    """Return the gradient of sum_i row_weights_i loss_i by weights, by intercepts, by scales, and by X."""
    activations = per_layer(activation, len(coefs) - 1)
    pre_activations, entered = forward(X, coefs, intercepts, activation, *masks, scales)
    delta = row_weights[:, None] * LOSSES[loss][2](pre_activations[-1], y)
    by_coefs, by_intercepts, by_scales = [], [], []
    for layer in reversed(range(len(coefs))):
        by_coefs.insert(0, entered[layer].T @ delta)
        by_intercepts.insert(0, delta.sum(axis=0))
        delta = delta @ coefs[layer].T
        if layer > 0:
            if masks[1] is not None:
                delta = delta * masks[1][layer - 1]
            z, (activate, derivative) = pre_activations[layer - 1], ACTIVATIONS[activations[layer - 1]]
            slope, by_scale = derivative(z), np.empty(0)
            if scales is not None and scales[layer - 1].size:
                by_scale = (delta * (activate(z) - z)).sum(axis=0)
                slope = 1 + scales[layer - 1] * (slope - 1)
            by_scales.insert(0, by_scale)
            delta = delta * slope
    return by_coefs, by_intercepts, by_scales, delta if masks[0] is None else delta * masks[0]
