"""Digests of many small fits: the proof that a change of the code changes no bit of any result.

    python tests/benchmarks/digests.py write FILE.npz                    before the change
    python tests/benchmarks/digests.py compare FILE.npz [--tolerance]    after it: status 1 if anything differs

Each fit has a name and leaves one vector: fitted attributes, predictions, texts of warnings, or of the exception. All
is done by the public API, so that this file measures every version of the package: the one that PYTHONPATH names. Both
runs belong on one machine with the same libraries: another processor or BLAS rounds in another way. Version 0.1.0 wants
each command twice, and the second run believed: there, code that was just compiled may differ in the last bit from what
is loaded from disk.
"""

import argparse
import pickle
import warnings
from functools import cache, partial
from itertools import product

import numpy as np
import scipy.sparse as sp
from sklearn.model_selection import GroupKFold, KFold, ParameterGrid

import skregopt
from skregopt.activations import ACTIVATIONS, LeakyReLU
from skregopt.initializers import INITIALIZERS, Orthogonal
from skregopt.losses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES, Focal, Huber, Quantile
from skregopt.model_selection import MLPClassifierCV, MLPRegressorCV, regularization_path
from skregopt.optimizers import OPTIMIZERS, SGD, Adadelta, Adagrad, Adam, Lion, Muon, Nadam, RMSprop
from skregopt.penalties import PENALTIES, ElasticNet, GroupL1
from skregopt.schedules import SCHEDULES, Cosine, Exponential, InvScaling, OneCycle, Plateau, Step, Warmup

TOLERANCES = {"float32": 1e-5, "float64": 1e-12}
CLASSES = ("binary", "multiclass", "multilabel", "single class")
NUMBERS = ("one output", "outputs")
TASKS, BOTH = (*CLASSES[:3], *NUMBERS), ("multiclass", "outputs")
SOLVERS = [
    *OPTIMIZERS, SGD(momentum=0.0), SGD(momentum=0.5, nesterovs_momentum=False), Adam(beta_1=0.8, amsgrad=True),
    Nadam(momentum_decay=0.1), RMSprop(centered=True), RMSprop(momentum=0.5), RMSprop(0.9, 0.5, True), Adadelta(0.8),
    Adagrad(0.1, 0.1), Lion(beta_2=0.9), Muon(amsgrad=True, nesterovs_momentum=False), Muon(match_rms_adamw=True),
]  # fmt: skip
RATES = [
    *SCHEDULES, Warmup(), Warmup("cosine", 2), Warmup("one_cycle", 2, 0.1), Warmup(Plateau(patience=1), 1), Step(2),
    Exponential(0.8), InvScaling(0.2), Cosine(1e-4, 2, 2), OneCycle(0.6), Plateau(0.5, patience=0, cooldown=1),
]  # fmt: skip
AROUND_THE_STEP = [
    {"dropout": [0.4, 0.0]}, {"input_dropout": 0.2}, {"dropout": 0.3, "input_dropout": 0.2}, {"weight_decay": 0.1},
    {"max_norm": 0.5}, {"clip_norm": 0.1}, {"ema_decay": 0.9}, {"batch_norm": True}, {"batch_size": 1, "dropout": 0.2},
    {"batch_norm": True, "batch_size": 24, "max_norm": 1.0}, {"batch_norm": True, "dropout": 0.2, "solver": "muon"},
    {"batch_norm": True, "clip_norm": 0.1, "ema_decay": 0.9, "penalty": "elasticnet", "alpha": 0.01},
    {"penalty": "l1", "alpha": 0.01, "ema_decay": 0.9, "max_norm": 1.0, "dropout": 0.1}, {"shuffle": False},
    {"penalty": "group_l1", "alpha": 0.02, "input_dropout": 0.1, "clip_norm": 0.5, "weight_decay": 0.01},
]  # fmt: skip


@cache
def table(n_rows, n_features, dtype="float64", sparse=False):
    """Return X and the target of each task."""
    X = np.random.RandomState(n_rows).standard_normal((n_rows, n_features))
    signal = X[:, :3] + X[:, 3:6] ** 2 / 2 - 0.5
    targets = {
        "binary": np.where(signal[:, 0] > 0, "yes", "no"), "multiclass": signal.argmax(axis=1),
        "multilabel": (signal > 0).astype(int), "single class": np.full(n_rows, 7),
        "one output": np.exp(signal[:, 0] / 2), "outputs": np.exp(signal / 2), "counts": np.floor(np.exp(signal / 2)),
    }  # fmt: skip
    X = X.astype(dtype)
    return sp.csr_matrix(np.where(X > 0.3, X, 0)) if sparse else X, targets


