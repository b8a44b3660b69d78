"""Order of the examples in the gallery: first things first. What is not listed comes last, by name."""

LESSONS = (
    "quickstart",
    "tabular",
    "overfitting",
    "l2",
    "l1_sparsity",
    "dropout",
    "early_stopping",
    "gradient_descent",
    "optimizers",
    "schedules",
    "vanishing_gradients",
    "embeddings",
    "grid_search",
)


class LessonOrder:
    """Sort key for sphinx-gallery.

    Parameters
    ----------
    src_dir : str
        Folder of the examples; not used.
    """

    def __init__(self, src_dir):
        self.src_dir = src_dir

    def __call__(self, filename):
        """Return the place of an example."""
        name = filename.removeprefix("plot_").removesuffix(".py")
        return LESSONS.index(name) if name in LESSONS else len(LESSONS), name

    def __repr__(self):
        return "<LessonOrder>"
