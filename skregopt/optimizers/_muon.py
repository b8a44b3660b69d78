"""Muon."""

from __future__ import annotations

from numbers import Integral
from typing import ClassVar

import numpy as np

from .._kernels.blas import gemm
from .._kernels.sklearn_internals import Interval
from .._kernels.typing import Kernel, Signatures
from .._kernels.views import flat_view, matrix_view
from ._adam import Adam
from ._family import DECAY, Optimizer

MOMENTUM, NESTEROV, N_STEPS, MATCHES_RMS = range(4, 8)  # places in `hyper`, after those of Adam
LINEAR, CUBIC, QUINTIC = 3.4445, -4.7750, 2.0315  # coefficients of a Newton-Schulz step


def _muon_step_matrix(weights, grad, average, slot_2, slot_3, slot_4, scratch, hyper, step_size, lr, t):
    """Orthogonalise the average gradient and step along it, see :class:`Muon`; ``grad`` is overwritten by c_t."""
    n_rows, n_columns = weights.shape
    size, smaller = n_rows * n_columns, min(n_rows, n_columns)
    number = scratch.dtype.type
    zero, one, tiny = number(0), number(1), np.finfo(scratch.dtype).tiny
    momentum, nesterov = hyper[MOMENTUM], hyper[NESTEROV] > 0
    n_steps, matches_rms = np.int64(hyper[N_STEPS]), hyper[MATCHES_RMS] > 0
    rest = one - momentum
    w, c, m = flat_view(weights, 0, size), flat_view(grad, 0, size), flat_view(average, 0, size)
    squares = zero
    for i in range(size):
        m[i] = momentum * m[i] + rest * c[i]
        c[i] = rest * c[i] + momentum * m[i] if nesterov else m[i]
        squares += c[i] * c[i]
    norm, floor = np.sqrt(squares), number(1e-7)
    scale = one / (floor if norm < floor else norm)
    # two matrices of the size of the weights, two square ones of the smaller side
    x, y = matrix_view(scratch, 0, n_rows, n_columns), matrix_view(scratch, size, n_rows, n_columns)
    gram = matrix_view(scratch, 2 * size, smaller, smaller)
    factor = matrix_view(scratch, 2 * size + smaller * smaller, smaller, smaller)
    gram_elements, factor_elements = flat_view(gram, 0, gram.size), flat_view(factor, 0, factor.size)
    start = flat_view(x, 0, size)
    for i in range(size):
        start[i] = c[i] * scale
    is_tall = n_rows > n_columns
    for _ in range(n_steps):
        gemm(is_tall, not is_tall, x, x, False, gram)
        gemm(False, False, gram, gram, False, factor)
        for i in range(factor.size):
            factor_elements[i] = number(CUBIC) * gram_elements[i] + number(QUINTIC) * factor_elements[i]
        for i in range(0, factor.size, smaller + 1):
            factor_elements[i] += number(LINEAR)
        if is_tall:
            gemm(False, False, x, factor, False, y)
        else:
            gemm(False, False, factor, x, False, y)
        x, y = y, x
    direction = flat_view(x, 0, size)
    rate = lr * np.sqrt(max(one, number(n_columns) / number(n_rows)))
    if matches_rms:
        rate = lr * number(0.2) * np.sqrt(number(max(n_rows, n_columns)))
    if step_size.size == 0:
        for i in range(size):
            w[i] -= rate * direction[i]
        return
    # The step takes its sign from c and its magnitude from the direction, but at least a share of the magnitude of c.
    # With the sign of the direction, stationary points would be no fixed points; with a magnitude near zero, weights
    # would stand still before they are stationary.
    squares = zero
    for i in range(size):
        squares += direction[i] * direction[i]
    norm = np.sqrt(squares)
    least = number(0.1) * scale * (one if norm < one else norm)
    # c weighs past gradients by 1 - momentum^t in total, with Nesterov's momentum by 1 - momentum^(t + 1)
    proximal = rate * (one - momentum ** number(t + 1 if nesterov else t))
    for i in range(size):
        magnitude = abs(c[i])
        ratio = abs(direction[i]) / (tiny if magnitude < tiny else magnitude)
        step_size[i] = proximal * (least if ratio < least else ratio)
        step = rate * (least * magnitude if ratio < least else abs(direction[i]))
        w[i] -= step if c[i] > zero else -step if c[i] < zero else c[i]


class Muon(Adam):
    r"""Orthogonalised momentum (Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024).

    It updates every weight matrix but the output layer's; output layer and intercepts follow :class:`Adam`, at the same
    learning rate. With gradient G_t, M_0 = 0, momentum mu and q(s) = 3.4445 s - 4.7750 s^3 + 2.0315 s^5, as in
    ``torch.optim.Muon``, but in the working precision instead of bfloat16::

        M_t = mu M_{t-1} + (1 - mu) G_t
        C_t = (1 - mu) G_t + mu M_t              (Nesterov; otherwise C_t = M_t)
        C_t / max(||C_t||_F, 1e-7) = U S V^T
        O_t = U q(...q(S)) V^T                   (n_steps times, by matrix products)
        W_t = W_{t-1} - lr sqrt(max(1, fan_out / fan_in)) O_t

    The decoupled decay of ``torch.optim.Muon``, 0.1, is the default of ``weight_decay`` and acts on all ``coefs_``.
    Step size of the proximal operator: ``|update_ij| / |c_ij|``, where c is C_t over 1 - mu^(t+1) (Nesterov) or
    1 - mu^t.
    With a non-smooth penalty, ``max(|O_ij|, 0.1 |C_ij| ||O||_F / ||C||_F) sign(C_ij)`` takes the place of O_ij: where
    O_ij has another sign than C_ij, a stationary point of the objective would not be a fixed point.

    Parameters
    ----------
    beta_1, beta_2 : float in [0, 1), default=0.9 and 0.999
        Decay rates of Adam's moments, per update.
    epsilon : float > 0, default=1e-8
        Added to the root of Adam's second moment.
    amsgrad : bool, default=False
        See :class:`Adam`.
    momentum : float in [0, 1), default=0.95
        Decay rate mu of the average gradient, per update.
    nesterovs_momentum : bool, default=True
        Whether to look ahead (Nesterov).
    n_steps : int in [1, 99], default=5
        Newton-Schulz steps.
    match_rms_adamw : bool, default=False
        Whether the learning rate is scaled by 0.2 sqrt(max(fan_in, fan_out)) instead, so that updates are as large as
        with AdamW (Liu et al., "Muon is scalable for LLM training", 2025).

    Examples
    --------
    >>> from skregopt.optimizers import Muon
    >>> Muon(match_rms_adamw=True)
    Muon(match_rms_adamw=True)
    """

    flat_parameters: ClassVar[tuple[str, ...]] = ()
    signatures: ClassVar[Signatures] = Optimizer.signatures | Optimizer.matrix_signatures
    _parameter_constraints = Adam._parameter_constraints | {
        "momentum": DECAY,
        "nesterovs_momentum": ["boolean"],
        "n_steps": [Interval(Integral, 1, 99, closed="both")],
        "match_rms_adamw": ["boolean"],
    }
    default_weight_decay: float = 0.1
    step_matrix: Kernel = staticmethod(_muon_step_matrix)

    def __init__(
        self,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        amsgrad: bool = False,
        momentum: float = 0.95,
        nesterovs_momentum: bool = True,
        n_steps: int = 5,
        match_rms_adamw: bool = False,
    ) -> None:
        super().__init__(beta_1, beta_2, epsilon, amsgrad)
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.n_steps = n_steps
        self.match_rms_adamw = match_rms_adamw
