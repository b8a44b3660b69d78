"""Metadata of the estimators that choose alpha by cross-validation: who of splitter, scorer and estimator gets what."""

from __future__ import annotations

from sklearn import get_config
from sklearn.metrics import check_scoring
from sklearn.utils import Bunch
from sklearn.utils.metadata_routing import (
    UNUSED,
    MetadataRouter,
    MethodMapping,
    get_routing_for_object,
    process_routing,
)

from .._estimators.scoring import scorer_weights
from .._kernels.sklearn_internals import raise_for_params


class RoutingMixin:
    """A metadata router around ``estimator``, ``cv`` and ``scoring``.

    Attributes
    ----------
    estimator : BaseMLP or None
        With None the router takes ``sample_weight`` itself, for its own estimator and that one's score.
    cv : int, CV splitter, iterable or None
    scoring : str, callable or None
    """

    # arguments of fit and score by name, which are for others than the router
    __metadata_request__fit = {"groups": UNUSED}
    __metadata_request__score = {"sample_weight": UNUSED}

    def get_metadata_routing(self) -> MetadataRouter:
        """Return which metadata ``fit`` and ``score`` hand on to the estimator, the splitter and the scorer.

        Returns
        -------
        routing : MetadataRouter
            Requests of ``estimator`` (``fit``), ``cv`` (``split``) and ``scoring`` (``score``).
        """
        router = MetadataRouter(owner=self)
        router.add(splitter=self.cv, method_mapping=MethodMapping().add(caller="fit", callee="split"))
        if self.estimator is None:
            router.add_self_request(self)
        else:
            requests = get_routing_for_object(self.estimator)
            for name in requests.fit.requests.keys() - {"sample_weight"}:  # fits along a path take nothing else
                requests.fit.add_request(param=name, alias=UNUSED)
            router.add(estimator=requests, method_mapping=MethodMapping().add(caller="fit", callee="fit"))
        if self._routes_scores():
            scorer = check_scoring(self._estimator(), scoring=self.scoring)
            both = MethodMapping().add(caller="score", callee="score").add(caller="fit", callee="score")
            router.add(scorer=scorer, method_mapping=both)
        return router

    def _estimator(self):
        return self._default_class(penalty="l1") if self.estimator is None else self.estimator

    def _routes_scores(self):
        return self.estimator is not None or self.scoring is not None

    def _routed(self, method, sample_weight, **params):
        """Return the arguments for others.

        Parameters
        ----------
        method : {'fit', 'score'}
            The method that is called.
        sample_weight : array-like or None
        **params
            Other metadata, of which None counts as absent.

        Returns
        -------
        Bunch
            ``estimator.fit``, ``splitter.split`` and ``scorer.score``, each a dict.

        Raises
        ------
        ValueError
            For metadata other than ``groups`` where routing is not enabled, or that nobody has been told to take.
        TypeError
            For metadata that nobody takes.
        """
        params = {name: value for name, value in params.items() if value is not None}
        raise_for_params({name: value for name, value in params.items() if name != "groups"}, self, method)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        if not get_config()["enable_metadata_routing"]:
            groups = {"groups": params.get("groups")}
            scored = scorer_weights(self._estimator(), self.scoring, sample_weight)
            return Bunch(estimator=Bunch(fit=weights), splitter=Bunch(split=groups), scorer=Bunch(score=scored))
        routed = process_routing(self, method, **weights, **params)
        own = weights if self.estimator is None else routed.estimator.get("fit", {})
        return Bunch(
            estimator=Bunch(fit=own),
            splitter=Bunch(split=routed.splitter.get("split", {})),
            scorer=Bunch(score=routed.scorer.score if self._routes_scores() else weights),
        )
