"""Labels that stay apart: broken into lines, set upright, shortened, or left out where there is no room."""

import re

import numpy as np

PAGE = (10.0, 7.0)  # the largest figure that a display makes of its own, in inches: a page on its side
_GAP = 0.9  # share of its room that a label may fill
_MOST_LINES = 4
_LONGEST = 30  # characters of a label in one line
_LONGEST_NAME = 40  # characters of the name of a feature
_PART = re.compile(r"[^_,=(\s]*[_,=(\s]*")  # up to where a line may end


def feature_label(names, j):
    """Return the label of feature ``j``: its name, without its middle if that is long, or its number without names."""
    return f"feature {j}" if names is None else shortened(str(names[j]), _LONGEST_NAME, 1)


def figure_size(width, height, smallest=(6.4, 4.4)):
    """Return a size in inches that is at least ``smallest``, and at most a page."""
    return tuple(np.clip([width, height], smallest, PAGE))


def lay_out(ax):
    """Give ``ax`` the place that its figure has for it, with all that is drawn so far."""
    whole = ax.figure.figure  # also of an axes in a subfigure
    if whole.get_layout_engine() is not None:
        whole.draw_without_rendering()


def size_of(ax, text, size):
    """Return width and height of a text in ``ax``, in pixels; ``size`` is the size of its font."""
    drawn = ax.text(0, 0, text, fontsize=size, transform=ax.transAxes)  # of a logarithmic axis, too
    box = drawn.get_window_extent()
    drawn.remove()
    return box.width, box.height


def label_categories(ax, x_texts, y_texts=()):
    """Label places 0, 1, ... of both axes of coordinates; an axis without texts stays as it is."""
    if len(x_texts):
        ax.set_xticks([])
    if len(y_texts):
        ax.set_yticks([])
        lay_out(ax)
        label_y(ax, range(len(y_texts)), y_texts, "medium")
    lay_out(ax)
    if len(x_texts):
        label_x(ax, range(len(x_texts)), x_texts, "medium")


def fits(ax, texts, size):
    """Tell whether each of these texts fits into a square of one by one of the coordinates."""
    room = np.abs(ax.transData.transform((1.0, 1.0)) - ax.transData.transform((0.0, 0.0)))
    return not texts or bool(np.all(np.max([size_of(ax, text, size) for text in texts], axis=0) <= _GAP * room))


def label_x(ax, places, texts, size):
    """Label places of the x axis: in lines, else upright, and only some if even these would touch.

    Parameters
    ----------
    ax : matplotlib Axes
        Its limits and its width are final.
    places : array-like of shape (n_labels,)
        In increasing order, in data coordinates.
    texts : list of str
    size : float or str
        Size of the font.
    """
    room = _GAP * np.diff(ax.transData.transform([(place, 0.0) for place in places])[:, 0]).min(initial=np.inf)
    lines = [broken_at_ends(text, room * len(text) / size_of(ax, text or " ", size)[0]) for text in texts]
    if max(map(len, lines)) <= _MOST_LINES:
        in_lines = ["\n".join(each) for each in lines]
        if max(size_of(ax, text, size)[0] for text in in_lines) <= room:
            ax.set_xticks(places, in_lines, fontsize=size)
            return
    every = int(np.ceil(size_of(ax, "x", size)[1] / room))
    shown = [shortened(text, _LONGEST, 1) for text in texts[::every]]
    ax.set_xticks(places[::every], shown, fontsize=size, rotation=90)


def label_y(ax, places, texts, size):
    """Label places of the y axis, see :func:`label_x`: in lines, and only some if even single lines would touch."""
    room = _GAP * np.diff(ax.transData.transform([(0.0, place) for place in places])[:, 1]).min(initial=np.inf)
    n_lines = room / size_of(ax, "x", size)[1]
    every = 1 if n_lines >= 1 else int(np.ceil(1 / n_lines))
    shown = [shortened(text, _LONGEST, int(np.clip(n_lines, 1, _MOST_LINES))) for text in texts[::every]]
    ax.set_yticks(places[::every], shown, fontsize=size)


def apart(places, distance):
    """Return which places to label, so that they have a distance: both ends, and between them as many as fit."""
    places = np.asarray(places)
    kept = []
    for i in sorted(range(places.size), key=lambda i: i not in (0, places.size - 1)):
        if not kept or np.abs(places[kept] - places[i]).min() >= distance:
            kept.append(i)
    return np.sort(kept)


def shortened(text, n_characters, n_lines):
    """Return a text in so many lines of so many characters, without its middle if it is longer."""
    lines = broken_at_ends(text, n_characters)
    if len(lines) <= n_lines and max(map(len, lines)) <= n_characters:
        return "\n".join(lines)
    n_characters = max(n_characters, 5)  # two of them are the text's
    excess = len(text) - n_characters * n_lines
    if excess > 0:
        left = (n_characters * n_lines - 3 + 1) // 2
        text = f"{text[:left]}...{text[left + 3 + excess :]}"
    return "\n".join(text[i : i + n_characters] for i in range(0, len(text), n_characters))


def broken_at_ends(text, n_characters):
    """Return the lines of a text, each of at most so many characters where the text has ends for that."""
    lines = [""]
    for part in _PART.findall(text):
        if lines[-1] and len(lines[-1]) + len(part.rstrip()) > n_characters:
            lines.append("")
        lines[-1] += part
    return [line.rstrip() for line in lines if line] or [""]
