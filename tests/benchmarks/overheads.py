"""Measure what a rule costs: the same fits with it and without it, in turn, one thread.

    python tests/benchmarks/overheads.py               print the table
    python tests/benchmarks/overheads.py --write       write it into doc/performance.rst

A figure is the ratio of the medians of whole fits. 'digits' is 1797x64, one hidden layer of 64, batch 64; 'wide' is
20000x100, hidden layers of 256 and 256, batch 256; both with adam in float32.
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
HEADINGS = ["rule", "digits, float32", "digits, float64", "wide, float32", "wide, float64"]


def ratios(rules, repeats):
    """Return {rule: list of ratios in the order of the headings}, all rules measured in turn."""
    from cases import interleaved, load

    from skregopt import MLPClassifier

    found = {name: [] for name in rules}
    for network, settings in NETWORKS.items():
        X, y = load("digits") if network == "digits" else (part[:20_000] for part in load("blobs"))
        for dtype in ("float32", "float64"):
            data = X.astype(dtype)
            models = {
                name: MLPClassifier(**{**settings, **rule}, random_state=0, tol=0, n_iter_no_change=1000)
                for name, rule in {"plain": {}, **rules}.items()
            }
            fits = {name: lambda model=model, data=data, y=y: model.fit(data, y) for name, model in models.items()}
            interleaved(fits, 1)  # loads or compiles
            seconds = interleaved(fits, repeats)
            for name in rules:
                found[name].append(seconds[name] / seconds["plain"])
    return found


def main():
    """Print the table; write it where documentation shows it, if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="regular expression on the names of the rules")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--write", action="store_true", help="replace the table in the documentation")
    arguments = parser.parse_args()
    pin(1)
    found = ratios({name: rule for name, rule in RULES.items() if re.search(arguments.only, name)}, arguments.repeats)
    rows = [[name, *(f"{ratio - 1:+.0%}" for ratio in values)] for name, values in found.items()]
    for cells in [HEADINGS, *rows]:
        print(("{:16}" + "{:>17}" * 4).format(*cells))
    if arguments.write:
        import publish

        publish.page("overhead-table", HEADINGS, rows)


if __name__ == "__main__":
    main()
