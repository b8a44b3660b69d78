"""Hints in errors: what a keyword or a value is called here that is known from another library, or is misspelled."""

import inspect
import re
from collections.abc import Callable, Iterable, Sized
from contextlib import contextmanager
from difflib import get_close_matches
from numbers import Real
from typing import Any, ParamSpec, Self, TypeVar

from sklearn.base import ClassifierMixin

from .._kernels.component import Component
from .._kernels.keywords import class_hint, explained, has_defaults, several
from .._kernels.parameters import ParametersMixin, all_parameters, default_parameters
from .._kernels.proposals import inverted, is_valid, normal, proposal, translated, word_of, written
from .._kernels.sklearn_internals import Interval
from .._kernels.words import ARGUMENTS, INSTANCES, OF_TABLES, OTHERWISE, PARAMETERS
from .._training.memory import FACTOR_SCHEDULES

# scorers that the table of words knows, for targets of one kind
_OF_LABELS = ("accuracy", "average_precision", "f1", "neg_log_loss", "roc_auc")
_OF_NUMBERS = ("neg_mean_absolute_error", "neg_mean_squared_error", "neg_root_mean_squared_error", "r2")
_OF_CLASSIFIERS = ("class_weight", "label_smoothing")
_OF_HOLDING_OUT = ("early_stopping", "n_iter_no_change", "validation_fraction")
_SPARSE_PENALTIES = ("l1", "elasticnet", "group_l1")
_POSITIONAL = ("hidden_layer_sizes", "activation")  # scikit-learn's regressor begins with the loss
_N_CLOSEST = 3
_LONGEST_VALUE = 200
_POSITIVE = [Interval(Real, 0, None, closed="neither")]
_SGD = "'sgd' (on single rows) or 'minibatch' (on batches)"
_FOLDS_HOLD_OUT = "The folds hold out rows by themselves, and nothing stops early: leave it out."

_PARAMETER_OF = inverted(PARAMETERS)
_OF_TABLES = inverted(OF_TABLES)
_ARGUMENT_OF = inverted(ARGUMENTS)
_OTHERWISE_OF = {normal(word): cure for word, cure in OTHERWISE.items()}
_INSTANCE_OF = {name: inverted(instances) for name, instances in INSTANCES.items()}


# --- names -----------------------------------------------------------------------------------------------------------


def keyword_hints(unknown, estimator, method):
    """Return sentences about keywords that an estimator does not know, from name to value; empty if there are none."""
    return several({name: _keyword_hint(name, value, estimator, method) for name, value in unknown.items()})


def _keyword_hint(word, value, estimator, method):
    """Return a sentence about a keyword that an estimator does not know; empty if nothing comes to mind.

    Parameters
    ----------
    word : str
    value : object
        What it was given.
    estimator : estimator
        Its parameters need not be set.
    method : str
        The method that was called: '__init__', 'set_params', 'fit' or 'partial_fit'.
    """
    owner = type(estimator).__name__
    parameters = list(default_parameters(type(estimator)))
    arguments = [name for name in inspect.signature(estimator.fit).parameters if name != "params"]
    word = word.split("__")[-1]  # of a part of a net, as in scikeras and skorch
    known = {*PARAMETERS, *parameters}
    target = word if word in known | {*arguments, "X_val", "y_val"} else None
    for table in (_PARAMETER_OF, _ARGUMENT_OF, _OTHERWISE_OF, _OF_TABLES):
        target = target or table.get(normal(word))
    if target is None and (rule := _rule_with(word, estimator)) is not None:
        target = rule.family
        value = rule(**{word: value}) if is_valid(word, value, rule._parameter_constraints.get(word, [])) else ...
        if value is ...:
            return f"{word} is a parameter of {rule.__name__}: {target}={rule.__name__}({word}=...)."
    target = target or next(iter(get_close_matches(word, [*parameters, *arguments, *OF_TABLES], 1, 0.75)), None)
    if target is None:
        return ""
    constructs = method in ("__init__", "set_params")
    if target in ("X_val", "y_val", *ARGUMENTS, *arguments):
        if target.partition(" ")[0] not in arguments:
            return _FOLDS_HOLD_OUT if "val" in target else ""
        if (
            method == "partial_fit"
            and target.partition(" ")[0] not in inspect.signature(estimator.partial_fit).parameters
        ):
            return f"fit takes {target}."
        return f"Pass {target} to fit." if constructs else f"Did you mean {target}?"
    if target not in known and target not in OF_TABLES:  # one of OTHERWISE
        return f"Instead of {word}, use {target}."
    if target == "learning_rate" and target not in parameters and isinstance(value, Real):
        target = "learning_rate_init"
    if target not in parameters:
        return _of_another_class(word, target, value, estimator)
    assigned = proposal(word, target, value, estimator._parameter_constraints)
    if assigned.get("scoring") in (_OF_NUMBERS if isinstance(estimator, ClassifierMixin) else _OF_LABELS):
        assigned["scoring"] = ...
    if assigned == {"loss": ...}:  # the values of losses depend on the estimator
        return f"Did you mean loss? {value_hint('loss', value, estimator._parameter_constraints['loss'])}".rstrip()
    where = "" if constructs else f" It is a parameter of {owner}(...)."
    return f"Did you mean {written(assigned)}?{_remark(assigned)}{where}"