def flat(value):
    """Return the numbers and letters in a value, or in what a fit leaves, as float64, which loses no bit of float32."""
    if hasattr(value, "coefs_"):
        value = [getattr(value, name, None) for name in dir(value) if name.endswith("_") and not name.startswith("_")]
    if isinstance(value, list | tuple):
        return np.concatenate([np.empty(0), *map(flat, value)])
    value = np.asarray(np.nan if value is None else value)
    if value.dtype.kind == "U":
        value = np.frombuffer(value.tobytes(), dtype=np.uint32)
    return value.astype(np.float64).ravel()


def trained(model, X, y, n_calls=1, draws=None, **arguments):
    """Fit, and return what that leaves and predicts, for all rows and for one alone."""
    for _ in range(n_calls):
        model.fit(X, y, **arguments)
    predict = partial(getattr(model, "predict_proba", model.predict), **draws or {})
    return flat([model, predict(X), predict(X[:1]), model.predict(X)])


def trained_in_parts(model, X, y):
    """Fit by ``partial_fit``, part by part, twice all; every other time a copy by pickle goes on."""
    classes = {"classes": np.arange(3)} if hasattr(model, "predict_proba") else {}
    for number, start in enumerate([*range(0, X.shape[0], 25)] * 2):
        model = pickle.loads(pickle.dumps(model)) if number % 2 else model
        model.partial_fit(X[start : start + 25], y[start : start + 25], **classes)
    return flat([model, model.predict(X)])


def fits(dtype, tasks, variants, note="", X=None, shape=(97, 6), sparse=False, how=trained, **arguments):
    """Yield the name of a fit and a function that makes it, for each task and each variant of the parameters."""
    rows, targets = table(*shape, dtype, sparse)
    for task, parameters in product(tasks, ParameterGrid(variants) if isinstance(variants, dict) else variants):
        batch_size = "auto" if parameters.get("solver") in ("gd", "sgd") else 32
        usual = {"hidden_layer_sizes": (7, 5), "batch_size": batch_size, "max_iter": 4, "random_state": 0}
        model = (skregopt.MLPClassifier if task in CLASSES else skregopt.MLPRegressor)(**usual | parameters)
        words = [dtype, task, "{} x {}".format(*shape) + " CSR" * sparse, *[note] * bool(note)]
        name = " ".join(", ".join([*words, *(f"{key}={value!r}" for key, value in parameters.items())]).split())
        yield name, partial(how, model, rows if X is None else X, targets[task], **arguments)


def rules(of, dtype):
    """Yield fits with each rule of each registry; for counts, which may be 0, gamma raises."""
    yield from of(["multiclass"], {"activation": [*ACTIVATIONS, LeakyReLU(0.2), ["gelu", "tanh"]]})
    yield from of(["outputs"], {"weight_init": [*INITIALIZERS, Orthogonal(1.5)], "activation": ["logistic", "relu"]})
    yield from of(CLASSES, {"loss": [*CLASSIFICATION_LOSSES, Focal(gamma=0.5)]})
    yield from of(CLASSES, {"loss": [*CLASSIFICATION_LOSSES], "label_smoothing": [0.1]})
    yield from of([*NUMBERS, "counts"], {"loss": [*REGRESSION_LOSSES, Huber(0.3), Quantile(0.9)]})
    yield from of(["one output"], {"loss": [Quantile([0.9, 0.1, 0.5])], "solver": ["adam", "lbfgs"]})
    yield from of(["one output"], {"solver": SOLVERS, "penalty": [*PENALTIES, ElasticNet(0.9)], "alpha": [0.01]})
    yield from of(["multiclass"], {"penalty": ["elasticnet", "group_l1"], "l1_ratio": [0.0, 1.0], "alpha": [0.02]})
    yield from of(["multiclass"], {"learning_rate": RATES, "solver": ["adam", "minibatch"], "max_iter": [7]})
    yield from of(BOTH, {"learning_rate": RATES, "tol": [0.01], "n_iter_no_change": [2], "max_iter": [60]})


