"""Networks as operators of ONNX.

Activations, embeddings and losses have their own ONNX form, ``to_onnx``, beside their kernels. This file adds the
layers. A block that is affine in prediction becomes part of the weights.
"""

import inspect
from functools import partial

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._engine.blocks import ActivationBlock, EmbeddingBlock, Product, TrainableActivationBlock
from ..model_selection._cross_validation import BaseMLPCV


def fitted_mlp(estimator):
    """Return the fitted MLP that predicts: ``best_estimator_`` of a cross-validated estimator, otherwise itself."""
    check_is_fitted(estimator)
    return estimator.best_estimator_ if isinstance(estimator, BaseMLPCV) else estimator


def add_network(op, estimator, X):
    """Add the network to a graph. Return the name of its raw predictions, of shape (n_samples, n_outputs)."""
    network = estimator._network()
    estimator._check_fitted_widths(network, estimator.n_features_in_)
    z, arrays = X, network.layout.views(estimator._theta())
    coefs, intercepts = arrays.pop("coefs_"), arrays.pop("intercepts_")
    if network.embedding is not None:
        z = _embedded(op, network, X, arrays)
    for layer, blocks in enumerate(network.blocks):
        coef, intercept = np.asarray(coefs[layer], np.float64), np.asarray(intercepts[layer], np.float64)
        forms = []
        for block in blocks:
            vectors = {vector.attribute: arrays[vector.attribute][layer] for vector in block.vectors}
            if isinstance(block, TrainableActivationBlock):
                onnx_form(block.rule, "activate")
            if not forms and (factor_and_offset := block.affine(vectors)) is not None:
                factor, offset = factor_and_offset
                coef, intercept = coef * factor, intercept * factor + offset
            elif isinstance(block, ActivationBlock):
                forms.append(partial(onnx_form(block.rule, "activate"), op))
            elif not isinstance(block, EmbeddingBlock | Product):
                forms.append(partial(block.to_onnx, op, vectors={k: v.astype(op.dtype) for k, v in vectors.items()}))
        z = op.Gemm(z, coef.astype(op.dtype), intercept.astype(op.dtype))
        for form in forms:
            z = form(z)
    return z


def _embedded(op, network, X, arrays):
    """Add the embedding of features to a graph. Return the name of the inputs of the first product."""
    rule = network.embedding.rule
    onnx_form(rule, "embed")
    arrays = {
        vector.attribute: [array.astype(op.dtype) for array in arrays[vector.attribute]] for vector in rule.vectors
    }
    return network.blocks[0][0].to_onnx(op, X, arrays)


def invert_link(op, estimator, raw_prediction):
    """Add the inverse link to a graph. Return the name of the predictions."""
    return onnx_form(estimator._rules[1], "invert_link")(op, raw_prediction)


def onnx_form(component, kernel):
    """Return ``to_onnx`` of a component. ValueError if the class that defines its kernel has no ONNX form of it."""
    classes = type(component).__mro__
    where = {name: next(i for i, cls in enumerate(classes) if name in vars(cls)) for name in ("to_onnx", kernel)}
    if where["to_onnx"] > where[kernel]:
        arguments = ", ".join(inspect.signature(classes[where["to_onnx"]].to_onnx).parameters)
        raise ValueError(
            f"The {component.family} {component!r} has no ONNX form. Define to_onnx({arguments}) in the class "
            f"{classes[where[kernel]].__name__}, beside its kernel {kernel!r}. It returns the same in operators of "
            "ONNX. The guide on custom components has an example."
        )
    return component.to_onnx
