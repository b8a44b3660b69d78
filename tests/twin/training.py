"""Train a network: everything together."""

import copy
from dataclasses import dataclass, field

import numpy as np

from .around_the_step import averaged, clipped, limited
from .draws import batch_masks, dropout_mask, permutation
from .embeddings import Columns
from .initializers import drawn_weights, initial_weights
from .losses import LOSSES
from .network import data_loss, forward, gradients, per_layer
from .optimizers import DECAYS, OPTIMIZERS, SGD, Adam, Muon, PerArray, make_optimizer
from .penalties import penalty_shares, penalty_value, prox
from .schedules import make_schedule


@dataclass
class Fitted:
    """What a fit leaves behind, under the estimators' names."""

    coefs_: list
    intercepts_: list
    activation_scales_: list = field(default_factory=list)
    embedding: list = field(default_factory=list)  # trained arrays, column by column
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
    feature_embedding=None,
    weight_init="auto",
    penalty="l2",
    alpha=1e-4,
    l1_ratio=0.5,
    weight_decay=None,
    weight_decay_schedule=None,
    dropout=0.0,
    input_dropout=0.0,
    dropout_schedule=None,
    max_norm=None,
    clip_norm=None,
    ema_decay=None,
    solver="adam",
    batch_size="auto",
    learning_rate="constant",
    learning_rate_init=0.001,
    learning_rate_factors=None,
    parametrization="standard",
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
    """Train a network; ``validation`` is (X, y, weights or None).

    ``activation`` may hold instances that have another ``activation``, its name: those have trained scales.
    """
    n = len(X)
    n_hidden = len(hidden_layer_sizes)
    given = [activation] * n_hidden if hasattr(activation, "activation") else per_layer(activation, n_hidden)
    is_scaled = [not isinstance(one, str) for one in given]
    of_weights = activation if isinstance(activation, str) else getattr(activation, "activation", "identity")
    activation = [getattr(one, "activation", one) for one in given]
    of_weights = activation or of_weights  # without a hidden layer they go by the parameter
    weights = np.ones(n) if sample_weight is None else sample_weight
    units = [X.shape[1], *hidden_layer_sizes, y.shape[1]]
    coefs, intercepts, seed = initial_weights(units, of_weights, random_state, weight_init)
    if feature_embedding is not None:
        seed = int(np.random.RandomState(random_state).randint(2**31 - 1))
    rng = np.random.RandomState(seed)
    columns = Columns(feature_embedding, X, weights, rng)
    if feature_embedding is not None:
        units[0] = len(columns.features)
        coefs, intercepts = drawn_weights(rng, units, of_weights, weight_init)
    coefs = coefs if coef_init is None else coef_init
    intercepts = intercepts if intercept_init is None else intercept_init
    act_scales = [np.ones(width if scaled else 0) for width, scaled in zip(hidden_layer_sizes, is_scaled, strict=True)]
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
    n_updates = max_iter * -(-n // batch_size)
    schedule = make_schedule(learning_rate, learning_rate_init, max_iter, n_updates, power_t)
    by_dropout, by_decay = (
        make_schedule(name or "constant", 1.0, max_iter, n_updates)
        for name in (dropout_schedule, weight_decay_schedule)
    )
    l1_share, l2_share = penalty_shares(penalty, l1_ratio)
    l2_strength = alpha * l2_share
    optimizer.proximal = alpha * l1_share > 0
    n_layers = len(coefs)
    # what is trained, V, times its scale is what the network multiplies by
    scales = [1 / np.sqrt(len(W)) if parametrization == "ntp" else 1.0 for W in coefs]
    factors = dict.fromkeys(("coefs", "intercepts", "activation", "embedding"), 1.0) | (learning_rate_factors or {})
    optimizers = {group: copy.deepcopy(optimizer) for group in factors}  # each steps all, and some of it counts
    arrays = {"coefs": coefs, "intercepts": intercepts, "activation": act_scales, "embedding": columns.trained()}
    ends = np.cumsum([len(of_group) for of_group in arrays.values()])
    spans = {group: slice(end - len(arrays[group]), end) for group, end in zip(arrays, ends, strict=True)}

    fitted = Fitted(*arrays.values())
    averages = [None] * ends[-1]
    t, n_without_improvement, best_score = 0, 0, -np.inf
    for epoch in range(max_iter):
        order = permutation(seed, epoch, n) if shuffle else np.arange(n)
        loss_sum = 0.0
        for start in range(0, n, batch_size):
            rows = order[start : start + batch_size]
            factor = by_dropout.rate(t + 1, epoch)
            _, masks = batch_masks(seed, epoch, rows, units, factor * np.asarray(dropout), 0.0)
            of_features = dropout_mask(seed, epoch, rows, -1, X.shape[1], factor * input_dropout)
            masks = of_features[:, columns.features], masks
            network = columns.inputs(X[rows]), y[rows], arrays["coefs"], arrays["intercepts"], loss, activation
            raw = forward(network[0], *network[2:4], activation, *masks, arrays["activation"])[0][-1]
            loss_sum += (weights[rows] * LOSSES[loss][1](raw, y[rows])).sum()
            by_coefs, *by_vectors, by_inputs = gradients(
                *network, weights[rows] / len(rows), masks, arrays["activation"]
            )
            by_coefs = [s * (g + l2_strength * W) for s, g, W in zip(scales, by_coefs, arrays["coefs"], strict=True)]
            t += 1
            lr = schedule.rate(t, epoch)
            by_all = [*by_coefs, *sum(by_vectors, []), *columns.gradients(X[rows], by_inputs)]
            if clip_norm is not None:
                by_all = clipped(by_all, clip_norm)
            as_vectors = [*by_all[:n_layers], *(g.ravel() for g in by_all[n_layers:])]  # whatever their shapes
            steps = {group: optimizers[group].step(as_vectors, lr * factors[group]) for group in factors}
            updates, step_sizes = (of_group[spans["coefs"]] for of_group in steps["coefs"])
            trained = [W / s for W, s in zip(arrays["coefs"], scales, strict=True)]
            keep = 1 - lr * factors["coefs"] * weight_decay * by_decay.rate(t, epoch)
            trained = [keep * V - u for V, u in zip(trained, updates, strict=True)]
            # a penalty of s V is one of V with s times the strength
            trained = [
                prox(V, step_size, penalty, s * alpha, l1_ratio, layer, columns.features)
                for layer, (V, step_size, s) in enumerate(zip(trained, step_sizes, scales, strict=True))
            ]
            coefs = [s * V for s, V in zip(scales, trained, strict=True)]
            arrays = {
                group: [a - u.reshape(a.shape) for a, u in zip(of_group, steps[group][0][spans[group]], strict=True)]
                for group, of_group in arrays.items()
            }
            arrays["coefs"] = coefs if max_norm is None else [limited(W, max_norm) for W in coefs]
            columns.train(arrays["embedding"])
            kept = arrays
            if ema_decay is not None:
                pairs = zip(averages, sum(arrays.values(), []), strict=True)
                averages = [averaged(average, current, ema_decay) for average, current in pairs]
                kept = {group: averages[span] for group, span in spans.items()}
        value = penalty_value(arrays["coefs"], penalty, alpha, l1_ratio, columns.features)
        objective = loss_sum / weights.sum() + value
        fitted.loss_curve_.append(objective)
        fitted.learning_rate_curve_.append(lr)
        score = -objective
        if validation is not None:
            X_val, y_val, weights_val = validation
            columns.train(kept["embedding"])
            network = columns.inputs(X_val), y_val, kept["coefs"], kept["intercepts"], loss, activation
            loss_val = data_loss(*network, weights_val, scales=kept["activation"])
            columns.train(arrays["embedding"])
            fitted.validation_loss_curve_.append(loss_val)
            score = -loss_val if early_stopping else score
        n_without_improvement = 0 if score >= best_score + tol else n_without_improvement + 1
        if not early_stopping or score > best_score:
            fitted.coefs_, fitted.intercepts_, fitted.activation_scales_, fitted.embedding = kept.values()
        if score > best_score:
            best_score = score
            fitted.best_iter_ = epoch + 1 if early_stopping else None
        exhausted = n_without_improvement > n_iter_no_change
        goes_on = schedule.goes_on(exhausted, score)
        if exhausted and not goes_on:
            break
        n_without_improvement = 0 if exhausted else n_without_improvement
    return fitted
