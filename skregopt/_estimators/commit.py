"""Last stage of a fit: the outcome becomes fitted attributes, all at once."""

import numpy as np

from .fitted import OF_FEATURES, OF_NORMALISATIONS, weight_attributes


class FittedAttributes:
    """Makes fitted attributes of the outcomes of a fit.

    Parameters
    ----------
    resolved : Resolved
    inputs : Inputs
    n_rows : int
        Rows that are trained on.

    Attributes
    ----------
    structure : dict
        Fitted attributes that no epoch changes; with weights they are enough for predictions.
    layout : Layout
    """

    def __init__(self, resolved, inputs, n_rows):
        network = inputs.network
        self.layout = network.layout
        self.structure = inputs.attributes | {
            "n_layers_": network.layout.units.size,
            "n_outputs_": int(network.layout.units[-1]),
            "out_activation_": network.loss.out_activation,
            "_rules": (network.activations, network.loss),  # for predictions, whatever the parameters are by then
            "_dropout_rates": (network.input_dropout, *network.dropout),
            "_seed": inputs.seed,
        }
        self._early_stopping = resolved.given["early_stopping"]
        self._previous = inputs.previous
        self._n_rows = n_rows

    def of(self, outcome):
        """Return all fitted attributes, by name, of a fit that ended with an :class:`Outcome`."""
        losses = self._continued("loss_curve_", outcome.loss_curve)
        validation_losses = self._continued("validation_loss_curve_", outcome.validation_loss_curve)
        attributes = {
            **self.structure,
            **weight_attributes(np.array(outcome.theta), self.layout),
            "n_iter_": outcome.n_iter,
            "t_": self._previous.get("t_", 0) + outcome.n_iter * self._n_rows,
            "loss_curve_": losses,
            "learning_rate_curve_": self._continued("learning_rate_curve_", outcome.learning_rate_curve),
            "validation_loss_curve_": validation_losses or None,
            "loss_": losses[-1] if losses else np.nan,
        }
        if self._early_stopping:
            return attributes | {
                "validation_scores_": self._continued("validation_scores_", outcome.validation_scores),
                "best_validation_score_": outcome.best_score,
                "best_iter_": outcome.best_epoch,
                "best_loss_": None,
            }
        nothing = dict.fromkeys(("validation_scores_", "best_validation_score_", "best_iter_"))
        return attributes | nothing | {"best_loss_": min(losses, default=np.inf)}

    def _continued(self, name, values):
        """Return a curve behind the same one of the fits that this one continues."""
        return [*(self._previous.get(name) or []), *values]

    def remove_others(self, estimator):
        """Remove attributes of an earlier fit that are none of this one."""
        optional = {*OF_FEATURES, *OF_NORMALISATIONS, "_optimizer_memory_"}
        for name in optional - self.structure.keys() - self.layout.starts.keys():
            vars(estimator).pop(name, None)


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
    fitted = attributes.of(outcome)
    if memory is not None:
        # plain arrays and numbers, so that pickles name no module of this package for it
        fitted["_optimizer_memory_"] = dict(vars(memory))
    attributes.remove_others(estimator)
    vars(estimator).update(fitted)
