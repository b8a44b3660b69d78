"""Measure what a rule costs: the same fits with it and without it, in turn, one thread.

    python tests/benchmarks/overheads.py               print the table
    python tests/benchmarks/overheads.py --write       write it into doc/performance.rst

A figure is the ratio of the fastest whole fits. 'digits' is 1797x64, one hidden layer of 64, batch 64; 'wide' is
20000x100, hidden layers of 256 and 256, batch 256; both with adam. Early stopping is compared with a fit that validates
on the same rows but does not stop; the softmax of 1000 classes is its share of the time of a fit of that many classes.
"""

import argparse
import re

from compare import pin

NETWORKS = {
    "digits": {"hidden_layer_sizes": (64,), "batch_size": 64, "max_iter": 20},
    "wide": {"hidden_layer_sizes": (256, 256), "batch_size": 256, "max_iter": 1},
}
RULES = {
    "dropout 0.5": {"dropout": 0.5},
    "l1": {"penalty": "l1"},
    "elasticnet": {"penalty": "elasticnet"},
    "group_l1": {"penalty": "group_l1"},
    "weight_decay": {"weight_decay": 0.01},
    "clip_norm": {"clip_norm": 1.0},
    "max_norm": {"max_norm": 3.0},
    "ema_decay": {"ema_decay": 0.99},
    "batch_norm": {"batch_norm": True},
    "label_smoothing": {"label_smoothing": 0.1},
    **{name: {"activation": name} for name in ("tanh", "logistic", "gelu", "silu", "mish", "elu", "softplus")},
    **{name: {"solver": name} for name in ("minibatch", "rmsprop", "adagrad", "nadam", "lion")},
}
EARLY_STOPPING = "early stopping, beside validating"
SOFTMAX = "softmax over 1000 classes, share"
N_CLASSES = 1000
SPECIAL = [EARLY_STOPPING, SOFTMAX]
HEADINGS = ["rule", "digits, float32", "digits, float64", "wide, float32", "wide, float64"]


def ratios(names, repeats):
    """Return {name: list of ratios in the order of the headings}, all of a network measured in turn."""
    import numpy as np
    from cases import interleaved, load

    from skregopt import MLPClassifier

    found = {name: [] for name in names}
    for network, settings in NETWORKS.items():
        X, y = load("digits") if network == "digits" else (part[:20_000] for part in load("blobs"))
        n_held_out = len(X) // 10
        for dtype in ("float32", "float64"):
            data = X.astype(dtype)

            def fit(y=y, data=data, settings=settings, held_out=None, **rule):
                model = MLPClassifier(**{**settings, **rule}, random_state=0, tol=0, n_iter_no_change=1000)
                return lambda: model.fit(data, y, **(held_out or {}))

            fits = {"plain": fit(), **{name: fit(**RULES[name]) for name in names if name in RULES}}
            if EARLY_STOPPING in names:
                held_out = {"X_val": data[:n_held_out], "y_val": y[:n_held_out]}
                fits["validates"] = fit(held_out=held_out)
                fits[EARLY_STOPPING] = fit(held_out=held_out, early_stopping=True)
            if SOFTMAX in names:
                many = np.arange(len(X)) % N_CLASSES
                fits["many classes"] = fit(y=many)
                fits[SOFTMAX] = softmax(len(X) * settings["max_iter"], dtype)
            interleaved(fits, 1)  # loads or compiles
            seconds = interleaved(fits, repeats if network == "wide" else 4 * repeats)
            compared_with = {EARLY_STOPPING: "validates", SOFTMAX: "many classes"}
            for name in names:
                found[name].append(seconds[name] / seconds[compared_with.get(name, "plain")])
    return found


def softmax(n_rows, dtype):
    """Return a function that does what the loss of ``N_CLASSES`` classes does to so many rows, some at a time."""
    import numpy as np

    from skregopt._engine.records import LOSS_ROWS
    from skregopt._kernels.jit import entry_point, scalar_type
    from skregopt.losses import SoftmaxLogLoss

    signature = SoftmaxLogLoss.signatures["evaluate"](scalar_type(np.dtype(dtype)))
    evaluate = entry_point(SoftmaxLogLoss.evaluate, signature)
    raw = np.random.default_rng(0).standard_normal((LOSS_ROWS, N_CLASSES)).astype(dtype)
    y, weights, hyper = (np.ones((LOSS_ROWS, 1), dtype), np.ones((LOSS_ROWS, 1), dtype), np.zeros(8, dtype))

    def run():
        for _ in range(n_rows // LOSS_ROWS):
            evaluate(raw, y, weights, 1.0, hyper)  # what it leaves are numbers like any other

    return run


def main():
    """Print the table; write it where documentation shows it, if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="regular expression on the names of the rules")
    parser.add_argument("--repeats", type=int, default=9, help="of the wide network; four times as many of digits")
    parser.add_argument("--write", action="store_true", help="replace the table in the documentation")
    arguments = parser.parse_args()
    pin(1)
    found = ratios([name for name in [*RULES, *SPECIAL] if re.search(arguments.only, name)], arguments.repeats)
    rows = [
        [name, *(f"{ratio:.0%}" if name == SOFTMAX else f"{ratio - 1:+.0%}" for ratio in values)]
        for name, values in found.items()
    ]
    for cells in [HEADINGS, *rows]:
        print(("{:34}" + "{:>17}" * 4).format(*cells))
    if arguments.write:
        import publish

        publish.page("overhead-table", HEADINGS, rows)


if __name__ == "__main__":
    main()