def inputs(of, dtype):
    """Yield fits to data of each kind, and with weights of rows and of classes."""
    X, sparse = table(97, 6)[0], table(97, 6, sparse=True)[0]
    long = sparse.copy()
    long.indices, long.indptr = sparse.indices.astype(np.int64), sparse.indptr.astype(np.int64)
    kinds = {
        "C": X, "Fortran": np.asfortranarray(X), "strided": np.repeat(np.repeat(X, 2, 0), 3, 1)[::2, ::3],
        "reversed": X[::-1, ::-1], "float32": X.astype(np.float32), "int8": (X * 3).astype(np.int8), "bool": X > 0,
        "one feature": X[:, :1], "CSR": sparse, "CSR int64": long, "CSR float32": sparse.astype(np.float32),
        "CSR int8": (sparse * 3).astype(np.int8), "CSR bool": sparse.astype(bool), "CSC": sparse.tocsc(),
    }  # fmt: skip
    for note, kind in kinds.items():
        yield from of(["multiclass", "one output"], [{"dtype": dtype}], note, kind)
    weights = {"sample_weight": np.random.RandomState(1).uniform(size=97) * (np.arange(97) % 4 > 0)}
    stops = {"early_stopping": True, "batch_norm": True}
    variants = [{}, {"batch_norm": True}, {"solver": "lbfgs"}, {"clip_norm": 0.1}, {"solver": "sgd"}, stops]
    yield from of(TASKS, variants, "weights", **weights)
    labels = [{0: 1, 1: 2}, {0: 0.5, 1: 1}, {0: 3, 1: 1}]
    for task, given in {"binary": {"no": 1, "yes": 3}, "multiclass": {0: 0, 2: 5}, "multilabel": labels}.items():
        variants = [{"class_weight": value} | more for value in ("balanced", given) for more in ({}, stops)]
        yield from of([task], variants, "weights", **weights)


def courses(of, dtype):
    """Yield fits by each kind of solver, with everything around the step, and those that stop in each way."""
    X_val, y_val = table(41, 6)
    yield from of([*TASKS, "single class"], {"solver": ["gd", "sgd", "minibatch", "lbfgs"]})
    yield from of(BOTH, {"hidden_layer_sizes": [(), (1,), (9, 8, 7), (3000,)], "solver": ["adam", "lbfgs", "sgd"]})
    for sparse in (False, True):
        yield from of(BOTH, AROUND_THE_STEP, sparse=sparse)
        tiled = partial(of, shape=(1100, 20), sparse=sparse)  # several tiles for each update
        yield from tiled(BOTH, {"solver": ["gd", "lbfgs"], "hidden_layer_sizes": [(), (30, 20)]})
        yield from tiled(BOTH, [{"solver": "gd", "clip_norm": 0.1}, {"batch_size": 700, "dropout": 0.2}])
    early = {"early_stopping": True, "max_iter": 12, "n_iter_no_change": 2, "learning_rate_init": 0.05}
    variants = [early | more for more in ({}, {"solver": "lbfgs"}, {"validation_fraction": 0.3, "ema_decay": 0.5})]
    yield from of(TASKS, variants)
    folds = {"early_stopping": [True], "validation_fraction": [KFold(3), GroupKFold(4)]}
    yield from of(TASKS, folds, groups=np.arange(97) % 9)
    scorers = {"binary": "neg_log_loss", "multiclass": "accuracy", "multilabel": "f1_macro", "outputs": "r2"}
    for task, scoring in scorers.items():
        yield from of([task], [variant | {"scoring": scoring} for variant in variants])
        given = {"X_val": X_val, "y_val": y_val[task], "sample_weight_val": np.arange(41) % 5}
        yield from of([task], [{}, early, {"solver": "lbfgs"}, early | {"scoring": scoring}], "X_val", **given)