def _rule_with(word, estimator):
    """Return the only rule by name that has a parameter of its own, but for subclasses; None if there is none."""
    kind = getattr(estimator, "_default_class", type(estimator))
    rules = {rule for registry in kind._registries(kind).values() for rule in registry.values()}
    own = [rule for rule in rules if word in rule._get_param_names() and has_defaults(rule)]
    first = [rule for rule in own if not any(rule is not other and issubclass(rule, other) for other in own)]
    return first[0] if len(first) == 1 else None


def _of_another_class(word, target, value, estimator):
    owner, parameters = type(estimator).__name__, default_parameters(type(estimator))
    is_of_tables = "n_estimators" in parameters
    kind = "Classifier" if isinstance(estimator, ClassifierMixin) or target in _OF_CLASSIFIERS else "Regressor"
    if target in OF_TABLES or is_of_tables and target == "class_weight":
        return f"{target} is a parameter of TabularMLP{kind}."
    if is_of_tables:
        return f"{owner} decides about {target} for each of its networks. It is a parameter of MLP{kind}, one network."
    if target in _OF_CLASSIFIERS and "estimator" not in parameters:
        return f"{target} is a parameter of MLPClassifier."
    if "estimator" not in parameters:
        return ""
    network = estimator._default_class
    constraints = network()._parameter_constraints
    if target not in constraints:
        return f"{target} is a parameter of MLPClassifier."
    if target in _OF_HOLDING_OUT:
        return _FOLDS_HOLD_OUT
    assigned = proposal(word, target, value, constraints)
    if "alpha" in assigned:
        strength = assigned["alpha"]
        return f"Did you mean {'alphas' if strength is ... or strength == 0 else f'alphas=[{strength!r}]'}?"
    if assigned.get("penalty") not in _SPARSE_PENALTIES:  # no path without a penalty that makes weights zero
        remark = " A path needs a penalty that makes weights zero." if "penalty" in assigned else ""
        assigned["penalty"] = "l1"
    else:
        remark = ""
    if assigned.get("solver") == "lbfgs":
        assigned["solver"] = "adam"
        remark += " A path needs a first-order solver."
    remark += _remark(assigned)
    return f"It is a parameter of the network: {owner}({network.__name__}({written(assigned)})).{remark}"


def _remark(assigned):
    return " 'sgd' updates on single rows, 'minibatch' on batches." if assigned.get("solver") == "sgd" else ""


# --- values ----------------------------------------------------------------------------------------------------------


def value_hint(name, value, domains):
    """Return a sentence about a value that a parameter cannot have; empty if nothing comes to mind.

    Parameters
    ----------
    name : str
        The parameter.
    value : object
    domains : list
        Its constraints, of which those with ``options`` hold the names that it takes.
    """
    options = sorted({name for domain in domains for name in getattr(domain, "options", ()) if isinstance(name, str)})
    if name == "learning_rate" and isinstance(value, Real):
        shown = f"={value!r}" if is_valid(name, value, _POSITIVE) else ""
        return f"learning_rate is the name of a schedule. Did you mean learning_rate_init{shown}?"
    if name in FACTOR_SCHEDULES and isinstance(value, Real):
        rate = name.removesuffix("_schedule")
        return f"{name} is the name of a schedule, which multiplies {rate}."
    if name == "penalty" and isinstance(value, Real):
        shown = f"={value!r}" if is_valid(name, value, _POSITIVE) else ""
        return f"penalty is a name. Did you mean alpha{shown} with penalty='l2'?"
    if name == "early_stopping" and isinstance(value, Real):
        return "Did you mean early_stopping=True with n_iter_no_change, the number of epochs to wait?"
    if name == "n_iter_no_change" and value is None:
        return "Did you mean np.inf?"
    if name == "validation_fraction" and isinstance(value, Real):
        return "It is a share of the rows, such as 0.1."
    if name == "validation_fraction" and isinstance(value, Iterable) and not isinstance(value, str):
        return "Pass the splitter itself, PredefinedSplit(...) for stored folds, or X_val and y_val to fit."
    if name == "batch_size" and not isinstance(value, Real):
        return "Did you mean solver='gd', which uses all rows for each update?"
    if name in ("penalty", "feature_embedding") and normal(word_of(value)) in ("none", "no"):
        return "Did you mean None, without quotes?"
    if not options or isinstance(value, Real) and name != "dtype":
        return ""
    hint = _closest_option(name, value, options)
    if _is_rule(name, value) and not hint.endswith("epochs."):
        hint = f"{hint} {class_hint(value)}".lstrip()
    return hint


