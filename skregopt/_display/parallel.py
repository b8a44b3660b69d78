"""Parallel coordinates: an upright axis for each parameter and for the score, a line for each candidate."""

import numpy as np

from .drawing import GREY, ORANGE, PALE
from .labels import apart, broken_at_ends, label_x, lay_out, shortened, size_of
from .scales import round_levels

_FONTS = ("small", "x-small")  # of the labels of values: the largest in which no word is broken
_MARGIN = 5  # points between an axis and its labels
_FILLED = 0.8  # share of the room between two axes, and between two ticks, that a label may fill
_SIDES = (-0.9, 0.5)  # how far labels may reach outside the first axis and the last, in distances of axes


def draw_parallel(ax, names, scales, scores, score_name, best, cmap, line_kw):
    """Draw candidates as lines, and return those with a score, in the order of increasing score.

    Parameters
    ----------
    ax : matplotlib Axes
    names : list of str
        Of the parameters.
    scales : list of Scale
        Of the parameters.
    scores : ndarray of shape (n_candidates,)
        NaN for failed fits, which are dotted.
    score_name : str
    best : int
        Number of the candidate that stands out.
    cmap : str or Colormap
        Colours of the scores.
    line_kw : dict
        Arguments of matplotlib for the other lines.

    Returns
    -------
    list of matplotlib Line2D
    """
    import matplotlib.pyplot as plt

    low, high = np.nanmin(scores), np.nanmax(scores)
    heights = (scores - low) / (high - low if high > low else 1.0)
    colours = plt.get_cmap(cmap)
    positions = np.arange(len(scales) + 1)
    lines = []
    for row in np.flatnonzero(np.isnan(scores)):
        ax.plot(positions[:-1], [scale.shares[row] for scale in scales], ":", color=PALE, linewidth=1)
    for row in np.argsort(scores, kind="stable")[: np.count_nonzero(~np.isnan(scores))]:
        style = {"color": ORANGE if row == best else colours(heights[row]), "linewidth": 2.6 if row == best else 1.1}
        style |= {"alpha": 0.75, "zorder": 2} | line_kw if row != best else {"zorder": 3}
        lines += ax.plot(positions, [*(scale.shares[row] for scale in scales), heights[row]], **style)
    ax.vlines(positions, 0, 1, color=GREY, linewidth=1.2, zorder=4)
    ax.set(xlim=(_SIDES[0], positions[-1] + _SIDES[1]), ylim=(-0.06, 1.06), xticks=[], yticks=[])
    ax.tick_params(axis="x", length=0)
    ax.spines[:].set_visible(False)
    lay_out(ax)
    label_x(ax, positions, [*names, score_name], "medium")
    lay_out(ax)  # names that are long take from the height
    for position, scale in enumerate(scales):
        _draw_ticks(ax, position, *scale.ticks())
    levels = round_levels(low, high)
    at = (levels - low) / (high - low if high > low else 1.0)
    _draw_ticks(ax, positions[-1], at, [f"{level:.4g}" for level in levels], side=-1)
    return lines


def _draw_ticks(ax, position, places, texts, side=1):
    """Mark places of an axis, and label them on the left (``side`` is 1) or on the right (-1)."""
    white = {"facecolor": "white", "alpha": 0.9, "edgecolor": "none", "pad": 0.8}
    distance, height = np.abs(ax.transData.transform((1.0, 1.0)) - ax.transData.transform((0.0, 0.0)))
    parts = {part for text in texts for part in broken_at_ends(text, 0)}
    for font in _FONTS:
        if max(size_of(ax, part, font)[0] for part in parts) <= _FILLED * distance:
            break
    widest = max(size_of(ax, part, font)[0] / max(len(part), 1) for part in parts)
    line = 1.15 * size_of(ax, "x(", font)[1]
    for place in places:
        ax.plot([position - 0.02 * side, position], [place, place], color=GREY, linewidth=1.2, zorder=4)
    kept = apart(np.asarray(places) * height, line)
    room = np.diff(np.sort(np.asarray(places)[kept])).min(initial=1.0) * height
    for i in kept:
        text = shortened(texts[i], int(_FILLED * distance / widest), max(1, int(_FILLED * room / line)))
        ax.annotate(
            text, (position, places[i]), (-_MARGIN * side, 0), textcoords="offset points", va="center",
            ha="right" if side > 0 else "left", fontsize=font, bbox=white, zorder=5,
        )  # fmt: skip
