"""What a fit prints."""

import pytest
from support.estimators import BOTH, make_data, small
from support.states import weights

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@BOTH
def test_verbose(kind, capsys):
    X, y = make_data(kind)
    small(kind, verbose=True, tol=1e9, n_iter_no_change=1, max_iter=9).fit(X, y)
    text = capsys.readouterr().out
    assert "Iteration 1, loss = " in text and "Iteration 3, loss" in text and "Iteration 4" not in text
    assert "did not improve more than tol" in text
    small(kind, verbose=True, early_stopping=True).fit(X, y)
    assert "Validation score: " in capsys.readouterr().out
    small(kind, verbose=True, solver="lbfgs").fit(X, y)
    assert "Iteration 1, loss = " in capsys.readouterr().out
    small(kind).fit(X, y)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


@BOTH
def test_verbose_does_not_change_the_result(kind, capsys):
    X, y = make_data(kind)
    assert weights(small(kind, verbose=True).fit(X, y)) == weights(small(kind).fit(X, y))
