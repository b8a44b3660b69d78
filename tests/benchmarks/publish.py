"""Write measured tables and figures into README.md and doc/, between the marks that are there for them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README, PAGE, FIGURE = ROOT / "README.md", ROOT / "doc" / "performance.rst", ROOT / "doc" / "images" / "performance.svg"
TABLES_PAGE, TABLES_FIGURE = ROOT / "doc" / "user_guide" / "tables.rst", ROOT / "doc" / "images" / "tables.svg"


def replace_between(path, mark, text):
    """Replace what stands between ``mark`` followed by 'start' and by 'end' in a file."""
    comment = "<!-- {} -->" if path.suffix == ".md" else ".. {}"
    start, end = comment.format(f"{mark}:start"), comment.format(f"{mark}:end")
    content = path.read_text(encoding="utf-8")
    head, rest = content.split(start)
    path.write_text(f"{head}{start}\n{text}\n{end}{rest.split(end)[1]}", encoding="utf-8")


def markdown(headings, rows):
    """Return a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return (
        "\n".join("| " + " | ".join(cells) + " |" for cells in lines).replace("| --- ", "|---").replace("---|", "---|")
    )


def list_table(headings, rows):
    """Return a reStructuredText table."""
    lines = ["", ".. list-table::", "   :header-rows: 1", ""]
    for cells in [headings, *rows]:
        # a hyphen alone would be a list, and 'x' a line of its own
        texts = ["\N{EN DASH}" if cell == "-" else cell.replace(" x", "\N{NO-BREAK SPACE}x") for cell in cells]
        lines += [f"   {'* -' if i == 0 else '  -'} {text}" for i, text in enumerate(texts)]
    return "\n".join([*lines, ""])


def training(rows, headings, cells, n_threads):
    """Write the comparison with the peers, and its figure; of several threads the table on the page only."""
    if n_threads > 1:
        page("threads-table", headings, cells)
        return
    replace_between(README, "benchmark-table", markdown(headings, cells))
    replace_between(PAGE, "training-table", list_table(headings, cells))
    figure(rows)


def _pyplot():
    """Return the module, which then saves the same file from the same numbers."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "skregopt"
    return plt


def figure(rows):
    """Draw how many times as long the peers take, on a logarithmic scale."""
    plt = _pyplot()
    # marks differ in colour and in shape, for colour-blind readers
    peers = {
        "scikit-learn": ("#f7931e", "o"),
        "PyTorch": ("#d6482f", "s"),
        "JAX": ("#5e97f6", "^"),
        "Keras": ("#8c5fa8", "D"),
    }
    fig, ax = plt.subplots(figsize=(9, 0.55 * len(rows) + 1.6), layout="constrained")
    for i, (_, seconds, _, _) in enumerate(rows):
        for peer, (colour, marker) in peers.items():
            if peer in seconds:
                ratio = seconds[peer] / seconds["skregopt"]
                ax.plot(ratio, i, marker, color=colour, markersize=8, label=peer)
    handles = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    found = [peer for peer in peers if peer in handles]
    ax.legend(
        [handles[peer] for peer in found], found, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, frameon=False
    )
    ax.axvline(1, color="0.3", linewidth=1)
    ax.set(xscale="log", yticks=range(len(rows)), xlabel="time of a fit, in multiples of skregopt's (one thread)")
    ax.set_yticklabels([row[0] for row in rows])
    ax.tick_params(axis="y", length=0)
    ax.invert_yaxis()
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g} x")
    ax.grid(axis="x", color="0.9")
    ax.spines[["top", "right", "left"]].set_visible(False)
    fig.savefig(FIGURE, metadata={"Date": None})


def page(mark, headings, cells):
    """Write a table into the page on performance."""
    replace_between(PAGE, mark, list_table(headings, cells))


def tables(headings, cells, means, n_fits):
    """Write the comparison on tables, and draw error against seconds, into the page on tables.

    Parameters
    ----------
    headings, cells : list
        Of the table.
    means : dict of dict
        'error' and 'fit', the seconds, by model.
    n_fits : int
        How many fits the seconds are for.
    """
    image = [
        ".. figure:: ../images/tables.svg",
        "   :alt: Error against seconds of fits, of the estimators for tables and of other libraries",
        "",
        "   Error relative to scikit-learn's MLP against seconds of all fits. Lower and further left is better.",
        "",
    ]
    replace_between(TABLES_PAGE, "peers-table", "\n".join([list_table(headings, cells), *image]))
    plt = _pyplot()
    fig, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
    own = sorted((mean["fit"], mean["error"]) for name, mean in means.items() if name.startswith("TabularMLP"))
    ax.plot(*zip(*own, strict=True), color="#1f77b4", linewidth=1)
    for name, mean in means.items():
        is_own, place = name.startswith("TabularMLP"), (mean["fit"], mean["error"])
        colour, marker = ("#1f77b4", "o") if is_own else ("0.3", "s")
        offset, side = ((-9, -10), "right") if is_own else ((0, 7), "center")  # below the line of the own ones
        ax.plot(*place, marker, color=colour, markersize=7)
        ax.annotate(name, place, xytext=offset, textcoords="offset points", ha=side, fontsize=9, color=colour)
    ax.set(
        xscale="log",
        xlabel=f"seconds for {n_fits} fits",
        ylabel="error, in multiples of that of scikit-learn's MLP",
    )
    ax.margins(0.16)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.grid(color="0.9")
    ax.spines[["top", "right"]].set_visible(False)
    fig.savefig(TABLES_FIGURE, metadata={"Date": None})
