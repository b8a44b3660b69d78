"""Measure where the time of an epoch goes: products of matrices, the optimizer's step, gathering rows, the loss.

    python tests/benchmarks/parts.py                   print the table
    python tests/benchmarks/parts.py --write           write it into doc/performance.rst

Each part is run alone, in compiled code, on matrices of the network's shapes, as often as an epoch does, in turn with
whole fits (of one thread), from whose epochs set-up is taken off by the difference of longer and shorter ones. What is
left is activations, intercepts, the penalty, and going from one to the next.
"""

import argparse

from compare import pin

PARTS = ["products", "step", "gathering", "loss"]
HEADINGS = ["work", "epoch", *PARTS, "the rest", "products alone, share of the peak"]


def parts(case, X, y):
    """Return {part: a function that does what an epoch does of it}."""
    import numpy as np
    import part_kernels

    from skregopt._engine import update
    from skregopt._engine.layout import Layout
    from skregopt._engine.records import LOSS_ROWS, SOURCE
    from skregopt._engine.source import Source
    from skregopt._kernels.blas import SMALL_MATRIX
    from skregopt._kernels.jit import scalar_type
    from skregopt._kernels.memory import aligned_copy
    from skregopt.losses import SoftmaxLogLoss
    from skregopt.optimizers import OPTIMIZERS

    dtype = np.dtype(case.dtype)
    products, steps, gather, losses = part_kernels.compiled(scalar_type(dtype))
    layers = np.array([X.shape[1], *case.hidden, int(y.max()) + 1])
    size, batch, widest = Layout(layers).size, case.batch_size, int(layers.max())
    n_batches = -(-len(X) // batch)
    pieces = update.pieces(Layout(layers), batch, by_matrix=False, factors=None, is_ntp=False)
    rng = np.random.default_rng(0)
    source, order = Source(X), rng.permutation(len(X))

    def random(*shape):
        return aligned_copy(rng.random(shape).astype(dtype))

    inputs, deltas, theta, grad, transposed = (
        random(batch * widest), random(batch * widest), random(size), random(size), random(1, SMALL_MATRIX),
    )  # fmt: skip
    moments, nothing, no_indices = (random(size), random(size)), random(0), np.empty(0, np.int64)
    scalars = np.array([1e-3, 0.9, 0.1, 0.999, 0.001, 1e-8, 1e-3, 0], dtype)
    step = OPTIMIZERS[case.solver]().compiled("step", dtype)
    evaluate = SoftmaxLogLoss().compiled("evaluate", dtype)
    gathered, raw, spoilt = random(batch * X.shape[1]), random(LOSS_ROWS, layers[-1]), random(LOSS_ROWS, layers[-1])
    labels, weights, hyper = np.zeros((LOSS_ROWS, 1), dtype), np.ones((LOSS_ROWS, 1), dtype), np.zeros(8, dtype)
    return {
        "products": lambda: products(layers, n_batches, batch, inputs, theta, transposed, deltas, grad, pieces),
        "step": lambda: steps(step, n_batches, update.CHUNK, theta, grad, *moments, nothing, scalars),
        "gathering": lambda: gather(
            source.loader(dtype), batch, np.array([source.fields], SOURCE), order, gathered, nothing, no_indices
        ),
        "loss": lambda: losses(evaluate, len(X) // LOSS_ROWS, raw, labels, weights, hyper, spoilt),
    }


def measure(case):
    """Return the row of a case."""
    from cases import gemm_peak, interleaved, load

    from skregopt import MLPClassifier

    X, y = load(case.data)
    X = X.astype(case.dtype)

    def fit(epochs):
        model = MLPClassifier(
            case.hidden, solver=case.solver, batch_size=case.batch_size, max_iter=epochs, tol=0,
            n_iter_no_change=epochs + 1, random_state=0,
        )  # fmt: skip
        return lambda: model.fit(X, y)

    functions = parts(case, X, y) | {"fit": fit(case.epochs), "longer fit": fit(2 * case.epochs)}
    interleaved(functions, 1)
    peaks = []
    seconds = interleaved({**functions, "peak": lambda: peaks.append(gemm_peak(case.dtype))}, 2 * case.repeats)
    epoch = (seconds["longer fit"] - seconds["fit"]) / case.epochs
    shares = [seconds[part] / epoch for part in PARTS]
    flops = case.flops(len(X), [X.shape[1], *case.hidden, int(y.max()) + 1])
    return [
        case.name,
        f"{1000 * epoch:.3g} ms",
        *(f"{share:.0%}" for share in shares),
        f"{1 - sum(shares):.0%}",
        f"{flops / seconds['products'] / 1e9 / max(peaks):.0%}",
    ]


def main():
    """Print the table; write it where documentation shows it, if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="replace the table in the documentation")
    arguments = parser.parse_args()
    pin(1)
    from cases import CASES

    rows = []
    for case in CASES:
        if case.batch_size > 1 and case.data != "text":
            rows.append(measure(case))
            print(" | ".join(rows[-1]), flush=True)
    if arguments.write:
        import publish

        publish.page("parts-table", HEADINGS, rows)


if __name__ == "__main__":
    main()