def _family_of(name):
    return "learning_rate" if name in FACTOR_SCHEDULES else name


def _is_rule(name, value):
    """Tell whether a value is a class whose instances a parameter takes."""
    return isinstance(value, type) and issubclass(value, Component) and value.family == _family_of(name)


def _closest_option(name, value, options):
    """Return a sentence about the names that are meant by a word, a class or an object of another library."""
    word = word_of(value)
    instance = _INSTANCE_OF.get(_family_of(name), {}).get(normal(word))
    if instance is not None and not _is_rule(name, value):
        return f"Did you mean {instance}?"
    meant = translated(name, value, options)
    if meant in options:
        return f"Did you mean {_SGD if (name, meant) == ('solver', 'sgd') else repr(meant)}?"
    if meant is not None and name == "loss":
        other = "MLPRegressor" if "log_loss" in options else "MLPClassifier"
        return f"{meant!r} is a loss of {other}."
    if meant is not None and name in FACTOR_SCHEDULES:
        return f"{meant!r} has no end at max_iter epochs."
    by_normal = {normal(option): option for option in options}
    n_closest = _N_CLOSEST if name == "scoring" else 1
    close = [by_normal[match] for match in get_close_matches(normal(word), by_normal, n_closest, 0.6)]
    if name == "scoring":
        # the most similar are not all that a few letters may mean
        close += [option for option in options if normal(word) and normal(word) in normal(option)]
        close = list(dict.fromkeys(close))[:n_closest]
    return f"Did you mean {' or '.join(map(repr, close))}?" if close else ""


def _other_parameter_hint(name, value, constraints):
    """Return a sentence about the only other parameter that takes a name; empty if there is none, or several."""
    if not isinstance(value, str):
        return ""
    takes = [
        other
        for other, domains in constraints.items()
        if other != name and any(value in getattr(domain, "options", ()) for domain in domains)
    ]
    if len(takes) != 1:
        return ""
    positional = ""
    if name in _POSITIONAL:
        positional = f" The positional parameters are {' and '.join(_POSITIONAL)}; give all others by name."
    return f"Did you mean {takes[0]}={value!r}?{positional}"


# --- errors ----------------------------------------------------------------------------------------------------------

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def explains_keywords(method: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Decorate a method of an estimator: an error about unknown keywords says what they are called here."""
    return explained(method, keyword_hints)


@contextmanager
def explaining_values(look):
    """Add hints to errors within the block about values that parameters cannot have.

    Parameters
    ----------
    look : callable
        Returns the constraints, as scikit-learn's ``_parameter_constraints``, and the values, both by name.
    """
    try:
        yield
    except ValueError as error:
        found = re.match(r"The '(\w+)' parameter of", str(error))
        constraints, values = look()
        name = found.group(1) if found else None
        if name not in constraints:
            raise
        value = values[name]
        hint = value_hint(name, value, constraints[name]) or _other_parameter_hint(name, value, constraints)
        message = str(error).replace(f"Got {value!r} instead", f"Got {_brief(value)} instead")
        raise type(error)(f"{message} {hint}".rstrip()) from None


def _brief(value):
    """Return how a message shows a value, which may be all rows of the user's data."""
    text = repr(value)
    if len(text) <= _LONGEST_VALUE:
        return text
    if isinstance(value, Sized) and not isinstance(value, str):
        return f"{type(value).__name__} of {len(value)} element(s)"
    return f"{text[:_LONGEST_VALUE]}..."


class ExplainedParametersMixin(ParametersMixin):
    """Parameters whose errors say what is meant: about values in ``fit``, and about names in ``set_params``."""

    def _validate_params(self):
        with explaining_values(lambda: (self._parameter_constraints, all_parameters(self))):
            super()._validate_params()

    def set_params(self, **params: Any) -> Self:
        """Set parameters of the estimator, or of components as ``solver__beta_1``.

        Parameters
        ----------
        **params
            Values by name.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            For a name that is no parameter.
        """
        try:
            return super().set_params(**params)
        except ValueError as error:
            known = self._get_param_names()
            unknown = {name: value for name, value in params.items() if name.partition("__")[0] not in known}
            hints = keyword_hints(unknown, self, "set_params")
            if not hints:
                raise
            raise ValueError(f"{error} {hints}") from None