def sequences(of, dtype):
    """Yield fits that go on where others have ended, and regularisation paths."""
    variants = [*AROUND_THE_STEP, *ParameterGrid({"learning_rate": RATES, "solver": ["minibatch", Adam(amsgrad=True)]})]
    yield from of(BOTH, variants, "partial_fit", how=trained_in_parts)
    yield from of(["multilabel"], [{"class_weight": [{0: 1, 1: 2}] * 3}], "partial_fit", how=trained_in_parts)
    warm = [variant | {"warm_start": True} for variant in (*variants, {"solver": "lbfgs"}, {"early_stopping": True})]
    yield from of(BOTH, [{}, *warm], "three times", n_calls=3)
    coefs = [np.sin(np.arange(np.prod(shape)).reshape(shape)) for shape in ((6, 7), (7, 5), (5, 3))]
    start = {"coef_init": coefs, "intercept_init": [coef[0] for coef in coefs]}
    yield from of(BOTH, [{}, {"solver": "lbfgs"}, {"batch_norm": True}], "coef_init", **start)
    path = partial(of, note="path", how=lambda *given, **more: flat(regularization_path(*given, **more)))
    linear = {"hidden_layer_sizes": [()], "penalty": ["l1", "elasticnet", "group_l1"], "max_iter": [40]}
    yield from path(TASKS, linear, n_alphas=4)
    yield from path(TASKS, {"penalty": ["l1", "group_l1"], "max_iter": [20]}, alphas=[0.003, 0.1, 0.02])
    yield from path(BOTH, [{"penalty": GroupL1(0.7), "max_iter": 12}], n_alphas=3, eps=0.1)
    for task, search in {"multiclass": MLPClassifierCV, "outputs": MLPRegressorCV}.items():
        how = lambda model, *data, search=search: trained(search(model, n_alphas=3, eps=0.1, cv=3), *data)  # noqa: E731
        yield from of([task], {"hidden_layer_sizes": [(), (5,)], "penalty": ["l1"], "max_iter": [20]}, "CV", how=how)


def threads(of, dtype):
    """Yield fits and predictions that are large enough for two threads, and draws of thinned networks."""
    usual = {"hidden_layer_sizes": (128, 64), "batch_size": 384, "max_iter": 2}
    solvers = [{"solver": "gd", "batch_size": "auto"}, {"solver": "lbfgs"}, {"early_stopping": True}]
    for sparse, jobs in product((False, True), ({"n_jobs": 1}, {"n_jobs": 2})):
        variants = [usual | variant | jobs for variant in (*AROUND_THE_STEP, *solvers)]
        yield from of(["multiclass"], variants, shape=(800, 300), sparse=sparse)
        long = partial(of, shape=(3000, 6), sparse=sparse)
        yield from long(TASKS, [jobs, jobs | {"batch_norm": True}])
        thinned = [jobs | {"dropout": 0.3}, jobs | {"dropout": [0.0, 0.5], "input_dropout": 0.2, "batch_norm": True}]
        yield from long(CLASSES[:3], thinned, "draws", draws={"n_draws": 5})
        yield from long(NUMBERS, thinned, "draws", draws={"n_draws": 5, "return_std": True})


def digests():
    """Return what each fit leaves by name, its warnings among it; if it raises, the exception."""
    found = {}
    for dtype, group in product(TOLERANCES, (rules, inputs, courses, sequences, threads)):
        for name, run in group(partial(fits, dtype), dtype):
            assert name not in found, name
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    left = run()
                except Exception as error:
                    left = f"{type(error).__name__}: {error}"
                    print(f"{name} raises {left}")
            found[name] = flat([left, *(str(one.message) for one in caught if issubclass(one.category, UserWarning))])
    return found


def difference(before, after):
    """Return the largest difference, absolute of numbers below 1 and relative of others; infinity for other sizes."""
    if before.size != after.size:
        return np.inf
    old, new = (vector[before.view(np.int64) != after.view(np.int64)] for vector in (before, after))
    return float(np.max(np.nan_to_num(np.abs(new - old) / np.maximum(1.0, np.abs(old)), nan=np.inf), initial=0.0))


def main():
    """Write digests to a file, or compare them with those in it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["write", "compare"])
    parser.add_argument("file")
    parser.add_argument("--tolerance", action="store_true", help=f"allow differences up to {TOLERANCES}")
    given = parser.parse_args()
    after, nothing = digests(), np.empty(0)
    print(f"{len(after)} fits by {skregopt.__file__}")
    if given.action == "write":
        return np.savez(given.file, **after)
    before = dict(np.load(given.file))
    pairs = {name: (before.get(name, nothing), after.get(name, nothing)) for name in before | after}
    found = {name: difference(*pair) for name, pair in pairs.items() if pair[0].tobytes() != pair[1].tobytes()}
    for name, size in found.items():
        print(f"{size:.1e} {name}")
    largest = {dtype: max([0.0, *(found[name] for name in found if name.startswith(dtype))]) for dtype in TOLERANCES}
    print(f"{len(pairs)} names, {len(pairs) - len(found)} identical; largest differences: {largest}")
    return any(not given.tolerance or size > TOLERANCES[name[:7]] for name, size in found.items())


if __name__ == "__main__":
    raise SystemExit(main())
