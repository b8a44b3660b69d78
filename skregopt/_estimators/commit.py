"""Last stage of a fit: the outcome becomes fitted attributes, all at once."""

import numpy as np

from .embedded import attributes_of_embedding, kept_of
from .fitted import CURVES, OF_FEATURES, OF_NORMALISATIONS, weight_attributes


class FittedAttributes:
    """Makes fitted attributes of the outcomes of a fit.

    Parameters
    ----------
    resolved : Resolved
    inputs : Inputs
    network : Network
    n_rows : int
        Rows that are trained on.

    Attributes
    ----------
    structure : dict
        Fitted attributes that no epoch changes; with weights they are enough for predictions.
    layout : Layout
    """

    def __init__(self, resolved, inputs, network, n_rows):
        self.layout = network.layout
        self.structure = inputs.attributes | {
            "n_layers_": network.layout.units.size,
            "n_outputs_": int(network.layout.units[-1]),
            "out_activation_": network.loss.out_activation,
            "_rules": (network.activations, network.loss),  # for predictions, whatever the parameters are by then
            "_dropout_rates": (network.input_dropout, *network.dropout),
            "_seed": inputs.seed,
        }
        if network.embedding is not None:
            self.structure["_embedding"] = kept_of(network.embedding)
        self._early_stopping = resolved.given["early_stopping"]
        self._previous = inputs.previous
        self._n_rows = n_rows

    def of(self, outcome, in_place=False):
        """Return all fitted attributes, by name, of a fit that ended with an :class:`Outcome`.

        Curves go on from those of the fits that this one continues: as new lists, or ``in_place``, as in scikit-learn,
        so that a call of ``partial_fit`` takes no longer after a million others.
        """
        joined = _extended if in_place else _joined
        before = self._previous
        best_loss = None if self._early_stopping else self._best_loss(outcome.loss_curve)
        attributes = {
            **self.structure,
            **weight_attributes(np.array(outcome.theta), self.layout),
            "n_iter_": outcome.n_iter,
            "t_": before.get("t_", 0) + outcome.n_iter * self._n_rows,
            **{name: joined(before.get(name), getattr(outcome, name.removesuffix("_"))) for name in CURVES},
        }
        losses = attributes["loss_curve_"]
        attributes["loss_"] = losses[-1] if losses else np.nan
        attributes["validation_loss_curve_"] = attributes["validation_loss_curve_"] or None
        if self._early_stopping:
            return attributes | {
                "best_validation_score_": outcome.best_score,
                "best_iter_": outcome.best_epoch,
                "best_loss_": best_loss,
            }
        nothing = dict.fromkeys(("validation_scores_", "best_validation_score_", "best_iter_"))
        return attributes | nothing | {"best_loss_": best_loss}

    def _best_loss(self, new):
        """Return the smallest loss of this fit and of those that it continues, without a look at all of theirs."""
        losses = self._previous.get("loss_curve_")
        best = self._previous.get("best_loss_") if losses else np.inf
        return min([min(losses) if best is None else best, *new])

    def remove_others(self, estimator):
        """Remove attributes of an earlier fit that are none of this one."""
        optional = {*OF_FEATURES, *OF_NORMALISATIONS, "activation_scales_", "_optimizer_memory_"}
        optional.update(attributes_of_embedding(vars(estimator)))
        for name in optional - self.structure.keys() - self.layout.starts.keys():
            vars(estimator).pop(name, None)


def _joined(curve, values):
    return [*(curve or ()), *values]


def _extended(curve, values):
    if not curve or not isinstance(curve, list):
        return _joined(curve, values)
    curve += values
    return curve


def commit(estimator, attributes, outcome, memory=None):
    """Set all fitted attributes of an estimator, after everything that can fail.

    Parameters
    ----------
    estimator : BaseMLP
    attributes : FittedAttributes
    outcome : Outcome
    memory : OptimizerMemory, default=None
        Kept for the next ``partial_fit``; None keeps none.
    """
    fitted = attributes.of(outcome, in_place=memory is not None)
    if memory is not None:
        # plain arrays and numbers, so that pickles name no module of this package for it
        fitted["_optimizer_memory_"] = dict(vars(memory))
    attributes.remove_others(estimator)
    vars(estimator).update(fitted)
