"""What happens around the step of an optimizer: clipping, maximum norms, averaging."""

import numpy as np


def clipped(gradients, clip_norm):
    """Return the gradients, scaled if their norm all together is above ``clip_norm``."""
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * min(1, clip_norm / (norm + 1e-6)) for g in gradients]


def limited(W, max_norm):
    """Return the matrix with its longer columns, the incoming weights of a unit, scaled to ``max_norm``."""
    columns = [w if np.linalg.norm(w) <= max_norm else w * (max_norm / np.linalg.norm(w)) for w in W.T]
    return np.array(columns).T


def averaged(average, current, decay):
    """Return the moving average after one more value; zeros of the current weights are zeros of the average."""
    moved = current if average is None else decay * average + (1 - decay) * current
    return np.where(current == 0, 0, moved)
