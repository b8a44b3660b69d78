"""Numbers and categories of a table as one matrix."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from .._kernels.sklearn_internals import Interval, StrOptions, fit_context, input_feature_names
from .._kernels.typing import Array, Ints, MaybeNone
from ._base import Encoder, portions, unchanged_on_failure
from ._categories import Levels
from ._columns import Labels, Unusable, as_labels, as_numbers, content_of
from ._piecewise_linear_encoder import PiecewiseLinearEncoder, bin_edges
from ._smooth_clip_scaler import SmoothClipScaler, center_and_scale
from ._table import categorical_mask, checked_table

_PORTION = 2**18  # numbers of a table that are read at a time: frames are slow to cut


class TabularEncoder(Encoder):
    """Encode a table of numbers and categories as one matrix of numbers.

    The table is a data frame of pandas or polars, or an array. Its columns become, in this order:

    * each number by a :class:`SmoothClipScaler`, one output for each column;
    * with ``n_bins``, the same numbers by a :class:`PiecewiseLinearEncoder`;
    * each category one-hot, one output for each level. A column with two levels becomes a single output, -1 for the
      first level and +1 for the second one;
    * an indicator, 1 for a missing value and 0 otherwise, for each column in which ``fit`` has seen missing values and
      others.

    Booleans are numbers. Missing numbers become the median of their column, so 0 in the first block. Missing categories
    are 0 in all outputs of their column. So the indicator tells them from everything else, in all kinds of columns.

    Columns of a data frame whose names are strings are found by name: in new rows they may stand in another order.

    Parameters
    ----------
    categorical_features : 'from_dtype', array-like or None, default='from_dtype'
        Which columns are categories:

        - 'from_dtype' : columns of category, string and enum dtypes, and columns of objects that hold strings;
        - array-like of int, of str, or of bool of shape (n_features,) : these columns and no others, by index, by name,
          or by a mask. They may hold numbers, of which each distinct one is a level;
        - None : no column.

        All other columns have to hold numbers, or objects that are numbers.
    n_bins : int in [1, 1000000000], default=None
        Largest number of bins of each number. None makes no bins.
    max_categories : int in [1, inf), default=128
        Largest number of levels of a category with an output of their own, one of them for all levels that are less
        frequent. It bounds the size of the output: a column with thousands of levels takes 512 bytes for each row. None
        for no bound.
    min_frequency : int in [1, inf) or float in (0, 1), default=0.0001
        Levels with fewer rows share an output, too. A float is a share of all rows. The default does nothing to a table
        with up to 10,000 rows. In a larger one it saves outputs that are almost always 0. None for no bound.

    Attributes
    ----------
    input_columns_ : ndarray of shape (n_outputs,), dtype int
        For each output the index of the column that it is made of.
    numeric_outputs_ : ndarray of int
        Indices of the outputs that are scaled numbers, without bins.
    is_categorical_ : ndarray of shape (n_features,), dtype bool
        Whether each column is a category.
    missing_columns_ : ndarray of int
        Indices of the columns that have an indicator.
    scaler_ : SmoothClipScaler or None
        Of the numbers, in their order among the columns; None where there are none.
    bin_encoder_ : PiecewiseLinearEncoder or None
        Of the numbers; None without ``n_bins``, and where there are no numbers.
    category_groups_ : list of dict
        For each category the group of each level, strings or numbers in increasing order. The groups are numbered
        from 0. Infrequent levels are the last group together. Three and more groups have an output each; two groups
        have one output.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where X in ``fit`` had names that are all strings.

    See Also
    --------
    SmoothClipScaler : For numbers only.
    PiecewiseLinearEncoder : For numbers only.
    sklearn.preprocessing.OneHotEncoder : Decides here which levels are infrequent.
    sklearn.compose.ColumnTransformer : Any encoders for any columns.

    Notes
    -----
    Categories are compared by value: levels may come as categories, strings or objects, and whole numbers as int or
    float, whatever they were in ``fit``. Levels that no row of ``fit`` has are unknown, also if the dtype lists them.
    Unknown levels are 0 in all outputs of their column. So is a column that has a single level in ``fit``, and a
    number that is constant.

    A column of numbers may not hold strings in new rows, nor the other way round: an error names it.

    Dates, durations and times of day are refused, because which numbers to make of them depends on what they mean: days
    since the first one, the month, the day of the week, the hour.

    The encoding is that of RealMLP, but for indicators and infrequent levels: D. Holzmüller, L. Grinsztajn, I.
    Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from skregopt.preprocessing import TabularEncoder
    >>> X = np.array([[1.0, "red"], [2.0, "green"], [None, "blue"], [5.0, "red"]], dtype=object)
    >>> encoder = TabularEncoder().fit(X)
    >>> encoder.get_feature_names_out()
    array(['x0', 'x1_blue', 'x1_green', 'x1_red', 'missingindicator_x0'],
          dtype=object)
    >>> encoder.transform(np.array([[2.0, "green"], [None, "pink"]], dtype=object))
    array([[0., 0., 1., 0., 0.],
           [0., 0., 0., 0., 1.]], dtype=float32)
    """

    input_columns_: Ints
    numeric_outputs_: Ints
    is_categorical_: NDArray[np.bool_]
    missing_columns_: Ints
    scaler_: SmoothClipScaler | MaybeNone
    bin_encoder_: PiecewiseLinearEncoder | MaybeNone
    category_groups_: list[dict[str | float, int]]
    n_features_in_: int
    feature_names_in_: Array
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "n_bins": [Interval(Integral, 1, 10**9, closed="both"), None],
        "max_categories": [Interval(Integral, 1, None, closed="left"), None],
        "min_frequency": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
            None,
        ],
    }

    def __init__(
        self,
        categorical_features: Literal["from_dtype"] | ArrayLike | None = "from_dtype",
        *,
        n_bins: int | None = None,
        max_categories: int | None = 128,
        min_frequency: float | None = 0.0001,
    ) -> None:
        self.categorical_features = categorical_features
        self.n_bins = n_bins
        self.max_categories = max_categories
        self.min_frequency = min_frequency

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags."""
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Find out what the columns hold, and how to encode them.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            Numbers, strings, categories and booleans. None, NaN and ``pandas.NA`` are missing values.
        y : None
            Ignored.

        Returns
        -------
        self : TabularEncoder
            The fitted encoder.

        Raises
        ------
        TypeError
            For sparse X, for lazy frames, and for columns that hold dates, durations, times of day, complex numbers,
            collections, or strings beside numbers.
        ValueError
            For X with infinity, for strings that ``categorical_features`` does not name, and for
            ``categorical_features`` that do not fit X.
        """
        with unchanged_on_failure(self):
            self._fit(checked_table(self, X, reset=True))
        return self

    def _fit(self, table):
        by_dtype = isinstance(self.categorical_features, str)
        given = None if by_dtype else categorical_mask(self.categorical_features, table)
        is_category, share_missing = np.zeros(table.n_columns, bool), np.zeros(table.n_columns)
        statistics, edges, levels = [], [], []
        for index in range(table.n_columns):
            with table.naming(index):
                content = content_of(table.column(index))
                is_category[index] = isinstance(content, Labels) if by_dtype else given[index]
                if is_category[index]:
                    labels = as_labels(content)
                    share_missing[index] = (labels.codes < 0).mean()
                    levels.append(Levels.of(labels, self.max_categories, self.min_frequency))
                    continue
                numbers = _numbers(content, "Name it in categorical_features, or convert it by pandas.to_numeric.")
                share_missing[index] = np.isnan(numbers).mean()
                statistics.append(center_and_scale(numbers))
                if self.n_bins is not None:
                    edges.append(bin_edges(numbers, self.n_bins))
        # an indicator that is always 1 would have untrained weights, and change when values appear in new rows
        has_indicator = (share_missing > 0) & (share_missing < 1)
        if is_category.all() and not has_indicator.any() and not any(one.n_outputs for one in levels):
            has_indicator = share_missing > 0  # there must be some output
        self.is_categorical_, self.missing_columns_ = is_category, np.flatnonzero(has_indicator)
        self.scaler_, self.bin_encoder_ = None, None
        if statistics:
            self.scaler_ = SmoothClipScaler()
            self.scaler_._set(statistics)
        if edges:
            self.bin_encoder_ = PiecewiseLinearEncoder(self.n_bins)
            self.bin_encoder_._set(edges)
        self.category_groups_ = [one.groups for one in levels]
        numeric, categorical = np.flatnonzero(~is_category), np.flatnonzero(is_category)
        bins = [one.size - 1 if one.size else 0 for one in edges]
        self.numeric_outputs_ = np.arange(numeric.size)
        self.input_columns_ = np.concatenate([
            numeric,
            np.repeat(numeric[: len(bins)], bins),
            np.repeat(categorical, [one.n_outputs for one in levels]),
            self.missing_columns_,
        ])  # fmt: skip

    def transform(self, X: ArrayLike) -> Array:
        """Encode a table.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            With the columns of ``fit``, in any order if they have names.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs), dtype float32
            Without missing values; a data frame after ``set_output``.

        Raises
        ------
        TypeError
            As in ``fit``.
        ValueError
            For X with infinity, with strings where ``fit`` has seen numbers or the other way round, and with other
            columns than in ``fit``.
        """
        check_is_fitted(self)
        table = checked_table(self, X, reset=False)
        outputs = np.zeros((table.n_rows, self.input_columns_.size), np.float32)
        for rows in portions(table.n_rows, table.n_columns, _PORTION):
            self._write(table.part(rows), outputs[rows])
        return outputs

    def _write(self, part, outputs):
        """Write the outputs of some rows over zeros."""
        numeric = np.flatnonzero(~self.is_categorical_)
        numbers = np.empty((part.n_rows, numeric.size))
        cure = "In fit it held numbers: convert it by pandas.to_numeric."
        for place, index in enumerate(numeric):
            with part.naming(index):
                numbers[:, place] = _numbers(content_of(part.column(index)), cure)
        is_missing = {index: np.isnan(numbers[:, place]) for place, index in enumerate(numeric)}
        end = numeric.size
        if self.scaler_ is not None:
            np.copyto(numbers, self.scaler_.center_, where=np.isnan(numbers))
            self.scaler_._write(numbers, outputs[:, :end])
        if self.bin_encoder_ is not None:
            start, end = end, end + sum(self.bin_encoder_._n_bins())
            self.bin_encoder_._write(numbers, outputs[:, start:end])
        for index, groups in zip(np.flatnonzero(self.is_categorical_), self.category_groups_, strict=True):
            start, end = end, end + Levels(groups).n_outputs
            with part.naming(index):
                labels = as_labels(content_of(part.column(index)))
                _check_alike(labels, groups)
                Levels(groups).write(labels, outputs[:, start:end])
            is_missing[index] = labels.codes < 0
        for place, index in enumerate(self.missing_columns_):
            outputs[:, end + place] = is_missing[index]

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """Return the names of the outputs.

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Names of the columns; those of ``fit`` by default, or ``x0``, ``x1``, ...

        Returns
        -------
        ndarray of str of shape (n_outputs,), dtype object
            ``age`` for a scaled number, ``age_bin_0`` for a bin, ``color_red`` for a level, of two levels the second
            one, ``color_infrequent_sklearn`` for infrequent ones, and ``missingindicator_age``. Underscores follow a
            name that would come twice.
        """
        check_is_fitted(self)
        inputs = input_feature_names(self, input_features)
        names = list(inputs[~self.is_categorical_])
        if self.bin_encoder_ is not None:
            names += list(self.bin_encoder_.get_feature_names_out(names))
        for name, groups in zip(inputs[self.is_categorical_], self.category_groups_, strict=True):
            names += [f"{name}_{level}" for level in Levels(groups).names()]
        names += [f"missingindicator_{inputs[index]}" for index in self.missing_columns_]
        taken: dict[str, None] = {}
        for name in names:  # a column a_b and the level b of a column a
            while name in taken:
                name += "_"
            taken[name] = None
        return np.array(list(taken), dtype=object)


def _numbers(content, cure):
    """Return a column as numbers; say what to do if it holds strings."""
    try:
        return as_numbers(content)
    except Unusable as error:
        raise Unusable(f"{error}. {cure}" if "strings" in str(error) else str(error), error.kind) from None


def _check_alike(column, levels):
    """Raise Unusable where strings are to be found among numbers, or the other way round."""
    known = next(iter(levels), None)
    if column.labels and known is not None and column.are_numbers() == isinstance(known, str):
        kinds = ("numbers", "strings") if column.are_numbers() else ("strings", "numbers")
        raise Unusable(
            f"holds {kinds[0]} (such as {column.labels[0]!r}), but in fit it held categories that are {kinds[1]} "
            f"(such as {known!r}). Convert it like the column of fit.",
            ValueError,
        )
